"""Draws a run as a space-time diagram: time runs down, a column a host, an arrow a message.

Time is not to scale: between two things that happen the distance grows with the logarithm of what
passes, so that a message of a millisecond and a cut of a minute can stand on one page. Instants
are written at the left. Clients stand at the left, their operations as bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log10
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from experiments.hunting.labels import Box, Labels, width_in
from experiments.hunting.recording import Recording
from experiments.hunting.spacetime import Arrow, Bar, Mark, Picture, Shade, picture_of
from experiments.hunting.telling import numbers, operation_line, reason_of
from experiments.report import PALETTE, new_figure, save_figure
from sim.faults import KINDS
from sim.history import Kind
from sim.topology import Topology

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "figure_of"]

_WITNESS: Final = PALETTE[1]
_OTHER: Final = PALETTE[0]
_LOST: Final = "#C00000"
_DOWN: Final = "#444444"
_SIDES: Final = (PALETTE[5], PALETTE[4])
_HURT: Final = PALETTE[3]
_LANE_IN: Final = 1.7
_CLIENT_IN: Final = 2.9
_ROW_IN: Final = 0.2
_SMALL: Final = 7.0
_TITLE: Final = 10.0
_LONGEST_TITLE: Final = 3
#: As many letters of an operation as stand beside its client's lane.
_BESIDE: Final = 42
#: Beside the lanes: instants at the left, names of faults at the right; above the first instant and below the last.
_LEFT_IN: Final = 0.8
_RIGHT_IN: Final = 2.2
_ABOVE: Final = 1.6
_BELOW: Final = 1.0
#: What the legend takes, and the narrowest page that holds it.
_LEGEND_IN: Final = 0.9
_NARROWEST_IN: Final = 7.0
#: How far along its arrow a label may stand, the best first; and how far above or below it, in rows.
_ALONG: Final = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
_BESIDES: Final = (0.0, *(dy * sign for dy in (0.35, 0.7, 1.05, 1.4, 1.75, 2.1) for sign in (-1, 1)))


def draw(run: Recording, path: Path) -> None:
    """Write the diagram of a run with a full trace as SVG."""
    save_figure(figure_of(run), path)


def figure_of(run: Recording) -> Figure:
    """Draw a run with a full trace."""
    return _Drawing(run, picture_of(run)).drawn()


class _Drawing:
    """One diagram; x is a lane's place in inches, y the place of an instant, downwards."""

    def __init__(self, run: Recording, picture: Picture) -> None:
        self._run = run
        self._picture = picture
        self._topology: Topology = run.scenario.topology
        self._x = self._places()
        self._y = _scale(picture)
        self._number = numbers(run)
        self._labels = Labels()
        self._right = max(self._x.values()) + _RIGHT_IN
        wide_in = max(_NARROWEST_IN, _LEFT_IN + self._right)
        self._title = self._titled(wide_in)
        rows_in = (_ABOVE + self._y[picture.end_us] + _BELOW) * _ROW_IN
        height_in = 0.1 + 0.18 * len(self._title) + rows_in + _LEGEND_IN
        figure, (axes,) = new_figure(width_in=wide_in, height_in=height_in)
        # By hand: a layout that makes room by squeezing would print labels over each other that were placed apart.
        figure.set_layout_engine("none")
        axes.set_position((_LEFT_IN / wide_in, _LEGEND_IN / height_in, self._right / wide_in, rows_in / height_in))
        self._figure, self._axes = figure, axes

    def drawn(self) -> Figure:
        """Draw everything; what may be labelled in one place only first, what matters least last."""
        self._frame()
        self._shades()
        self._lanes()
        self._bars()
        self._downs()
        arrows = sorted(_merged(self._picture.arrows), key=lambda arrow: (not arrow.witness, not arrow.lost))
        for arrow, spots in [(arrow, self._arrow(arrow)) for arrow in arrows]:
            self._text(spots, arrow.label, color=_colour(arrow), ha="center")
        for mark in _at_once(self._picture.marks):
            self._mark(mark)
        self._legend()
        return self._figure

    # -- where things are ------------------------------------------------------------------

    def _places(self) -> dict[int, float]:
        x, places = 0.0, {}
        for lane in self._picture.lanes:
            x += _CLIENT_IN if self._topology.hosts[lane].client else _LANE_IN
            places[lane] = x
        return places

    def _column(self, lane: int) -> tuple[float, float]:
        """From where to where a lane's surroundings reach."""
        lanes, place = list(self._x.values()), list(self._x).index(lane)
        wide = self._topology.hosts[lane].client
        left = lanes[place] - (_CLIENT_IN - 0.3 if wide else _LANE_IN / 2)
        return left, lanes[place] + (0.3 if wide else _LANE_IN / 2)

    def _at(self, t_us: int) -> float:
        """Where an instant is; those that lie outside are at the edge."""
        t_us = min(max(t_us, self._picture.begin_us), self._picture.end_us)
        if t_us in self._y:
            return self._y[t_us]
        known = [t for t in self._y if t < t_us]
        return self._y[max(known)] + 0.5

    def _frame(self) -> None:
        axes, picture = self._axes, self._picture
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)
        last = self._y[picture.end_us]
        axes.set_xlim(0.0, self._right)
        axes.set_ylim(last + _BELOW, -_ABOVE)
        axes.set_xticks([])
        ticks = self._ticks()
        axes.set_yticks([y for y, _ in ticks], [text for _, text in ticks], size=_SMALL)
        axes.set_title("\n".join(self._title), loc="left", size=_TITLE)

    def _titled(self, wide_in: float) -> list[str]:
        claim = self._run.claim.rpartition(":")[2]
        lines = wrap(reason_of(self._run), int(wide_in / (0.6 * _TITLE / 72)))
        if len(lines) > _LONGEST_TITLE:
            lines[_LONGEST_TITLE - 1 :] = [f"{lines[_LONGEST_TITLE - 1][:-4]} ..."]
        return [f"{self._run.scenario.name}: {claim} is violated", *lines]

    def _ticks(self) -> list[tuple[float, str]]:
        """Instants to write: those of operations and faults, as far as they do not touch."""
        picture = self._picture
        wanted = {picture.begin_us, picture.end_us}
        wanted |= {t for shade in picture.shades for t in (shade.begin_us, shade.end_us)}
        wanted |= {bar.begin.t_us for bar in picture.bars} | {b.end.t_us for b in picture.bars if b.end is not None}
        wanted |= {down.begin_us for down in picture.downs}
        ticks: list[tuple[float, str]] = []
        for t_us in sorted(t for t in wanted if picture.begin_us <= t <= picture.end_us):
            y = self._at(t_us)
            if not ticks or y - ticks[-1][0] > 0.7:
                ticks.append((y, f"{t_us / 1e6:.3f} s"))
        return ticks

    # -- what is drawn ---------------------------------------------------------------------

    def _lanes(self) -> None:
        last = self._y[self._picture.end_us] + 0.6
        for lane, x in self._x.items():
            host = self._topology.hosts[lane]
            name = host.path.replace("/clients/", "\n").replace("/", "\n", 1)
            self._axes.text(x, -0.5, name, ha="center", va="bottom", size=8, weight="bold")
            half = width_in(name, 8, bold=True) / 2
            self._labels.block(Box(x - half, -2.0, x + half, -0.4))
            self._axes.plot([x, x], [-0.4, last], color="#888888", lw=1.0, zorder=2)

    def _downs(self) -> None:
        for down in self._picture.downs:
            x, y = self._x[down.host], (self._at(down.begin_us), self._at(down.end_us))
            self._axes.plot([x, x], y, color="white", lw=4, zorder=2)
            self._axes.plot([x, x], y, color=_DOWN, lw=2.4, ls=(0, (1, 1.2)), zorder=3)
            self._cross(x, y[0], marker="X", ms=9, color=_LOST, mec="white")
            spots = [(x + 0.12, y[0] + dy) for dy in _BESIDES]
            self._text(spots, down.why, color=_LOST, weight="bold")
            if down.end_us < self._run.scenario.until_us:
                self._axes.plot([x], [y[1]], marker="^", ms=7, color="#009E73", mec="white", zorder=7)

    def _cross(self, x: float, y: float, **style: Any) -> None:
        """A sign that no label may hide."""
        self._axes.plot([x], [y], zorder=7, **style)
        self._labels.block(Box(x - 0.05, y - 0.25, x + 0.05, y + 0.25))

    def _shades(self) -> None:
        """Every fault over its lanes, and beside them from when to when; what is live at one time, side by side."""
        edge = max(self._x.values()) + _LANE_IN / 2
        ends: list[float] = []
        placed = []
        for shade in self._picture.shades:
            y = self._at(shade.begin_us), max(self._at(shade.end_us), self._at(shade.begin_us) + 0.3)
            slot = next((n for n, end in enumerate(ends) if end < y[0]), len(ends))
            ends[slot : slot + 1] = [y[1]]
            placed.append((shade, y, edge + 0.1 * slot))
        beside = edge + 0.1 * max(1, len(ends))
        for shade, y, x in placed:
            both = bool(shade.other)
            for hosts, colour in zip((shade.side, shade.other), _SIDES if both else (_HURT, _HURT), strict=True):
                for lane in self._x:
                    if lane in hosts:
                        self._axes.fill_between(self._column(lane), *y, color=colour, alpha=0.22, lw=0, zorder=0)
            colour = _LOST if self._cuts(shade) else _HURT
            self._axes.plot([x, x], y, color=colour, lw=3, solid_capstyle="butt", zorder=1)
            told = f"{shade.kind}\n({shade.fault})"
            if shade.lasts:
                told += "\ngoes on"
                self._axes.plot([x], [y[1]], marker="v", ms=7, color=colour, clip_on=False, zorder=1)
            self._text([(beside, y[0] + 0.6 + 0.3 * n) for n in range(12)], told, color=_LOST)

    def _cuts(self, shade: Shade) -> bool:
        return KINDS[shade.kind].group.value == "partition"

    def _arrow(self, arrow: Arrow) -> list[tuple[float, float]]:
        """Draw it; where its label may stand."""
        x, y = self._x[arrow.src], self._at(arrow.begin_us)
        reach = 1.0 if not arrow.lost and arrow.end_us is not None else 0.45
        if arrow.lost == "host down":
            reach = 0.94
        end_us = arrow.begin_us if arrow.end_us is None else arrow.end_us
        x_end = x + (self._x[arrow.dst] - x) * reach
        y_end = max(self._at(end_us), y + 0.35)
        style: dict[str, Any] = {"arrowstyle": "-|>" if reach == 1.0 else "-", "shrinkA": 0, "shrinkB": 0}
        style |= {"color": _colour(arrow), "lw": 1.1 if arrow.witness or arrow.lost else 0.8}
        if arrow.src != arrow.dst:
            self._axes.annotate("", (x_end, y_end), (x, y), arrowprops=style, zorder=4)
            self._labels.block(Box(x_end - 0.06, y_end - 0.2, x_end + 0.06, y_end + 0.2))
        else:
            self._axes.plot([x], [y], marker="o", ms=3, color=_colour(arrow), zorder=4)
        if arrow.lost:
            self._cross(x_end, y_end, marker="x", ms=7, mew=2.2, color=_LOST)
        return [(x + (x_end - x) * along, y + (y_end - y) * along + dy) for dy in _BESIDES for along in _ALONG]

    def _mark(self, mark: Mark) -> None:
        x, y = self._x[mark.host], self._at(mark.t_us)
        self._axes.plot([x], [y], marker="D", ms=4, color="#333333", zorder=6)
        self._text([(x + 0.06, y + dy) for dy in _BESIDES], mark.text, color="#333333", style="italic")

    def _bars(self) -> None:
        slots: dict[int, list[float]] = {}
        placed = []
        for bar in self._picture.bars:
            y = self._at(bar.begin.t_us)
            y_end = self._at(self._picture.end_us) + 0.5 if bar.end is None else max(self._at(bar.end.t_us), y + 0.4)
            taken = slots.setdefault(bar.host, [])
            slot = next((n for n, free in enumerate(taken) if free < y), len(taken))
            taken[slot : slot + 1] = [y_end]
            x = self._x[bar.host] - 0.1 - 0.14 * slot
            self._labels.block(Box(x - 0.06, y, x + 0.06, y_end))
            placed.append((bar, x, y, y_end))
        for bar, x, y, y_end in sorted(placed, key=lambda one: not one[0].witness):
            self._bar(bar, x, y, y_end)

    def _bar(self, bar: Bar, x: float, y: float, y_end: float) -> None:
        colour = _WITNESS if bar.witness else _OTHER
        unknown = bar.end is None or bar.end.kind is Kind.INFO
        style: Any = (0, (2, 1)) if unknown else "-"
        self._axes.plot([x, x], [y, y_end], color=colour, lw=5, solid_capstyle="butt", ls=style, zorder=5)
        told = "\n".join(wrap(f"{self._number[bar.op]} {operation_line(bar.begin, bar.end)}", _BESIDE))
        middle, half = (y + y_end) / 2, max(0.0, y_end - y) / 2
        steps = [0.3 * n * sign for n in range(max(5, int(half / 0.3))) for sign in (-1, 1)]
        spots = [(x - 0.1 - aside, middle + step) for aside in (0.0, 0.14, 0.28, 0.42) for step in steps]
        weight = "bold" if bar.witness else "normal"
        self._text(spots, told, color=colour, ha="right", weight=weight, size=_SMALL + 0.5)

    def _text(
        self,
        spots: Sequence[tuple[float, float]],
        text: str,
        *,
        ha: str = "left",
        size: float = _SMALL,
        weight: str = "normal",
        **style: Any,
    ) -> None:
        """Write a text at the first of these spots where nothing is yet."""
        wide = width_in(text, size, bold=weight == "bold") + 0.04
        high = (1 + text.count("\n")) * 1.3 * size / 72 / _ROW_IN
        left = {"left": 0.0, "center": -wide / 2, "right": -wide}[ha]

        def boxes() -> Iterator[Box]:
            yield from (Box(x + left, y - high / 2, x + left + wide, y + high / 2) for x, y in spots)

        box = self._labels.place(boxes())
        behind = {"boxstyle": "square,pad=0.08", "fc": "white", "ec": "none", "alpha": 0.75}
        place = box.left - left, (box.top + box.bottom) / 2
        self._axes.text(*place, text, ha=ha, va="center", size=size, weight=weight, bbox=behind, zorder=8, **style)

    def _legend(self) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        entries: list[Any] = [
            Line2D([], [], color=_WITNESS, lw=5, label=f"operation of the witness ({self._witness()})"),
            Line2D([], [], color=_OTHER, lw=5, label="other operation (dashed: its outcome is unknown)"),
            Line2D([], [], color="#222222", lw=1.1, label="message that the witness depends on (other: grey)"),
            Line2D([], [], color=_LOST, lw=1.1, marker="x", mew=2.2, label="lost message"),
        ]
        if self._picture.downs:
            entries.append(Line2D([], [], color=_DOWN, lw=2.4, ls=":", marker="X", mfc=_LOST, label="host is down"))
        if any(shade.other for shade in self._picture.shades):
            entries.append(Patch(color=_SIDES[0], alpha=0.3, label="one side of a cut or bad link"))
            entries.append(Patch(color=_SIDES[1], alpha=0.3, label="the other side"))
        if any(not shade.other for shade in self._picture.shades):
            entries.append(Patch(color=_HURT, alpha=0.3, label="host that is slow, paused or hurt"))
        self._axes.legend(
            handles=entries, loc="upper left", bbox_to_anchor=(0.0, -0.01), ncols=2, frameon=False, fontsize=_SMALL + 1
        )

    def _witness(self) -> str:
        return ", ".join(self._number[bar.op] for bar in self._picture.bars if bar.witness) or "the whole run"


