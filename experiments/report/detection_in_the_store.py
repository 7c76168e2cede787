"""The page of `detection-in-the-store`: what each detector costs when the leader dies, and when it does not."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

from experiments.experiment import ReportContext
from experiments.failovers.arms import AKKA, ARMS, CRASH, FIXED, PAUSES, PHI, SCENARIOS, TITLES, FailoverRow
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, paired_difference, t_interval

__all__ = ["report"]

Rows = Results[FailoverRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.findings(context.findings)
    page.section("A dead leader against a living one")
    _trade(results, folder / "trade.svg")
    page.figure(
        "trade.svg",
        alt="A point for each detector: seconds from the leader's death to the next across, needless failovers under "
        "pauses upwards; phi to the upper left, Akka to the lower right, the others between and at the bottom",
        caption="Means over runs: how long a dead leader stays in office, and how often a living one loses it while "
        "each host in turn stands still for 450 ms. Lower left is better.",
    )
    page.section("Every trouble")
    for scenario in SCENARIOS:
        rows = []
        for arm in ARMS:
            found = results.at(scenario, arm.name)
            again = [row.led_again_s for row in found if row.led_again_s is not None]
            rows.append(
                [
                    arm.label,
                    _mean([row.needless for row in found]),
                    _mean([row.unavailable_s for row in found]),
                    _mean([row.two_leaders_ms for row in found]),
                    _mean(again) if again else "-",
                    _mean([row.answered_share for row in found]),
                ]
            )
        page.table(
            ["", "needless failovers", "unavailable, s", "two leaders, ms", "next leader, s", "answered"],
            rows,
            caption=f"{TITLES[scenario]}: means over runs, 95 % intervals",
        )
    page.section("What this leaves out")
    page.bullets(
        [
            (
                "Check-quorum is off, so that followers' detectors alone decide; with it a leader that hears nobody "
                "steps down by itself. Stickiness holds votes back for 250 ms and pre-vote asks first, as usual."
            ),
            (
                "Time-outs, averages and NFD-E are given equal patience, six heartbeats; phi, Akka and Cassandra stand "
                "as published. Equal detection times are compared in heartbeat-average."
            ),
            "Elections alone take their suspicion from a detector here: routing, claims and hints do not.",
        ]
    )
    page.write(folder / "index.html")
    return answer


def _answer(results: Rows) -> str:
    def again(arm: str) -> str:
        return format_interval(t_interval([row.led_again_s or 0.0 for row in results.at(CRASH, arm)]), ".2f", "s")

    eager = results.pairs(PAUSES, PHI, FIXED)
    more = paired_difference([row.needless for row, _ in eager], [row.needless for _, row in eager])
    return (
        f"It trades needless failovers for time without a leader, and never costs an event: phi as published leads "
        f"again after {again(PHI)} and deposes {format_interval(more, '.1f')} more living leaders under pauses than a "
        f"fixed time-out, which takes {again(FIXED)}; Akka's defaults depose nobody and take {again(AKKA)}."
    )


def _mean(values: list[int] | list[float]) -> str:
    return format_interval(t_interval([float(value) for value in values]), ".3g")


def _trade(results: Rows, path: Path) -> None:
    figure, (axes,) = new_figure(height_in=3.6)
    for place, arm in enumerate(ARMS):
        again = [row.led_again_s for row in results.at(CRASH, arm.name) if row.led_again_s is not None]
        needless = [row.needless for row in results.at(PAUSES, arm.name)]
        if again and needless and all(map(isfinite, again)):
            at = (sum(again) / len(again), sum(needless) / len(needless))
            axes.plot(*at, "o^sDvX"[place], color=PALETTE[place], label=arm.label, markersize=7)
    axes.set_xlabel("seconds from the leader's death to the next")
    axes.set_ylabel("needless failovers under pauses")
    axes.legend(frameon=False, fontsize=9)
    save_figure(figure, path)
