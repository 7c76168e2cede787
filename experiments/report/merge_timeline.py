"""The timelines of `merge-domains`: who was served on each side of the cut, and what waited to become stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.merging import ARMS, BIN_US, MergeRow
from experiments.report import PALETTE, new_figure, save_figure, shade
from experiments.results import Results
from experiments.scenario import load

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cut_of", "timeline"]

_DRAWN: Final = ("home", "failover", "failover-fast", "majority", "split", "escrow", "lww")
_COLOURS: Final[Mapping[str, str]] = dict(zip(_DRAWN, PALETTE, strict=True))


def timeline(results: Results[MergeRow], scenario: str, path: Path) -> None:
    """Draw one scenario: three panels over one axis of time, a line for each design, means over seeds."""
    figure, axes = new_figure(3, 1, height_in=8.0, share_x=True)
    bin_s = BIN_US / 1e6
    for arm in ARMS:
        rows = results.at(scenario, arm.name)
        if not rows or arm.name not in _COLOURS:
            continue
        series = [results.series(scenario, arm.name, row.seed) for row in rows]
        wide = arm.name in ("home", "split")  # drawn first and wide, so that a line that coincides leaves a rim
        style: dict[str, Any] = {
            "color": _COLOURS[arm.name],
            "label": arm.label,
            "linestyle": "-" if arm.ranked else "--",
            "linewidth": 3.6 if wide else 1.4,
            "zorder": 2 if wide else 3,
        }
        for panel, side in zip(axes, ("cutoff", "rest"), strict=False):
            issued = [sum(s[f"issued_{side}"][at] for s in series) for at in range(len(series[0][f"issued_{side}"]))]
            served = [sum(s[f"available_{side}"][at] for s in series) for at in range(len(issued))]
            points = [(bin_s * (at + 0.5), a / n) for at, (a, n) in enumerate(zip(served, issued, strict=True)) if n]
            panel.plot([t for t, _ in points], [share for _, share in points], **style)
        backlog = [sum(values) / len(series) for values in zip(*(s["backlog"] for s in series), strict=True)]
        axes[2].plot(range(len(backlog)), backlog, **style)
    _dress(axes, scenario)
    save_figure(figure, path)


def cut_of(scenario: str) -> tuple[float, float]:
    """Beginning and length of a scenario's cut, seconds."""
    fault = load(scenario).faults[0]
    assert isinstance(fault.at, int)
    assert fault.for_us is not None
    return fault.at / 1e6, fault.for_us / 1e6


def _dress(axes: Sequence[Axes], scenario: str) -> None:
    begin, cut_s = cut_of(scenario)
    end = begin + cut_s
    axes[0].set_title(f"Served, clients in {', '.join(load(scenario).faults[0].targets)} (cut off)")
    axes[1].set_title("Served, clients elsewhere")
    axes[2].set_title("Backlog: accepted, not yet stable everywhere")
    for panel in axes:
        shade(panel, begin, end, "")
    for panel in axes[:2]:
        panel.set_ylim(-0.03, 1.06)
        panel.set_ylabel("share of commands")
    axes[2].set_yscale("symlog", linthresh=10)
    axes[2].set_ylim(bottom=0)
    axes[2].set_ylabel("events")
    axes[2].set_xlabel("seconds")
    axes[0].text((begin + end) / 2, 0.5, f"cut, {end - begin:.0f} s", ha="center", size=9, color="#444444")
    axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.12), ncols=3, frameon=False)
