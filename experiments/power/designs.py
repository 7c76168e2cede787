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
        "majority": {"factory": "models.deployment:majority", "heartbeat": "100ms", "election": "600ms"},
        "failover": {},
        "split": {"factory": "models.deployment:region_split", **_SHIPPING},
    }
)
_EVERY: Final = tuple(DESIGNS)
_UNSPLIT: Final = ("home", "majority", "failover")
_SHIPPED: Final = ("home", "failover")
#: Modules of the store that a design runs. Clients, driver and ledger are left out: they are the measuring rod;
#: and so is what these designs do without: snapshots and truncation, publishing, operators of single shards.
MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "models.clock": ("split",),
        "models.domains.bank_account": _EVERY,
        "models.merging.fates": ("split",),
        "models.merging.fold": ("split",),
        "models.merging.policies.replay": ("split",),
        "models.merging.writes": ("split",),
        "models.monitor": ("failover",),
        "models.ordinals": _UNSPLIT,
        "models.raft.copy": ("majority",),
        "models.raft.core": ("majority",),
        "models.raft.doing": ("majority",),
        "models.raft.electing": ("majority",),
        "models.raft.following": ("majority",),
        "models.raft.leading": ("majority",),
        "models.raft.log": ("majority",),
        "models.raft.membership": ("majority",),
        "models.raft.node": ("majority",),
        "models.raft.progress": ("majority",),
        "models.raft.rounds": ("majority",),
        "models.raft.running": ("majority",),
        "models.reconcile": ("failover",),
        "models.split": ("split",),
        "models.store.group.aside": ("failover",),
        "models.store.log.dedup": _EVERY,
        "models.store.group.durable": _SHIPPED,
        "models.store.log.journal": _EVERY,
        "models.store.group.lineage": ("failover",),
        "models.store.group.member": _SHIPPED,
        "models.store.group.replica": _SHIPPED,
        "models.store.holding": _UNSPLIT,
        "models.store.serving": _UNSPLIT,
        "models.store.writing": _UNSPLIT,
        "models.store.group.shipping": ("home", "failover", "split"),
        "models.store.log.streams": _EVERY,
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
