"""The page of `merge-clusters`: what finer lines serve, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.merging.lines import CLUSTER_ARMS, CLUSTER_CALM, CUT_S, PLACES, LinesRow
from experiments.report import report_page
from experiments.report.figure import PALETTE, new_figure, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    "lines_region": "a region cut off",
    "lines_cluster": "one cluster cut off",
    "lines_every_cluster": "every cluster cut off",
    CLUSTER_CALM: "no fault",
}
#: Runs from which an interval is drawn; of fewer it is as wide as the panel.
_FEWEST: Final = 4
_MEASURES: Final = (
    ("served in the cut", "availability_cut", ".3f"),
    ("served in the region that the cut is in", "availability_struck", ".3f"),
    ("served over the run", "availability_all", ".3f"),
    ("p50, ms", "latency_calm_p50_ms", ".1f"),
    ("p99, ms", "latency_calm_p99_ms", ".1f"),
    ("taken back a run", "regret", ".1f"),
    ("invariant broken, times", "violations", ".1f"),
    ("from a yes to stable everywhere, p50, s", "lag_p50_s", ".2f"),
    ("p99 of it, s", "lag_p99_s", ".2f"),
    ("stable after the heal, s", "stable_after_heal_s", ".2f"),
    ("bytes between regions a command", "wan_bytes_per_command", ",.0f"),
    ("messages a command", "messages_per_command", ".1f"),
)


def report(results: Results[LinesRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What finer lines serve, and what they cost")
    _draw(results, folder / "lines.svg")
    page.figure(
        "lines.svg",
        alt="Three groups of bars: share served in each cut, bytes between regions, and time until stable, by lines",
        caption=f"Cuts of {CUT_S} s; costs are of the control without a fault. Whiskers are 95 % intervals over runs.",
    )
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("All measures")
    for name, title in _TITLES.items():
        arms = [(arm, results.at(name, arm.name)) for arm in CLUSTER_ARMS]
        lines = [
            [told, *(_cell(rows, metric, spec).replace(", ", ",\u00a0") for _, rows in arms)]
            for told, metric, spec in _MEASURES
        ]
        lines = [line for line in lines if set(line[1:]) != {"-"}]
        page.table(["", *(arm.label for arm, _ in arms)], lines, caption=title.capitalize())
    page.section("What the model leaves out")
    page.bullets(
        [
            (
                "A client asks one cluster about an aggregate, always the same, whatever the cut: a second one could "
                "accept the same request again."
            ),
            "Clients of a region sit apart from its clusters and reach each that is not cut off.",
            "Accounts and canonical replay only; other policies differ in what they owe, not in who is served.",
            "Clusters of a region are 1.5 ms apart; the wait until all have promised is a matter of heartbeats.",
        ]
    )
    page.write(folder / "index.html")
    return answer


def _answer(results: Results[LinesRow]) -> str:
    def at(name: str, arm: str, metric: str) -> float:
        return t_interval([getattr(row, metric) or 0.0 for row in results.at(name, arm)]).estimate

    one, every = "lines_cluster", "lines_every_cluster"
    served, sent = "availability_cut", "wan_bytes_per_command"
    return (
        f"Along cluster lines where clusters are cut from one another (served with one cluster cut off: "
        f"{at(one, 'cluster', served):.3f}, along region lines {at(one, 'region', served):.3f}; with every cluster cut "
        f"off {at(every, 'cluster', served):.3f} and {at(every, 'region', served):.3f}), at "
        f"{at(CLUSTER_CALM, 'cluster', sent):,.0f} bytes between regions a command in place of "
        f"{at(CLUSTER_CALM, 'region', sent):,.0f}; along both for {at(CLUSTER_CALM, 'both', sent):,.0f}, if an event "
        f"may take {at(CLUSTER_CALM, 'both', 'lag_p50_s'):.2f} s until it is stable everywhere "
        f"({at(CLUSTER_CALM, 'region', 'lag_p50_s'):.2f} s along region lines). Where only regions are cut, region "
        "lines serve as much for less."
    )


def _cell(rows: Sequence[LinesRow], metric: str, spec: str) -> str:
    values = [getattr(row, metric) for row in rows]
    return "-" if not values or None in values else format_interval(t_interval(values), spec)


def _draw(results: Results[LinesRow], path: Path) -> None:
    figure, panels = new_figure(1, 3, width_in=13.0, height_in=4.2)
    cuts = [name for name, targets in PLACES.items() if targets]
    for number, arm in enumerate(CLUSTER_ARMS):
        served = [t_interval([row.availability_cut or 0.0 for row in results.at(name, arm.name)]) for name in cuts]
        places = [place + 0.27 * (number - 1) for place in range(len(cuts))]
        colour = PALETTE[number]
        panels[0].bar(places, [one.estimate for one in served], 0.25, color=colour, label=arm.label)
        for place, one in zip(places, served, strict=True):
            if one.low is not None and one.high is not None and one.n >= _FEWEST:
                panels[0].vlines(place, max(0.0, one.low), min(1.0, one.high), color="#333333", linewidth=1)
        calm: Sequence[LinesRow] = results.at(CLUSTER_CALM, arm.name)
        columns: tuple[Callable[[LinesRow], float], ...] = (
            lambda row: row.wan_bytes_per_command,
            lambda row: row.lag_p50_s,
        )
        for axes, metric in zip(panels[1:], columns, strict=True):
            one = t_interval([metric(row) for row in calm])
            axes.bar([number], [one.estimate], 0.6, color=colour)
            told = f"{one.estimate:,.0f}" if one.estimate >= 10 else f"{one.estimate:.2f}"
            axes.annotate(told, (number, one.estimate), ha="center", va="bottom", fontsize=9)
    panels[0].set_title("share of commands served in the cut")
    panels[0].set_xticks(range(len(cuts)), [_TITLES[name].replace(" cut", "\ncut") for name in cuts])
    panels[0].set_ylim(0, 1.05)
    panels[1].set_title("bytes between regions a command, no fault")
    panels[2].set_title("from a yes to stable everywhere, p50, s")
    for axes in panels[1:]:
        axes.set_xticks(range(len(CLUSTER_ARMS)), [arm.name for arm in CLUSTER_ARMS])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, path)
