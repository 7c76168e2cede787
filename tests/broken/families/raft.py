"""The store on Raft as a family: a broken variant has one rule of the core, or of a member, overridden.

What its store is like, and its twin's, is one of the systems at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from models.domain import Domain
from models.raft.core import Raft
from models.raft.deployment import raft
from models.raft.plan import RaftPlan, Reads
from models.raft.registers import RegisterShard
from models.store.options import MemberOptions
from models.system import Site, System
from sim.host import Context

_QUICK: Final = MappingProxyType({"spread": "region", "election_us": 300_000, "heartbeat_us": 60_000})
_REGISTERS: Final = MappingProxyType({**_QUICK, "domain": "profile", "registers": True})
#: By name, the options of a small store.
STORES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "bank": _QUICK,
        # Nobody asks before it stands, nor sticks to anybody: elections are many, and often several stand in one.
        "votes": {**_QUICK, "pre_vote": False, "stickiness": False},
        "singly": {**_QUICK, "pre_vote": False, "stickiness": False},
        # Nobody steps down of his own accord, as in the libraries' own defaults: what is left are the rules of reading.
        "asked": {**_REGISTERS, "check_quorum": False, "stickiness": False},
        "leased": {
            **_REGISTERS,
            "election_us": 2_000_000,
            "heartbeat_us": 200_000,
            "reads": Reads.LEASE,
            "drift_bound": 0.25,
        },
    }
)


class Single(RegisterShard):
    """Sends one entry at a time, so that a crash may come between any two."""

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        plan = replace(plan, raft=replace(plan.raft, batch=1))
        super().__init__(ctx, options, domain, plan=plan)


#: By name of a store, what its members are; a plain shard where nothing is said.
KINDS: Final[Mapping[str, type[RegisterShard]]] = MappingProxyType({"singly": Single})


def raft_of(wrong: type[Any], name: str) -> Callable[[Site, Any], System]:
    """A small store whose members are something wrong, or have a core that is."""
    sound = KINDS.get(name, RegisterShard)
    kind = type(wrong.__name__, (sound,), {"CORE": wrong}) if issubclass(wrong, Raft) else wrong

    def system(site: Site, workload: Any) -> System:
        return raft(site, workload, kind, **STORES[name])

    return system


bank = raft_of(RegisterShard, "bank")
votes = raft_of(RegisterShard, "votes")
singly = raft_of(Single, "singly")
asked = raft_of(RegisterShard, "asked")
leased = raft_of(RegisterShard, "leased")
