"""A picture of a topology: regions around a circle, clusters inside, hosts as dots."""

from __future__ import annotations

from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.units import format_us

if TYPE_CHECKING:
    from sim.latency import LatencyModel
    from sim.topology import Topology

__all__ = ["draw_topology"]

# In units of one host's dot. Client hosts are hollow, so that the picture reads in grey.
_DOT: Final = 0.28
_PAD: Final = 0.55
_TITLE: Final = 0.9
_INK: Final = "#1f2933"
_SERVER: Final = "#2a6f97"
_LINE: Final = "#7b8794"
_REGION: Final = "#eef3f7"
_CLUSTER: Final = "#ffffff"


class _Room(NamedTuple):
    """A cluster within its region's box: name, host flags (True: client), corner and width."""

    name: str
    clients: tuple[bool, ...]
    x: float
    width: float


def draw_topology(topology: Topology, path: Path, latency: LatencyModel | None) -> None:
    """Write the picture to `path` in the format of its suffix, the same bytes every time."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plans = {region: _plan(topology, region) for region in topology.regions}
    centres = _centres(plans)
    with mpl.rc_context({"svg.hashsalt": "cutset", "svg.fonttype": "none", "font.size": 9}):
        # A figure of its own, outside pyplot, leaves no global state behind.
        figure = Figure(figsize=(9, 6.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_aspect("equal")
        axes.axis("off")
        if latency is not None:
            _draw_links(axes, topology, centres, latency)
        for region, plan in plans.items():
            _draw_region(axes, region, plan, centres[region])
        axes.autoscale_view()
        note = "filled: servers, hollow: clients"
        if latency is not None and len(plans) > 1:
            note += "; one-way delays, → leaves the left (or upper) end"
        figure.supxlabel(note, fontsize=8, color=_LINE)
        suffix = path.suffix.lower()
        # Dates would make two pictures of one topology differ.
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix, {})
        figure.savefig(path, metadata=undated)


def _plan(topology: Topology, region: str) -> tuple[_Room, ...]:
    hosts = [*topology.servers(region), *topology.clients(region)]
    rooms: list[_Room] = []
    x = _PAD
    for cluster in dict.fromkeys(host.cluster for host in hosts):
        flags = tuple(host.client for host in hosts if host.cluster == cluster)
        width = max(len(flags), 2) + _PAD
        rooms.append(_Room(cluster, flags, x, width))
        x += width + _PAD
    return tuple(rooms)


def _width(plan: tuple[_Room, ...]) -> float:
    return plan[-1].x + plan[-1].width + _PAD


_HEIGHT: Final = 1 + _TITLE * 2 + 2 * _PAD


def _centres(plans: dict[str, tuple[_Room, ...]]) -> dict[str, tuple[float, float]]:
    """Middles of the regions on an ellipse wide enough that neither boxes nor labels meet."""
    count = len(plans)
    if count == 1:
        return dict.fromkeys(plans, (0.0, 0.0))
    widest = max(_width(plan) for plan in plans.values())
    across, up = widest * max(0.85, 0.3 * count), _HEIGHT * max(1.3, 0.5 * count)
    turns = [pi / 2 - 2 * pi * number / count for number in range(count)]
    if count == 2:
        turns = [pi, 0.0]
    return {region: (across * cos(turn), up * sin(turn)) for region, turn in zip(plans, turns, strict=True)}


def _draw_region(axes: Any, region: str, plan: tuple[_Room, ...], centre: tuple[float, float]) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    width = _width(plan)
    left, bottom = centre[0] - width / 2, centre[1] - _HEIGHT / 2
    box = FancyBboxPatch(
        (left, bottom), width, _HEIGHT, boxstyle="round,pad=0,rounding_size=0.3",
        facecolor=_REGION, edgecolor=_INK, linewidth=1.2, zorder=2,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(left + _PAD, bottom + _HEIGHT - _TITLE / 2, region, weight="bold", color=_INK, va="center", zorder=4)
    for room in plan:
        corner = (left + room.x, bottom + _PAD)
        inner = FancyBboxPatch(
            corner, room.width, _HEIGHT - _TITLE - _PAD, boxstyle="round,pad=0,rounding_size=0.2",
            facecolor=_CLUSTER, edgecolor=_LINE, linewidth=0.8, zorder=3,
        )  # fmt: skip
        axes.add_patch(inner)
        top = corner[1] + _HEIGHT - _TITLE - _PAD - _TITLE / 2
        axes.text(corner[0] + 0.3, top, room.name, color=_INK, va="center", fontsize=8, zorder=4)
        first = corner[0] + (room.width - len(room.clients) + 1) / 2
        for number, client in enumerate(room.clients):
            dot = Circle(
                (first + number, corner[1] + 0.65), _DOT, edgecolor=_SERVER, linewidth=1.2,
                facecolor=_CLUSTER if client else _SERVER, zorder=4,
            )  # fmt: skip
            axes.add_patch(dot)


def _draw_links(
    axes: Any,
    topology: Topology,
    centres: dict[str, tuple[float, float]],
    latency: LatencyModel,
) -> None:
    # Diagonals cross in their middle, so from four regions on the labels keep away from it.
    share = 0.5 if len(centres) < 4 else 0.42
    for src, dst, data in topology.graph().edges(data=True):
        if data["kind"] != "link":
            continue
        (x0, y0), (x1, y1) = centres[src], centres[dst]
        axes.plot([x0, x1], [y0, y1], color=_LINE, linewidth=1, zorder=1)
        # The arrows follow the picture: the upper or left end is where "to" begins.
        if (x1, -y1) < (x0, -y0):
            src, dst = dst, src
        there = format_us(latency.between_regions_us(src, dst))
        back = format_us(latency.between_regions_us(dst, src))
        axes.text(
            x0 + share * (x1 - x0), y0 + share * (y1 - y0), f"→ {there}\n← {back}", color=_INK, fontsize=8,
            ha="center", va="center", zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
