"""The shapes of a cut, the arms, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row

__all__ = [
    "ALL",
    "ARMS",
    "BEGINS_US",
    "BRIDGE",
    "CALM",
    "DEAF",
    "ENDS_US",
    "FLAPPING",
    "FOLLOWER",
    "JUDGED_US",
    "LEADER",
    "MUTE",
    "NONE",
    "NO_CHECK_QUORUM",
    "NO_PRE_VOTE",
    "NO_STICKINESS",
    "PAIR",
    "QUICK",
    "RING",
    "SCENARIOS",
    "SETTLED_US",
    "TITLES",
    "CutRow",
]

CALM: Final = "cuts_calm"
LEADER: Final = "cuts_leader"
FOLLOWER: Final = "cuts_follower"
MUTE: Final = "cuts_mute_leader"
DEAF: Final = "cuts_deaf_leader"
PAIR: Final = "cuts_pair"
BRIDGE: Final = "cuts_bridge"
RING: Final = "cuts_ring"
FLAPPING: Final = "cuts_flapping"
#: By scenario, what a reader is told of the shape; five members, of which the first leads as the cut begins.
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CALM: "no cut",
        LEADER: "the leader alone",
        FOLLOWER: "a follower alone",
        MUTE: "the leader hears and is not heard",
        DEAF: "the leader is heard and does not hear",
        PAIR: "the leader and a follower lose each other",
        BRIDGE: "two pairs, and one that reaches both",
        RING: "a ring: each reaches its two neighbours",
        FLAPPING: "the leader alone, again and again",
    }
)
SCENARIOS: Final = tuple(TITLES)
#: The cut, from when to when; and when commands are issued that meet a settled group and end, a deadline later, in it.
BEGINS_US: Final = 4_000_000
SETTLED_US: Final = 8_000_000
JUDGED_US: Final = 12_000_000
ENDS_US: Final = 14_000_000

ALL: Final = "all"
NO_PRE_VOTE: Final = "no-pre-vote"
NO_CHECK_QUORUM: Final = "no-check-quorum"
NO_STICKINESS: Final = "no-stickiness"
NONE: Final = "none"


def _arm(name: str, label: str, **off: bool) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType(off))


ARMS: Final = (
    _arm(ALL, "all safeguards"),
    _arm(NO_PRE_VOTE, "no pre-vote", pre_vote=False),
    _arm(NO_CHECK_QUORUM, "no check-quorum", check_quorum=False),
    _arm(NO_STICKINESS, "no stickiness", stickiness=False),
    _arm(NONE, "none of the three", pre_vote=False, check_quorum=False, stickiness=False),
)


#: By scenario, the arms of the quick size: all safeguards everywhere, and without one where that is claimed to matter.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(SCENARIOS, (ALL,)),
        FOLLOWER: (ALL, NO_PRE_VOTE, NONE),
        DEAF: (ALL, NO_CHECK_QUORUM),
        PAIR: (ALL, NONE),
        BRIDGE: (ALL, NO_PRE_VOTE),
        RING: (ALL, NONE),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRow(Row):
    """One run. A command is answered if it was accepted, or denied by the domain's rule.

    `settled_share` is of the commands issued from `SETTLED_US` to `JUDGED_US`, `cut_share` from the beginning of
    the cut to the heal, `healed_share` after it. `elections` are leaders that took office during the cut,
    `elections_healed` after it. `terms` is by how much the latest term grew over the run; `outage_ms` the longest
    time between two answers, the first of them before or during the cut.
    """

    commands: int
    cut_share: float
    settled_share: float
    healed_share: float
    latency_p99_ms: float
    elections: int
    elections_healed: int
    terms: int
    outage_ms: float
    lost: int