def _colour(arrow: Arrow) -> str:
    if arrow.lost:
        return _LOST
    return "#222222" if arrow.witness else "#999999"


def _merged(arrows: Sequence[Arrow]) -> list[Arrow]:
    """Messages that go the same way at the same time as one arrow with all their names."""
    together: dict[tuple[object, ...], Arrow] = {}
    for arrow in arrows:
        key = (arrow.src, arrow.dst, arrow.begin_us, arrow.end_us, arrow.lost)
        first = together.setdefault(key, arrow)
        if first is not arrow:
            labels = first.label if arrow.label in first.label else f"{first.label}, {arrow.label}"
            together[key] = first._replace(label=labels, witness=first.witness or arrow.witness)
    return list(together.values())


def _at_once(marks: Sequence[Mark]) -> list[Mark]:
    """What one host said at one instant as one mark."""
    together: dict[tuple[int, int], list[str]] = {}
    for mark in marks:
        together.setdefault((mark.host, mark.t_us), []).append(mark.text)
    return [Mark(host, t_us, ", ".join(dict.fromkeys(texts))) for (host, t_us), texts in together.items()]


def _scale(picture: Picture) -> Mapping[int, float]:
    """By instant, how far down it is; between two neighbours the distance grows with the logarithm of the gap."""
    instants = {picture.begin_us, picture.end_us}
    for bar in picture.bars:
        instants |= {bar.begin.t_us} | (set() if bar.end is None else {bar.end.t_us})
    for arrow in picture.arrows:
        instants |= {arrow.begin_us} | (set() if arrow.end_us is None else {arrow.end_us})
    instants |= {t for shade in picture.shades for t in (shade.begin_us, shade.end_us)}
    instants |= {t for down in picture.downs for t in (down.begin_us, down.end_us)}
    instants |= {mark.t_us for mark in picture.marks}
    inside = sorted(t for t in instants if picture.begin_us <= t <= picture.end_us)
    return dict(zip(inside, _down_the_page(inside), strict=True))


def _down_the_page(instants: Sequence[int]) -> list[float]:
    places = [0.0]
    for before, after in pairwise(instants):
        places.append(places[-1] + min(2.6, 0.35 + 0.75 * log10(1 + (after - before) / 1_000)))
    return places
