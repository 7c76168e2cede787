"""What is claimed of those who decide, held against the rows. Comparisons are of arms under one seed."""

from __future__ import annotations

from experiments.experiment import Finding
from experiments.family import shown
from experiments.results import Results
from experiments.stakes.arms import (
    APART,
    CALM,
    CRASH,
    RATIOS,
    SOURCE,
    Decided,
    StakeRow,
    Who,
    oracle_at,
    who_of,
)
from experiments.stakes.costs import FAMILY, at_ratio, dearer, tuned
from experiments.statistics import at_most

__all__ = ["check"]

Rows = Results[StakeRow]


def check(results: Rows) -> list[Finding]:
    """Safety whoever decides; who knows is no dearer; and what a chance of being elected is good for."""
    return [_safe(results), _control(results), _met(results), _knowing(results), _held_back(results)]


def _safe(results: Rows) -> Finding:
    broken = sum(row.broken > 0 for row in results.rows)
    return Finding(
        claim="Nothing that must never happen happens, whoever decides: beliefs are wrong, votes and appends are not",
        holds=not broken,
        detail=f"runs in which a property does not hold: {at_most(broken, len(results.rows))}",
    )


def _control(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM]
    acted = sum(row.acts > 0 for row in rows)
    return Finding(
        claim="Control: while nothing happens nobody stands for election",
        holds=not acted if rows else None,
        detail=f"runs in which somebody was elected: {at_most(acted, len(rows)) if rows else 'no run'}",
    )


def _met(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CRASH and who_of(row.arm) is Who.ORACLE]
    replaced = sum(row.missed > 0 and row.acts > 0 for row in rows)
    return Finding(
        claim="A leader that dies is missed, and replaced, under who knows",
        holds=replaced == len(rows) if rows else None,
        detail=f"in {replaced} of {len(rows)} runs",
        sometimes=True,
    )


def _knowing(results: Rows) -> Finding:
    told, held = [], list[bool | None]()
    for decided in Decided:
        for name, ratio in RATIOS.items():
            knows = at_ratio(results, decided, oracle_at(name), ratio)
            saved = dearer(tuned(results, decided, ratio), knows)
            if knows:
                told.append(f"{decided} at {ratio:g}: {shown(saved)}")
                held.append(FAMILY.above(saved))
    return Finding(
        claim="Who knows the present costs less than the best bool, tuned for each ratio, in both decisions",
        holds=False if False in held else None if None in held or not held else True,
        detail=f"dearer by, {'; '.join(told)}" if told else "no run",
    )


def _held_back(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == APART]
    weighs = [row for row in rows if who_of(row.arm) is Who.SPECTRUM]
    halves = [row for row in rows if row.arm == SOURCE]
    stood = sum(row.alarmed > 0 for row in weighs)
    deposed = sum(row.alarmed > 0 for row in halves)
    return Finding(
        claim="A follower that is cut off with nobody to elect it deposes the leader after the heal by a half of the "
        "chance that it is gone, and never where it weighs its own chance to be elected",
        holds=not stood and deposed == len(halves) if weighs and halves else None,
        detail=f"spectrum: {at_most(stood, len(weighs)) if weighs else 'no run'}; a half: in {deposed} of "
        f"{len(halves)} runs",
    )
