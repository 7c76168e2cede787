"""What is claimed of the schemes, held against the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from experiments import crashes
from experiments.crashes import CellResult, replicas
from experiments.experiment import Finding
from experiments.results import Results
from experiments.schemes.arms import CONTROL, FAILURES, LOST_REPLIES, scheme_of_arm
from experiments.schemes.promises import expected, promised
from experiments.schemes.runs import SchemeRow
from experiments.schemes.windows import flush_us, windows
from experiments.statistics import (
    Interval,
    at_most,
    format_interval,
    holm,
    paired_difference,
    paired_p_value,
)
from models.store.schemes import Loss

__all__ = [
    "P50",
    "P99",
    "Compared",
    "breaks",
    "check",
    "compared",
    "crash_table",
    "few_schemes",
    "loses_all",
    "replica_table",
]

#: Who should answer sooner than whom: what costs more, and more holders.
ORDER: Final = (
    ("mem", "persist"),
    ("persist", "multi-persist-2of3"),
    ("multi-persist-2of3", "multi-persist-2of3-cluster"),
    ("multi-persist-2of3-cluster", "multi-persist-2of3-region"),
)
HOLDERS: Final = (
    ("multi-persist-2of3", "multi-persist-3of3"),
    ("multi-persist-2of3-region", "multi-persist-3of3-region"),
)
_FLUSHED: Final = ("local-persist", "multi-persist:2/3")
#: Seeds from which the tables of crash points are whole.
_WHOLE_TABLES: Final = 10
P50: Final = "latency_near_p50_ms"
P99: Final = "latency_near_p99_ms"


class Compared(NamedTuple):
    """Two arms' latencies in the control, paired by seed.

    Attributes:
        quick: The arm that should answer sooner.
        slow: The other.
        metric: Which latency.
        difference: Of the slow one less the quick one, ms.
        p_value: Adjusted by Holm over all of that metric; None where undefined.
    """

    quick: str
    slow: str
    metric: str
    difference: Interval
    p_value: float | None


def check(results: Results[SchemeRow]) -> list[Finding]:
    """Hold every claim against the rows."""
    return [
        _promises_kept(results),
        _losses_seen(results),
        _all_gone(results),
        _windows_agree(results),
        _order(results),
        _order_at_p99(results),
        _none_twice(results),
        _brought_back(results),
        _left_without_people(results),
        _events_a_command(results),
        _decided_once(results),
        _decided_anew(results),
        _calm(results),
        _crashes(crash_table(results)),
        replicas.finding_of(replica_table(results)),
    ]


def crash_table(results: Results[SchemeRow]) -> Sequence[CellResult]:
    """Every crash point under every scheme; of few seeds, under those that flush."""
    return results.once(crashes.table if few_schemes(results) is None else _few_crashes)


def replica_table(results: Results[SchemeRow]) -> Sequence[replicas.ReplicaResult]:
    """Every point of replication, under every scheme; of few seeds, under one."""
    return results.once(replicas.table if few_schemes(results) is None else _few_strikes)


def few_schemes(results: Results[SchemeRow]) -> tuple[str, ...] | None:
    """The schemes of both tables where few seeds were asked for: whole ones take as long as the runs; else None."""
    return _FLUSHED if len(results.seeds) < _WHOLE_TABLES else None


def _few_crashes() -> Sequence[CellResult]:
    return crashes.table(schemes=_FLUSHED)


def _few_strikes() -> Sequence[replicas.ReplicaResult]:
    return replicas.table(schemes=_FLUSHED[-1:])


# -- promises ------------------------------------------------------------------------------


def breaks(row: SchemeRow, flush: tuple[int, int]) -> bool:
    """Whether a run lost more than its scheme may lose there, where a flush takes from one to the other."""
    if row.scenario not in FAILURES:
        return row.lost > 0
    loss, limit = promised(row.arm, row.scenario), expected(row.arm, row.scenario, flush)
    if loss is Loss.NOTHING and row.lost:
        return True
    return limit is not None and row.lost_age_ms is not None and row.lost_age_ms * 1000 > limit.most_us


def loses_all(arm: str, scenario: str) -> bool:
    """Whether nothing of what was acknowledged can survive."""
    loss = promised(arm, scenario)
    return loss is Loss.ALL or (loss is Loss.SINCE_SNAPSHOT and scheme_of_arm(arm).flush_every_us is None)


def _promises_kept(results: Results[SchemeRow]) -> Finding:
    flush = flush_us()
    bad = [row.key for row in results.rows if breaks(row, flush)]
    clean = [
        row for row in results.rows if row.scenario in FAILURES and promised(row.arm, row.scenario) is Loss.NOTHING
    ]
    cells = {(row.scenario, row.arm) for row in clean}
    return Finding(
        claim="No scheme loses more than it may: nothing, or nothing older than its window",
        holds=not bad,
        detail=f"runs that did: {at_most(len(bad), len(results.rows))}{_some(bad)}; of {len(cells)} cells that may "
        f"lose nothing, each has {at_most(0, len(results.seeds)) if not bad else 'its count in the table'}",
    )


def _losses_seen(results: Results[SchemeRow]) -> Finding:
    may = sorted(
        {
            (r.scenario, r.arm)
            for r in results.rows
            if r.scenario in FAILURES and promised(r.arm, r.scenario) is not Loss.NOTHING
        }
    )
    unseen = [f"{arm} in {s}" for s, arm in may if not any(row.lost for row in results.at(s, arm))]
    return Finding(
        claim="Sometimes whatever a scheme does not promise to keep is lost",
        holds=not unseen,
        detail=f"{len(may) - len(unseen)} of {len(may)} cells that may lose something did in some run{_some(unseen)}",
        sometimes=True,
    )


def _all_gone(results: Results[SchemeRow]) -> Finding:
    rows = [row for row in results.rows if row.scenario in FAILURES and loses_all(row.arm, row.scenario)]
    bad = [row.key for row in rows if row.lost != row.at_risk]
    return Finding(
        claim="Where no copy is left, everything acknowledged before the failure is lost",
        holds=not bad,
        detail=f"runs in which it was not just that: {at_most(len(bad), len(rows))}{_some(bad)}",
    )


# -- windows -------------------------------------------------------------------------------


def _windows_agree(results: Results[SchemeRow]) -> Finding:
    found = windows(results)
    distinct = [one for one in found if not one.like]
    outside = [f"{one.arm} in {one.scenario}" for one in distinct if one.family.excludes(0.0)]
    inside = sum(one.surplus.excludes(0.0) is False for one in distinct)
    off = [
        f"{one.arm} in {one.scenario}: every {one.every_ms[0]:.0f} to {one.every_ms[1]:.0f} ms"
        for one in found
        if one.off
    ]
    known = all(one.family.defined for one in distinct)
    return Finding(
        claim="Each run loses rate x the time since its last flush or shipment, and these come as often as they should",
        holds=False if outside or off else True if known else None,
        detail=f"of {len(found)} cells {len(distinct)} have counts of their own, the others repeat them; of these "
        f"{inside} agree by their own 95 % intervals, {len(distinct) - len(outside)} by intervals that hold for all at "
        f"once with 95 %{_some(outside)}; periods differ in {len(off)} cells{_some(off)}",
    )


# -- latency -------------------------------------------------------------------------------


def compared(results: Results[SchemeRow], metric: str) -> list[Compared]:
    """The comparisons of one latency: one family."""
    differences: dict[tuple[str, str], Interval] = {}
    p_values: dict[str, float] = {}
    for quick, slow in (*ORDER, *HOLDERS):
        pairs = results.pairs(CONTROL, slow, quick)
        first, second = ([getattr(row, metric) for row in side] for side in zip(*pairs, strict=True))
        differences[quick, slow] = paired_difference(first, second)
        p_value = paired_p_value(first, second)
        if p_value is not None:
            p_values[f"{quick}/{slow}"] = p_value
    adjusted = holm(p_values)
    return [
        Compared(quick, slow, metric, difference, adjusted.get(f"{quick}/{slow}"))
        for (quick, slow), difference in differences.items()
    ]


def _order(results: Results[SchemeRow]) -> Finding:
    """Significant at p50, of which a few runs tell enough."""
    found = compared(results, P50)
    p_values = [one.p_value for one in found if one.p_value is not None]
    holds: bool | None = None
    if any(one.difference.estimate <= 0 for one in found):
        holds = False
    elif len(p_values) == len(found) and max(p_values) < 0.05:
        holds = True
    return Finding(
        claim="At p50 an acknowledgement costs more from local-mem over local-persist, multi-persist in a cluster and "
        "over clusters to multi-persist over regions, and more with three of three holders than with two",
        holds=holds,
        detail=f"{_differences(found)}; Holm-adjusted p at most {max(p_values, default=1):.2g}",
    )


def _order_at_p99(results: Results[SchemeRow]) -> Finding:
    """By the means alone: a run's p99 is its second or third slowest command."""
    found = [one for one in compared(results, P99) if (one.quick, one.slow) in ORDER]
    return Finding(
        claim="At p99 the means of the schemes stand in the same order",
        holds=all(one.difference.estimate > 0 for one in found),
        detail=_differences(found),
    )


