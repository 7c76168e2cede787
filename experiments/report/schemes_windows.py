"""The section of `persistence-schemes` that holds losses of a window against rate times window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.schemes_cells import events, whole
from experiments.report.schemes_frontier import unbroken
from experiments.results import Results
from experiments.schemes import FAILURES, SchemeRow, promised
from experiments.schemes.windows import flush_us, rate_per_s, windows
from experiments.statistics import Interval, format_interval
from models.store.schemes import Loss

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["windows_section"]


def windows_section(page: Page, results: Results[SchemeRow]) -> None:
    """Write the section: every cell that loses what came within a period, measured and by theory."""
    page.section("Rate x window")
    low, high = flush_us()
    page.note(
        "A failure at a random instant takes what was acknowledged since the last flush, save or shipment: half a "
        f"period on average. To that comes what flushes add, {low / 1e3:.0f} to {high / 1e3:.0f} ms each: cycles last "
        "a period and a flush, and an unfinished flush does not count, but what is saved from the heap outlives the "
        "process at once. A shipment that has left arrives, so no one-way delay is added: it counts only where a cut "
        f"eats what is under way. Times {rate_per_s():.0f} a second that is the predicted mean; denials are events "
        "too. Instants are spread evenly over a period, so the mean that was measured is much surer than its interval "
        "says. Sharper: how long the last flush or shipment was ago is known in each run, and rate times that is taken "
        "off its loss; what is left over is the load's chance, 0 on average, and how often there was a flush or "
        "shipment was measured. Cells with the counts of an earlier one, run for run, are its data once more and are "
        "marked; the others are one family in the last column, whose intervals hold at once with 95 %."
    )
    rows = []
    for one in windows(results):
        age = "-" if one.oldest_ms is None else whole(f"{one.oldest_ms:.0f} of {one.expected.most_us / 1e3:.0f}")
        shortest, longest = (f"{ms:.1f}" for ms in one.every_ms)
        rows.append(
            [
                f"{unbroken(one.arm)}, {FAILURES[one.scenario].title}{' (left behind)' if one.behind else ''}",
                f"{one.expected.mean_us / 1e3:.1f}",
                f"{one.events:.1f}",
                whole(events(one.measured)),
                age,
                whole(shortest if shortest == longest else f"{shortest} to {longest}"),
                "as above" if one.like else whole(format_interval(one.surplus, "+.2f")),
                "-" if one.like else _inside(one.family, 0.0),
            ]
        )
    page.table(
        ["", "window, ms", "predicted", "measured", "oldest, ms", "every, ms", "beyond rate x age", "of 0, family"],
        rows,
        caption="Acknowledged events lost a run",
    )
    everything = [
        row for row in results.rows if row.scenario in FAILURES and promised(row.arm, row.scenario) is Loss.ALL
    ]
    risk, lost = sum(row.at_risk or 0 for row in everything), sum(row.lost for row in everything)
    page.note(f"Where a scheme may lose all, {lost:,} of {risk:,} acknowledged events were lost.")


def _inside(interval: Interval, value: float) -> str:
    outside = interval.excludes(value)
    return "-" if outside is None else "OUTSIDE" if outside else "inside"
