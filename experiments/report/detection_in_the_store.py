"""The page of `detection-in-the-store`: what each detector costs when somebody dies, and when somebody does not."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.failovers.arms import (
    AKKA,
    ARMS,
    CRASH,
    FIXED,
    FULL,
    LOST,
    PAUSES,
    PHI,
    TITLES,
    FailoverRow,
    Use,
)
from experiments.failovers.claims import FAMILY
from experiments.family import shown
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, paired_difference, t_interval

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["report"]

Rows = Results[FailoverRow]

#: What acting upon a suspicion is, by who acts.
_ACTS: Final[Mapping[Use, str]] = MappingProxyType(
    {
        Use.ELECTION: "A follower of Raft that suspects its leader has another elected.",
        Use.CLAIM: "A consumer of the read side that suspects another steals its segments.",
        Use.MONITOR: "Watchers of a service that suspect an instance have it replaced.",
        Use.ROUTE: "A client that suspects the nearest member asks another, and every operation that does is an act.",
        Use.HANDOFF: "A coordinator that suspects a replica has another host stand in, with a hint: an act each time.",
    }
)
#: Where a death is, and where one stands still, by who acts.
_DEATHS: Final[Mapping[Use, str]] = MappingProxyType({Use.ELECTION: CRASH, **LOST})
_STILL: Final[Mapping[Use, str]] = MappingProxyType({Use.ELECTION: PAUSES, **LOST})
_METRICS: Final = (
    ("again_s", "to the next, s", ".2f"),
    ("needless", "needless acts", ".2f"),
    ("unserved_s", "unserved, s", ".2f"),
    ("double_ms", "two owners, ms", ".0f"),
)


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.findings(context.findings)
    page.section("The dead against the living")
    _trade(results, folder / "trade.svg")
    page.figure(
        "trade.svg",
        alt="Five panels, one for each who acts, and a point for each detector: seconds from a death to the next owner "
        "across, needless acts upwards; phi to the left and above, Akka to the right and at the bottom",
        caption="Means over runs: how long one that died keeps its place, and how often one that only stood still for "
        "450 ms loses it. Lower left is better.",
    )
    _compared(page, results)
    for use in Use:
        page.section(f"{use.capitalize()}: every trouble")
        page.note(_ACTS[use])
        for scenario, place in TITLES.items():
            if place.use is use:
                _measured(page, results, scenario)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _answer(results: Rows) -> str:
    def again(arm: str) -> str:
        return format_interval(t_interval([row.again_s or 0.0 for row in results.at(CRASH, arm)]), ".2f", "s")

    eager = results.pairs(PAUSES, PHI, FIXED)
    more = paired_difference([row.needless for row, _ in eager], [row.needless for _, row in eager])
    deaths = [
        row.again_s
        for name in _DEATHS.values()
        for row in results.at(name, AKKA)
        if row.again_s and isfinite(row.again_s)
    ]
    acts = sum(row.needless for row in results.rows if row.arm == FIXED and TITLES[row.scenario].use is Use.ROUTE)
    return (
        "It trades needless acts for time without an owner, and breaks nothing that must hold: phi as published has a "
        f"leader again after {again(PHI)} and deposes {format_interval(more, '.1f')} more living ones under pauses "
        f"than a fixed time-out, which takes {again(FIXED)}; Akka's defaults replace nobody that beats and take "
        f"{again(AKKA)}, and up to {max(deaths, default=0.0):.1f} s elsewhere. Clients that hear answers alone go "
        f"around the living by a fixed time-out, too: {acts} operations in "
        f"{len(results.at(LOST[Use.ROUTE], FIXED))} runs."
    )


def _compared(page: Page, results: Rows) -> None:
    """Every detector against the fixed time-out, paired."""
    page.section("Against a fixed time-out")
    page.note(
        "Differences from the fixed time-out under the same seed. Intervals are as wide as the family of "
        f"{FAMILY.compared} comparisons asks that are claimed above."
    )
    for use in Use:
        for scenario in dict.fromkeys((_DEATHS[use], _STILL[use])):
            rows = []
            for arm in ARMS:
                if arm.name == FIXED or arm.name not in FULL[scenario] or not results.at(scenario, arm.name):
                    continue
                found = [FAMILY.difference(results, scenario, arm.name, FIXED, metric) for metric, _, _ in _METRICS]
                rows.append([arm.label, *(shown(one, spec) for one, (_, _, spec) in zip(found, _METRICS, strict=True))])
            if rows:
                header = ["", *(title for _, title, _ in _METRICS)]
                page.table(header, rows, caption=f"{use.capitalize()}; {TITLES[scenario].trouble}: more than fixed")


def _measured(page: Page, results: Rows, scenario: str) -> None:
    rows = []
    for arm in ARMS:
        found = results.at(scenario, arm.name)
        if not found:
            continue
        again = [row.again_s for row in found if row.again_s is not None]
        rows.append(
            [
                arm.label,
                _mean([row.acts for row in found]),
                _mean([row.needless for row in found]),
                _mean([row.unserved_s for row in found]),
                _mean([row.double_ms for row in found]),
                _mean(again) if again else "-",
                _mean([row.served_share for row in found]),
            ]
        )
    page.table(
        ["", "acts", "needless", "unserved, s", "two owners, ms", "to the next, s", "served"],
        rows,
        caption=f"{TITLES[scenario].trouble}: means over runs, 95 % intervals",
    )


def _mean(values: list[int] | list[float]) -> str:
    return format_interval(t_interval([float(value) for value in values]), ".3g")


def _trade(results: Rows, path: Path) -> None:
    figure, panels = new_figure(2, 3, width_in=10.0, height_in=5.6)
    for axes, use in zip(panels, Use, strict=False):
        for place, arm in enumerate(ARMS):
            again = [row.again_s for row in results.at(_DEATHS[use], arm.name) if row.again_s is not None]
            needless = [row.needless for row in results.at(_STILL[use], arm.name)]
            if again and needless and all(map(isfinite, again)):
                at = (sum(again) / len(again), sum(needless) / len(needless))
                axes.plot(*at, "o^sDvX"[place], color=PALETTE[place], label=arm.label, markersize=7)
        axes.set_title(use.value, fontsize=10)
        axes.set_xlabel("seconds from a death to the next", fontsize=8)
        axes.set_ylabel("needless acts", fontsize=8)
    panels[-1].set_axis_off()
    handles, labels = panels[1].get_legend_handles_labels()
    panels[-1].legend(handles, labels, frameon=False, fontsize=8, loc="center")
    save_figure(figure, path)


def _limits(page: Page) -> None:
    page.section("What this leaves out")
    page.bullets(
        [
            (
                "In elections check-quorum is off, so that followers' detectors alone decide; with it a leader that "
                "hears nobody steps down by itself. Stickiness holds votes back for 250 ms and pre-vote asks first."
            ),
            (
                "Time-outs, averages and NFD-E are given equal patience, six heartbeats; phi, Akka and Cassandra stand "
                "as published. Equal detection times are compared in heartbeat-average."
            ),
            (
                "Clients and coordinators hear answers, not heartbeats: they suspect only who left a question "
                "unanswered, ask again after 2 s, and NFD-E has nothing to say to them. Placed stores route as clients "
                "of Raft do here, and quorums that ask no more than they need choose by the same."
            ),
            (
                "Leases of queues end by time alone, and effects change hands by a fixed time-out: they have no "
                "detector to choose."
            ),
        ]
    )
