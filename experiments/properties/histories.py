"""What a history alone can tell: linearizability, sessions, streams. Each is a checker of `sim.checkers`.

A property here says which specifications it makes sense for (`records`), so that a scenario
whose clients record something else cannot claim it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from experiments.evidence import Evidence
from experiments.scenario.property import claim
from sim.checkers import SPECIFICATIONS, Verdict, streams
from sim.checkers import linearizable as judge_linearizable
from sim.checkers import sessions as guarantees
from sim.checkers.sessions import SessionSpec
from sim.checkers.streams import StreamSpec

__all__ = ["HISTORIES"]

_VERSIONED: Final = frozenset({"register", "cas-register", "append-log"})
_STREAMS: Final = frozenset({"append-log"})


def linearizable(seen: Evidence) -> Verdict:
    """Every operation seems to take effect at once, between its beginning and its ending, key by key."""
    return judge_linearizable(seen.history, replace(SPECIFICATIONS[seen.records], initial=seen.initial))


def append_only(seen: Evidence, *, stale_reads: bool = False) -> Verdict:
    """Every key is one append-only stream, without gaps or duplicates, appended and read in real-time order."""
    return streams.append_only(seen.history, StreamSpec(stale_reads=stale_reads))


def read_your_writes(seen: Evidence) -> Verdict:
    """A read reflects every write that was acknowledged earlier in its session."""
    return guarantees.read_your_writes(seen.history, SessionSpec())


def monotonic_reads(seen: Evidence) -> Verdict:
    """A read reflects all that earlier reads of its session did."""
    return guarantees.monotonic_reads(seen.history, SessionSpec())


def monotonic_writes(seen: Evidence) -> Verdict:
    """A write comes after every write that was acknowledged earlier in its session."""
    return guarantees.monotonic_writes(seen.history, SessionSpec())


def writes_follow_reads(seen: Evidence) -> Verdict:
    """A write comes after what was read earlier in its session."""
    return guarantees.writes_follow_reads(seen.history, SessionSpec())


HISTORIES: Final = (
    claim(linearizable, records=frozenset(SPECIFICATIONS)),
    claim(append_only, records=_STREAMS),
    claim(read_your_writes, records=_VERSIONED),
    claim(monotonic_reads, records=_VERSIONED),
    claim(monotonic_writes, records=_VERSIONED),
    claim(writes_follow_reads, records=_VERSIONED),
)
