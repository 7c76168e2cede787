"""What one session is promised, by name: it sees its own writes, never goes back, is kept in order.

    1 invoke write x a @alice/s1     in one session: write,
    1 ok a v4                        acknowledged as version 4,
    2 invoke read x @alice/s1        then read,
    2 ok b v3                        version 3: her own write is gone (read your writes)

A session is a client and a session name; its order is by precedence, so what overlaps is not ordered.
A guarantee is judged key by key from versions: `write`, `cas` and `append` are answered with the
version that they made, `read` with the one that it saw. A read reflects what was of a lower version,
and what was of its own version if the values are the same; of a stream, all positions that it shows
must be as they were. A write comes after what was of a lower version. Where no version was told, a
value that only one write gave tells it.

Source: Terry, Demers, Petersen, Spreitzer, Theimer and Welch, *Session Guarantees for Weakly
Consistent Replicated Data*, PDIS 1994. Departures: versions stand for their write orders, so
monotonic writes and writes follow reads are claims about version numbers of one key, and what a
third party sees meanwhile is left to `causal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter
from sim.checkers.reading import Attempt, Key, given, invalid, judged, named, shown, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.versions import Version, Versions
from sim.history import History

__all__ = ["SessionSpec", "monotonic_reads", "monotonic_writes", "read_your_writes", "writes_follow_reads"]

_READS: Final = frozenset({"read"})
_WRITES: Final = frozenset({"write", "cas", "append"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """What a session is.

    Attributes:
        whole_clients: Whether all that a client does without a session's name is one session of it,
            as in histories that name processes only; otherwise it is not ordered.
    """

    whole_clients: bool = False


def read_your_writes(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """A read reflects every write that was acknowledged earlier in its session.

    Args:
        history: What the clients recorded.
        spec: A `SessionSpec`; None takes sessions by their names.
        budget: A step is a row.
    """
    return _judge(history, spec, budget, _Guarantee(_WRITES, _READS))


def monotonic_reads(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """A read reflects all that earlier reads of its session did: it never goes back.

        1 read x -> v4, then 2 read x -> v3, in one session

    Arguments as for `read_your_writes`.
    """
    return _judge(history, spec, budget, _Guarantee(_READS, _READS))


def monotonic_writes(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """A write comes after every write that was acknowledged earlier in its session.

        1 write x a -> v4, then 2 write x b -> v3, in one session

    Arguments as for `read_your_writes`.
    """
    return _judge(history, spec, budget, _Guarantee(_WRITES, _WRITES))


def writes_follow_reads(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """A write comes after what was read earlier in its session.

        1 read x -> v4, then 2 write x b -> v3, in one session

    Arguments as for `read_your_writes`.
    """
    return _judge(history, spec, budget, _Guarantee(_READS, _WRITES))


class _Guarantee(NamedTuple):
    """What is promised: that each of `later` reflects, or comes after, each of `earlier` in its session."""

    earlier: frozenset[str]
    later: frozenset[str]


def _judge(history: History, spec: object, budget: Budget, guarantee: _Guarantee) -> Verdict:
    options = given(spec, SessionSpec, SessionSpec())
    return judged(history, budget, lambda attempts, meter: _check(attempts, options, guarantee, meter))


def _check(attempts: list[Attempt], options: SessionSpec, guarantee: _Guarantee, meter: Meter) -> Verdict:
    versions = Versions(attempts)
    pasts: dict[tuple[str, str, Key], _Past] = {}
    doubt: Attempt | None = None
    for begins, attempt in _rows(attempts, options, guarantee):
        version = versions.of(attempt)
        past = pasts.setdefault((attempt.client, attempt.session, attempt.key), _Past())
        if not begins:
            past.add(attempt, version)
            continue
        meter.spend(1 if version is None else len(version.stream))
        if version is not None and (broken := past.broken_by(version, attempt.f in _WRITES)) is not None:
            return invalid(_told(broken, attempt, version), broken[0], attempt)
        if doubt is None:
            doubt = past.blind or (attempt if version is None and past.highest is not None else None)
    if doubt is None:
        return Verdict(Outcome.VALID)
    return unknown(f"{named(doubt)} was answered without a version, and no read shows its value", doubt)


def _rows(attempts: Iterable[Attempt], options: SessionSpec, guarantee: _Guarantee) -> list[tuple[bool, Attempt]]:
    """In order of time: operations bound by what went before (True), and those that have gone before (False)."""
    bound = [a for a in attempts if a.ok and (a.session or options.whole_clients)]
    rows = [(a.begin, True, a) for a in bound if a.f in guarantee.later]
    rows += [(a.end, False, a) for a in bound if a.f in guarantee.earlier]
    rows.sort(key=lambda row: row[0])
    return [(begins, attempt) for _, begins, attempt in rows]


def _told(broken: tuple[Attempt, Version], attempt: Attempt, version: Version) -> str:
    earlier, old = broken
    return (
        f"{attempt.client} in session {attempt.session!r}, key {attempt.key!r}: {named(earlier)} was of version "
        f"{old.number} ({shown(old.value)}), and after it {named(attempt)} of {version.number} ({shown(version.value)})"
    )


class _Past:
    """What of one session and key has gone before."""

    __slots__ = ("blind", "highest", "numbers")

    def __init__(self) -> None:
        self.highest: tuple[Attempt, Version] | None = None
        self.blind: Attempt | None = None  # of a version that nobody told
        self.numbers: dict[int, list[tuple[Attempt, Version]]] = {}

    def add(self, attempt: Attempt, version: Version | None) -> None:
        if version is None:
            self.blind = self.blind or attempt
            return
        same = self.numbers.setdefault(version.number, [])
        if all(old.value != version.value for _, old in same):
            same.append((attempt, version))
        if self.highest is None or version.number > self.highest[1].number:
            self.highest = (attempt, version)

    def broken_by(self, version: Version, after: bool) -> tuple[Attempt, Version] | None:
        """What `version` does not come after, or else does not reflect; None if nothing."""
        if self.highest is None:
            return None
        if version.number < self.highest[1].number or (after and version.number == self.highest[1].number):
            return self.highest
        if after:
            return None
        values = version.stream or (version.value,)
        for number, value in enumerate(values, version.number - len(values) + 1):
            for attempt, old in self.numbers.get(number, ()):
                if () not in (value, old.value) and value != old.value:
                    return attempt, old
        return None
