"""The designs that `merge-domains` compares, and which of them suit a workload.

Baselines give up one thing each: a region's clients (home region), acknowledged writes (failover, leaderless), the
smaller side (majority), all writes (read-only). The splits differ by their merge policy; a policy is run where it has
a rule for all that the domain does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm

__all__ = ["ARMS", "BASELINES", "LEADERLESS", "LINEARIZABLE", "OWN_SYSTEMS", "SPLITS", "system_of"]

_PLACE: Final = "models.deployment"


def _split(name: str, policy: str, label: str, *, ranked: bool = True) -> Arm:
    system = {"factory": f"{_PLACE}:region_split", "merge": policy}
    return Arm(name=name, label=f"split, {label}", system=system, ranked=ranked)


BASELINES: Final = (
    Arm(name="home", label="home region", system={"factory": f"{_PLACE}:home_region"}),
    Arm(name="primary", label="primary per aggregate", system={"factory": f"{_PLACE}:aggregate_primary"}),
    Arm(
        name="failover",
        label="failover, reconciling 1/s",
        system={"factory": f"{_PLACE}:home_failover", "reconcile": "1/s"},
    ),
    Arm(
        name="failover-fast",
        label="failover, reconciling 10/s",
        system={"factory": f"{_PLACE}:home_failover", "reconcile": "10/s"},
    ),
    Arm(name="majority", label="majority (Raft)", system={"factory": f"{_PLACE}:majority"}),
    Arm(name="read-only", label="read-only when cut", system={"factory": f"{_PLACE}:read_only_when_cut"}),
    Arm(
        name="quorum",
        label="leaderless quorum, last writer wins",
        system={"factory": "models.quorum.aggregate_store:leaderless"},
    ),
)
SPLITS: Final = (
    _split("split", "canonical-replay", "canonical replay"),
    _split("apologise", "accept-and-apologise", "accept and apologise"),
    _split("escrow", "escrow", "escrow"),
    _split("commutative", "commutative", "commutative"),
    _split("first-writer", "first-writer", "first writer"),
    _split("priority", "priority-region", "priority region"),
    _split("by-field", "last-writer-by-field", "last writer by field"),
    _split("observed", "observed", "observed writes"),
    _split("three-way", "three-way", "three-way merge"),
    _split("siblings", "siblings", "siblings for a person"),
    _split("barrier", "closing-barrier", "closing barrier"),
    _split("last-writer", "last-writer", "last writer, told"),
    _split("lww", "silent-last-writer", "last writer wins", ranked=False),  # a negative control
)
ARMS: Final = (*BASELINES, *SPLITS)

#: The arm without a leader, whose stores note nothing.
LEADERLESS: Final = "quorum"
#: Workloads whose clients read and write what no domain decides on; a history alone judges them.
LINEARIZABLE: Final = ("register", "append-log")
#: By such a workload and arm, its system.
OWN_SYSTEMS: Final[Mapping[tuple[str, str], Mapping[str, str | int | bool]]] = MappingProxyType(
    {
        ("register", "majority"): {
            "factory": "models.raft.deployment:raft",
            "domain": "profile",
            "registers": True,
            "spread": "region",
            "election": "1500ms",
            "heartbeat": "300ms",
        },
        ("register", "quorum"): {"factory": "models.quorum:quorum", "spread": "region"},
        ("append-log", "majority"): {
            "factory": "models.raft.deployment:raft",
            "appends": True,
            "spread": "region",
            "election": "1500ms",
            "heartbeat": "300ms",
        },
    }
)


def system_of(arm: Arm, workload: str, domain: str) -> dict[str, str | int | float | bool]:
    """What stores a workload's domain under an arm."""
    own = OWN_SYSTEMS.get((workload, arm.name))
    return dict(own) if own is not None else dict(arm.system) | {"domain": domain}
