"""The figures of `merge-domains`: who serves how much and owes how much, and which knob turns that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.merging import ARMS, FACTORS, SITUATIONS, WORKLOADS, MergeRow
from experiments.merging.choosing import Standing, frontier, second_half
from experiments.merging.prices import DEADLINE_MS, RANKED, owed
from experiments.report.figure import PALETTE, new_figure, save_figure
from experiments.results import Results
from experiments.statistics import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SHORT", "colour_of", "draw_frontier", "draw_knobs", "within"]

#: What a mark is called in a figure.
SHORT: Final[Mapping[str, str]] = {
    "home": "home region",
    "primary": "primary per aggregate",
    "failover": "failover",
    "failover-fast": "failover, 10/s",
    "majority": "majority",
    "read-only": "read-only",
    "quorum": "leaderless",
    "split": "split: replay",
    "apologise": "split: apologise",
    "escrow": "split: escrow",
    "commutative": "split: commutative",
    "first-writer": "split: first writer",
    "priority": "split: priority",
    "lww": "split: silent last writer",
}
#: Runs from which an interval is drawn; of fewer it is as wide as the panel.
_FEWEST: Final = 4
_SAFE, _LOSES, _SPLIT = PALETTE[0], "#7A7A7A", PALETTE[1]
_FREE: Final = PALETTE[2]
#: A name in a panel: its width as a part of the axis, its height in shares, and points a share.
_WIDTH, _HEIGHT, _POINTS = 0.5, 0.05, 205


def colour_of(arm: str) -> str:
    """Blue for one history, grey for what may lose acknowledged writes, green for splits that owe nothing, else red."""
    if arm in ("escrow", "commutative", "barrier", "observed"):
        return _FREE
    if arm in ("failover", "failover-fast", "quorum"):
        return _LOSES
    return _SAFE if arm in ("home", "primary", "majority", "read-only") else _SPLIT


def within(ms: float) -> str:
    """A latency, or that it lies beyond the deadline."""
    return f"> {DEADLINE_MS:,.0f}" if ms >= DEADLINE_MS else f"{ms:,.0f}"


def draw_frontier(results: Results[MergeRow], path: Path) -> None:
    """A panel for each workload of the full comparison: owed to the right, served upwards; best is top left."""
    names = [name for name, demand in WORKLOADS.items() if demand.full and any(results.at(name, arm) for arm in RANKED)]
    figure, panels = new_figure(2, 3, width_in=13.5, height_in=8.6)
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, results, name)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for place, axes in enumerate(panels[: len(names)]):
        if place % 3 == 0:
            axes.set_ylabel("share of commands served in the cut")
        if place + 3 >= len(names):
            axes.set_xlabel("owed, of 1,000 acknowledged")
    marks = (
        (_SAFE, "one history: nothing owed"),
        (_LOSES, "one history that may lose its tail, or none"),
        (_SPLIT, "split: takes back or makes good"),
        (_FREE, "split: accepts only what stands"),
    )
    handles = [panels[0].plot([], [], "o", color=colour, markersize=7, label=label)[0] for colour, label in marks]
    handles.append(panels[0].plot([], [], "o", color="#444444", markersize=7, label="filled: nothing beats it")[0])
    hollow = panels[0].plot([], [], "o", color="#444444", markerfacecolor="white", markersize=7)[0]
    hollow.set_label("hollow: beaten")
    figure.legend(handles=[*handles, hollow], loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    save_figure(figure, path)


def _panel(axes: Axes, results: Results[MergeRow], name: str) -> None:
    found, judged = frontier(results, name), second_half(results)
    axes.set_title(WORKLOADS[name].title)
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    axes.set_xlim(-0.35, 1500)
    axes.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
    axes.minorticks_off()
    axes.set_ylim(-0.06, 1.09)
    axes.annotate("\u2196 better", (0.012, 0.985), xycoords="axes fraction", fontsize=9, color="#777777", va="top")
    places = sorted(found.shown.items(), key=lambda pair: (-pair[1].served, pair[1].owed))
    for arm, one in places:
        face = colour_of(arm) if arm in found.chosen else "white"
        served = t_interval([row.availability_cut or 0.0 for row in judged.at(name, arm)])
        if served.low is not None and served.high is not None and served.n >= _FEWEST:
            axes.vlines(one.owed, max(0.0, served.low), min(1.0, served.high), color=colour_of(arm), linewidth=1)
        axes.plot([one.owed], [one.served], "o", color=colour_of(arm), markerfacecolor=face, markersize=7, zorder=3)
    _name(axes, places)


def _name(axes: Axes, places: Sequence[tuple[str, Standing]]) -> None:
    """Write each mark's name and its p99 beside it; names that would meet go below each other."""
    taken: list[tuple[float, float, float]] = []
    for arm, one in places:
        x, y = _across(one.owed), one.served
        left = x > 0.62
        begin, end = (x - _WIDTH, x) if left else (x, x + _WIDTH)
        while any(abs(y - other) < _HEIGHT and begin < high and low < end for other, low, high in taken):
            y -= _HEIGHT / 4
        taken.append((y, begin, end))
        axes.annotate(
            f"{SHORT.get(arm, arm)}, {within(one.p99_ms)} ms",
            (one.owed, one.served),
            xytext=(-8 if left else 8, (y - one.served) * _POINTS - 3),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=8.5,
            color=colour_of(arm),
        )


