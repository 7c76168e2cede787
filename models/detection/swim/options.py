"""What a group of members agrees upon, and the sets of it that were published."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.detection.refusals import at_least, refuse, within

__all__ = ["MEMBERLIST_LAN", "MEMBERLIST_LOCAL", "MEMBERLIST_WAN", "SWIM", "Order", "SwimOptions"]


class Order(StrEnum):
    """In which order a member probes the others."""

    RANDOM = "random"
    """Anybody, each time anew: the basic protocol."""
    SHUFFLED = "shuffled"
    """Each once in a round, in an order that is drawn anew for every round: a bound on the worst case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimOptions:
    """How members probe, suspect and tell.

    Attributes:
        period_us: Between two probes of a member.
        timeout_us: Patience with a direct probe, after which others are asked to probe.
        indirect: How many are asked.
        order: Whom to probe next.
        suspicion: Whether a member without an answer becomes a suspect, who may refute; otherwise it is declared dead.
        suspicion_mult: Least time that a suspect has, in periods times log10 of the group's size (at least 1).
        suspicion_max_mult: Longest time, in least times; 1 for a time that no confirmation shortens.
        retransmit_mult: How often a rumour is told, times log10 of the group's size.
        told_max: Rumours that one message carries at most.
        gossip_us: Between rounds of gossip besides probes; 0 for none.
        gossip_members: How many are told in a round.
        gossip_dead_us: How long the dead are told too.
        push_pull_us: Between exchanges of all that two members know, over a connection; 0 for one at the start alone.
        fallback: Whether a probe also goes over a connection when others are asked.
        awareness_max: Lifeguard: a member that does badly itself takes up to so many periods for a probe; 1 for
            none of it.
        nacks: Lifeguard: whether those who are asked to probe say so when they hear nothing.
        buddy: Lifeguard: whether a probe tells the probed first that it is a suspect.
    """

    period_us: int = 1_000_000
    timeout_us: int = 500_000
    indirect: int = 3
    order: Order = Order.SHUFFLED
    suspicion: bool = True
    suspicion_mult: int = 4
    suspicion_max_mult: int = 1
    retransmit_mult: int = 4
    told_max: int = 6
    gossip_us: int = 0
    gossip_members: int = 3
    gossip_dead_us: int = 30_000_000
    push_pull_us: int = 0
    fallback: bool = False
    awareness_max: int = 1
    nacks: bool = False
    buddy: bool = False

    def __post_init__(self) -> None:
        least = (
            ("period_us", self.period_us, 2),
            ("indirect", self.indirect, 0),
            ("suspicion_mult", self.suspicion_mult, 1),
            ("suspicion_max_mult", self.suspicion_max_mult, 1),
            ("retransmit_mult", self.retransmit_mult, 1),
            ("told_max", self.told_max, 1),
            ("gossip_us", self.gossip_us, 0),
            ("gossip_members", self.gossip_members, 1),
            ("gossip_dead_us", self.gossip_dead_us, 0),
            ("push_pull_us", self.push_pull_us, 0),
            ("awareness_max", self.awareness_max, 1),
        )
        refuse(
            (
                *(at_least(name, value, bound) for name, value, bound in least),
                within("timeout_us", self.timeout_us, 0, self.period_us - 1),
            )
        )


#: The basic protocol with suspicion, as the paper describes it; it leaves the numbers to the user.
SWIM: Final = SwimOptions(order=Order.SHUFFLED, indirect=3)

#: memberlist's defaults for a local network: Lifeguard in full.
MEMBERLIST_LAN: Final = SwimOptions(
    period_us=1_000_000,
    timeout_us=500_000,
    indirect=3,
    suspicion_mult=4,
    suspicion_max_mult=6,
    retransmit_mult=4,
    gossip_us=200_000,
    gossip_members=3,
    gossip_dead_us=30_000_000,
    push_pull_us=30_000_000,
    fallback=True,
    awareness_max=8,
    nacks=True,
    buddy=True,
)

#: memberlist's defaults across regions.
MEMBERLIST_WAN: Final = SwimOptions(
    period_us=5_000_000,
    timeout_us=3_000_000,
    indirect=3,
    suspicion_mult=6,
    suspicion_max_mult=6,
    retransmit_mult=4,
    gossip_us=500_000,
    gossip_members=4,
    gossip_dead_us=60_000_000,
    push_pull_us=60_000_000,
    fallback=True,
    awareness_max=8,
    nacks=True,
    buddy=True,
)

#: memberlist's defaults on one machine.
MEMBERLIST_LOCAL: Final = SwimOptions(
    period_us=1_000_000,
    timeout_us=200_000,
    indirect=1,
    suspicion_mult=3,
    suspicion_max_mult=6,
    retransmit_mult=2,
    gossip_us=100_000,
    gossip_members=3,
    gossip_dead_us=15_000_000,
    push_pull_us=15_000_000,
    fallback=True,
    awareness_max=8,
    nacks=True,
    buddy=True,
)
