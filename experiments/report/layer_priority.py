"""The page of `layer-priority`: control under load, a storm with and without its cap, volumes, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.layers.arms import (
    ARMS,
    CALM,
    CAP_SHARE,
    CAPPED,
    FAILOVER,
    FIFO,
    HOSTS,
    LINKS,
    PRIORITY,
    SCENARIOS,
    SPANS,
    STORM,
    LayerRow,
)
from experiments.layers.claims import FAMILY, LAYERS, volume
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure, shade
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import at_most, format_interval, format_quantile, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "Nothing is short",
    HOSTS: "Cores are short",
    LINKS: "Links are short",
    FAILOVER: "All cores are short, and the leader dies",
    STORM: "A storm of region scope",
}
_COLOURS: Final[Mapping[str, str]] = {FIFO: PALETTE[1], PRIORITY: PALETTE[0], CAPPED: PALETTE[2]}
_MARKS: Final[Mapping[str, str]] = {FIFO: "s--", PRIORITY: "o-", CAPPED: "^:"}
_LEFT_OUT: Final = (
    (
        "The operator's questions are the heartbeats here: a fixed patience of half a second with an answer, and "
        "of a second without a leader. A detector that adapts would suspect later, and fail over later too."
    ),
    (
        "Every ordered pair of hosts has a link of its own, so traffic of third parties fills none; and queues "
        "for bandwidth are as long as they need be, where real ones drop."
    ),
    (
        "Loads are chosen so that a core or a link is short by a fifth or so. Far beyond that nobody is "
        "served in time whatever the order, as clients give up while their commands still wait: priority saves "
        "control, not commands."
    ),
    (
        "Where links are short priority saves the lead and not the commands: what is short is what they need. With one "
        "queue a few more are even answered; why is not looked into here."
    ),
    (
        "The storm has a beginning and an end, and its pace does not depend on how slow hosts become; a real one "
        "feeds on that. It floods every host alike, so no member is better off."
    ),
    (
        "A cap is a fixed share. What a storm has above it waits in queues, and views arrive late by as much: the"
        " cap decides who waits, not whether."
    ),
    ("Handlers cost core time, timers and flushes do not. One shard, one operator, three regions of one server."),
)
Rows = Results[LayerRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Who was answered")
    _timelines(page, results, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.section("What each layer carries")
    _volumes(page, results, folder)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _numbers(results: Rows, scenario: str, arm: str, metric: str) -> list[float]:
    found = results.values(metric, scenario=scenario, arm=arm)
    return [float(value) for value in found if value is not None]


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    values = [scale * value for value in _numbers(results, scenario, arm, metric)]
    return format_interval(t_interval(values), spec, unit) if values else "-"


def _false(results: Rows, scenario: str, arm: str) -> str:
    rows = results.at(scenario, arm)
    return at_most(sum(row.false_failovers > 0 for row in rows), len(rows)) if rows else "no run"


def _answer(results: Rows) -> str:
    def share(scenario: str, arm: str) -> str:
        return _mean(results, scenario, arm, "answered_share", ".1f", 100, "%")

    return (
        f"Yes; and in a storm of region scope all that is below it starves, unless that is capped. With clients asking "
        f"for a quarter more than the leader can do, one "
        f"queue for all gets a healthy leader deposed in {_false(results, HOSTS, FIFO)} runs and answers "
        f"{share(HOSTS, FIFO)} of the commands; strict priority in {_false(results, HOSTS, PRIORITY)}, and "
        f"{share(HOSTS, PRIORITY)}. With every inbox full a dead leader is replaced after "
        f"{_mean(results, FAILOVER, FIFO, 'led_again_ms', '.0f', 1, 'ms')} with one queue and "
        f"{_mean(results, FAILOVER, PRIORITY, 'led_again_ms', '.0f', 1, 'ms')} with priority. While a registry storms, "
        f"strict priority answers {share(STORM, PRIORITY)} of the commands, fewer than one queue "
        f"({share(STORM, FIFO)}), and deposes a healthy leader in {_false(results, STORM, PRIORITY)} runs; with its "
        f"layer capped at {CAP_SHARE:.0%} {share(STORM, CAPPED)} are answered, and nobody is deposed "
        f"({_false(results, STORM, CAPPED)}). Intervals are 95 % over {len(results.seeds)} runs."
    )


def _timelines(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 3, width_in=11.0, height_in=3.9)
    for axes, scenario in zip(panels, (HOSTS, FAILOVER, STORM), strict=True):
        for arm in ARMS:
            series = [results.series(scenario, arm.name, row.seed) for row in results.at(scenario, arm.name)]
            if not series:
                continue
            steps = sorted({t for one in series for t in one["begin_s"]})
            found = [dict(zip(one["begin_s"], one["answered"], strict=True)) for one in series]
            shares = [[one[t] for one in found if t in one] for t in steps]
            heights = [sum(values) / len(values) for values in shares]
            style = _MARKS[arm.name]
            axes.plot(steps, heights, style, color=_COLOURS[arm.name], label=arm.label, markersize=3.5, linewidth=1.2)
        axes.set_title(_TITLES[scenario], fontsize=10)
        axes.set_ylim(-0.03, 1.06)
        axes.set_xlabel("seconds, when issued")
    begin, end = (us / 1e6 for us in SPANS[STORM])
    shade(panels[2], begin, end, "storm")
    panels[1].axvline(SPANS[FAILOVER].from_us / 1e6, color="#555555", linewidth=1, linestyle=":")
    panels[0].set_ylabel("share of commands answered")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, folder / "answered.svg")
    page.figure(
        "answered.svg",
        alt="Three panels over time, a line for each way to serve layers: share of commands answered with full "
        "inboxes, where one queue for all falls to a fifth and comes back in turns while priority settles higher; with "
        "the leader dead, where priority comes back earlier; and in a storm, where only the capped line stays at one",
        caption="Means over runs, by half a second in which commands were issued. The dotted line is the crash. Where "
        "the region layer does not storm the cap changes nothing, and its line lies on that of strict priority.",
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    deadline_ms = load(scenario).workload.deadline_us / 1000
    lines = []
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if not rows:
            continue
        line = [
            arm.label,
            _mean(results, scenario, arm.name, "answered_share", ".1f", 100, "%"),
            _quantile(rows, "latency_p50_ms", deadline_ms),
            _quantile(rows, "latency_p99_ms", deadline_ms),
            _false(results, scenario, arm.name),
            _mean(results, scenario, arm.name, "false_failovers", ".2f"),
            _mean(results, scenario, arm.name, "unled", ".1f"),
            _mean(results, scenario, arm.name, "overflowed", ".0f"),
            _mean(results, scenario, arm.name, "utilisation_busiest", ".2f"),
        ]
        if scenario == FAILOVER:
            line += [_mean(results, scenario, arm.name, m, ".0f") for m in ("led_again_ms", "served_again_ms")]
        lines.append(line)
    header = [
        "",
        "commands answered",
        "p50, ms",
        "p99, ms",
        "runs with a false failover",
        "false failovers",
        "looks that found no leader",
        "overflowed",
        "busiest core",
    ]
    if scenario == FAILOVER:
        header += ["led again, ms", "served again, ms"]
    page.table(header, lines, caption=_TITLES[scenario])


def _quantile(rows: Sequence[LayerRow], metric: str, deadline_ms: float) -> str:
    """Mean over runs with its interval; where some run has it at infinity, the middle run and in how many."""
    values = sorted(float(getattr(row, metric)) for row in rows)
    beyond = sum(value == inf for value in values)
    if not beyond:
        return format_interval(t_interval(values), ".0f")
    middle = format_quantile(values[(len(values) - 1) // 2], deadline_ms)
    return f"{middle} (no answer in {beyond} of {len(values)} runs)"


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario, first, second, metric, title in (
        (HOSTS, FIFO, PRIORITY, "false_failovers", "false failovers a run, one queue less priority"),
        (LINKS, FIFO, PRIORITY, "false_failovers", "false failovers a run, one queue less priority"),
        (HOSTS, PRIORITY, FIFO, "answered_share", "share answered, priority less one queue"),
        (LINKS, PRIORITY, FIFO, "answered_share", "share answered, priority less one queue"),
        (FAILOVER, FIFO, PRIORITY, "led_again_ms", "led again, one queue less priority, ms"),
        (STORM, CAPPED, PRIORITY, "answered_share", "share answered, capped less uncapped"),
        (STORM, FIFO, PRIORITY, "answered_share", "share answered, one queue less priority"),
        (STORM, PRIORITY, CAPPED, "false_failovers", "false failovers a run, uncapped less capped"),
    ):
        found = FAMILY.difference(results, scenario, first, second, metric)
        told = "some run at infinity" if found is None else format_interval(found, ".3g")
        lines.append([f"{_TITLES[scenario]}: {title}", told])
    page.table(["", "difference"], lines, caption="Differences over runs of one seed")
    page.note(f"Each interval has confidence {FAMILY.confidence:.4f}, so that all that decide a claim hold at once.")


def _volumes(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 2, width_in=9.0, height_in=3.4)
    rows = results.at(CALM, PRIORITY)
    lines = []
    for axes, unit in zip(panels, ("messages", "bytes"), strict=True):
        means = [sum(values) / len(values) for values in zip(*(volume(row, unit) for row in rows), strict=True)]
        axes.bar(LAYERS, means, color=PALETTE[: len(LAYERS)])
        axes.set_yscale("log")
        axes.set_title(f"{unit} a run")
    save_figure(figure, folder / "volume.svg")
    page.figure(
        "volume.svg",
        alt="Two panels of bars on a logarithmic axis, messages and bytes by layer: region is the least, then cluster; "
        "host and service are more than ten times as much, and host, which is replication, the most",
        caption="Means over the runs in which nothing is short, with priority.",
    )
    for layer in LAYERS:
        cells = [_mean(results, CALM, PRIORITY, f"{unit}_{layer}", ".0f") for unit in ("messages", "bytes")]
        lines.append([layer, *cells])
    page.table(["layer", "messages", "bytes"], lines, caption="Volume by layer where nothing is short")
    page.note(
        "Region: views of the membership and what confirms them. Cluster: an operator's questions to members. Host: "
        "shipped entries, acknowledgements and heartbeats of replication. Service: commands and their answers. Two "
        "copies of each event and what acknowledges them are more than the command was: that each layer up is of lower "
        "volume holds of what controls, not of what replicates."
    )


def _limits(page: Page) -> None:
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
