"""The page of `projection-lag`: lag and its price by mode, own writes, faults, the crash table, what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import inf
from pathlib import Path
from typing import Final

from experiments.experiment import ReportContext
from experiments.projections.arms import (
    ARMS,
    ASYNC,
    CALM,
    INLINE,
    LIVE,
    LOAD,
    READER_STILL,
    REBUILD,
    SCENARIOS,
    TOKENS,
    WAITING,
    WRITERS_OUT,
    LagRow,
)
from experiments.projections.claims import COMPARED, FAMILY
from experiments.projections.crashes import POINTS, ReadResult, summary, table
from experiments.report import Page, new_figure, report_page, save_figure
from experiments.report.over_time import draw_means
from experiments.results import Results
from experiments.statistics import format_interval, t_interval
from models.reading.options import Checkpoint
from models.store.schemes import Recovery

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "No fault, no tokens",
    TOKENS: "No fault, with tokens",
    LOAD: "Four times the load",
    WRITERS_OUT: "Nobody can write for a second and a half",
    READER_STILL: "An owner stands still for a second and a half",
}
_LEFT_OUT: Final = (
    (
        "One projection, a balance by account and its band, over two shards. It does no more work than a fixed time an "
        "event, which is waited out and takes no core."
    ),
    (
        "An inline projection is kept by the leader in memory and derived from the log again after a crash; one that "
        "writes to a table of its own in the same transaction would pay for that write too."
    ),
    (
        "A live view keeps what it folded until its process dies, so a query reads only what is new; one that folds "
        "from the first event each time grows dearer with the log."
    ),
    (
        "Consumers are balanced by who should own a segment, not by load, and segments are neither split nor merged. "
        "Views are placed by a ring at the beginning and do not move."
    ),
    (
        "What an answer states of its age is by the clocks of those who wrote it, and on the word of a leader; one "
        "that was deposed and has not heard of it states what was true under its reign."
    ),
    (
        "The crash table strikes the host of the consumer, once a run, under one seed; whoever keeps the views dies "
        "with it where it is the same host."
    ),
)
Rows = Results[LagRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Behind, and at whose cost")
    _timelines(page, results, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.section("Rebuilding beside the live version")
    _rebuilt(page, results)
    page.section("Crash points")
    _crashes(page, results, quick=context.size != "full")
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str = ".1f", scale: float = 1.0) -> str:
    """Mean over runs with its interval; where some run has it at infinity, in how many."""
    found = [value for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    numbers = [scale * float(value) for value in found]
    if not numbers:
        return "-"
    never = sum(value == inf for value in numbers)
    return f"never in {never} of {len(numbers)} runs" if never else format_interval(t_interval(numbers), spec)


def _answer(results: Rows) -> str:
    def ms(scenario: str, arm: str, metric: str) -> str:
        return f"{_mean(results, scenario, arm, metric)} ms"

    stale = _mean(results, CALM, ASYNC, "stale_share", ".1f", 100)
    return (
        f"By as long as it takes to hear of news: the median event is in an async view {ms(CALM, ASYNC, 'lag_p50_ms')} "
        f"after its acknowledgement where the consumer polls every 40 ms, and {ms(CALM, WAITING, 'lag_p50_ms')} where "
        f"the log answers when there is news; {stale} % of the polled one's answers miss something. An inline "
        f"projection misses nothing and makes the median command take {ms(CALM, INLINE, 'command_p50_ms')} in place "
        f"of {ms(CALM, ASYNC, 'command_p50_ms')}; a live one makes the median query take "
        f"{ms(CALM, LIVE, 'read_p50_ms')} in place of {ms(CALM, ASYNC, 'read_p50_ms')}. With a token a session always "
        f"sees its own write, for {ms(TOKENS, ASYNC, 'own_p99_ms')} at the 99th percentile in place of "
        f"{ms(CALM, ASYNC, 'own_p99_ms')}. While nobody can write, the 99th percentile of queries is "
        f"{ms(WRITERS_OUT, ASYNC, 'read_p99_ms')} async and {ms(WRITERS_OUT, INLINE, 'read_p99_ms')} inline. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


def _timelines(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 3, width_in=11.0, height_in=3.9)
    for axes, scenario in zip(panels, (CALM, WRITERS_OUT, READER_STILL), strict=True):
        draw_means(axes, results, scenario, ARMS, "stale_ms")
        axes.set_title(_TITLES[scenario], fontsize=9)
        axes.set_xlabel("seconds, when asked")
    panels[0].set_ylabel("mean staleness of answers, ms")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, folder / "staleness.svg")
    page.figure(
        "staleness.svg",
        alt="Three panels over time, a line for each way to project: mean staleness of answers without a fault, where "
        "inline and live lie on zero and async a little above; with the writers down; and with an owner that stands "
        "still, where async lines rise until its segments are taken",
        caption="Means over runs, by a quarter of a second in which queries were asked. Staleness is the time since an "
        "event was acknowledged that the answer misses.",
    )


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = [
        [
            arm.label,
            _mean(results, scenario, arm.name, "lag_p50_ms"),
            _mean(results, scenario, arm.name, "lag_p99_ms"),
            _mean(results, scenario, arm.name, "stale_share", ".1f", 100),
            _mean(results, scenario, arm.name, "own_missed", ".1f"),
            _mean(results, scenario, arm.name, "command_p50_ms"),
            _mean(results, scenario, arm.name, "read_p50_ms"),
            _mean(results, scenario, arm.name, "read_p99_ms", ".0f"),
            _mean(results, scenario, arm.name, "own_p99_ms", ".0f"),
            _mean(results, scenario, arm.name, "stated_p50_ms", ".0f"),
        ]
        for arm in ARMS
        if results.at(scenario, arm.name)
    ]
    header = [
        "",
        "lag p50, ms",
        "lag p99, ms",
        "stale answers, %",
        "own writes missed",
        "command p50, ms",
        "query p50, ms",
        "query p99, ms",
        "own write p99, ms",
        "age stated, p50, ms",
    ]
    page.table(header, lines, caption=_TITLES[scenario])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario, first, second, metric in COMPARED:
        found = FAMILY.difference(results, scenario, first, second, metric)
        told = "some run at infinity, or none" if found is None else format_interval(found, ".3g")
        lines.append([f"{_TITLES[scenario]}: {metric}, {first} less {second}", told])
    page.table(["", "difference"], lines, caption="Differences over runs of one seed")
    page.note(
        f"Each interval has confidence {FAMILY.confidence:.4f}, so that those that decide a claim hold at once with "
        "95 %."
    )


def _rebuilt(page: Page, results: Rows) -> None:
    lines = [
        [
            _TITLES[scenario],
            _mean(results, scenario, REBUILD, "switched_ms", ".0f"),
            _mean(results, scenario, REBUILD, "lag_p50_ms"),
            _mean(results, scenario, ASYNC, "lag_p50_ms"),
        ]
        for scenario in SCENARIOS
    ]
    header = ["", "until the last segment shows it, ms", "lag p50 of the live version beside it, ms", "alone, ms"]
    page.table(header, lines, caption="A second version that begins at two seconds")


def _crashes(page: Page, results: Rows, *, quick: bool) -> None:
    found = results.once(lambda: table(quick=quick))
    good = all(not one.wrong for one in found)
    page.markup(f'<p class="{"good" if good else "bad"}">{escape(summary(found))}</p>')
    recoveries = [recovery for recovery in Recovery if any(one.cell.recovery is recovery for one in found)]
    for checkpoint in Checkpoint:
        lines = []
        for point, what in POINTS.items():
            mine = [one for one in found if (one.cell.point, one.cell.checkpoint) == (point, checkpoint)]
            shown = [" / ".join(_cell(one) for one in mine if one.cell.recovery is recovery) for recovery in recoveries]
            lines.append([f"{point} {what}", *shown, next((one.reason for one in mine if one.reason), "")])
        header = ["missed, counted twice", *(str(recovery) for recovery in recoveries), "why it cannot be passed"]
        page.table(header, lines, caption=f"Place saved: {checkpoint}")
    page.note(
        "Each cell is a run in which the host that passes the point dies: process crash / power loss. The projection "
        "adds up whatever it is given, so what comes twice counts twice."
    )


def _cell(one: ReadResult) -> str:
    if one.reason and not one.wrong:
        return "-"
    return f"{one.missed}, {one.doubled}{' !!' if one.wrong else ''}"