def _differences(found: Sequence[Compared]) -> str:
    return "; ".join(f"{one.slow} over {one.quick} {format_interval(one.difference, '+.3g')} ms" for one in found)


# -- what else -----------------------------------------------------------------------------


def _none_twice(results: Results[SchemeRow]) -> Finding:
    bad = [row.key for row in results.rows if row.duplicates]
    return Finding(
        claim="No command has two events, whatever failed and however often it was asked",
        holds=not bad,
        detail=f"runs with one that has: {at_most(len(bad), len(results.rows))}{_some(bad)}",
    )


def _brought_back(results: Results[SchemeRow]) -> Finding:
    rows = _dark(results, "ship-1s", "ship-250ms")
    bad = [row.key for row in rows if row.set_aside or row.lost]
    return Finding(
        claim="What a returning region brings back is reconciled by its operators, and none of it is lost",
        holds=not bad,
        detail=f"runs that left something: {at_most(len(bad), len(rows))}; {sum(row.resurfaced for row in rows)} "
        f"events resurfaced, {sum(row.merged for row in rows)} were merged, {sum(row.compensated for row in rows)} "
        "compensated, the others were denials",
    )


def _left_without_people(results: Results[SchemeRow]) -> Finding:
    rows = _dark(results, "ship-1s-left")
    return Finding(
        claim="Sometimes what a returning region brings back stays set aside where nobody reconciles it",
        holds=any(row.set_aside for row in rows),
        detail=f"set aside at the end: {', '.join(str(row.set_aside) for row in rows)}",
        sometimes=True,
    )


