"""The designs of the store under which its mutants run, in small worlds, and which module matters to which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from experiments.measures import gather
from experiments.nemesis import with_nemesis
from experiments.properties import judge
from experiments.scenario import Scenario, load

__all__ = ["DESIGNS", "MODULES", "judged"]

_HERE: Final = Path(__file__).parent
_SHIPPING: Final[Mapping[str, Any]] = MappingProxyType({"heartbeat": "100ms", "resend": "300ms"})

#: By name, what is laid over `[system]` of its world.
DESIGNS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "home": {"factory": "models.deployment:home_region", **_SHIPPING},
        "majority": {"factory": "models.deployment:majority_fixed_leader", **_SHIPPING},
        "failover": {},
        "split": {"factory": "models.deployment:region_split", **_SHIPPING},
    }
)
#: Modules of the store that a design runs. Clients, driver and ledger are left out: they are the measuring rod.
MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "models.bank": tuple(DESIGNS),
        "models.clock": ("split",),
        "models.eventlog": tuple(DESIGNS),
        "models.failover": ("failover",),
        "models.home": ("home", "majority", "failover"),
        "models.merge": ("split",),
        "models.monitor": ("failover",),
        "models.ordinals": ("home", "majority", "failover"),
        "models.reconcile": ("failover",),
        "models.requests": tuple(DESIGNS),
        "models.shipping": tuple(DESIGNS),
        "models.split": ("split",),
    }
)


def scenario_of(design: str) -> Scenario:
    """A small world with one design in it; the one that elects has to, in a world of its own."""
    if design == "failover":
        return load(str(_HERE / "small_failover.toml"))
    return load(str(_HERE / "small_store.toml")).with_system(DESIGNS[design])


def judged(design: str, seed: int) -> tuple[str, dict[str, str]]:
    """Run one design under a drawn schedule; the digest of the run, and the outcome by claim."""
    under_faults, _ = with_nemesis(scenario_of(design), seed)
    seen = gather(under_faults, seed)
    found = judge(seen, under_faults.properties)
    return seen.digest, {claim: verdict.outcome.value for claim, verdict in found.items()}
