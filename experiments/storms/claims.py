"""What is claimed of retries under an overload, held against the rows."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.results import Results
from experiments.statistics import Interval, at_most
from experiments.storms.arms import (
    ATTEMPTS,
    CALM,
    CAPACITY_PER_S,
    CURES,
    CUT,
    DROPS,
    LIGHT,
    NAIVE,
    NONE,
    ONE_LAYER,
    SHORT,
    SLOW,
    SPREAD,
    THIN,
    StormRow,
)

__all__ = ["FAMILY", "check", "never", "slower"]

_ALL = 0.99
#: Attempts a request that a policy may cost while nothing fails.
_NOTHING = 1.05
#: Attempts a request beyond which they multiply: two layers that each add a tenth come to 1.21.
_DOUBLED = 1.5
FAMILY: Final = Family(compared=1, fewest=5)

Rows = Results[StormRow]


def check(results: Rows) -> list[Finding]:
    """Costs in calm, storms that do not end, and what ends them."""
    return [
        _calm(results),
        _recover(results, SHORT, [NAIVE], "A trigger of a quarter of a second begins no storm, naive retries or not"),
        _lasts(results, SLOW, NAIVE, "After four seconds of a slow host naive retries never let it recover"),
        _lasts(results, CUT, NAIVE, "After a cut of four seconds neither, though the host was well all the time"),
        _recover(results, SLOW, [NONE], "The trigger and the load are not to blame: without retries it recovers"),
        _lasts(results, SLOW, SPREAD, "Jitter spreads retries and does not make them fewer: with it it lasts as well"),
        _lasts(results, SLOW, ONE_LAYER, "Retries in one layer alone are enough to keep it going"),
        _threshold(results),
        *(_recover(results, scenario, arms, claim) for scenario, arms, claim in _CURED),
        _drops(results),
        _amplified(results),
        _slower(results),
        _newest_first(results),
        _too_little_left(results),
    ]


#: The first full run had claimed of LIFO in calm, and of the ratio after a slow host, what it claimed of all, and was
#: wrong: what is claimed of these two now was chosen after that look.
_LIFO, _RATIO = "lifo", "ratio"
_CURED = (
    (
        SLOW,
        tuple(arm for arm in CURES if arm != _RATIO),
        "Any of these ends it after a slow host: a token budget, a breaker, refusing the hopeless, LIFO, a short queue",
    ),
    (CUT, CURES, "Any of them ends it after a cut, and a budget in proportion to first attempts does"),
)


def never(results: Rows, scenario: str, arm: str) -> tuple[int, int]:
    """In how many runs it never recovered, and of how many."""
    rows = results.at(scenario, arm)
    return sum(row.recovered_s == inf for row in rows), len(rows)


def slower(results: Rows, first: str, second: str) -> Interval | None:
    """By how many seconds later the first recovers after a slow host, in runs of one seed; None if one never does."""
    return FAMILY.difference(results, SLOW, first, second, "recovered_s")


def _calm(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM and row.arm != _LIFO]
    least = min((row.done_after for row in rows), default=0.0)
    most = max((row.amplification for row in rows), default=inf)
    return Finding(
        claim="While nothing fails all policies but LIFO are the same: all is done, and hardly anything is asked twice",
        holds=least >= _ALL and most <= _NOTHING if rows else None,
        detail=f"least share done {least:.4f}, most attempts a request {most:.3f}, in {len(rows)} runs",
    )


def _newest_first(results: Rows) -> Finding:
    """What LIFO costs without a fault: who waits longest is served last."""
    rows = results.at(CALM, _LIFO)
    bad = sum(row.amplification > _NOTHING for row in rows)
    least = min((row.done_after for row in rows), default=0.0)
    return Finding(
        claim="LIFO makes a storm of its own now and then, though nothing fails: whoever came first in a crowd waits "
        "beyond its patience, and is asked again",
        holds=bad > 0 if rows else None,
        detail=f"runs with more than {_NOTHING} attempts a request: {bad} of {len(rows)}; least share done {least:.4f}",
        sometimes=True,
    )


def _too_little_left(results: Rows) -> Finding:
    """A budget in proportion to first attempts bounds what is asked, and not how soon a queue is drained."""
    count, runs = never(results, SLOW, _RATIO)
    most = max((row.amplification for row in results.at(SLOW, _RATIO)), default=inf)
    return Finding(
        claim="A ratio of a tenth in each of two layers ends the multiplication, and not always the overload: what it "
        "leaves of the capacity drains the stale queue slowly, and some run does not recover by the end",
        holds=count > 0 and most <= _DOUBLED if runs else None,
        detail=f"attempts a request {most:.2f} at most; runs that never recovered: {count} of {runs}",
        sometimes=True,
    )


def _lasts(results: Rows, scenario: str, arm: str, claim: str) -> Finding:
    count, runs = never(results, scenario, arm)
    return Finding(
        claim=claim, holds=count == runs if runs else None, detail=f"runs that never recovered: {count} of {runs}"
    )


def _recover(results: Rows, scenario: str, arms: Iterable[str], claim: str) -> Finding:
    told, bad, runs = [], 0, 0
    for arm in arms:
        count, of = never(results, scenario, arm)
        bad, runs = bad + count, runs + of
        times = [row.recovered_s for row in results.at(scenario, arm) if row.recovered_s not in (None, inf)]
        told.append(f"{arm} after {max(times):.1f} s at most" if times else f"{arm} never")
    return Finding(
        claim=claim,
        holds=bad == 0 if runs else None,
        detail=f"{', '.join(told)}; runs that never recovered: {at_most(bad, runs) if runs else 'no run'}",
    )


def _threshold(results: Rows) -> Finding:
    """Whether load x attempts against the capacity says where an overload can feed itself."""
    most = ATTEMPTS * ATTEMPTS
    thin, thin_runs = never(results, THIN, NAIVE)
    light, light_runs = never(results, LIGHT, NAIVE)
    return Finding(
        claim=f"A storm can last where load x {most} attempts is above the capacity of {CAPACITY_PER_S:.0f}/s, however "
        "light the load: it does at 8/s (72/s), and does not at 4/s (36/s)",
        holds=thin == thin_runs and light == 0 if thin_runs and light_runs else None,
        detail=f"runs that never recovered: at 8/s {thin} of {thin_runs}, at 4/s {light} of {light_runs}",
    )


def _amplified(results: Rows) -> Finding:
    rows = results.at(SLOW, NAIVE)
    least = min((row.amplification for row in rows), default=0.0)
    return Finding(
        claim=f"What sustains it is that retries of the layers multiply: most of {ATTEMPTS} x {ATTEMPTS} attempts at "
        "the last tier for each request, from the heal on",
        holds=least > ATTEMPTS * ATTEMPTS / 2 if rows else None,
        detail=f"attempts a request, least of {len(rows)} runs: {least:.2f}",
    )


def _drops(results: Rows) -> Finding:
    """Whether passing over what is past its deadline is enough."""
    count, runs = never(results, SLOW, DROPS)
    return Finding(
        claim="To drop what is past its deadline is not enough: first in, first out, the next in turn is about to be "
        "past it too, and some run never recovers",
        holds=count > 0 if runs else None,
        detail=f"runs that never recovered: {count} of {runs}",
        sometimes=True,
    )


def _slower(results: Rows) -> Finding:
    """Dropping what nobody waits for, against serving it all first."""
    found = slower(results, NONE, "shed")
    tells = found is not None and found.n >= FAMILY.fewest
    return Finding(
        claim="Refusing what cannot be done in time is better than no retries at all: it recovers sooner",
        holds=FAMILY.above(found) if tells else None,
        detail=f"later without retries by {shown(found, '.2f', 's')}",
    )
