"""The page of `provisioning`: what a delay costs, what a spare instance saves, a control plane that is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.provisions.arms import (
    ARMS,
    CALM,
    CRASH,
    MONITORS,
    REGION,
    REGISTRY,
    SCALE,
    SCENARIOS,
    SCHEDULER,
    SPANS,
    ProvisionRow,
)
from experiments.provisions.claims import FAMILY
from experiments.report import Page, new_figure, report_page, save_figure, shade
from experiments.report.over_time import draw_means
from experiments.results import Results
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "Nothing goes wrong",
    CRASH: "A host of an instance dies",
    REGION: "A region is out of reach",
    SCHEDULER: "A host dies while the scheduler is cut off",
    REGISTRY: "A host dies while the registry has no majority",
    MONITORS: "A host dies while two of three monitors are dead",
    SCALE: "The load needs twice the instances",
}
_LEFT_OUT: Final = (
    "The provisioner itself never fails, has room for everything, and takes no longer where much is asked of it.",
    "One service, one kind of instance, hosts that are all alike; nothing else competes for them.",
    "Detection is a fixed time-out of a second, which adds to each delay alike; adaptive ones are not compared.",
    "Two minutes are longer than what is left of a run: such a start comes to nothing here, and its time is censored.",
    "Clients retry under a budget, and inboxes are short; without that it may never come back, as `retry-storm` shows.",
    "The store that fences is always in reach of the instances that serve, but for the region that is cut off.",
)
Rows = Results[ProvisionRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Who was served")
    _timelines(page, results, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    found = [value for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    values = [scale * float(value) for value in found]
    return format_interval(t_interval(values), spec, unit) if values else "-"


def _short(results: Rows, scenario: str, arm: str) -> str:
    rows = results.at(scenario, arm)
    count = sum(row.short_s == inf for row in rows)
    if count:
        return f"none by the end in {count} of {len(rows)} runs"
    return _mean(results, scenario, arm, "short_s", ".1f")


def _answer(results: Rows) -> str:
    def share(scenario: str, arm: str) -> str:
        return _mean(results, scenario, arm, "served_share", ".1f", 100, "%")

    return (
        f"When one of two instances dies and the other cannot do all, {share(CRASH, '100ms')} of the requests that "
        f"follow are served if another starts in 100 ms, {share(CRASH, '3s')} at 3 s, {share(CRASH, '20s')} at 20 s, "
        f"and {share(CRASH, '2min')} if it takes longer than is left. A spare instance makes up for that: "
        f"{share(CRASH, '2min-spare')}. While the scheduler is cut off nothing is provisioned, what runs goes on "
        f"({share(SCHEDULER, '3s')} with none spare, {share(SCHEDULER, '3s-spare')} with one), and after the heal it "
        f"converges. Intervals are 95 % over {len(results.seeds)} runs."
    )


def _timelines(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 3, width_in=12.0, height_in=4.0)
    for axes, scenario in zip(panels, (CRASH, SCHEDULER, SCALE), strict=True):
        draw_means(axes, results, scenario, ARMS, "served")
        axes.set_title(_TITLES[scenario], fontsize=9)
        axes.set_ylim(-0.03, 1.06)
        axes.set_xlabel("seconds, when issued")
        if scenario != SCALE:
            axes.axvline(SPANS[scenario].from_us / 1e6, color="#555555", linewidth=1, linestyle=":")
    shade(panels[1], 8, 28, "scheduler cut off")
    panels[0].set_ylabel("share of requests served")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    save_figure(figure, folder / "served.svg")
    page.figure(
        "served.svg",
        alt="Three panels over time, a line for each delay: share of requests served. After a crash the line comes "
        "back the later the longer a start takes, and hardly falls with a spare instance; while the scheduler is cut "
        "off no line without a spare one comes back before the heal; as the load begins lines rise in order of delay",
        caption="Means over runs, by the second in which requests were issued. The dotted line is the loss of a host.",
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for arm in ARMS:
        if not results.at(scenario, arm.name):
            continue
        line = [
            arm.label,
            _mean(results, scenario, arm.name, "served_share", ".1f", 100, "%"),
            _mean(results, scenario, arm.name, "unserved", ".0f"),
            "-" if scenario == CALM else _short(results, scenario, arm.name),
            _mean(results, scenario, arm.name, "replaced", ".1f"),
            _mean(results, scenario, arm.name, "instances_most", ".1f"),
        ]
        if SPANS[scenario].cut_until_us is not None:
            line += [_mean(results, scenario, arm.name, "cut_served", ".1f", 100, "%")]
            line += [_mean(results, scenario, arm.name, "cut_changes", ".0f")]
        lines.append(line)
    header = ["", "served", "not served", "another acts, s", "replaced", "most instances"]
    if SPANS[scenario].cut_until_us is not None:
        header += ["served in the cut", "slots that changed hands in it"]
    page.table(header, lines, caption=_TITLES[scenario])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario, first, second in (
        (CRASH, "100ms", "20s"),
        (REGION, "100ms", "20s"),
        (SCALE, "100ms", "20s"),
        (CRASH, "2min-spare", "2min"),
        (REGION, "2min-spare", "2min"),
        (CRASH, "2min-spare", "100ms"),
    ):
        found = FAMILY.difference(results, scenario, first, second, "served_share")
        told = "some run at infinity" if found is None else format_interval(found, ".3f")
        lines.append([f"{_TITLES[scenario]}: {first} less {second}", told])
    page.table(["", "difference in the share served"], lines, caption="Differences over runs of one seed")
    page.note(
        f"Each interval has confidence {FAMILY.confidence:.4f}, so that those that decide a claim hold at once with "
        "95 %."
    )
