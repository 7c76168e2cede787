"""The figure of `persistence-schemes`: what an acknowledgement costs against what a failure takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.report.figure import PALETTE, new_figure, save_figure
from experiments.results import Results
from experiments.schemes import ARMS, CONTROL, FAILURES, SchemeRow, frontier, scheme_of_arm
from experiments.schemes.frontier import unkept
from experiments.statistics import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NUMBERS", "draw_frontier", "numbered", "unbroken"]

_RANKED: Final = tuple(arm for arm in ARMS if arm.ranked)
#: By arm, its number in the figure.
NUMBERS: Final[Mapping[str, int]] = {arm.name: number for number, arm in enumerate(_RANKED, start=1)}
_FAMILIES: Final = tuple(dict.fromkeys(scheme_of_arm(arm.name).name for arm in _RANKED))
#: Labels closer than this, in decades, are put above each other; a letter is so wide.
_CLOSE: Final = 0.16
_LETTER: Final = 0.045


def draw_frontier(results: Results[SchemeRow], path: Path) -> None:
    """One panel a failure: p99 of the control on a logarithmic axis, what was not kept a run, linear up to 1."""
    figure, panels = new_figure(2, 3, width_in=12.5, height_in=8.4)
    at_ms = {
        arm.name: _mean([row.latency_near_p99_ms for row in rows])
        for arm in _RANKED
        if (rows := results.at(CONTROL, arm.name))
    }
    most = 1.0
    for axes, (scenario, failing) in zip(panels, FAILURES.items(), strict=True):
        gone = {
            arm.name: _mean([unkept(row) for row in rows])
            for arm in _RANKED
            if arm.name in at_ms and (rows := results.at(scenario, arm.name))
        }
        most = max(most, *gone.values())
        _panel(axes, results, scenario, at_ms, gone)
        axes.set_title(failing.title)
    for place, axes in enumerate(panels):
        axes.set_xscale("log")
        axes.set_xlim(min(at_ms.values()) / 1.8, max(at_ms.values()) * 1.6)
        axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        axes.minorticks_off()
        axes.set_yscale("symlog", linthresh=1, linscale=0.7)
        axes.set_ylim(-0.25, most * 5)
        axes.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        if place % 3 == 0:
            axes.set_ylabel("acknowledged and not kept, events a run")
        if place >= 3:
            axes.set_xlabel("p99 of an acknowledgement, ms")
    handles = [
        panels[0].plot([], [], "o", color=_colour(arm.name), markersize=6, label=f"{NUMBERS[arm.name]}  {arm.label}")[0]
        for arm in _RANKED
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9.5)
    save_figure(figure, path)


def numbered(arm: str) -> str:
    """An arm's label after its number in the figure, if it has one."""
    label = next(one.label for one in ARMS if one.name == arm)
    return f"{NUMBERS[arm]}. {label}" if arm in NUMBERS else label


def unbroken(arm: str) -> str:
    """The same, for narrow first columns."""
    return numbered(arm).replace(" ", "\u00a0").replace("-", "\u2011")


def _panel(
    axes: Axes, results: Results[SchemeRow], scenario: str, at_ms: Mapping[str, float], gone: Mapping[str, float]
) -> None:
    chosen = frontier(results, scenario).chosen
    steps = sorted({(at_ms[arm], gone[arm]) for arm in chosen})
    axes.plot([x for x, _ in steps], [y for _, y in steps], drawstyle="steps-post", color="#999999", linewidth=1.2)
    for arm in gone:
        colour = _colour(arm)
        face = colour if arm in chosen else "white"
        calm = t_interval([row.latency_near_p99_ms for row in results.at(CONTROL, arm)])
        lost = t_interval([unkept(row) for row in results.at(scenario, arm)])
        if lost.low is not None and lost.high is not None and lost.high > lost.low:
            axes.vlines(at_ms[arm], max(0.0, lost.low), lost.high, color=colour, linewidth=1)
        if calm.low is not None and calm.high is not None:
            axes.hlines(gone[arm], calm.low, calm.high, color=colour, linewidth=1)
        axes.plot([at_ms[arm]], [gone[arm]], "o", color=colour, markerfacecolor=face, markersize=6)
    _label(axes, at_ms, gone)


def _label(axes: Axes, at_ms: Mapping[str, float], gone: Mapping[str, float]) -> None:
    """Write each mark's number above it; those of one place on one line, those close by above each other."""
    rows: dict[int, list[str]] = {}
    for arm in gone:
        rows.setdefault(round(8 * log10(1 + gone[arm])), []).append(arm)
    for arms in rows.values():
        reached: list[float] = []  # by level, up to where it is written on
        aside = any(gone[arm] > 0 for arm in arms)  # off the bar that stands in the mark
        for x, together in _places(sorted(arms, key=lambda arm: (at_ms[arm], NUMBERS[arm])), at_ms):
            text = ", ".join(str(NUMBERS[arm]) for arm in together)
            level = next((level for level, end in enumerate(reached) if end <= x), len(reached))
            reached[level : level + 1] = [x + max(_CLOSE, _LETTER * len(text) if aside else 0.0)]
            axes.annotate(
                text,
                (at_ms[together[0]], max(gone[arm] for arm in together)),
                xytext=(3 if aside else 0, 5 + 11 * level),
                textcoords="offset points",
                ha="left" if aside else "center",
                fontsize=9,
                color=_colour(together[0]),
            )


def _places(arms: Sequence[str], at_ms: Mapping[str, float]) -> list[tuple[float, list[str]]]:
    """Arms by place on the axis, those within a fortieth of a decade of the first together."""
    found: list[tuple[float, list[str]]] = []
    for arm in arms:
        x = log10(at_ms[arm])
        if found and x - found[-1][0] < 0.04:
            found[-1][1].append(arm)
        else:
            found.append((x, [arm]))
    return found


def _colour(arm: str) -> str:
    return PALETTE[_FAMILIES.index(scheme_of_arm(arm).name)]


def _mean(values: Sequence[float]) -> float:
    return t_interval(values).estimate
