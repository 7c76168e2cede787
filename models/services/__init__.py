"""Microservices: instances without state that are provisioned, fail over and scale, and the services that see to it.

Read `scheduler` first: it decides who runs what. `holder` is whatever it starts, `instance` the one that acts, under
an epoch that `acts` fences; `assignments` is the log of its decisions, on a Raft group; `directory` is the registry's
other half, which clients ask (`client`, `finding`), and `watcher` the monitor. `deciding` is what is decided, as pure
functions; `words` what all say, `options` what they are told, `ends` what judges see. `deployment` reads a scenario's
options, `layout` lays all of it over a topology, and `plane` the control plane, which others that are provisioned have
as well (`models.reading.scaling`).
"""

from models.services.deployment import service
from models.services.options import ControlOptions, ScalingOptions
from models.services.plane import Kinds

__all__ = ["ControlOptions", "Kinds", "ScalingOptions", "service"]
