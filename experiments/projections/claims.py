"""What is claimed of projections, held against the rows. All comparisons are of runs under one seed, and one family."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.projections.arms import (
    ARMS,
    ASYNC,
    CALM,
    INLINE,
    LIVE,
    LOAD,
    READER_STILL,
    REBUILD,
    SMALL,
    TOKENS,
    WAITING,
    WRITERS_OUT,
    LagRow,
)
from experiments.results import Results
from experiments.statistics import at_most

__all__ = ["COMPARED", "FAMILY", "KEPT", "check"]

Rows = Results[LagRow]

#: Intervals that decide a finding.
COMPARED: Final = (
    (CALM, ASYNC, WAITING, "lag_p50_ms"),
    (LOAD, SMALL, ASYNC, "lag_p99_ms"),
    (CALM, INLINE, ASYNC, "command_p50_ms"),
    (CALM, LIVE, ASYNC, "read_p50_ms"),
    (READER_STILL, ASYNC, LIVE, "stale_p99_ms"),
    (CALM, ASYNC, INLINE, "stale_share"),
)
FAMILY: Final = Family(compared=len(COMPARED))
#: Those that keep a view.
KEPT: Final = (ASYNC, WAITING, SMALL, REBUILD)
#: What a query may take while nobody can write, and be said to go on, milliseconds.
_GOES_ON_MS: Final = 100.0
#: What a rebuild may add to the median lag of the version that is shown, milliseconds.
_BESIDE_MS: Final = 10.0


def check(results: Rows) -> list[Finding]:
    """Lag by mode, what each mode costs and whom, tokens, faults, rebuilding."""
    return [
        _above(results, 0, "A consumer whose log answers when there is news lags less than one that polls"),
        _above(results, 1, "Under load small batches lag more at the far end than large ones"),
        _above(results, 2, "An inline projection is paid for by the command"),
        _above(results, 3, "A live view is paid for by the query"),
        _above(results, 5, "Without tokens queries of an async view are stale now and then, of an inline one never"),
        _never_stale(results),
        _tokens(results),
        _goes_on(results),
        _above(results, 4, "An owner that stands still makes its segments stale until they are taken; no live view is"),
        _fenced(results),
        _rebuilt(results),
        _exact(results),
    ]


def _above(results: Rows, which: int, claim: str) -> Finding:
    """That a difference is surely above zero; unknown while too few runs cannot tell."""
    scenario, first, second, metric = COMPARED[which]
    found = FAMILY.difference(results, scenario, first, second, metric)
    return Finding(
        claim=claim,
        holds=FAMILY.above(found),
        detail=f"{metric}, {first} less {second} in {scenario}: {shown(found, '.3f')}",
    )


def _all(results: Rows, arms: Sequence[str], scenarios: Sequence[str] = ()) -> list[LagRow]:
    return [row for row in results.rows if row.arm in arms and (not scenarios or row.scenario in scenarios)]


def _count(claim: str, rows: Sequence[LagRow], bad: int) -> Finding:
    """That something never happens in these runs."""
    told = f"runs where it did: {at_most(bad, len(rows))}" if rows else "no run"
    return Finding(claim=claim, holds=not bad if rows else None, detail=told)


def _never_stale(results: Rows) -> Finding:
    rows = _all(results, (INLINE, LIVE), (CALM, TOKENS, LOAD))
    bad = sum(row.stale_share > 0 for row in rows)
    return _count("While nothing fails neither an inline nor a live view ever misses what was acknowledged", rows, bad)


def _tokens(results: Rows) -> Finding:
    rows, without = _all(results, [arm.name for arm in ARMS], (TOKENS,)), _all(results, KEPT, (CALM,))
    bad, missed = sum(row.own_missed > 0 for row in rows), sum(row.own_missed > 0 for row in without)
    return Finding(
        claim="With a token no session misses its own write, in any mode; without one, sessions of async views do",
        holds=False if bad else missed > 0 if rows and without else None,
        detail=f"runs that missed one: with {at_most(bad, len(rows)) if rows else 'no run'}, without {missed} of "
        f"{len(without)}",
    )


def _goes_on(results: Rows) -> Finding:
    kept, inline = _all(results, KEPT, (WRITERS_OUT,)), _all(results, (INLINE,), (WRITERS_OUT,))
    slow = sum(row.read_p99_ms > _GOES_ON_MS for row in kept)
    waits = sum(row.read_p99_ms > _GOES_ON_MS for row in inline)
    return Finding(
        claim="While nobody can write, queries of kept views go on, and those of inline ones wait for the writers",
        holds=not slow and waits == len(inline) if kept and inline else None,
        detail=f"runs whose p99 is above {_GOES_ON_MS:.0f} ms: kept {slow} of {len(kept)}, inline {waits} of "
        f"{len(inline)}",
    )


def _fenced(results: Rows) -> Finding:
    rows = _all(results, KEPT, (READER_STILL,))
    good = sum(row.stolen > 0 and row.fenced > 0 for row in rows)
    return Finding(
        claim="An owner that stood still is fenced off once its segments were taken, in every run",
        holds=good == len(rows) if rows else None,
        detail=f"{good} of {len(rows)} runs",
    )


def _rebuilt(results: Rows) -> Finding:
    rows = _all(results, (REBUILD,))
    late = sum(row.switched_ms == inf for row in rows)
    pairs = results.pairs(CALM, REBUILD, ASYNC)
    more = [a.lag_p50_ms - b.lag_p50_ms for a, b in pairs if a.lag_p50_ms is not None and b.lag_p50_ms is not None]
    mean = sum(more) / len(more) if more else 0.0
    return Finding(
        claim="A version rebuilt beside the live one is shown in every run, and hardly slows it",
        holds=not late and mean < _BESIDE_MS if rows and more else None,
        detail=f"never shown in {late} of {len(rows)} runs; median lag of the live version more by {mean:.1f} ms",
    )


def _exact(results: Rows) -> Finding:
    rows = list(results.rows)
    return _count(
        "At rest every view is what the log says, each event counted once", rows, sum(not row.exact for row in rows)
    )
