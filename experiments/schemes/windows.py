"""What came within one period of flushing or shipping: counts of loss held against rate times window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from experiments.results import Results
from experiments.scenario import load
from experiments.schemes.arms import ARMS, CONTROL, FAILURES
from experiments.schemes.promises import Expected, every_us, expected, left_behind
from experiments.schemes.runs import SchemeRow
from experiments.statistics import Interval, t_interval

__all__ = ["Windowed", "flush_us", "rate_per_s", "windows"]


class Windowed(NamedTuple):
    """A measured loss beside what theory expects.

    Attributes:
        arm: Whose.
        scenario: Under which failure.
        behind: Whether it is counted as left behind on a disk that came back, and not as lost.
        expected: By theory.
        events: Mean number by theory: rate times window.
        measured: Mean number a run, with its 95 % interval; far too wide, since instants are spread evenly.
        surplus: Mean number a run beyond rate times what was unsaved in that run, with its 95 % interval.
        family: The same with an interval that holds for all that are distinct at once.
        every_ms: The shortest and the longest period that was measured in a run.
        off: In how many runs it was not the scheme's.
        oldest_ms: The greatest age that was measured; None if nothing was lost.
        like: Names an earlier one with the same counts in each run, whose evidence it repeats; "" if there is none.
    """

    arm: str
    scenario: str
    behind: bool
    expected: Expected
    events: float
    measured: Interval
    surplus: Interval
    family: Interval
    every_ms: tuple[float, float]
    off: int
    oldest_ms: float | None
    like: str


def flush_us() -> tuple[int, int]:
    """Shortest and longest flush of the control's hosts."""
    hosts = load(CONTROL).hosts
    return hosts.flush_us_min, hosts.flush_us_max


def rate_per_s() -> float:
    """Commands a second; each is acknowledged with an event."""
    return load(CONTROL).workload.rate_per_s


def windows(results: Results[SchemeRow]) -> list[Windowed]:
    """Every cell that loses, or leaves behind, what came within a window."""
    cells: dict[tuple[str, str], Expected] = {}
    first: dict[tuple[object, ...], str] = {}
    like: dict[tuple[str, str], str] = {}
    flush, rate = flush_us(), rate_per_s()
    for arm in ARMS:
        for scenario in FAILURES:
            limit = expected(arm.name, scenario, flush)
            rows = results.at(scenario, arm.name)
            if limit is None or not arm.system.get("store_denials", True) or not rows:
                continue
            cells[arm.name, scenario] = limit
            # Arms meet the same load and the same instants, so those that save at the same times lose the same.
            data = tuple((row.seed, _gone(row), row.unsaved_ms) for row in rows)
            like[arm.name, scenario] = first.get(data, "")
            first.setdefault(data, f"{arm.name} in {scenario}")
    return [
        _windowed(results.at(scenario, arm), limit, len(first), like[arm, scenario], flush, rate)
        for (arm, scenario), limit in cells.items()
    ]


def _gone(row: SchemeRow) -> int:
    """What a failure took, or left behind on a disk that came back."""
    return row.resurfaced if left_behind(row.arm, row.scenario) else row.lost


def _windowed(
    rows: Sequence[SchemeRow], limit: Expected, family: int, like: str, flush: tuple[int, int], rate: float
) -> Windowed:
    arm, scenario = rows[0].arm, rows[0].scenario
    allowed = every_us(arm, flush)
    assert allowed is not None, f"{arm} loses what came within a window, and saves nothing at times"
    surplus = [_gone(row) - rate * (row.unsaved_ms or 0.0) / 1000 for row in rows]
    every_ms = [row.every_ms or 0.0 for row in rows]
    ages = [row.lost_age_ms for row in rows if row.lost_age_ms is not None]
    return Windowed(
        arm=arm,
        scenario=scenario,
        behind=left_behind(arm, scenario),
        expected=limit,
        events=rate * limit.mean_us / 1e6,
        measured=t_interval([_gone(row) for row in rows]),
        surplus=t_interval(surplus),
        family=t_interval(surplus, confidence=1 - 0.05 / family),
        every_ms=(min(every_ms), max(every_ms)),
        off=sum(not allowed[0] <= 1000 * one <= allowed[1] for one in every_ms),
        oldest_ms=max(ages, default=None),
        like=like,
    )
