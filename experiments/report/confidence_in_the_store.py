"""The page of `confidence-in-the-store`: cost by who decides and by ratio, every cell, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.stakes.arms import ARMS, PLACES, RATIOS, SOURCE, Decided, StakeRow, oracle_at, spectrum_at
from experiments.stakes.costs import FAMILY, at_ratio, dearer, tuned
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[Decided, str]] = {Decided.LEAD: "Who leads", Decided.LOAD: "How a handler loads"}
_UNITS: Final[Mapping[Decided, tuple[str, str]]] = {
    Decided.LEAD: ("seconds without a leader", "needless elections"),
    Decided.LOAD: ("in vain, for a command", "time of a command, look-ups"),
}
_LEFT_OUT: Final = (
    (
        "An oracle knows who is up, who reaches whom and what is newest right now; that a host stands still it takes "
        "for no reason to move, since it does not know for how long. So it is no lower bound of what could be had."
    ),
    "The bool is the best of five patiences, chosen on every other seed; a finer grid would find a better one.",
    "The beliefs have the priors that ship with the store, not fitted to these troubles; troubles weigh alike.",
    "An alarm costs by the count of elections, and by the time of commands in look-ups, not by what a client loses.",
    "A handler takes a stale snapshot for work in vain; where the newest state leads to the same decision it is not.",
    "Leaders die or stand still; none is cut off from its majority here.",
)
Rows = Results[StakeRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("What deciding costs")
    _figure(page, results, folder)
    _saved(page, results)
    page.section("Every cell")
    for scenario in PLACES:
        _table(page, results, scenario)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _lines(results: Rows, decided: Decided, name: str, ratio: float) -> dict[str, dict[int, float]]:
    """By who decides at a ratio, its cost by seed."""
    return {
        "bool": tuned(results, decided, ratio),
        "source": at_ratio(results, decided, SOURCE, ratio),
        "spectrum": at_ratio(results, decided, spectrum_at(name), ratio),
        "oracle": at_ratio(results, decided, oracle_at(name), ratio),
    }


def _shown(costs: Mapping[int, float]) -> str:
    return format_interval(t_interval(list(costs.values())), ".2f") if costs else "-"


def _answer(results: Rows) -> str:
    told = []
    for decided in Decided:
        for name, ratio in RATIOS.items():
            costs = _lines(results, decided, name, ratio)
            saved = dearer(costs["bool"], costs["spectrum"])
            if saved is not None:
                sure = FAMILY.above(saved)
                dear = FAMILY.above(dearer(costs["spectrum"], costs["bool"]))
                verdict = "surely less" if sure else "surely more" if dear else "not surely other"
                told.append(
                    f"{_TITLES[decided].lower()} at {ratio:g}: bool {_shown(costs['bool'])}, spectrum "
                    f"{_shown(costs['spectrum'])} ({verdict}), who knows {_shown(costs['oracle'])}"
                )
    broken = sum(row.broken > 0 for row in results.rows)
    return (
        f"By decision and by what missing costs in alarms, in alarms a run: {'; '.join(told)}. "
        f"Nothing that must hold broke in {len(results.rows) - broken} of {len(results.rows)} runs. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _figure(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, len(Decided), width_in=10.0, height_in=4.0)
    for axes, decided in zip(panels, Decided, strict=True):
        found = {ratio: _lines(results, decided, name, ratio) for name, ratio in RATIOS.items()}
        for number, who in enumerate(("bool", "source", "spectrum", "oracle")):
            points = [(ratio, costs[who]) for ratio, costs in found.items() if costs[who]]
            means = [sum(costs.values()) / len(costs) for _, costs in points]
            axes.plot([ratio for ratio, _ in points], means, "osD^"[number] + "-", color=PALETTE[number], label=who)
        axes.set_xscale("log", base=2)
        axes.set_title(_TITLES[decided], fontsize=10)
        axes.set_xlabel("cost of missing, in alarms")
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("cost of a run, in alarms")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    save_figure(figure, folder / "cost.svg")
    page.figure(
        "cost.svg",
        alt="Two panels, one for each decision: what deciding costs over the ratio of costs, a line each for the tuned "
        "bool, belief thresholded at its source, the spectrum and the oracle",
        caption="Means over runs, summed over the troubles of each decision. The bool is chosen anew for each ratio.",
    )


def _saved(page: Page, results: Rows) -> None:
    lines = []
    for decided in Decided:
        for name, ratio in RATIOS.items():
            costs = _lines(results, decided, name, ratio)
            saved = dearer(costs["bool"], costs["spectrum"])
            told = "-" if saved is None else format_interval(saved, ".2f")
            lines.append([f"{_TITLES[decided]}, {ratio:g}", *map(_shown, costs.values()), told])
    header = ["", "tuned bool", "source", "spectrum", "oracle", "the spectrum saves of the bool"]
    page.table(header, lines, caption="Cost of a run in alarms, by decision and ratio")
    page.note(
        f"Each interval of what is saved has confidence {FAMILY.confidence:.4f}, so that as many as there are rows "
        "hold at once with 95 %."
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if rows:
            missed = format_interval(t_interval([row.missed for row in rows]), ".3f")
            alarmed = format_interval(t_interval([row.alarmed for row in rows]), ".2f")
            acts = format_interval(t_interval([float(row.acts) for row in rows]), ".1f")
            lines.append([arm.label, missed, alarmed, acts])
    if lines:
        place = PLACES[scenario]
        acts = "elections" if place.decided is Decided.LEAD else "waited before the work"
        header = ["", *_UNITS[place.decided], acts]
        page.table(header, lines, caption=f"{_TITLES[place.decided]}: {place.trouble}")