def _dark(results: Results[SchemeRow], *arms: str) -> list[SchemeRow]:
    return [row for arm in arms for row in results.at("schemes_region_dark", arm)]


def _events_a_command(results: Results[SchemeRow]) -> Finding:
    on, off = results.at(CONTROL, "persist"), results.at(CONTROL, "no-denials")
    bad = [row.key for row in on if row.events != row.commands]
    bad += [row.key for row in off if row.events != row.commands - round(row.denied_share * row.commands)]
    return Finding(
        claim="Exactly one event a command with denials stored, and without them one for each that is not denied",
        holds=not bad,
        detail=f"runs that differ: {at_most(len(bad), len(on) + len(off))}{_some(bad)}",
    )


def _decided_once(results: Results[SchemeRow]) -> Finding:
    rows = [row for row in results.rows if row.scenario == LOST_REPLIES and row.arm != "no-denials"]
    bad = [row.key for row in rows if row.decided_twice]
    return Finding(
        claim="With denials stored, a command whose answer is lost and that is asked again is not decided anew",
        holds=not bad,
        detail=f"runs with one that was: {at_most(len(bad), len(rows))}{_some(bad)}",
    )


def _decided_anew(results: Results[SchemeRow]) -> Finding:
    counts = [row.decided_twice or 0 for row in results.at(LOST_REPLIES, "no-denials")]
    return Finding(
        claim="Sometimes, without them, a denied command that is asked again is accepted",
        holds=any(counts),
        detail=f"commands: {', '.join(map(str, counts))}",
        sometimes=True,
    )


def _calm(results: Results[SchemeRow]) -> Finding:
    worst = min((row for row in results.rows if row.scenario == CONTROL), key=lambda row: row.availability_all)
    return Finding(
        claim="Without a fault every scheme serves at least 99 % of commands",
        holds=worst.availability_all >= 0.99,
        detail=f"the least is {worst.availability_all:.4f}, by {worst.arm}",
    )


def _crashes(found: Sequence[CellResult]) -> Finding:
    """Of no row: the table is made by the code that made the rows, and stands on the same page."""
    bad = [f"{one.point} under {one.scheme}, {one.kind}, {one.recovery}" for one in found if not one.holds]
    missed = [f"{one.point} under {one.scheme}" for one in found if one.applies and not one.hits]
    return Finding(
        claim="At every crash point, however the host dies and whoever goes on, each scheme keeps its promise, and "
        "every point that applies was met with a command in flight",
        holds=not bad and not missed if found else None,
        detail=f"{crashes.summary(found)}{_some([*bad, *dict.fromkeys(missed)])}",
    )


def _some(names: Iterable[str]) -> str:
    """The first few of what is wrong, after a colon; nothing if nothing is."""
    found = list(names)
    return f": {', '.join(found[:5])}{', ...' if len(found) > 5 else ''}" if found else ""
