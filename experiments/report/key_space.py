"""The page of `key-space`: the answer, balance, movement, hot keys, cuts and probes, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.keyspace.arms import ARMS, COPIES, KEYS_A_NODE, SIZES, SLOT_LOAD, VNODES
from experiments.keyspace.claims import CLAIMS, CONFIDENCE, Judged, judge
from experiments.keyspace.formulas import spread_of_keys
from experiments.keyspace.runs import EXPONENT, LOADS, PROBED, KeySpaceRow
from experiments.keyspace.stores import STORE, STORE_NODES
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, t_interval
from models.keyspace.openaddress import knuth_probes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.report import Page

__all__ = ["report"]

_LARGEST: Final = tuple(SIZES)[-1]
_LEVELS: Final = ("host", "cluster", "region")
_VERDICTS: Final[Mapping[bool | None, str]] = {True: "inside", False: "OUTSIDE", None: "no interval"}


def report(results: Results[KeySpaceRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    judged = judge(results)
    answer = _answer(results, judged)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    _balance(page, results, folder)
    _movement(page, results, folder)
    _hot(page, results, folder)
    _cut(page, results, folder)
    _probes(page, results)
    _store(page, results)
    _closed_forms(page, judged, len(results.seeds))
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _answer(results: Results[KeySpaceRow], judged: Sequence[Judged]) -> str:
    inside = sum(one.holds is True for one in judged)
    count = SIZES[_LARGEST]

    def mean(arm: str, metric: str, spec: str, unit: str = "") -> str:
        values = _values(results, _LARGEST, arm, metric)
        scaled = [100 * value for value in values] if unit else values
        return format_interval(t_interval(scaled), spec, unit) if values else "-"

    return (
        f"{inside} of {len(judged)} closed forms lie inside intervals that hold at once with 99 %. On {count} nodes "
        f"with {KEYS_A_NODE} keys each the fullest node has {mean('ring-1', 'keys_max', '.2f')} times its share on a "
        f"ring with 1 virtual node, {mean('ring-256', 'keys_max', '.2f')} with 256, "
        f"{mean('rendezvous', 'keys_max', '.2f')} by rendezvous, which chance alone explains, and "
        f"{mean('tablets', 'keys_max', '.2f')} on tablets split by size; one more node moves "
        f"{mean('ring-256', 'moved_join', '.2f', '%')} of the keys on that ring and "
        f"{mean('modulo', 'moved_join', '.1f', '%')} by modulo. With a region cut off and copies on three hosts "
        f"anywhere, its side keeps a majority of the copies of {mean('ring-256', 'majority_cut_host', '.1f', '%')} of "
        f"the keys and has some copy of {mean('ring-256', 'any_cut_host', '.1f', '%')}; with one in each region, of "
        f"none and of all. {_of_the_store(results)} Intervals are 95 % over {len(results.seeds)} runs."
    )


def _values(results: Results[KeySpaceRow], scenario: str, arm: str, metric: str) -> list[float]:
    found = results.values(metric, scenario=scenario, arm=arm)
    return [float(value) for value in found if value is not None]


def _table(
    page: Page,
    results: Results[KeySpaceRow],
    caption: str,
    columns: Sequence[tuple[str, str, str]],
    scale: float = 1.0,
    unit: str = "",
) -> None:
    """Schemes down, sizes and metrics across."""
    header = ["", *(f"{SIZES[scenario]} nodes{title}" for title, _, _ in columns for scenario in SIZES)]
    lines = []
    for arm in ARMS:
        cells = []
        for _, metric, spec in columns:
            for scenario in SIZES:
                values = [scale * value for value in _values(results, scenario, arm.name, metric)]
                cells.append(format_interval(t_interval(values), spec, unit) if values else "-")
        lines.append([arm.label, *cells])
    page.table(header, lines, caption=caption)


def _points(axes: Axes, results: Results[KeySpaceRow], metric: str, root: bool = False) -> None:
    """A line of means over sizes for each scheme."""
    marks = "os^vDPX*"
    for at, arm in enumerate(ARMS):
        found = [(SIZES[name], _values(results, name, arm.name, metric)) for name in SIZES]
        places = [(n, sum(values) / len(values)) for n, values in found if values]
        heights = [sqrt(y) if root else y for _, y in places]
        colour = (*PALETTE, "#888888")[at]
        axes.plot([n for n, _ in places], heights, marks[at], color=colour, label=arm.label, markersize=6)
        axes.plot([n for n, _ in places], heights, color=colour, linewidth=0.8, alpha=0.5)
    axes.set_xscale("log")
    axes.set_xticks(list(SIZES.values()), [str(n) for n in SIZES.values()])
    axes.minorticks_off()
    axes.set_xlabel("nodes")


def _balance(page: Page, results: Results[KeySpaceRow], folder: Path) -> None:
    page.section("Balance")
    figure, (spread, fullest) = new_figure(1, 2, width_in=10.0, height_in=4.4)
    _points(spread, results, "keys_cv2", root=True)
    counts = range(min(SIZES.values()), max(SIZES.values()) + 1, 2)
    for arm in (*VNODES, "jump"):
        theory = [spread_of_keys(arm, n, KEYS_A_NODE * n, VNODES.get(arm)) or 0.0 for n in counts]
        spread.plot(counts, [sqrt(one) for one in theory], color="#555555", linewidth=1, linestyle="--", zorder=1)
    spread.set_yscale("log")
    spread.set_title("Variation of keys a node")
    _points(fullest, results, "keys_max")
    fullest.set_title("Fullest node, of an equal share")
    fullest.set_ylim(bottom=1)
    figure.legend(*spread.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save_figure(figure, folder / "balance.svg")
    page.figure(
        "balance.svg",
        alt="Two panels over the number of nodes, a line for each scheme: the coefficient of variation of keys a node, "
        "with closed forms as dashed lines through the marks, and the fullest node relative to an equal share",
        caption="Left: coefficient of variation of keys a node, roots of mean squares over runs; dashed lines are "
        f"closed forms. {KEYS_A_NODE} keys a node vary by a tenth even where all chances are equal: the lowest dashed "
        "line. Right: means over runs.",
    )
    _table(page, results, "Fullest node, of an equal share", [("", "keys_max", ".2f")])


def _movement(page: Page, results: Results[KeySpaceRow], folder: Path) -> None:
    page.section("What moves when a node comes or goes")
    figure, panels = new_figure(1, 2, width_in=10.0, height_in=4.4)
    for axes, metric, title in ((panels[0], "moved_join", "One node joins"), (panels[1], "moved_leave", "One leaves")):
        _points(axes, results, metric)
        least = [1 / (n + (metric == "moved_join")) for n in SIZES.values()]
        axes.plot(list(SIZES.values()), least, color="#555555", linewidth=1, linestyle="--", zorder=1)
        axes.set_yscale("log")
        axes.set_title(f"{title}: share of keys that move")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9
    )
    save_figure(figure, folder / "moved.svg")
    page.figure(
        "moved.svg",
        alt="Two panels over the number of nodes, a line for each scheme, logarithmic: share of keys that move when a "
        "node joins and when one leaves; a dashed line marks the share that must move; modulo is near one, open "
        "addressing near a half",
        caption="Means over runs; the dashed line is what must move, an equal share. Modulo moves nearly all; a table "
        "of slots has to be made anew, with other blocks; jump gives the number of who left to the last node, which "
        "moves twice the share.",
    )
    _table(
        page,
        results,
        "Keys whose first owner changed",
        [(", one joins", "moved_join", ".2f"), (", one leaves", "moved_leave", ".2f")],
        scale=100,
        unit="%",
    )


def _hot(page: Page, results: Results[KeySpaceRow], folder: Path) -> None:
    page.section("Hot keys")
    figure, panels = new_figure(1, len(SIZES), width_in=10.0, height_in=4.2)
    for axes, scenario in zip(panels, SIZES, strict=True):
        for at, (metric, label) in enumerate(
            (("hot_max", "as placed"), ("hot_spread", "reads over 3 copies"), ("hot_split", "hot keys apart"))
        ):
            for height, arm in enumerate(reversed(ARMS)):
                values = _values(results, scenario, arm.name, metric)
                if values:
                    mean = sum(values) / len(values)
                    axes.barh(height + 0.26 * (1 - at), mean, 0.24, color=PALETTE[at], label=label)
        keys = _values(results, scenario, "jump", "hot_key")
        if keys:
            axes.axvline(keys[0], color="#555555", linestyle="--", linewidth=1, label="the hottest key alone")
        axes.set_title(f"{SIZES[scenario]} nodes")
        axes.set_yticks(range(len(ARMS)), [arm.label for arm in reversed(ARMS)] if axes is panels[0] else [])
        axes.set_xlabel("busiest node, of an equal share")
    handles, labels = panels[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(list(unique.values()), list(unique), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save_figure(figure, folder / "hot.svg")
    page.figure(
        "hot.svg",
        alt="Bars of the busiest node's load for each scheme and size: as placed, with reads spread over three "
        "copies, and for tablets with hot keys apart; a dashed line marks the load of the hottest key alone",
        caption=f"Accesses by Zipf's law with exponent {EXPONENT}: the busiest node relative to an equal share of the "
        "load. No placement gets left of the dashed line; spreading reads over copies does, and is of no use to "
        "writes.",
    )
    page.note(
        "Hot keys are those that a counter of 200 keys saw in 20,000 accesses (Space-Saving). Open to every scheme: "
        "reads from any copy. Open to tablets alone: a tablet of the one key, on a node that does little else."
    )
    _table(
        page,
        results,
        "Busiest node, of an equal share",
        [("", "hot_max", ".2f"), (", reads spread", "hot_spread", ".2f")],
    )


def _cut(page: Page, results: Results[KeySpaceRow], folder: Path) -> None:
    page.section("A region cut off")
    figure, panels = new_figure(1, 4, width_in=11.0, height_in=4.2)
    sides = (
        ("majority_cut", "majority, cut-off side"),
        ("any_cut", "any copy, cut-off side"),
        ("majority_rest", "majority, other side"),
        ("any_rest", "any copy, other side"),
    )
    for axes, (metric, title) in zip(panels, sides, strict=True):
        for at, level in enumerate(_LEVELS):
            for height, arm in enumerate(reversed(ARMS)):
                values = _values(results, _LARGEST, arm.name, f"{metric}_{level}")
                if values:
                    label = f"copies on {COPIES} {level}s"
                    axes.barh(height + 0.26 * (1 - at), sum(values) / len(values), 0.24, color=PALETTE[at], label=label)
            law = next(c for c in CLAIMS if c[1:4] == (_LARGEST, "ring-256", f"{metric}_{level}")).value
            axes.axvline(law, color=PALETTE[at], linestyle="--", linewidth=1)
        axes.set_title(title, fontsize=10)
        axes.set_xlim(0, 1.03)
        axes.set_yticks(range(len(ARMS)), [arm.label for arm in reversed(ARMS)] if axes is panels[0] else [])
        axes.set_xlabel("share of keys")
    handles, labels = panels[1].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(list(unique.values()), list(unique), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    save_figure(figure, folder / "cut.svg")
    page.figure(
        "cut.svg",
        alt="Bars for each scheme of the share of keys with a majority or any of three copies on the cut-off side and "
        "on the other, by whether copies are on three hosts, clusters or regions; dashed lines mark the closed forms",
        caption=f"{SIZES[_LARGEST]} nodes in three regions of two clusters, one region cut off, {COPIES} copies. "
        "Dashed: the hypergeometric law, which rings and rendezvous follow. Lists of neighbouring buckets, blocks or "
        "nodes put copies on hosts side by side, mostly of one region, unless they are told to keep them apart.",
    )
    header = ["", *(f"{level}: {title}" for level in _LEVELS for _, title in sides)]
    lines = []
    for arm in ARMS:
        cells = []
        for level in _LEVELS:
            for metric, _ in sides:
                values = _values(results, _LARGEST, arm.name, f"{metric}_{level}")
                cells.append(f"{sum(values) / len(values):.3f}" if values else "-")
        lines.append([arm.label, *cells])
    laws = {c.metric: c.value for c in CLAIMS if c.scenario == _LARGEST and c.arm == "ring-256" and c.group == "Cut"}
    lines.append(["closed form", *(f"{laws[f'{metric}_{level}']:.3f}" for level in _LEVELS for metric, _ in sides)])
    page.table(header, lines, caption=f"Shares of keys on {SIZES[_LARGEST]} nodes, by what copies are spread over")


def _probes(page: Page, results: Results[KeySpaceRow]) -> None:
    page.section("Probes of open addressing")
    lines = []
    for load in LOADS:
        for metric, title, at in ((f"probes_hit_{load}", "found", 0), (f"probes_miss_{load}", "not there", 1)):
            exact = next(claim.value for claim in CLAIMS if claim.metric == metric)
            values = [value for name in SIZES for value in _values(results, name, "slots", metric)]
            measured = format_interval(t_interval(values), ".3f") if values else "-"
            lines.append(
                [f"load {load / 100}, {title}", f"{knuth_probes(load / 100)[at]:.2f}", f"{exact:.3f}", measured]
            )
    page.table(["", "Knuth, large tables", f"Knuth, {PROBED} slots", "measured"], lines)


def _of_the_store(results: Results[KeySpaceRow]) -> str:
    """What the store that is so placed does, in a sentence; none where it did not run."""
    served = [value for arm in ARMS for value in _values(results, STORE, arm.name, "served_change")]
    if not served:
        return ""
    moved = {arm: _values(results, STORE, arm, "stretches_moved") for arm in ("ring-256", "modulo")}
    means = {arm: sum(values) / len(values) for arm, values in moved.items() if values}
    names = {"ring-256": "on that ring", "modulo": "by modulo"}
    counts = " and ".join(f"{mean:.0f} stretches moved {names[arm]}" for arm, mean in means.items())
    return (
        f"A store on {STORE_NODES} nodes served {100 * min(served):.1f} % of the commands or more while one host "
        f"joined and another left, under every placement that ran and can change ({counts}), and lost none."
    )


def _store(page: Page, results: Results[KeySpaceRow]) -> None:
    page.section("The store, placed by each scheme")
    columns = (
        ("calm", "served_calm", 100.0, ".1f", "%"),
        ("host joins, host leaves", "served_change", 100.0, ".1f", "%"),
        ("p99, calm", "calm_p99_ms", 1.0, ".0f", "ms"),
        ("p99, change", "change_p99_ms", 1.0, ".0f", "ms"),
        ("stretches moved", "stretches_moved", 1.0, ".1f", ""),
        ("routes refused", "routes_refused", 1.0, ".1f", ""),
        ("cut-off side", "served_cut_side", 100.0, ".1f", "%"),
        ("other side", "served_other_side", 100.0, ".1f", "%"),
    )
    lines = []
    for arm in ARMS:
        cells = []
        for _, metric, scale, spec, unit in columns:
            values = [scale * value for value in _values(results, STORE, arm.name, metric)]
            cells.append(format_interval(t_interval(values), spec, unit) if values else "-")
        lines.append([arm.label, *cells])
    page.table(
        ["", *(title for title, *_ in columns)],
        lines,
        caption=f"Commands served by a store on {STORE_NODES} nodes in three regions: 24 stretches, each held by a "
        "group of three hosts, two of which must flush an event; in one run nothing happens, in one a host joins and "
        "another leaves, in one a region is cut off for six seconds",
    )
    page.note(
        "A stretch moves from log to log: the next group copies it while the one goes on serving, which then writes "
        "that it gives it up; the last entries go over, and the next writes that it has it. Between these two "
        "nobody serves it, for a round trip or two, and clients try again. Open addressing is placement "
        "only: no host joins or leaves. In the cut a group serves where two of its members are, once operators have "
        "promoted one of them."
    )


def _closed_forms(page: Page, judged: Sequence[Judged], seeds: int) -> None:
    page.section("Every closed form")
    page.note(
        f"Means over {seeds} runs with Student's intervals. {len(CLAIMS)} rows are one family: each interval has "
        f"confidence {CONFIDENCE:.5f}, so that all of them hold at once with at least 99 %."
    )
    lines = []
    for one in judged:
        claim, interval = one
        span = "-" if interval.low is None or interval.high is None else f"{interval.low:.4g} to {interval.high:.4g}"
        name = f"{claim.scenario}, {claim.arm}: {claim.metric}"
        lines.append([name, f"{claim.value:.5g}", f"{interval.estimate:.5g}", span, _VERDICTS[one.holds]])
    page.table(["", "closed form", "measured", "interval", "verdict"], lines)


def _limits(page: Page) -> None:
    page.section("What the model leaves out")
    page.bullets(
        [
            "But for the store's own section placements are values: nothing is copied, no client has a stale route.",
            (
                "Where the store runs, all aggregates are of one tenant and one domain, and what a group gave away "
                "of its keys stays in its log until it has given away all of them."
            ),
            "Keys count alike. Aggregates of unequal size would add their own variation to every scheme but tablets.",
            "Nodes are equal, and stand in equal zones. A ring over unequal zones crowds copies onto the small ones.",
            (
                f"Open addressing has {1 / SLOT_LOAD:.2f} slots a key, and tables for other numbers of nodes are made "
                "anew; one that grew by itself would move as much."
            ),
            "Reachable is not available: whether a majority may answer is up to the protocol that runs on the owners.",
            "Hot keys stay hot: their law does not change while they are counted.",
        ]
    )
