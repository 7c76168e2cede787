"""How many replicas, how many must answer, and what else of Dynamo is switched on.

Whatever cannot be met is refused before the run, every mistake at once, with the nearest that can.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.detection import Fixed, Plan
from models.store.schemes import Spread
from sim.wording import way_to

__all__ = ["PLACEMENTS", "Fanout", "QuorumOptions", "Repair", "Resolve", "Stamps", "problems"]

#: Schemes of the key space that know of every host how far it is down a key's list.
PLACEMENTS: Final = ("rendezvous", "ring", "jump", "modulo")

_ANY_SILENCE: Final = Fixed(timeout_us=1)


class Resolve(StrEnum):
    """What becomes of two versions of which neither has seen the other."""

    SIBLINGS = "siblings"  # both stay, until a later write has seen them
    LATEST = "last-writer-wins"  # the one of the higher stamp stays


class Stamps(StrEnum):
    """Where the stamp of a write comes from."""

    READ = "read"  # above all that R replicas hold, which costs a round trip before the write's own
    CLOCK = "clock"  # the wall clock of whoever coordinates


class Fanout(StrEnum):
    """Whom a request goes to at first."""

    ALL = "all"  # every replica, and the quickest count (Dynamo, Cassandra's writes, Riak)
    QUORUM = "quorum"  # as many as must answer, chosen at random; the others only if those are silent


class Repair(StrEnum):
    """What a read does about replicas that it finds behind."""

    BLOCKING = "blocking"  # those that answered are told before the client is, the others behind its back
    BACKGROUND = "background"  # all behind its back
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumOptions:
    """A leaderless store.

    Attributes:
        n: Replicas of a key.
        r: How many must answer a read.
        w: How many must have stored a write.
        resolve: What becomes of concurrent versions.
        stamps: Where stamps come from; siblings read first in any case, to know what they supersede.
        fanout: Whom a request goes to at first.
        repair: What a read does about replicas that are behind.
        sloppy: Whether other hosts stand in for replicas that are silent and count for W and R. If not, they
            keep hints all the same, and do not count.
        placement: What the key space ranks hosts by for a key; one that can rank them all, `PLACEMENTS`.
        patience_us: After which silence a coordinator asks again, and others besides.
        rounds: How often it does; then the client is left without an answer.
        hints_max: Most hints that a host keeps; further ones are refused. 0 switches hinted handoff off.
        hint_window_us: Age, by the wall clock, from which a hint is dropped and counted.
        handoff_every_us: Pause between attempts to hand hints over.
        anti_entropy_every_us: Pause between comparisons with another replica; 0 switches them off.
        depth: Levels of the Merkle trees below the root.
        grace_us: How long a tombstone is kept at least.
        spread: The level at which no two replicas of a key share a failure domain.
        detector: What must suspect a replica, by its answers, before one that left a question unanswered counts as
            silent; None for any silence after its last answer. With fan-out to a quorum alone, replicas that it holds
            to be silent are asked last.
    """

    n: int = 3
    r: int = 2
    w: int = 2
    resolve: Resolve = Resolve.LATEST
    stamps: Stamps = Stamps.READ
    fanout: Fanout = Fanout.ALL
    repair: Repair = Repair.BLOCKING
    sloppy: bool = False
    placement: str = "rendezvous"
    patience_us: int = 300_000
    rounds: int = 3
    hints_max: int = 1_000
    hint_window_us: int = 10_000_000
    handoff_every_us: int = 500_000
    anti_entropy_every_us: int = 1_000_000
    depth: int = 8
    grace_us: int = 60_000_000
    spread: Spread = Spread.HOST
    detector: Plan | None = None

    @property
    def strict(self) -> bool:
        """Whether every read meets every acknowledged write at a replica."""
        return self.r + self.w > self.n and not self.sloppy

    @property
    def routed(self) -> bool:
        """Whether it is chosen by who answers whom a request goes to at first."""
        return self.detector is not None and self.fanout is Fanout.QUORUM

    @property
    def silence(self) -> Plan:
        """What suspects a replica."""
        return _ANY_SILENCE if self.detector is None else self.detector


def problems(options: QuorumOptions, servers: int, zones: int | None = None) -> list[str]:
    """Everything that is wrong with options, with the nearest quorum that can be met.

    Args:
        options: They.
        servers: How many there are.
        zones: In how many failure domains of the level they stand; None for each in its own.
    """
    n, r, w = options.n, options.r, options.w
    room = servers if zones is None else zones
    best = min(max(n, 1), room)
    nearest = f"the nearest that can be met is n={best}, r={min(max(r, 1), best)}, w={min(max(w, 1), best)}"
    found = []
    if n < 1:
        found.append(f"{n=} replicas hold nothing; {nearest}")
    if n > servers:
        found.append(f"{n=} replicas need as many servers, and there are {servers}; {nearest}")
    for name, need, what in (("r", r, "read"), ("w", w, "write")):
        if need < 1:
            found.append(f"{name}={need}: a {what} that asks nobody says nothing; {nearest}")
        elif need > n:
            found.append(f"{name}={need} of {n=} replicas can never answer a {what}; {nearest}")
    for name, value, least in (
        ("patience_us", options.patience_us, 1),
        ("rounds", options.rounds, 1),
        ("hints_max", options.hints_max, 0),
        ("hint_window_us", options.hint_window_us, 1),
        ("handoff_every_us", options.handoff_every_us, 1),
        ("anti_entropy_every_us", options.anti_entropy_every_us, 0),
        ("grace_us", options.grace_us, 1),
    ):
        if value < least:
            found.append(f"{name}={value} is too little; give at least {least}")
    found += _unranked(options.placement)
    if not 1 <= options.depth <= 16:
        found.append(f"depth={options.depth} levels of a Merkle tree are too few or too many; give 1 to 16")
    longest = 2 * options.patience_us * options.rounds
    # Of a grace that is refused itself, the nearest that is not.
    grace_us = max(options.grace_us, longest)
    if options.hints_max and options.hint_window_us > grace_us:
        found.append(
            f"hint_window_us={options.hint_window_us} is above grace_us={options.grace_us}: a hint could bring back "
            f"what was deleted; give at most {grace_us}, or grace_us={options.hint_window_us}"
        )
    if options.grace_us < longest:
        found.append(f"grace_us={options.grace_us} is below two operations' patience; give at least {longest}")
    return found


def _unranked(placement: str) -> list[str]:
    return [] if placement in PLACEMENTS else [f"{placement=} ranks no hosts; {way_to(placement, PLACEMENTS)}"]
