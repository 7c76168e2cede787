"""The page of `world-theory`: the answer, waits over utilisation, every row, and how they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.judging import VERDICTS, Judged, span_told
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.report.judged import Mark, draw_intervals
from experiments.results import Results
from experiments.theory import formulas
from experiments.theory.claims import COMMON, RARE, Claim
from experiments.theory.stations import SERVICE_US
from experiments.world_theory import CONFIDENCE, TheoryRow, judge, single_jobs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.report import Page

__all__ = ["report"]

_GROUP_HEIGHT_IN: Final = 0.17


def report(results: Results[TheoryRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    rows = judge(results)
    answer = _answer(results, rows)
    page = report_page(context, answer)
    page.section("Waits over utilisation")
    _waits(rows, folder / "waits.svg")
    page.figure(
        "waits.svg",
        alt="Mean wait in service times, and mean number in the system, over utilisation: closed forms as lines that "
        "rise steeply towards one, measured means as points upon them, with intervals",
        caption="Lines are closed forms, points are means over runs with their intervals; one service takes "
        f"{SERVICE_US // 1_000} ms. On most points the interval is smaller than the mark.",
    )
    page.section("Every row")
    page.note(
        f"Means over {len(results.seeds)} runs, Student's intervals over runs. {len(rows)} rows are one family: each "
        f"interval has confidence {CONFIDENCE:.5f}, so that all of them hold at once with at least 99 %. Limits of "
        "half-widths, 2 % of the closed form and 5 % for rare events, were set before any run, and so were the seeds."
    )
    for group in dict.fromkeys(row.claim.group for row in rows):
        _table(page, group, [row for row in rows if row.claim.group == group])
    _intervals(rows, folder / "intervals.svg")
    page.figure(
        "intervals.svg",
        alt="For each row the interval of the measured mean as a horizontal bar, in per cent of the closed form, "
        "around a vertical line at zero that marks the closed form",
        caption="How far the measured mean is from the closed form, with its interval, in per cent of the latter.",
    )
    _job_by_job(page, results)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _answer(results: Results[TheoryRow], rows: Sequence[Judged[Claim]]) -> str:
    verdicts = [row.holds for row in rows]
    widths = {
        limit: max((row.half_width or 0.0 for row in rows if row.claim.limit == limit), default=0.0)
        for limit in (COMMON, RARE)
    }
    inside, outside, open_ = verdicts.count(True), verdicts.count(False), verdicts.count(None)
    compared = single_jobs(results)
    if open_ == len(rows):
        return f"{len(results.seeds)} runs are too few to tell: no interval is as narrow as its row asks for."
    told = f"{inside} of {len(rows)} closed forms lie inside their intervals"
    if outside:
        told += f", {outside} outside"
    if open_:
        told += f", {open_} have intervals too wide to tell"
    worst = max((error_us for _, error_us in compared.values()), default=0)
    jobs = sum(count for count, _ in compared.values())
    return (
        f"{told}, which hold at once with 99 % over {len(results.seeds)} runs; half-widths reach "
        f"{widths[COMMON]:.1%} of the closed form, {widths[RARE]:.1%} for rare events. Of {jobs:,} jobs "
        f"taken singly, the largest difference from the wait that the textbook's recursion gives is {worst} us."
    )


def _table(page: Page, group: str, rows: Sequence[Judged[Claim]]) -> None:
    lines = []
    for row in rows:
        claim, interval, width = row.claim, row.interval, row.half_width
        span = span_told(interval, width)
        wide = "-" if width is None else f"{width:.2%} of at most {claim.limit:.0%}"
        lines.append([claim.title, f"{claim.value:.5g}", f"{interval.estimate:.5g}", span, wide, VERDICTS[row.holds]])
    page.table(["", "closed form", "measured", "interval", "half-width", "verdict"], lines, caption=group)


def _waits(rows: Sequence[Judged[Claim]], path: Path) -> None:
    figure, (waits, numbers) = new_figure(1, 2, height_in=4.2)
    for axes, metric, scale, title in (
        (waits, "wait_us", SERVICE_US, "Mean wait, service times"),
        (numbers, "number", 1, "Mean number in the system"),
    ):
        rhos = [percent / 100 for percent in range(5, 98)]
        for colour, label, wait in (
            (PALETTE[0], "M/M/1", formulas.mm1_wait),
            (PALETTE[1], "M/D/1", formulas.md1_wait),
        ):
            curve = [wait(rho, 1.0) if metric == "wait_us" else rho + rho * wait(rho, 1.0) for rho in rhos]
            axes.plot(rhos, curve, color=colour, linewidth=1.2, label=f"{label}, closed form")
        _points(axes, rows, "mm1_", metric, scale, "on a core", "o", PALETTE[0])
        _points(axes, rows, "md1_", metric, scale, "on a core", "o", PALETTE[1])
        _points(axes, rows, "link_md1_", metric, scale, "on a link", "x", PALETTE[2])
        axes.set_yscale("log")
        axes.set_xlabel("utilisation")
        axes.set_title(title)
    waits.legend(frameon=False, fontsize=9)
    save_figure(figure, path)


def _points(
    axes: Axes, rows: Sequence[Judged[Claim]], prefix: str, metric: str, scale: int, where: str, mark: str, colour: str
) -> None:
    found = [row for row in rows if row.claim.cell.startswith(prefix) and row.claim.metric == metric]
    at = [int(row.claim.cell.removeprefix(prefix)) / 100 for row in found]
    mean = [row.interval.estimate / scale for row in found]
    error = [(row.half_width or 0.0) * row.claim.value / scale for row in found]
    label = f"{'M/M/1' if prefix == 'mm1_' else 'M/D/1'} {where}"
    axes.errorbar(at, mean, yerr=error, fmt=mark, color=colour, markersize=6, capsize=3, label=label)


def _intervals(rows: Sequence[Judged[Claim]], path: Path) -> None:
    marks = [
        Mark(row.claim.group, row.claim.title, row.interval.estimate / row.claim.value - 1, row.half_width or 0.0)
        for row in rows
    ]
    draw_intervals(marks, path, label="measured less closed form, %", row_in=_GROUP_HEIGHT_IN, font=7)


def _job_by_job(page: Page, results: Results[TheoryRow]) -> None:
    page.section("Job by job")
    page.note(
        "Near saturation one run says little: a mean wait to 2 % at 95 % takes tens of millions of jobs. So a run of "
        "a queue has three parts. The world serves some hundreds of jobs; the textbook's recursion (Lindley's, Kiefer "
        "and Wolfowitz's, or a loop over two queues) serves the very same jobs; and the recursion alone serves a great "
        "many more. What is reported for a run is the world's average, less the recursion's over the same jobs, plus "
        "its average over the many: a control variate with coefficient 1. Its mean is the world's whatever the world "
        "does, and if the world's waits were not the recursion's, that difference would scatter into the interval."
    )
    page.note(
        "Single waits are compared too, except in runs of two classes in which a job came in the very microsecond in "
        "which a service ended: whether it takes part in the choice of the next is the kernel's affair. Of two classes "
        "the lower's mean over many jobs leans on the work that it found, whose mean is taken over still more. "
        "M/M/1 at 20 % is measured by the host alone, and so are loss, bursts, delays, flushes "
        "and what changes with time."
    )
    lines = [[cell, f"{jobs:,}", f"{error_us}"] for cell, (jobs, error_us) in single_jobs(results).items()]
    page.table(["world", "jobs", "largest difference of a wait, us"], lines, caption="Waits against the recursion")


def _limits(page: Page) -> None:
    page.section("What this leaves out")
    page.bullets(
        [
            "Theory is asked only where it has closed forms: Poisson arrivals, one or four cores, at most two classes.",
            "Times are whole microseconds and services a thousand of them: rounding moves means by less than 0.01 %.",
            "Shares in a delay's tail are of draws from the link's distribution, not of messages that crossed it.",
            "Intervals rest on means over runs being close to normal, which averages over thousands of jobs are.",
        ]
    )
