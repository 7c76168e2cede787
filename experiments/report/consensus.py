"""The page of `consensus-under-partial-cuts`: who was served in which cut, who was elected, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Final

from experiments.cuts.arms import (
    ALL,
    ARMS,
    BEGINS_US,
    CALM,
    DEAF,
    ENDS_US,
    FOLLOWER,
    NO_CHECK_QUORUM,
    NONE,
    PAIR,
    SCENARIOS,
    TITLES,
    CutRow,
)
from experiments.cuts.claims import FAMILY
from experiments.experiment import ReportContext
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure, shade
from experiments.results import Results
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_MARKS: Final = ("o-", "^:", "s--", "v-.", "x-")
_SHOWN: Final = (DEAF, PAIR, FOLLOWER)
_LEFT_OUT: Final = (
    (
        "Clients reach every member that is not cut off from all others, and ask the nearest first; a cut between them "
        "and the leader is a question of routing and not of consensus."
    ),
    (
        "The detector is a fixed time-out of a second; delays inside a region are a tenth of a millisecond, so "
        "what one "
        "takes for a silence is one. Across regions time-outs must be longer, and outages with them."
    ),
    (
        "Cuts begin with the first member in office. Where the cut falls on whoever leads by then is for the nemesis "
        "(`raft_nemesis`)."
    ),
    "What a member that is cut off does to clocks, disks and load is not in here: hosts are idle for the most part.",
    "Five members. With three a ring is whole and a bridge is a pair that loses each other.",
)
Rows = Results[CutRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("Who is served, and who takes office")
    _overview(page, results, folder)
    _timelines(page, results, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str, scale: float = 1.0, unit: str = "") -> str:
    values = [scale * float(value) for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    return format_interval(t_interval(values), spec, unit) if values else "-"


def _answer(results: Rows) -> str:
    kept = [row for scenario in SCENARIOS for row in results.at(scenario, ALL)]
    least = min((row.settled_share for row in kept), default=0.0)
    most = max((row.elections for row in kept), default=0)
    return (
        f"Yes, and to check-quorum first. With all safeguards at least {least:.1%} of the commands are answered "
        f"in every "
        f"cut from its fifth second on, after at most {most} elections. A leader that is heard and does not hear "
        f"serves "
        f"{_mean(results, DEAF, NO_CHECK_QUORUM, 'settled_share', '.1f', 100, '%')} without check-quorum, and "
        f"{_mean(results, DEAF, ALL, 'settled_share', '.1f', 100, '%')} with it, as another takes its place. A "
        f"follower "
        f"that loses its leader alone brings about {_mean(results, PAIR, NONE, 'elections', '.1f')} elections in ten "
        f"seconds without safeguards, {_mean(results, PAIR, ALL, 'elections', '.1f')} with them. Intervals are 95 "
        f"% over "
        f"{len(results.seeds)} runs."
    )


def _overview(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 2, width_in=11.0, height_in=4.6)
    for axes, metric, label in (
        (panels[0], "cut_share", "share of commands answered during the cut"),
        (panels[1], "elections", "elections during the cut"),
    ):
        for number, arm in enumerate(ARMS):
            places, heights = [], []
            for at, scenario in enumerate(SCENARIOS):
                rows = results.at(scenario, arm.name)
                if rows:
                    places.append(at + 0.16 * (number - 2))
                    heights.append(sum(getattr(row, metric) for row in rows) / len(rows))
            axes.plot(heights, places, _MARKS[number][0], color=PALETTE[number], label=arm.label, markersize=5)
        axes.set_yticks(range(len(SCENARIOS)), [TITLES[scenario] for scenario in SCENARIOS] if metric[0] != "e" else [])
        axes.invert_yaxis()
        axes.set_xlabel(label)
        axes.grid(axis="y", alpha=0.2)
    panels[0].set_xlim(-0.03, 1.03)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(ARMS), frameon=False)
    save_figure(figure, folder / "cuts.svg")
    page.figure(
        "cuts.svg",
        alt="Two panels of points by shape of the cut, one for each arm: share of commands answered during the "
        "cut, near "
        "one but for a deaf leader without check-quorum; and elections during it, few with all safeguards and many "
        "without where a member loses only its leader",
        caption="Means over runs.",
    )


def _timelines(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, len(_SHOWN), width_in=11.0, height_in=3.8)
    for axes, scenario in zip(panels, _SHOWN, strict=True):
        for number, arm in enumerate(ARMS):
            series = [results.series(scenario, arm.name, row.seed) for row in results.at(scenario, arm.name)]
            if not series:
                continue
            found = [dict(zip(one["begin_s"], one["answered"], strict=True)) for one in series]
            steps = sorted({t for one in found for t in one})
            heights = [_middle([one[t] for one in found if t in one]) for t in steps]
            axes.plot(
                steps, heights, _MARKS[number], color=PALETTE[number], label=arm.label, markersize=3, linewidth=1.1
            )
        shade(axes, BEGINS_US / 1e6, ENDS_US / 1e6, "cut")
        axes.set_title(TITLES[scenario], fontsize=10)
        axes.set_ylim(-0.03, 1.06)
        axes.set_xlabel("seconds, when issued")
    panels[0].set_ylabel("share of commands answered")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(ARMS), frameon=False)
    save_figure(figure, folder / "answered.svg")
    page.figure(
        "answered.svg",
        alt="Three panels over time, a line for each arm: share of commands answered with a deaf leader, where "
        "the line "
        "without check-quorum lies at zero for the whole cut; with a leader and a follower that lose each other; and "
        "with a follower alone, where lines dip after the heal that lack a safeguard",
        caption="Means over runs, by half a second in which commands were issued.",
    )


def _middle(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = []
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if not rows:
            continue
        never = sum(row.outage_ms == inf for row in rows)
        lines.append(
            [
                arm.label,
                *(
                    _mean(results, scenario, arm.name, f"{span}_share", ".1f", 100, "%")
                    for span in ("cut", "settled", "healed")
                ),
                _mean(results, scenario, arm.name, "elections", ".1f"),
                _mean(results, scenario, arm.name, "elections_healed", ".1f"),
                _mean(results, scenario, arm.name, "terms", ".1f"),
                f"never again in {never} of {len(rows)} runs"
                if never
                else _mean(results, scenario, arm.name, "outage_ms", ".0f"),
            ]
        )
    header = [
        "",
        "answered during the cut",
        "once settled",
        "after it",
        "elections during the cut",
        "after it",
        "terms gone through",
        "longest outage, ms",
    ]
    page.table(header, lines, caption=TITLES[scenario][0].upper() + TITLES[scenario][1:])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for scenario in SCENARIOS:
        if scenario == CALM:
            continue
        for arm in ARMS[1:]:
            share = FAMILY.difference(results, scenario, ALL, arm.name, "cut_share")
            more = FAMILY.difference(results, scenario, arm.name, ALL, "elections")
            if share is None or more is None:
                continue
            lines.append([TITLES[scenario], arm.label, format_interval(share, ".3f"), format_interval(more, ".2f")])
    header = ["cut", "arm", "share answered in the cut: all safeguards less the arm", "elections: the arm less all"]
    page.table(header, lines, caption="Differences over runs of one seed")
    page.note(f"Each interval has confidence {FAMILY.confidence:.4f}, so that all that decide a claim hold at once.")
