"""The page of `hedging`: what a second request buys, what it costs, who recovers from an overload, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.hedges.arms import (
    ARMS,
    BOUNDED,
    BUSY,
    CALM,
    EARLY,
    FIXED,
    LOSSY,
    NONE,
    OVERLOAD,
    P95,
    QUOTA,
    SCENARIOS,
    SHARED,
    SLOW,
    STALLS,
    THROTTLED,
    TYPICAL,
    HedgeRow,
)
from experiments.hedges.claims import never, sooner
from experiments.report import Page, new_figure, report_page, save_figure, shade
from experiments.report.figure import PALETTE
from experiments.report.over_time import draw_means
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import format_interval, format_quantile, t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "No fault, 160 requests a second of 400 that can be done",
    BUSY: "No fault, 240 a second",
    SLOW: "One service of eight is 2.4 times as slow, 160 a second",
    STALLS: "One service after the other stops for 250 ms, 160 a second",
    LOSSY: "A tenth of what passes between one service and all others is lost, 160 a second",
    OVERLOAD: "All are five times as slow for four seconds, 240 a second",
}
_SHOWN: Final = tuple(arm for arm in ARMS if arm.name in (NONE, FIXED, *BOUNDED, P95))
#: Marker, and by how many points names stand above it.
_PLOTTED: Final = ((SLOW, "o", 4), (STALLS, "s", -11))
_LEFT_OUT: Final = (
    "Copies are not cancelled once another is answered, nor tied to each other; both would save some that wait.",
    "Service times are constant and load is dealt in turns, so queues are short, and the fixed delays suit this alone.",
    "One kind of request, idempotent; a call that is not is refused before the run.",
    "Callers are few and each has a budget and a percentile of its own; one that asks seldom learns slowly.",
    "The throttle counts a call that is not answered by its deadline as one failure; gRPC only codes that are named.",
    "Push-back by servers, which would throttle sooner, is left out.",
    "The AWS SDKs do not hedge: their quota is lent to copies here, each at the price of a retry after a time-out.",
    "Recovery is measured in steps of half a second, and censored where the load ends, 28 s after the heal.",
)
Rows = Results[HedgeRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("What it buys, and what an overload makes of it")
    _figure(page, results, folder)
    page.section("Single troubles, and none")
    for scenario in SCENARIOS:
        if scenario != OVERLOAD:
            _table(page, results, scenario)
    _compared(page, results)
    if results.at(BUSY, TYPICAL):
        of_one, of_all = (_mean(results.at(BUSY, arm), "extra", ".1f", 100, "%") for arm in (TYPICAL, P95))
        page.note(
            "The percentile of the typical service has an eighth of the answers to learn from, so it lags where all "
            f"become slower: at 240 a second it sends {of_one} of copies on top, that of all answers {of_all}."
        )
    page.section("Overload")
    _overload(page, results)
    page.note(
        "Load x copies against the capacity says whether an overload can feed itself, as for retries: 240 requests a "
        "second, each sent twice, are 480 of 400 that can be done. At 160 a second even all copies fit."
    )
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _mean(rows: Sequence[HedgeRow], metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    values = [scale * float(getattr(row, metric)) for row in rows]
    return format_interval(t_interval(values), spec, unit) if values else "-"


def _latency(rows: Sequence[HedgeRow], metric: str, deadline_ms: float) -> str:
    """Mean over runs with its interval; where some run has it at infinity, the middle run and in how many."""
    values = sorted(getattr(row, metric) for row in rows)
    beyond = sum(value == inf for value in values)
    if beyond:
        middle = format_quantile(values[len(values) // 2], deadline_ms)
        return middle if beyond == len(values) else f"{middle} (none in {beyond} of {len(values)} runs)"
    return format_interval(t_interval(values), ".1f", "ms")


def _recovery(results: Rows, arm: str) -> str:
    count, runs = never(results, arm)
    rows = results.at(OVERLOAD, arm)
    if count:
        return f"never in {count} of {runs} runs"
    return _mean(rows, "recovered_s", ".1f", unit="s")


def _answer(results: Rows) -> str:
    said = [
        f"{what} its 99th percentile goes down by {format_interval(found, '.0f', 'ms')}"
        for what, found in (
            ("Against one slow service", sooner(results, SLOW, FIXED, NONE)),
            ("against stalls, at the observed 95th percentile,", sooner(results, STALLS, P95, NONE)),
        )
        if found is not None
    ]
    lost = _mean(results.at(LOSSY, NONE), "done", ".2f", 100, "%")
    left = _mean(results.at(LOSSY, FIXED), "done", ".2f", 100, "%")
    count, runs = never(results, FIXED)
    ends = [f"{arm} {_recovery(results, arm)}" for arm in (NONE, SHARED, QUOTA, P95)]
    early = results.at(BUSY, EARLY)
    return (
        f"The tail, for {_mean(results.at(SLOW, FIXED), 'extra', '.1f', 100, '%')} of copies on top. "
        f"{'; '.join(said)}; over a lossy link {left} is done instead of {lost}. Under an overload copies after a "
        f"fixed delay keep it going in {count} of {runs} runs; at a delay that was tuned for less load "
        f"{sum(row.done < 0.99 for row in early)} of {len(early)} runs break down without any fault. "
        f"Recovered: {'; '.join(ends)}. Under gRPC's throttle, which counts failures, it comes back: late in the load "
        f"{_mean(results.at(OVERLOAD, THROTTLED), 'done_late', '.0f', 100, '%')} is done. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _figure(page: Page, results: Rows, folder: Path) -> None:
    figure, (left, right) = new_figure(1, 2, width_in=11.0, height_in=4.4)
    _scatter(left, results)
    draw_means(right, results, OVERLOAD, _SHOWN, "done", width=1.4)
    right.set_title(_TITLES[OVERLOAD], fontsize=10)
    right.set_ylim(-0.03, 1.06)
    right.set_xlabel("seconds, when issued")
    right.set_ylabel("share of requests done in time")
    shade(right, 10, 14, "trigger")
    handles, names = right.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, folder / "hedging.svg")
    page.figure(
        "hedging.svg",
        alt="Left: 99th percentile over copies on top; with one slow service and with stalls it falls as soon as there "
        "are copies. Right: share of requests done over time; all fall in the trigger, the fixed delay stays at "
        "nothing, under gRPC's throttle it goes up and down, the others come back to one",
        caption="Left: means over runs, circles with one slow service, squares with stalls. Right: means over runs, by "
        "half a second in which requests were issued.",
    )


def _scatter(axes: Axes, results: Rows) -> None:
    # An arm has the colour that its line has beside.
    colours = [arm.name for arm in _SHOWN] + [TYPICAL]
    for scenario, marker, above in _PLOTTED:
        for arm in ARMS:
            if arm.name not in (NONE, FIXED, P95, TYPICAL):
                continue
            colour = PALETTE[colours.index(arm.name) % len(PALETTE)]
            rows = [row for row in results.at(scenario, arm.name) if row.latency_p99_ms < inf]
            if not rows:
                continue
            extra = 100 * sum(row.extra for row in rows) / len(rows)
            latency = sum(row.latency_p99_ms for row in rows) / len(rows)
            axes.scatter([extra], [latency], marker=marker, color=colour, s=40)
            axes.annotate(arm.name, (extra, latency), textcoords="offset points", xytext=(6, above), fontsize=8)
    axes.set_title("What it buys: circles one slow service, squares stalls", fontsize=10)
    axes.set_xlabel("copies on top, % of calls")
    axes.set_ylabel("99th percentile, ms")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.2)


def _table(page: Page, results: Rows, scenario: str) -> None:
    deadline_ms = load(scenario).workload.deadline_us / 1000
    lines = []
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if rows:
            lines.append(
                [
                    arm.label,
                    _mean(rows, "done", ".2f", 100, "%"),
                    _latency(rows, "latency_p50_ms", deadline_ms),
                    _latency(rows, "latency_p99_ms", deadline_ms),
                    _latency(rows, "latency_p999_ms", deadline_ms),
                    _mean(rows, "extra", ".1f", 100, "%"),
                    _mean(rows, "won", ".1f", 100, "%"),
                    _mean(rows, "held", ".1f", 100, "%"),
                    _mean(rows, "utilisation_busiest", ".2f"),
                ]
            )
    header = ["", "done", "p50", "p99", "p99.9", "copies on top", "won by a copy", "held back", "busiest"]
    page.table(header, lines, caption=_TITLES[scenario])


def _overload(page: Page, results: Rows) -> None:
    lines = []
    for arm in ARMS:
        rows = results.at(OVERLOAD, arm.name)
        if rows:
            lines.append(
                [
                    arm.label,
                    _recovery(results, arm.name),
                    _mean(rows, "done_late", ".1f", 100, "%"),
                    _mean(rows, "extra", ".1f", 100, "%"),
                    _mean(rows, "held", ".1f", 100, "%"),
                    _mean(rows, "utilisation_busiest", ".2f"),
                ]
            )
    header = ["", "recovered", "done, last 14 s", "copies on top", "held back", "busiest"]
    page.table(header, lines, caption=_TITLES[OVERLOAD])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario, arm, other in (
        (SLOW, FIXED, NONE),
        (SLOW, P95, NONE),
        (SLOW, TYPICAL, P95),
        (STALLS, FIXED, NONE),
        (STALLS, P95, NONE),
        (BUSY, P95, NONE),
    ):
        found = sooner(results, scenario, arm, other)
        told = "no run, or one without an answer" if found is None else format_interval(found, ".1f", "ms")
        lines.append([_TITLES[scenario], arm, other, told])
    page.table(["", "", "against", "99th percentile lower by"], lines, caption="By seed; below 0 it is higher")