def _across(value: float) -> float:
    """Roughly where a value is on the axis, as a part of its width."""
    return (0.1 + 0.14 * min(value, 1.0)) if value <= 1 else min(1.0, 0.24 + 0.24 * log10(value))


def draw_knobs(results: Results[MergeRow], path: Path) -> None:
    """A column for each factor: served above and owed below, at each of its levels, a line for each design."""
    factors = {factor: _levels(results, factor) for factor in FACTORS if " x " not in factor}
    factors = {factor: levels for factor, levels in factors.items() if len(levels) > 1}
    if not factors:
        return
    figure, panels = new_figure(2, len(factors), width_in=max(8.0, 3.1 * len(factors)), height_in=7.2)
    arms = ("home", "majority", "quorum", "failover", "split", "apologise", "escrow")
    for column, (factor, levels) in enumerate(factors.items()):
        top, bottom = panels[column], panels[column + len(factors)]
        top.set_title(factor)
        for arm in arms:
            rows = [results.at(name, arm) for name, _ in levels]
            at = [place for place, some in enumerate(rows) if some]
            if not at:
                continue
            style = {"color": colour_of(arm), "marker": _MARKS[arm], "linewidth": 1.2, "label": SHORT[arm]}
            served = [_mean([row.availability_cut or 0.0 for row in rows[place]]) for place in at]
            owing = [_mean([1000 * owed(row) / max(1, row.acknowledged) for row in rows[place]]) for place in at]
            top.plot(at, served, **style)  # type: ignore[arg-type]
            bottom.plot(at, owing, **style)  # type: ignore[arg-type]
        _ticks(top, bottom, [level for _, level in levels], first=column == 0)
    lines, labels = panels[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=4, frameon=False)
    save_figure(figure, path)


_MARKS: Final[Mapping[str, str]] = {
    "home": "s",
    "majority": "o",
    "quorum": "x",
    "failover": "+",
    "split": "o",
    "apologise": "^",
    "escrow": "D",
}


def _ticks(top: Axes, bottom: Axes, levels: Sequence[str], *, first: bool) -> None:
    top.set_ylim(-0.03, 1.05)
    bottom.set_yscale("symlog", linthresh=1)
    bottom.set_ylim(-0.3, 1500)
    bottom.set_yticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
    bottom.minorticks_off()
    top.set_xticks(range(len(levels)), [""] * len(levels))
    bottom.set_xticks(range(len(levels)), levels, rotation=35, ha="right", fontsize=8.5)
    if first:
        top.set_ylabel("share served in the cut")
        bottom.set_ylabel("owed, of 1,000 acknowledged")


def _levels(results: Results[MergeRow], factor: str) -> list[tuple[str, str]]:
    """Situations of a factor that were run, in order, the base where it belongs, and what each level is called."""
    base = {"duration": (2, "30 s"), "shape": (0, "full"), "contention": (1, "200 accounts")}
    base |= {"conflict rate": (1, "50 % withdrawals"), "locality": (0, "none")}
    found = [(name, SITUATIONS[name].level) for name in FACTORS[factor]]
    place, level = base[factor]
    found.insert(place, ("withdrawal", level))
    return [(name, told) for name, told in found if any(results.at(name, arm.name) for arm in ARMS)]


def _mean(values: Sequence[float]) -> float:
    return t_interval(values).estimate
