"""Which experiments there are, found without importing any of them.

Names come from modules, so `./lab run nmae` can suggest the nearest without paying for an import. A name with a dot is
the module of somebody's own experiment.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from experiments.experiment import Experiment
from sim.wording import way_to

__all__ = ["MODULES", "find", "module_of", "names"]

MODULES: tuple[str, ...] = (
    "experiments.confidence_in_the_store",
    "experiments.confidence_spectrum",
    "experiments.consensus_under_partial_cuts",
    "experiments.delivery_order",
    "experiments.detection_in_the_store",
    "experiments.detector_theory",
    "experiments.explaining_away",
    "experiments.heartbeat_average",
    "experiments.hedging",
    "experiments.key_space",
    "experiments.layer_priority",
    "experiments.log_management",
    "experiments.merge_clusters",
    "experiments.merge_domains",
    "experiments.pbs",
    "experiments.persistence_schemes",
    "experiments.projection_lag",
    "experiments.provisioning",
    "experiments.queue_tradeoff",
    "experiments.retry_risk",
    "experiments.retry_storm",
    "experiments.speculative_load",
    "experiments.world_theory",
)


def names() -> tuple[str, ...]:
    """The shipped experiments, as the command line spells them."""
    return tuple(_name_of(module) for module in MODULES)


def module_of(name: str) -> str:
    """The module that holds an experiment.

    Raises:
        ValueError: No shipped experiment has that name; the text suggests the nearest.
    """
    if "." in name:
        return name
    for module in MODULES:
        if _name_of(module) == name:
            return module
    raise ValueError(f"no experiment is called {name!r}; {way_to(name, names())}")


def find(name: str) -> Experiment[Any]:
    """Import an experiment by its name, or by its module's.

    Raises:
        ValueError: Unknown name, or a module that cannot be imported or holds no EXPERIMENT.
    """
    module = module_of(name)
    try:
        found = getattr(import_module(module), "EXPERIMENT", None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it imports is not
        raise ValueError(
            f"no module {error.name!r} can be imported; check the spelling, or put it on PYTHONPATH"
        ) from None
    if not isinstance(found, Experiment):
        raise ValueError(f"module {module!r} holds no EXPERIMENT; declare one as experiments/experiment.py describes")
    return found


def _name_of(module: str) -> str:
    return module.rpartition(".")[2].replace("_", "-")
