"""What is claimed of provisioning, held against the rows. Comparisons are of arms under one seed, and one family."""

from __future__ import annotations

from math import inf
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.provisions.arms import (
    CALM,
    CRASH,
    CUTS,
    DELAYS,
    REGION,
    SCALE,
    SPANS,
    SPARE,
    ProvisionRow,
)
from experiments.results import Results
from experiments.statistics import at_most

__all__ = ["FAMILY", "check"]

FAMILY: Final = Family(compared=7)
_ALL: Final = 0.95

Rows = Results[ProvisionRow]


def check(results: Rows) -> list[Finding]:
    """Calm, what delay costs, what a spare one saves, what a cut control plane does, and fencing."""
    return [
        _calm(results),
        *(_costs(results, scenario, what) for scenario, what in _LOSSES),
        _spare(results, CRASH, "2min-spare", "a host dies"),
        _spare(results, REGION, "2min-spare", "a region is out of reach"),
        _worthless(results),
        _frozen(results),
        _goes_on(results),
        _waits(results),
        _fenced(results),
    ]


_LOSSES: Final = (
    (CRASH, "a host dies"),
    (REGION, "a region is out of reach"),
    (SCALE, "the load needs another instance"),
)


def _calm(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM]
    least = min((row.served_share for row in rows), default=0.0)
    false = sum(row.false_replacements for row in rows)
    return Finding(
        claim="While nothing goes wrong the delay makes no difference: all is served, and nobody is replaced",
        holds=least >= _ALL and false == 0 if rows else None,
        detail=f"least share served {least:.4f}, replacements {false}, in {len(rows)} runs",
    )


def _costs(results: Rows, scenario: str, what: str) -> Finding:
    fast, slow = DELAYS[0], DELAYS[-2]
    more = FAMILY.difference(results, scenario, fast, slow, "served_share")
    return Finding(
        claim=f"When {what}, an instance that starts in 100 ms leaves more requests served than one that takes 20 s",
        holds=FAMILY.above(more),
        detail=f"share served, {fast} less {slow}: {shown(more, '.3f')}",
    )


def _spare(results: Rows, scenario: str, arm: str, what: str) -> Finding:
    more = FAMILY.difference(results, scenario, arm, SPARE[arm], "served_share")
    return Finding(
        claim=f"When {what}, one spare instance makes up for a delay of two minutes",
        holds=FAMILY.above(more),
        detail=f"share served, with less without: {shown(more, '.3f')}",
    )


def _worthless(results: Rows) -> Finding:
    more = FAMILY.difference(results, CRASH, "2min-spare", DELAYS[0], "served_share")
    return Finding(
        claim="A spare instance is worth more than the fastest start: nobody waits for somebody to notice",
        holds=FAMILY.above(more),
        detail=f"share served after a crash, 2 min with a spare one less 100 ms without: {shown(more, '.3f')}",
    )


def _frozen(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario in CUTS]
    changed = sum(row.cut_changes > 0 for row in rows)
    return Finding(
        claim="While scheduler, registry or monitors are cut off or dead, no slot changes hands",
        holds=changed == 0 if rows else None,
        detail=f"runs in which one did: {at_most(changed, len(rows)) if rows else 'no run'}",
    )


def _goes_on(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario in CUTS and row.arm in SPARE]
    least = min((row.cut_served or 0.0 for row in rows), default=0.0)
    return Finding(
        claim="What runs goes on meanwhile: with a spare instance more than half is served though one is lost",
        holds=least > 0.5 if rows else None,
        detail=f"least share served in a cut: {least:.3f} of {len(rows)} runs",
    )


def _waits(results: Rows) -> Finding:
    """After the heal, another instance acts."""
    rows = [row for row in results.rows if row.scenario in CUTS and row.arm in ("100ms", "3s", "3s-spare")]
    early = sum(row.short_s is not None and row.short_s < _heal_s(row.scenario) for row in rows)
    never = sum(row.short_s == inf for row in rows)
    return Finding(
        claim="After the heal it converges: a replacement acts, and in no run before",
        holds=early == 0 and never == 0 if rows else None,
        detail=f"before the heal in {early}, never in {never} of {len(rows)} runs that had the time",
    )


def _heal_s(scenario: str) -> float:
    """From the loss to when the control plane is whole again."""
    span = SPANS[scenario]
    return ((span.cut_until_us or span.from_us) - span.from_us) / 1_000_000


def _fenced(results: Rows) -> Finding:
    acted = sum(row.strangers_acted for row in results.rows)
    region = [row for row in results.rows if row.scenario == REGION and row.replaced]
    return Finding(
        claim="An instance that was replaced while it was out of reach acts no more when it is back",
        holds=acted == 0 if region else None,
        detail=f"acts of such: {acted}, in {len(results.rows)} runs, {len(region)} of them with one that came back",
    )
