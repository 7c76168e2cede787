"""What is claimed of queues, held against the rows. Comparisons are of arms under one seed, and one family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.queues.arms import (
    BUSY,
    CALM,
    CRASH,
    DEDUP,
    DESIGNS,
    FAILURES,
    LEAST,
    MOST,
    POWER,
    SCENARIOS,
    Design,
    QueueRow,
    name_of,
)
from experiments.results import Results
from experiments.statistics import at_most

__all__ = ["FAMILY", "check", "rows_of"]

FAMILY: Final = Family(compared=5, fewest=6)

Rows = Results[QueueRow]


def check(results: Rows) -> list[Finding]:
    """The control, what each mode promises, what each scheme keeps, and what both cost."""
    return [
        _control(results),
        _most_once(results),
        _most_loses(results),
        _dedup_once(results),
        _least_doubles(results),
        _kept(results),
        _heap(results),
        _cache(results),
        _disk(results),
        _ordered(results),
        *_costs(results),
        _batches(results),
        _batch_waits(results),
    ]


def rows_of(results: Rows, scenarios: Iterable[str], wanted: Callable[[Design], bool]) -> list[QueueRow]:
    """The rows of some scenarios whose design is wanted."""
    arms = [name for name, design in DESIGNS.items() if wanted(design)]
    return [row for scenario in scenarios for arm in arms for row in results.at(scenario, arm)]


def _none(claim: str, rows: Sequence[QueueRow], wrong: Callable[[QueueRow], int | None]) -> Finding:
    """That something happens in no run; rows that cannot tell of it leave it open."""
    bad = [row.key for row in rows if wrong(row)]
    untold = sum(wrong(row) is None for row in rows)
    told = f"runs where not: {at_most(len(bad), len(rows))}" if rows else "no run"
    more = f", such as {bad[0]}" if bad else f"; {untold} could not tell" if untold else ""
    return Finding(claim=claim, holds=None if not rows else not bad, detail=told + more)


def _some(claim: str, rows: Sequence[QueueRow], wrong: Callable[[QueueRow], int | None]) -> Finding:
    """That something happens in some run."""
    bad = sum(bool(wrong(row)) for row in rows)
    count = sum(wrong(row) or 0 for row in rows)
    return Finding(
        claim=claim,
        holds=None if not rows else bad > 0,
        detail=f"{count} messages in {bad} of {len(rows)} runs",
        sometimes=True,
    )


def _control(results: Rows) -> Finding:
    return _none(
        "While nothing fails nobody loses a message or has one overtaken, and all have their effect",
        rows_of(results, (CALM,), lambda d: d.mode != MOST),
        lambda row: (row.lost or 0) + row.out_of_order + (row.effected_share < 1),
    )


def _most_once(results: Rows) -> Finding:
    return _none(
        "At most once, no message has its effect twice, whatever fails, while the log keeps that it was let go of",
        rows_of(results, SCENARIOS, lambda d: d.mode == MOST and d.scheme == "multi-persist"),
        lambda row: row.duplicated,
    )


def _most_loses(results: Rows) -> Finding:
    return _some(
        "At most once, messages are lost even where the log loses nothing",
        rows_of(results, SCENARIOS, lambda d: d.mode == MOST and d.scheme == "multi-persist"),
        lambda row: row.lost,
    )


def _dedup_once(results: Rows) -> Finding:
    return _none(
        "Deduplicated, no message has its effect twice, whatever fails, under any scheme",
        rows_of(results, SCENARIOS, lambda d: d.mode == DEDUP),
        lambda row: row.duplicated,
    )


def _least_doubles(results: Rows) -> Finding:
    return _some(
        "At least once, messages have their effect twice",
        rows_of(results, SCENARIOS, lambda d: d.mode == LEAST),
        lambda row: row.duplicated,
    )


def _kept(results: Rows) -> Finding:
    return _none(
        "At least once and deduplicated, two flushed copies of three lose no acknowledged message, whatever fails",
        rows_of(results, SCENARIOS, lambda d: d.mode != MOST and d.scheme == "multi-persist"),
        lambda row: row.lost,
    )


def _heap(results: Rows) -> Finding:
    return _some(
        "A queue in one heap loses acknowledged messages with its process",
        rows_of(results, (CRASH,), lambda d: d.mode != MOST and d.scheme == "mem"),
        lambda row: row.lost,
    )


def _cache(results: Rows) -> Finding:
    return _some(
        "A queue in a page cache outlives its process, and loses acknowledged messages with the power",
        rows_of(results, (POWER,), lambda d: d.mode != MOST and d.scheme == "periodic"),
        lambda row: row.lost,
    )


def _disk(results: Rows) -> Finding:
    return _none(
        "A flushed queue loses nothing with its process or the power",
        rows_of(results, (CRASH, POWER), lambda d: d.mode != MOST and d.scheme == "persist"),
        lambda row: row.lost,
    )


def _ordered(results: Rows) -> Finding:
    return _none(
        "In every mode the order of a key is kept over redelivery and failover, while the log loses nothing",
        rows_of(results, (CALM, *FAILURES, BUSY), lambda d: d.scheme == "multi-persist"),
        lambda row: row.out_of_order,
    )


def _costs(results: Rows) -> list[Finding]:
    found = []
    for slow, quick, why in (
        ("persist", "mem", "A flush costs latency"),
        ("multi-persist", "persist", "A second flushed copy costs more"),
    ):
        more = FAMILY.difference(results, CALM, name_of(DEDUP, slow), name_of(DEDUP, quick), "latency_p50_ms")
        told = f"end-to-end p50, {slow} less {quick}: {shown(more, '.2f', 'ms')}"
        found.append(Finding(claim=why, holds=FAMILY.above(more), detail=told))
    most, least = name_of(MOST, "multi-persist"), name_of(LEAST, "multi-persist")
    more = FAMILY.difference(results, CALM, most, least, "latency_p50_ms")
    found.append(
        Finding(
            claim="At most once is no quicker than at least once: to let go before handing out takes a commit too",
            holds=FAMILY.above(more),
            detail=f"end-to-end p50 on two flushed copies, at most less at least once: {shown(more, '.2f', 'ms')}",
        )
    )
    return found


def _batches(results: Rows) -> Finding:
    many, one = name_of(DEDUP, "multi-persist", "eight"), name_of(DEDUP, "multi-persist")
    more = FAMILY.difference(results, BUSY, many, one, "effects_per_s")
    return Finding(
        claim="Where brokers are short, batches carry more",
        holds=FAMILY.above(more),
        detail=f"effects a second, eight together less one by one: {shown(more, '.0f')}",
    )


def _batch_waits(results: Rows) -> Finding:
    many, one = name_of(DEDUP, "multi-persist", "eight"), name_of(DEDUP, "multi-persist")
    more = FAMILY.difference(results, CALM, many, one, "latency_p50_ms")
    return Finding(
        claim="Where nothing is short, batches only wait",
        holds=FAMILY.above(more),
        detail=f"end-to-end p50, eight together less one by one: {shown(more, '.2f', 'ms')}",
    )
