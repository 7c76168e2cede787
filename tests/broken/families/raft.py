"""The store on Raft as a family: a broken variant has one rule of the core, or of a member, overridden.

What its store is like, and its twin's, is one of the systems at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from models.raft.core import Raft
from models.raft.deployment import raft
from models.raft.plan import Reads
from models.raft.registers import RegisterShard
from models.system import Site, System

_QUICK: Final = MappingProxyType({"spread": "region", "election_us": 300_000, "heartbeat_us": 60_000})
_REGISTERS: Final = MappingProxyType({**_QUICK, "domain": "profile", "registers": True})
#: By name, the options of a small store.
STORES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "bank": _QUICK,
        # Nobody asks before it stands, nor sticks to anybody: elections are many, and often several stand in one.
        "votes": {**_QUICK, "pre_vote": False, "stickiness": False},
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


def raft_of(wrong: type[Any], name: str) -> Callable[[Site, Any], System]:
    """A small store whose members are something wrong, or have a core that is."""
    kind = type(wrong.__name__, (RegisterShard,), {"CORE": wrong}) if issubclass(wrong, Raft) else wrong

    def system(site: Site, workload: Any) -> System:
        return raft(site, workload, kind, **STORES[name])

    return system


bank = raft_of(RegisterShard, "bank")
votes = raft_of(RegisterShard, "votes")
asked = raft_of(RegisterShard, "asked")
leased = raft_of(RegisterShard, "leased")
