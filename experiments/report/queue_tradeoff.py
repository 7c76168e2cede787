"""The page of `queue-tradeoff`: the frontier, what each failure took, throughput, hot keys, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.queues.arms import (
    BUSY,
    CALM,
    DEDUP,
    DESIGNS,
    FAILURES,
    LEAST,
    MODES,
    MOST,
    SCHEMES,
    QueueRow,
    name_of,
)
from experiments.queues.claims import FAMILY, rows_of
from experiments.queues.frontier import frontier, points, wrong_share
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import at_most, format_interval, format_quantile, t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["report"]

_MARKS: Final[Mapping[str, str]] = {MOST: "v", LEAST: "s", DEDUP: "o"}
_LEFT_OUT: Final = (
    (
        "Producers and consumers do not fail; a consumer that stands still for longer than it may hold letters is the "
        "worst that they do. The receiver keeps what it is given on a disk that nothing strikes, and its window is as "
        "long as the run: a retry that comes after a window is done again."
    ),
    (
        "Only one of two shards is struck, and most of a run's messages are in it, since keys are asked for by a "
        "Zipf law; so a share of a run is not a share of what was at risk."
    ),
    (
        "A queue is drained as it is filled. What is in it when something fails is a handful of messages, so losses "
        "are small: a backlog would lose as much more as it is longer."
    ),
    (
        "A settlement is an entry of the log, as a message is: that costs a flush where a cursor would be written "
        "behind. What that saves, and what it then delivers twice, is not compared."
    ),
    (
        "Losses, doubles and messages out of order are summed on the frontier, as if one were as bad as another; the "
        "tables tell them apart."
    ),
    ("Shards stay where they are placed. Handlers cost core time, timers and flushes do not."),
)
Rows = Results[QueueRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What it costs against what goes wrong")
    _frontier(page, results, folder)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Nothing fails")
    _table(page, results, CALM, "Nothing fails, but that consumers stand still at one batch in fifty")
    _compared(page, results)
    for scenario, title in FAILURES.items():
        page.section(f"Of the broker that leads one of two shards, {title}")
        _table(page, results, scenario, title)
    page.section("Brokers are short")
    _table(page, results, BUSY, "More messages than brokers can take one by one")
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _answer(results: Rows) -> str:
    def p50(arm: str) -> str:
        return _mean(results.at(CALM, arm), "latency_p50_ms", ".1f", "ms")

    def share(mode: str, metric: str) -> str:
        rows = rows_of(results, FAILURES, lambda d: d.mode == mode and d.scheme == "multi-persist")
        values = [1000 * (getattr(row, metric) or 0) / row.messages for row in rows]
        return format_interval(t_interval(values), ".2g") if values else "-"

    kept = rows_of(results, FAILURES, lambda d: d.mode != MOST and d.scheme == "multi-persist")
    lost = at_most(sum(bool(row.lost) for row in kept), len(kept)) if kept else "no run"
    doubled = rows_of(results, (CALM, *FAILURES, BUSY), lambda d: d.mode == DEDUP)
    twice = at_most(sum(row.duplicated > 0 for row in doubled), len(doubled)) if doubled else "no run"
    one, eight = name_of(DEDUP, "multi-persist"), name_of(DEDUP, "multi-persist", "eight")
    return (
        f"From a producer's message to its effect it takes {p50(name_of(DEDUP, 'mem'))} at p50 through a heap, "
        f"{p50(name_of(DEDUP, 'persist'))} through one flushed log and {p50(one)} through two "
        f"flushed copies of three. On those, acknowledged messages were lost in {lost} runs in which the broker was "
        f"struck, while at most once lost {share(MOST, 'lost')} in a thousand and at least once doubled "
        f"{share(LEAST, 'duplicated')}; deduplicated, messages had their effect twice in {twice} runs of all schemes. "
        f"Where brokers are short, eight together carry {_mean(results.at(BUSY, eight), 'effects_per_s', '.0f')} "
        f"effects a second, and one by one {_mean(results.at(BUSY, one), 'effects_per_s', '.0f')}. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _mean(rows: Sequence[QueueRow], metric: str, spec: str, unit: str = "", scale: float = 1.0) -> str:
    values = [scale * float(value) for row in rows if (value := getattr(row, metric)) is not None]
    if not values:
        return "-"
    beyond = sum(value == inf for value in values)
    if beyond:
        return f"beyond the run in {beyond} of {len(values)}"
    return format_interval(t_interval(values), spec, unit)


def _frontier(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(2, 2, width_in=11.5, height_in=8.6)
    for axes, (scenario, title) in zip(panels, FAILURES.items(), strict=True):
        _panel(axes, results, scenario)
        axes.set_title(title)
    for place, axes in enumerate(panels):
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=1, linscale=0.7)
        axes.set_ylim(bottom=-0.3)
        if place % 2 == 0:
            axes.set_ylabel("lost, doubled or overtaken, of a thousand")
        if place >= 2:
            axes.set_xlabel("p50 from message to effect while nothing fails, ms")
    handles = [
        panels[0].plot([], [], "o", color=PALETTE[place], label=words)[0]
        for place, words in enumerate(SCHEMES.values())
    ]
    handles += [
        panels[0].plot([], [], _MARKS[mode], color="#555555", markerfacecolor="white", label=str(words["mode"]))[0]
        for mode, words in MODES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, folder / "frontier.svg")
    page.figure(
        "frontier.svg",
        alt="Four panels, one a failure: the median time from message to effect on a logarithmic axis against messages "
        "that went wrong of a thousand; a mark for each of 36 queues, its colour the scheme and its shape the mode; "
        "those that no other beats are filled and joined by a line",
        caption="Means over all seeds, bars are 95 % intervals. Filled marks are queues that no other beats there, "
        "chosen on the even seeds. Small marks send eight together.",
    )
    lines = []
    for scenario, title in FAILURES.items():
        found = frontier(results, scenario)
        lines.append([title, ", ".join(found.chosen), ", ".join(found.confirmed) or "one seed confirms nothing"])
    page.table(
        ["", "chosen on the even seeds", "of these, on the odd seeds too"],
        lines,
        caption="Queues that no other beats, the quickest first",
        words=True,
    )


def _panel(axes: Axes, results: Rows, scenario: str) -> None:
    at = points(results, scenario, results.seeds)
    chosen = frontier(results, scenario).chosen
    steps = sorted((at[arm].latency_ms, 1000 * at[arm].wrong) for arm in chosen if at[arm].latency_ms < inf)
    axes.plot([x for x, _ in steps], [y for _, y in steps], drawstyle="steps-post", color="#999999", linewidth=1.2)
    for arm, point in at.items():
        design = DESIGNS[arm]
        if point.latency_ms == inf:
            continue
        colour = PALETTE[list(SCHEMES).index(design.scheme)]
        wrong = t_interval([1000 * wrong_share(row) for row in results.at(scenario, arm)])
        if wrong.low is not None and wrong.high is not None and wrong.high > wrong.low:
            axes.vlines(point.latency_ms, max(0.0, wrong.low), wrong.high, color=colour, linewidth=0.8, alpha=0.6)
        axes.plot(
            [point.latency_ms],
            [1000 * point.wrong],
            _MARKS[design.mode],
            color=colour,
            markerfacecolor=colour if arm in chosen else "white",
            markersize=7 if design.batch == "one" else 4,
        )


def _table(page: Page, results: Rows, scenario: str, caption: str) -> None:
    deadline_ms = load(scenario).until_us / 1000
    lines = []
    for arm, design in DESIGNS.items():
        rows = results.at(scenario, arm)
        if not rows:
            continue
        together = "eight" if design.batch == "eight" else "one"
        lines.append(
            [
                f"{MODES[design.mode]['mode']}, {SCHEMES[design.scheme]}, {together}",
                _quantile(rows, "latency_p50_ms", deadline_ms),
                _quantile(rows, "latency_p99_ms", deadline_ms),
                _mean(rows, "effects_per_s", ".0f"),
                _mean(rows, "effected_share", ".1f", "%", 100),
                *(_a_thousand(rows, metric) for metric in ("lost", "duplicated", "out_of_order")),
                _mean(rows, "settled_late", ".1f"),
                _mean(rows, "network_messages", ".1f"),
                _mean(rows, "hottest_share", ".0f", "%", 100),
            ]
        )
    header = [
        "",
        "p50, ms",
        "p99, ms",
        "effects a second",
        "had an effect",
        "lost, of a thousand",
        "doubled",
        "out of order",
        "late settlements",
        "network messages each",
        "hottest key",
    ]
    page.table(header, lines, caption=caption)


def _quantile(rows: Sequence[QueueRow], metric: str, deadline_ms: float) -> str:
    """Mean over runs with its interval; where some run has it at infinity, the middle run and in how many."""
    values = sorted(float(getattr(row, metric)) for row in rows)
    beyond = sum(value == inf for value in values)
    if not beyond:
        return format_interval(t_interval(values), ".3g")
    middle = format_quantile(values[(len(values) - 1) // 2], deadline_ms)
    return f"{middle} (never in {beyond} of {len(values)} runs)"


def _a_thousand(rows: Sequence[QueueRow], metric: str) -> str:
    """Of a thousand messages; of none the most that so many runs leave possible."""
    counts = [getattr(row, metric) for row in rows]
    told = [(count, row.messages) for count, row in zip(counts, rows, strict=True) if count is not None]
    if not told:
        return "not told"
    if not fsum(count for count, _ in told):
        return f"0 (runs: {at_most(0, len(told))})"
    return format_interval(t_interval([1000 * count / messages for count, messages in told]), ".2g")


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario, first, second, metric, title in (
        (CALM, name_of(DEDUP, "persist"), name_of(DEDUP, "mem"), "latency_p50_ms", "p50, one flush less none, ms"),
        (
            CALM,
            name_of(DEDUP, "multi-persist"),
            name_of(DEDUP, "persist"),
            "latency_p50_ms",
            "p50, two flushed copies less one, ms",
        ),
        (
            CALM,
            name_of(MOST, "multi-persist"),
            name_of(LEAST, "multi-persist"),
            "latency_p50_ms",
            "p50, at most less at least once, ms",
        ),
        (
            CALM,
            name_of(DEDUP, "multi-persist", "eight"),
            name_of(DEDUP, "multi-persist"),
            "latency_p50_ms",
            "p50, eight together less one by one, ms",
        ),
        (
            BUSY,
            name_of(DEDUP, "multi-persist", "eight"),
            name_of(DEDUP, "multi-persist"),
            "effects_per_s",
            "effects a second where brokers are short, eight together less one by one",
        ),
    ):
        found = FAMILY.difference(results, scenario, first, second, metric)
        lines.append([title, "some run at infinity" if found is None else format_interval(found, ".3g")])
    page.table(["", "difference"], lines, caption="Differences over runs of one seed")
    page.note(f"Each interval has confidence {FAMILY.confidence:.4f}, so that all hold at once with 95 %.")
