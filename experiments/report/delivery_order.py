"""The page of `delivery-order`: where effects are repeated, omitted or orphaned, what that costs, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from experiments.deliveries.arms import (
    ARMS,
    CALM,
    CRASH,
    EFFECT_ARMS,
    MOVED,
    ORDERINGS,
    OUTBOX,
    OUTBOX_UNFENCED,
    POWER,
    POWER_MOVED,
    SEMANTICS,
    TRANSFER,
    TRANSFER_UNFENCED,
    DeliveryRow,
    arm_name,
)
from experiments.deliveries.cells import EFFECT_POINTS, OUTBOX_POINTS, PROCESS_POINTS, why_not
from experiments.deliveries.claims import FAMILY, later, wrong
from experiments.experiment import ReportContext
from experiments.report import Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import at_most, format_interval, t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["report"]

_FAULTS: Final = (CRASH, MOVED, POWER, POWER_MOVED)
_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CRASH: "It starts again on its host",
        MOVED: "Another takes over",
        POWER: "Its host loses power, and it starts again there",
        POWER_MOVED: "Its host loses power, and another takes over",
    }
)
_PANELS: Final = (("duplicates", "done twice"), ("omissions", "not done"), ("orphans", "done, not known"))
_LEFT_OUT: Final = (
    (
        "The receiver is one service on one host that keeps its book on its disk. What a real one does between doing "
        "and writing down is its own affair, and here is one append."
    ),
    (
        "Requests go on connections, which retransmit what is lost and drop what comes twice: the network hands no "
        "request twice to a receiver. On datagrams at most once could not be promised without dedup."
    ),
    (
        "The store of a cell is one server that is not struck; what schemes do under crashes is the table of "
        "persistence-schemes. The scenarios effect_printer, effect_gateway and effect_mailer strike a replicated one."
    ),
    "Dedup is within a window (1,000 keys here), which no cell outlives.",
    "A cell strikes one passage of one point. Two crashes on the way of one effect are left to the nemesis.",
    "Owners are told apart by tenures that the store gives out, and suspected after a fixed silence of 600 ms.",
    "How long a caller should wait before it asks again is another question: here it asks after a fixed pause.",
)
Rows = Results[DeliveryRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("What goes wrong where")
    for scenario in _FAULTS:
        _map(page, results, folder, scenario)
    _points(page)
    page.section("Totals")
    for scenario in (CALM, *_FAULTS):
        _table(page, results, scenario)
    page.section("What it costs")
    _cost(page, results)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _rows(results: Rows, arms: Sequence[str]) -> list[DeliveryRow]:
    return [row for arm in arms for scenario in _FAULTS for row in results.at(scenario, arm)]


def _share(results: Rows, arm: str, metric: str) -> str:
    rows = _rows(results, [arm])
    effects = sum(row.effects for row in rows)
    return f"{100 * sum(getattr(row, metric) for row in rows) / effects:.1f} %" if effects else "no run"


def _clean(results: Rows, semantics: str) -> str:
    rows = _rows(results, [arm_name(ordering, semantics) for ordering in ORDERINGS])
    return at_most(sum(wrong(row) > 0 for row in rows), len(rows)) if rows else "no run"


def _answer(results: Rows) -> str:
    unfenced = _rows(results, [arm_name(ordering, "unfenced") for ordering in ORDERINGS])
    process = _rows(results, [TRANSFER, TRANSFER_UNFENCED, OUTBOX, OUTBOX_UNFENCED])
    return (
        f"The order only chooses the error. Struck once on the way, acting first does "
        f"{_share(results, 'act-least', 'duplicates')} of the effects of a cell's run twice if it asks until it is "
        f"answered, and leaves {_share(results, 'act-most', 'orphans')} done and unknown if it never asks again; "
        f"persisting first repeats {_share(results, 'persist-least', 'duplicates')}, or omits "
        f"{_share(results, 'persist-most', 'omissions')}. A receiver that dedups makes once of every "
        f"ordering (wrong in {_clean(results, 'dedup')} runs), and so does one that is asked first and fences "
        f"({_clean(results, 'fenced')}); asked first and not fenced it did "
        f"{sum(row.duplicates for row in unfenced)} of {sum(row.effects for row in unfenced)} effects twice, "
        f"where an owner went on that had stood still or was cut off. Persisting first costs "
        f"{_later(results, 'persist')}, an intent {_later(results, 'intent')} on the average. The process manager "
        f"and the outbox lost and made nothing "
        f"({at_most(sum(wrong(row) > 0 for row in process), len(process)) if process else 'no run'}). "
        f"Over {len(results.seeds)} seeds."
    )


def _later(results: Rows, ordering: str) -> str:
    found = later(results, ordering, "act")
    return "no runs" if found is None else format_interval(found, ".1f", "ms")


def _map(page: Page, results: Rows, folder: Path, scenario: str) -> None:
    figure, panels = new_figure(1, len(_PANELS), width_in=12.5, height_in=5.6)
    for axes, (metric, title) in zip(panels, _PANELS, strict=True):
        _heat(axes, results, scenario, metric)
        axes.set_title(title)
    panels[0].set_yticks(range(len(EFFECT_ARMS)), [arm.label for arm in EFFECT_ARMS], fontsize=8)
    for axes in panels[1:]:
        axes.set_yticks([])
    file = f"{scenario}.svg"
    save_figure(figure, folder / file)
    page.figure(
        file,
        alt=f"{_TITLES[scenario]}: three maps, a row for each ordering and semantics, a column for each crash point: "
        "effects done twice, not done, and done without being known; rows with dedup or with a fence are empty",
        caption=f"{_TITLES[scenario]}: mean number of effects of a run that went wrong so, by the point that was "
        "struck; a run has about twelve. Not done are omissions and those left with a record. A cross marks a point "
        "that cannot be passed.",
    )


def _heat(axes: Axes, results: Rows, scenario: str, metric: str) -> None:
    """One map: arms down, points across, mean count a run."""
    points = tuple(EFFECT_POINTS)
    heights: list[list[float]] = []
    for arm in EFFECT_ARMS:
        series = [results.series(scenario, arm.name, row.seed)[metric] for row in results.at(scenario, arm.name)]
        heights.append(
            [sum(one[place] for one in series) / len(series) if series else 0.0 for place in range(len(points))]
        )
    axes.imshow(heights, cmap="OrRd", vmin=0, vmax=6, aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(points)), points)
    for down, arm in enumerate(EFFECT_ARMS):
        for across, point in enumerate(points):
            count = heights[down][across]
            told = f"{count:.1f}" if count else "x" if why_not(point, arm.name) else ""
            colour = "white" if count > 4 else "#333333"
            axes.text(across, down, told, ha="center", va="center", fontsize=7, color=colour)


def _points(page: Page) -> None:
    lines = [
        [point, what, of]
        for of, points in (("effect", EFFECT_POINTS), ("process", PROCESS_POINTS), ("outbox", OUTBOX_POINTS))
        for point, what in points.items()
    ]
    page.table(["point", "what has just happened", "of"], lines, caption="The points")


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if not rows:
            continue
        waits = [row.latency_p50_ms for row in rows if row.latency_p50_ms is not None]
        slow = [row.latency_p99_ms for row in rows if row.latency_p99_ms is not None]
        lines.append(
            [
                arm.label,
                f"{sum(row.struck for row in rows)} of {sum(row.cells for row in rows)}",
                str(sum(row.effects for row in rows) or "-"),
                *(str(sum(getattr(row, m) for row in rows)) for m in ("duplicates", "omissions", "orphans", "left")),
                str(sum(row.unpromised for row in rows)),
                format_interval(t_interval(waits), ".1f") if waits else "-",
                format_interval(t_interval(slow), ".0f") if slow else "-",
            ]
        )
    header = [
        "",
        "cells struck",
        "effects",
        "twice",
        "omitted",
        "orphans",
        "left",
        "not promised",
        "p50, ms",
        "p99, ms",
    ]
    caption = "Without a fault" if scenario == CALM else _TITLES[scenario]
    page.table(header, lines, caption=f"{caption}: totals over runs, latencies as means of runs with 95 % intervals")


def _cost(page: Page, results: Rows) -> None:
    lines = [[str(ORDERINGS[ordering]), _later(results, ordering)] for ordering in ("persist", "intent")]
    page.table(
        ["", "later than act-then-persist"],
        lines,
        caption="Mean latency without a fault, differences over runs of one seed, asked first and fenced",
    )
    page.note(f"Each interval has confidence {FAMILY.confidence:.4f}, so that both hold at once with 95 %.")
    page.note(f"Semantics compared: {', '.join(SEMANTICS)}.")
