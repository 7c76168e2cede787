"""Staleness: how old a read may be, in time and in versions.

    1 write x a -> v1, acknowledged at 100 us
    2 write x b -> v2, acknowledged at 200 us
    3 read x -> a, v1, begun at 900 us    is 700 us and one version behind

A read is stale from the instant at which a newer version was acknowledged; a write without an answer
makes no read stale. The newest version acknowledged before the read began says how many versions it
is behind. Sources: t-visibility and k-staleness, Bailis et al., *Probabilistically Bounded
Staleness*, VLDB 2012; here of single reads rather than in probability.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.reading import Attempt, Key, given, invalid, judged, named, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.versions import Versions
from sim.history import History, Value

__all__ = ["Staleness", "StalenessSpec", "bounded_staleness", "staleness"]

_WRITES: Final = frozenset({"write", "cas", "append"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessSpec:
    """How stale a read may be.

    Attributes:
        bound_us: At most so long, microseconds; 0 asks for all that was acknowledged before, None for nothing.
        bound_versions: At most so many versions behind; None asks for nothing.
        initial: What every key holds as version 0.

    Raises:
        ValueError: no bound, or one below 0.
    """

    bound_us: int | None = None
    bound_versions: int | None = None
    initial: Value = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.bound_us, self.bound_versions) if bound is not None]
        if not bounds or min(bounds) < 0:
            raise ValueError(
                f"bound_us={self.bound_us} and bound_versions={self.bound_versions}: staleness is bounded by one "
                "of them or both, each 0 or more; give a bound"
            )


class Staleness(NamedTuple):
    """How stale one read was.

    Attributes:
        read: The read.
        missed: The write that was acknowledged first of those that it misses.
        by_us: Since when, microseconds before the read began.
        versions: How many versions it is behind the newest that was acknowledged.
        newest: The write of that version.
    """

    read: Attempt
    missed: Attempt
    by_us: int
    versions: int
    newest: Attempt


def bounded_staleness(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """No read is staler than `spec` allows.

    Args:
        history: Registers (`write`, `cas`, `read`) or streams (`append`, `read`), with versions.
        spec: A `StalenessSpec`.
        budget: A step is a row.
    """
    bounds = given(spec, StalenessSpec)
    return judged(history, budget, lambda attempts, _: _judge(attempts, bounds))


def _judge(attempts: list[Attempt], bounds: StalenessSpec) -> Verdict:
    found, blind = staleness(attempts, bounds.initial)
    for one in found:
        if bounds.bound_us is not None and one.by_us > bounds.bound_us:
            reason = (
                f"{named(one.read)} of {one.read.key!r} misses {named(one.missed)}, acknowledged {one.by_us} us "
                f"before; allowed are {bounds.bound_us} us"
            )
            return invalid(reason, one.missed, one.read)
        if bounds.bound_versions is not None and one.versions > bounds.bound_versions:
            reason = (
                f"{named(one.read)} of {one.read.key!r} is {one.versions} versions behind {named(one.newest)}; "
                f"allowed are {bounds.bound_versions}"
            )
            return invalid(reason, one.newest, one.read)
    if blind:
        return unknown(f"{named(blind[0])} was answered without a version, and no read shows its value", *blind[:10])
    return Verdict(Outcome.VALID)


class _Newest:
    """Versions of one key that were the newest acknowledged so far, each with when and by what."""

    __slots__ = ("acks", "numbers")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.acks: list[Attempt] = []


def staleness(attempts: list[Attempt], initial: Value = None) -> tuple[list[Staleness], list[Attempt]]:
    """Every stale read, by beginning, and what was answered without a version that anything tells."""
    versions = Versions(attempts, initial)
    rows = [(a.begin, a) for a in attempts if a.ok and a.f == "read"]
    rows += [(a.end, a) for a in attempts if a.ok and a.f in _WRITES]
    found: list[Staleness] = []
    blind: list[Attempt] = []
    keys: dict[Key, _Newest] = {}
    for _, attempt in sorted(rows, key=lambda row: row[0]):
        newest = keys.setdefault(attempt.key, _Newest())
        version = versions.of(attempt)
        if version is None:
            blind.append(attempt)
        elif attempt.f != "read":
            # An older version acknowledged later makes nothing stale that the newer one did not before.
            if not newest.numbers or version.number > newest.numbers[-1]:
                newest.numbers.append(version.number)
                newest.acks.append(attempt)
        elif newest.numbers and version.number < newest.numbers[-1]:
            missed = newest.acks[bisect_right(newest.numbers, version.number)]
            assert missed.end_us is not None
            behind = newest.numbers[-1] - version.number
            found.append(Staleness(attempt, missed, attempt.begin_us - missed.end_us, behind, newest.acks[-1]))
    return found, blind
