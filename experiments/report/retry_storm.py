"""The page of `retry-storm`: goodput over time, who recovers and when, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.report import Page, new_figure, report_page, save_figure, shade
from experiments.report.over_time import draw_means
from experiments.results import Results
from experiments.statistics import format_interval, t_interval
from experiments.storms.arms import ARMS, CALM, CURES, CUT, LIGHT, NAIVE, NONE, SCENARIOS, SHORT, SLOW, THIN, StormRow
from experiments.storms.claims import never, slower

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "No fault, 35 requests a second",
    SHORT: "Slow for a quarter of a second, 35 a second",
    SLOW: "Slow for four seconds, 35 a second",
    CUT: "Cut off for four seconds, 35 a second",
    THIN: "Slow for four seconds, 8 a second",
    LIGHT: "Slow for four seconds, 4 a second",
}
_SHOWN: Final = tuple(
    arm for arm in ARMS if arm.name in (NAIVE, NONE, "throttle", "breaker", "drop-stale", "shed", "lifo")
)
_LEFT_OUT: Final = (
    "One service of each tier, so no load balancer that sends retries elsewhere, and one bad host is the whole tier.",
    "The service time is constant, all requests cost the same, and no cache goes cold, as in many an overload.",
    "Users are an open loop: nobody goes away, and nobody presses reload. Retries beyond a deadline are not made.",
    "Budgets and breakers are those of each caller; a client library shared by few users learns more slowly.",
    "Turning a request away costs the host 20 us here. Where refusing is dear, shedding saves less.",
    "LIFO and a short queue need no word from callers; dropping and refusing stale work need deadlines that go along.",
    "Recovery is measured in steps of half a second, and censored where the load ends, 19 s after the heal.",
)
Rows = Results[StormRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Goodput over time")
    _timelines(page, results, folder)
    page.section("Who recovers, and when")
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.note(
        "To drop what is past its deadline helps less than to refuse what will be: the next in turn has little time "
        "left, so its work is done and comes too late as well."
    )
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    found = [value for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    values = [scale * float(value) for value in found]
    return format_interval(t_interval(values), spec, unit) if values else "-"


def _recovery(results: Rows, scenario: str, arm: str) -> str:
    """Mean with its interval; where some run never recovered, in how many, and the mean of none."""
    count, runs = never(results, scenario, arm)
    if not runs or any(row.recovered_s is None for row in results.at(scenario, arm)):
        return "-"
    if count:
        times = sorted(row.recovered_s or 0.0 for row in results.at(scenario, arm))
        middle = times[(runs - 1) // 2]
        shown = "never" if middle == inf else f"{middle:.1f}"
        return f"{shown} (censored in {count} of {runs} runs)"
    return _mean(results, scenario, arm, "recovered_s", ".1f")


def _answer(results: Rows) -> str:
    count, runs = never(results, SLOW, NAIVE)
    thin, thin_runs = never(results, THIN, NAIVE)
    light, light_runs = never(results, LIGHT, NAIVE)
    ends = [f"{arm} {_recovery(results, SLOW, arm)} s" for arm in CURES if results.at(SLOW, arm)]
    return (
        f"It does: with three attempts in each of two layers a host that was slow for four seconds never recovered in "
        f"{count} of {runs} runs, at "
        f"{_mean(results, SLOW, NAIVE, 'amplification', '.1f')} attempts a request; at a sixth of the capacity in "
        f"{thin} of {thin_runs}, at a twelfth in {light} of {light_runs}. Without retries it recovers after "
        f"{_recovery(results, SLOW, NONE)} s. What ends it, and after how long: {'; '.join(ends)}. Jitter does not. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _timelines(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 2, width_in=11.0, height_in=4.2)
    for axes, scenario in zip(panels, (SLOW, CUT), strict=True):
        draw_means(axes, results, scenario, _SHOWN, "done", width=1.4)
        axes.set_title(_TITLES[scenario], fontsize=10)
        axes.set_ylim(-0.03, 1.06)
        axes.set_xlabel("seconds, when issued")
        shade(axes, 10, 14, "trigger")
    panels[0].set_ylabel("share of requests done in time")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, folder / "goodput.svg")
    page.figure(
        "goodput.svg",
        alt="Two panels over time, a line for each policy: share of requests done in time. All fall to nothing in the "
        "trigger; with naive retries the line stays at nothing to the end, every other comes back to one, some within "
        "seconds",
        caption="Means over runs, by half a second in which requests were issued.",
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for arm in ARMS:
        if not results.at(scenario, arm.name):
            continue
        lines.append(
            [
                arm.label,
                _mean(results, scenario, arm.name, "done_during", ".1f", 100, "%"),
                _mean(results, scenario, arm.name, "done_after", ".1f", 100, "%"),
                _recovery(results, scenario, arm.name),
                _mean(results, scenario, arm.name, "amplification", ".2f"),
                _mean(results, scenario, arm.name, "executed", ".0f"),
                _mean(results, scenario, arm.name, "done", ".0f"),
                _mean(results, scenario, arm.name, "refused", ".0f"),
                _mean(results, scenario, arm.name, "passed_over", ".0f"),
            ]
        )
    header = ["", "done during", "done, last 10 s", "recovered, s", "attempts a request", "executed", "done"]
    page.table([*header, "turned away", "passed over"], lines, caption=_TITLES[scenario])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for arm in CURES:
        found = slower(results, NONE, arm)
        told = "some run never recovered" if found is None else format_interval(found, ".2f", "s")
        lines.append([arm, told])
    page.table(["", "recovers sooner by"], lines, caption="After a slow host: no retries less each cure, by seed")
