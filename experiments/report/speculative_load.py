"""The page of `speculative-load`: gain by staleness, waste by domain, a cut and a slow link, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.loads.arms import (
    CALM,
    CONSISTENT,
    CUT,
    DOMAINS,
    HOT,
    OPTIMISTIC,
    QUIET,
    SCENARIOS,
    SLOW,
    SPECULATIVE,
    STRATEGIES,
    LoadRow,
    arm_of,
)
from experiments.loads.claims import FAMILY, WORK_MS, difference
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    QUIET: "Quiet: one command in twenty is to an aggregate that both regions ask for",
    CALM: "Calm: four commands in ten are",
    HOT: "Hot: all are, to eight aggregates",
    SLOW: "As calm, and the link to the leader is three times as slow",
    CUT: "As calm, and the far region is cut off for two seconds of the five that are measured",
}
_MARKS: Final[Mapping[str, str]] = dict(zip(STRATEGIES, ("s--", "o-", "^:", "d-."), strict=True))
_COLOURS: Final[Mapping[str, str]] = dict(zip(STRATEGIES, PALETTE, strict=False))
_LEFT_OUT: Final = (
    (
        "The work is a pause of fixed length in the handler and holds no core, so work that was done in vain costs "
        "latency and nothing else: where handlers are short of cores waste costs more than here."
    ),
    (
        "Every decision is confirmed by an append that expects the version it was decided on, so the look-up saves "
        "refused appends and nothing else; in a store without such appends it is what confirms, and then "
        "optimism is no choice."
    ),
    (
        "A denial is an event here and is confirmed by its append. Where denials are not stored a look-up must confirm "
        "them, and optimism would gain nothing on those."
    ),
    (
        "Handlers of one region do not contend but by commands that come at once; a handler takes no lock on an "
        "aggregate, so two of its own commands conflict like anybody's."
    ),
    (
        "An image is compared with the log by its version and its chain's tip. One that was taken of what a forced "
        "failover then gave up is found by the next look-up, not by an optimistic append."
    ),
    "Two regions, one shard, one kind of work. Bank accounts are wanted by a Zipf law, the other aggregates evenly.",
)
Rows = Results[LoadRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Gain and waste by staleness")
    _figure(page, results, folder)
    _saved(page, results)
    page.section("Every cell")
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _numbers(results: Rows, scenario: str, arm: str, metric: str) -> list[float]:
    found = results.values(metric, scenario=scenario, arm=arm)
    return [float(value) for value in found if value is not None]


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    values = [scale * value for value in _numbers(results, scenario, arm, metric)]
    if not values:
        return "-"
    beyond = sum(value == inf for value in values)
    if beyond:
        return f"no answer in {beyond} of {len(values)} runs"
    return format_interval(t_interval(values), spec, unit)


def _answer(results: Rows) -> str:
    def p50(scenario: str, strategy: str) -> str:
        return _mean(results, scenario, arm_of(strategy, "username"), "latency_p50_ms", ".0f", 1, "ms")

    def share(scenario: str, metric: str, domain: str) -> str:
        return _mean(results, scenario, arm_of(SPECULATIVE, domain), metric, ".0f", 100, "%")

    def more(domain: str) -> str:
        return _mean(results, HOT, arm_of(SPECULATIVE, domain), "worked", ".2f")

    return (
        f"It gains the work that it hides behind the look-up, and no more: with {WORK_MS:.0f} ms of work and a leader "
        f"in another region the median is {p50(CALM, CONSISTENT)} if the look-up comes first and "
        f"{p50(CALM, SPECULATIVE)} beside it. It wastes work where the decision changes with the state: with "
        f"{share(HOT, 'stale_share', 'username')} of the snapshots behind, {share(HOT, 'equal_share', 'counter')} of "
        f"the decisions of a counter stay the same and {share(HOT, 'equal_share', 'username')} of those on a name, so "
        f"a command takes {more('counter')} and {more('username')} times its work. An append without a look-up is "
        f"faster while snapshots seldom are behind ({p50(QUIET, OPTIMISTIC)} against {p50(QUIET, SPECULATIVE)}) and "
        f"slower where they mostly are ({p50(HOT, OPTIMISTIC)} against {p50(HOT, SPECULATIVE)}). In a cut none of them "
        f"answers more than the others. Nothing left a handler unconfirmed. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _figure(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(2, len(DOMAINS), width_in=11.0, height_in=6.0)
    for column, domain in enumerate(DOMAINS):
        above, below = panels[column], panels[len(DOMAINS) + column]
        for strategy in STRATEGIES:
            arm = arm_of(strategy, domain)
            points = []
            for scenario in (QUIET, CALM, HOT):
                stale = _numbers(results, scenario, arm, "stale_share")
                waits = _numbers(results, scenario, arm, "latency_p50_ms")
                worked = _numbers(results, scenario, arm, "worked")
                if stale and inf not in waits:
                    points.append([sum(values) / len(values) for values in (stale, waits, worked)])
            stales = [point[0] for point in points]
            for axes, number in ((above, 1), (below, 2)):
                heights = [point[number] for point in points]
                axes.plot(stales, heights, _MARKS[strategy], color=_COLOURS[strategy], label=strategy, markersize=4)
        above.set_title(domain, fontsize=10)
        below.set_xlabel("share of snapshots behind")
        for axes in (above, below):
            axes.set_xlim(0, 1)
    panels[0].set_ylabel("p50, ms")
    panels[len(DOMAINS)].set_ylabel("work for one command")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(STRATEGIES), frameon=False)
    save_figure(figure, folder / "staleness.svg")
    page.figure(
        "staleness.svg",
        alt="Two rows of three panels, a column for each domain and a line for each strategy, over the share of "
        "snapshots that were behind. Above the median latency: optimistic is lowest at the left and crosses "
        "speculative towards the right, consistent is highest at the left. Below the work for one command: one for the "
        "counter whatever the strategy, and rising to the right for the user name",
        caption="Means over runs, from the left: quiet, calm, hot. Latencies are of commands far from the leader.",
    )


def _saved(page: Page, results: Rows) -> None:
    lines = []
    for scenario in (QUIET, CALM, HOT, SLOW):
        for domain in DOMAINS:
            cells = []
            if not results.at(scenario, arm_of(CONSISTENT, domain)):
                continue
            for strategy in STRATEGIES[1:]:
                found = difference(results, scenario, domain, CONSISTENT, strategy, "latency_p50_ms").interval
                cells.append("some run at infinity" if found is None else format_interval(found, ".0f"))
            lines.append([f"{scenario.removeprefix('loading_')}, {domain}", *cells])
    page.table(
        ["", *STRATEGIES[1:]],
        lines,
        caption="Saved of the median against consistent loading, ms: differences over runs of one seed",
    )
    page.note(
        f"Each interval has confidence {FAMILY.confidence:.4f}, so that those that decide a claim hold at once with "
        "95 %."
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for domain in DOMAINS:
        for strategy in STRATEGIES:
            arm = arm_of(strategy, domain)
            if not results.at(scenario, arm):
                continue
            lines.append(
                [
                    f"{domain}, {strategy}",
                    _mean(results, scenario, arm, "answered_share", ".1f", 100, "%"),
                    _mean(results, scenario, arm, "latency_p50_ms", ".0f"),
                    _mean(results, scenario, arm, "latency_p95_ms", ".0f"),
                    _mean(results, scenario, arm, "stale_share", ".0f", 100, "%"),
                    _mean(results, scenario, arm, "behind_mean", ".2f"),
                    _mean(results, scenario, arm, "equal_share", ".0f", 100, "%"),
                    _mean(results, scenario, arm, "worked", ".2f"),
                    _mean(results, scenario, arm, "looked", ".2f"),
                    _mean(results, scenario, arm, "appended", ".2f"),
                    _mean(results, scenario, arm, "refused_share", ".0f", 100, "%"),
                ]
            )
    header = [
        "",
        "answered",
        "p50, ms",
        "p95, ms",
        "snapshots behind",
        "by events",
        "decided again, the same",
        "work a command",
        "look-ups a command",
        "appends a command",
        "appends refused",
    ]
    page.table(header, lines, caption=_TITLES[scenario])
