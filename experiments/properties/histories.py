"""What a history alone can tell: linearizability, sessions, streams. Each is a checker of `sim.checkers`.

A property here says which specifications it makes sense for (`records`), so that a scenario
whose clients record something else cannot claim it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from experiments.evidence import Evidence
from experiments.scenario.property import Sort, claim
from sim.checkers import SPECIFICATIONS, Verdict, replicas, streams, updates
from sim.checkers import linearizable as judge_linearizable
from sim.checkers import sessions as guarantees
from sim.checkers.causal import CausalSpec
from sim.checkers.causal import causal as judge_causal
from sim.checkers.replicas import AuditSpec
from sim.checkers.sessions import SessionSpec
from sim.checkers.staleness import StalenessSpec
from sim.checkers.staleness import bounded_staleness as judge_staleness
from sim.checkers.streams import StreamSpec
from sim.checkers.updates import UpdateSpec

__all__ = ["HISTORIES"]

#: Appends and versions read of a view, beside deliveries.
_READINGS: Final = frozenset({"reading"})
_VERSIONED: Final = frozenset({"register", "cas-register", "append-log"})
_STREAMS: Final = frozenset({"append-log"})
_REGISTERS: Final = frozenset({"register", "cas-register"})
_AUDITED: Final = _VERSIONED | {"counter", "set"}


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


def causal(seen: Evidence, *, convergent: bool = True) -> Verdict:
    """Who has seen an effect has seen its causes; with `convergent`, conflicts are settled alike for all."""
    return judge_causal(seen.history, CausalSpec(convergent=convergent, initial=seen.initial))


def bounded_staleness(seen: Evidence, *, within_us: int | None = None, versions: int | None = None) -> Verdict:
    """No read misses what was acknowledged longer ago than `within`, nor more than so many versions."""
    if within_us is None and versions is None:
        within_us = 0
    spec = StalenessSpec(bound_us=within_us, bound_versions=versions, initial=seen.initial)
    return judge_staleness(seen.history, spec)


def converged(seen: Evidence) -> Verdict:
    """At rest, every replica that was audited holds the same."""
    return replicas.converged(seen.history, AuditSpec(initial=seen.initial))


def durable(seen: Evidence) -> Verdict:
    """At rest, every acknowledged change is readable at every replica that was audited, unless overwritten."""
    return replicas.durable(seen.history, AuditSpec(initial=seen.initial))


def no_lost_updates(seen: Evidence) -> Verdict:
    """No acknowledged update was overwritten by one that had not seen it."""
    return updates.no_lost_updates(seen.history, UpdateSpec(initial=seen.initial))


def no_duplicate_effects(seen: Evidence) -> Verdict:
    """No operation took effect twice, however often it was asked for."""
    return updates.no_duplicate_effects(seen.history, UpdateSpec(initial=seen.initial))


def no_aborted_reads(seen: Evidence) -> Verdict:
    """Whatever is read was put there, by an operation that did not fail."""
    return updates.no_aborted_reads(seen.history, UpdateSpec(initial=seen.initial))


HISTORIES: Final = (
    claim(linearizable, records=frozenset(SPECIFICATIONS)),
    claim(append_only, records=_STREAMS),
    claim(read_your_writes, records=_VERSIONED | _READINGS),
    claim(monotonic_reads, records=_VERSIONED | _READINGS),
    claim(monotonic_writes, records=_VERSIONED),
    claim(writes_follow_reads, records=_VERSIONED),
    claim(causal, records=_REGISTERS),
    claim(bounded_staleness, records=_VERSIONED | _READINGS),
    claim(converged, records=_AUDITED, sort=Sort.LIVENESS),
    claim(durable, records=_AUDITED | {"queue"}, sort=Sort.LIVENESS),
    claim(no_lost_updates, records=_VERSIONED | {"counter"}),
    claim(no_duplicate_effects, records=_STREAMS | {"set", "queue", "counter"}),
    claim(no_aborted_reads, records=_VERSIONED | {"set", "queue"}),
)
