"""What is claimed of deliveries, held against the rows; arms are paired by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from experiments.deliveries.arms import (
    ARMS,
    CALM,
    CRASH,
    MOVED,
    ORDERINGS,
    OUTBOX,
    OUTBOX_UNFENCED,
    POWER,
    POWER_MOVED,
    TRANSFER,
    TRANSFER_UNFENCED,
    DeliveryRow,
    arm_name,
)
from experiments.deliveries.cells import points_of, why_not
from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.results import Results
from experiments.statistics import Interval, at_most

__all__ = ["FAMILY", "check", "later", "wrong"]

FAMILY: Final = Family(compared=2)
_FAULTS: Final = (CRASH, MOVED, POWER, POWER_MOVED)

Rows = Results[DeliveryRow]


def check(results: Rows) -> list[Finding]:
    """The control, the promises, what each choice errs in, what makes once of it, and what it costs."""
    return [
        _control(results),
        _promised(results),
        _struck(results),
        _errs(results, "act-least", "acting first and asking until it is answered does effects twice", _duplicates),
        _errs(results, "persist-least", "persisting first, with resume, does effects twice", _duplicates),
        _errs(results, "act-most", "acting first and never again leaves orphans", _orphans),
        _errs(results, "persist-most", "persisting first and never again omits effects", _omissions),
        _errs(results, "intent-most", "an intent that is never taken up again is left in doubt", _left),
        _once(results, "dedup", "With a receiver that dedups every ordering does every effect once"),
        _once(
            results, "fenced", "With a receiver that is asked first and fences every ordering does every effect once"
        ),
        _unfenced(results),
        _cost(results, "persist", "act"),
        _cost(results, "intent", "act"),
        _clean(
            results,
            (TRANSFER, TRANSFER_UNFENCED),
            "Whatever step its manager dies at, and whether an old one goes on, a transfer ends, and no money comes or "
            "goes",
        ),
        _clean(
            results,
            (OUTBOX, OUTBOX_UNFENCED),
            "Wherever its relay dies, and whether an old one is refused, an outbox delivers every message once, in "
            "order by key",
        ),
    ]


def _duplicates(row: DeliveryRow) -> int:
    return row.duplicates


def _omissions(row: DeliveryRow) -> int:
    return row.omissions


def _orphans(row: DeliveryRow) -> int:
    return row.orphans


def _left(row: DeliveryRow) -> int:
    return row.left


def wrong(row: DeliveryRow) -> int:
    """Everything that went wrong, promised or not."""
    return row.duplicates + row.omissions + row.orphans + row.left + row.open


def later(results: Rows, first: str, second: str) -> Interval | None:
    """By how much an effect comes later under an ordering on the average, without a fault, milliseconds."""
    return FAMILY.difference(results, CALM, arm_name(first, "fenced"), arm_name(second, "fenced"), "latency_mean_ms")


def _of(results: Rows, arms: Sequence[str], scenarios: Sequence[str] = _FAULTS) -> list[DeliveryRow]:
    return [row for arm in arms for scenario in scenarios for row in results.at(scenario, arm)]


def _control(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM]
    bad = [row for row in rows if wrong(row) or row.unpromised]
    return Finding(
        claim="Where nobody dies every ordering does every effect once, and tells so",
        holds=not bad if rows else None,
        detail=f"runs where not: {at_most(len(bad), len(rows)) if rows else 'no run'}",
    )


def _promised(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario in _FAULTS]
    cells, broken = sum(row.cells for row in rows), sum(row.unpromised > 0 for row in rows)
    return Finding(
        claim="In every cell an ordering errs only in what it promises to err in",
        holds=not broken if rows else None,
        detail=f"arms and seeds with more: {at_most(broken, len(rows)) if rows else 'no run'}, of {cells} cells",
    )


def _struck(results: Rows) -> Finding:
    missed: list[str] = []
    for arm in (one.name for one in ARMS):
        for scenario in _FAULTS:
            seen = [results.series(scenario, arm, row.seed)["struck"] for row in results.at(scenario, arm)]
            for place, point in enumerate(points_of(arm)):
                if why_not(point, arm) is None and seen and not any(one[place] for one in seen):
                    missed.append(f"{point} of {arm}")
    return Finding(
        claim="Every point that can be passed is struck in some run of its arm",
        holds=not missed,
        detail=f"never struck: {', '.join(sorted(set(missed))) or 'none'}",
        sometimes=True,
    )


def _errs(results: Rows, arm: str, what: str, of: Callable[[DeliveryRow], int]) -> Finding:
    rows = _of(results, [arm])
    found = [of(row) for row in rows]
    return Finding(
        claim=f"What it does not promise occurs: {what}",
        holds=any(found) if rows else None,
        detail=f"{sum(found)} in {sum(row.effects for row in rows)} effects",
        sometimes=True,
    )


def _once(results: Rows, semantics: str, claim: str) -> Finding:
    rows = _of(results, [arm_name(ordering, semantics) for ordering in ORDERINGS])
    bad = sum(wrong(row) > 0 for row in rows)
    return Finding(
        claim=claim,
        holds=not bad if rows else None,
        detail=f"arms and seeds where not: {at_most(bad, len(rows)) if rows else 'no run'}, "
        f"of {sum(row.effects for row in rows)} effects",
    )


def _unfenced(results: Rows) -> Finding:
    open_ = _of(results, [arm_name(ordering, "unfenced") for ordering in ORDERINGS], [MOVED])
    closed = _of(results, [arm_name(ordering, "fenced") for ordering in ORDERINGS], [MOVED])
    twice, fenced = sum(row.duplicates for row in open_), sum(row.duplicates for row in closed)
    return Finding(
        claim="Asking first is not enough without a fence: an owner that stood still or is cut off goes on after "
        "another has taken over",
        holds=twice > 0 and not fenced if open_ and closed else None,
        detail=f"done twice: {twice} unfenced, {fenced} fenced, of {sum(row.effects for row in closed)} effects each",
        sometimes=True,
    )


def _cost(results: Rows, first: str, second: str) -> Finding:
    found = later(results, first, second)
    return Finding(
        claim=f"{ORDERINGS[first]} costs time: on the average an effect comes later than under {ORDERINGS[second]}",
        holds=FAMILY.above(found),
        detail=f"later by {shown(found, '.1f', 'ms')}",
    )


def _clean(results: Rows, arms: Sequence[str], claim: str) -> Finding:
    rows = _of(results, arms)
    bad = [row for row in rows if row.unpromised or wrong(row)]
    return Finding(
        claim=claim,
        holds=not bad if rows else None,
        detail=f"runs where not: {at_most(len(bad), len(rows)) if rows else 'no run'}, "
        f"of {sum(row.cells for row in rows)} cells",
    )
