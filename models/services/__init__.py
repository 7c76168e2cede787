"""Microservices: instances without state that are provisioned, fail over and scale, and the services that see to it.

Read `scheduler` first: it decides who runs what. `instance` is what it starts, under an epoch that `acts` fences;
`assignments` is the log of its decisions, on a Raft group; `directory` is the registry's other half, which clients
ask (`client`), and `watcher` the monitor. `deciding` is what is decided, as pure functions; `words` what all say,
`options` what they are told, `ends` what judges see. `deployment` reads a scenario's options, and `layout` lays all of
it over a topology.
"""

from models.services.deployment import service
from models.services.layout import Kinds
from models.services.options import ControlOptions, ScalingOptions

__all__ = ["ControlOptions", "Kinds", "ScalingOptions", "service"]
