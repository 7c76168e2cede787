"""The page of `retry-risk`: what silence says, the frontier of every rule, closed forms, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import ReportContext
from experiments.family import shown
from experiments.judging import VERDICTS, span_told
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.risks.arms import (
    ARMS,
    BACK,
    BEAT_US,
    CALM,
    CHANCE,
    CUT,
    EVEN,
    FENCE,
    ONCE,
    RATIOS,
    SCENARIOS,
    SILENCE,
    STREAM,
    TIME,
    UNEVEN,
    UNIFORM,
    WRONG,
    RiskRow,
    route_of,
)
from experiments.risks.claims import FAMILY, calibration, forms, judged
from experiments.risks.runs import CALIBRATED
from experiments.statistics import format_interval, t_interval
from models.confidence import Never
from models.effects.retrying import Gap
from models.effects.risk import executed

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    CALM: "Nothing fails",
    EVEN: "Losses of 1 % each way",
    UNEVEN: "Losses of 20 % there, .1 % back",
    CUT: "Cuts of 3 s, datagrams",
    BACK: "Cuts of 3 s of the way back alone, datagrams",
    STREAM: "Cuts of 3 s, connections",
    UNIFORM: "Cuts that begin at any instant, a deed takes 50 ms",
}
_DRAWN: Final = (EVEN, CUT, STREAM)
_MARKS: Final = "os^DvP<X*d"
_WAITING_TICKS: Final = (100, 200, 500, 1_000, 2_000, 5_000)
_LEFT_OUT: Final = (
    "One caller, one receiver, one way between them; a retry through another way or to another receiver is not asked.",
    (
        "Heartbeats tell of the way back. Cuts of that way alone are a world of their own; which share of cuts is so "
        "must be believed, as it cannot be heard: only a word of the request's arrival could tell."
    ),
    (
        "Clocks of caller and receiver agree to much less than a heartbeat's interval; with an offset, what came "
        "before and what after the send blur by as much."
    ),
    (
        "The receiver does not crash. What a crash between deed and book does, and an owner that does not live to see "
        "the answer, is the subject of delivery-order."
    ),
    "Losses outside cuts are independent, and their chances constant; in bursts they are short cuts.",
    "A belief knows the family of delays. That its losses and cuts are wrong tenfold is an arm; heavy tails are not.",
    (
        "Waiting costs nothing in the threshold, only in its own column: whoever pays for waiting parks sooner. What "
        "is parked is settled by a merge or by people, at a price that is not modelled."
    ),
    "Connections have no handshake and no congestion control, and give up after 30 s, which no cut here lasts.",
)
_COLUMNS: Final = (
    ("duplicates", ".2f"),
    ("omissions", ".2f"),
    ("parked", ".2f"),
    ("parked_executed", ".2f"),
    ("waiting_ms", ".0f"),
    ("attempts", ".2f"),
    ("cost", ".1f"),
)
Rows = Results[RiskRow]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = _answer(results)
    page = report_page(context, answer)
    page.section("What silence says")
    _silence(page, folder)
    page.section("What each rule comes to")
    _frontier(page, results, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario)
    _compared(page, results)
    page.section("How long to wait, or that no waiting does")
    _forms(page)
    page.section("Closed forms, held against worlds")
    _judged(page, results)
    _calibrated(page, results)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _answer(results: Rows) -> str:
    printed = [row for row in forms() if row.printed]
    told = "; ".join(
        f"losses {row.request_loss:g} and {row.reply_loss:g}, a duplicate {row.ratio:g} times a loss: "
        + ("never" if isinstance(row.found, Never) else f"after {row.found.us / 1_000:.1f} ms")
        for row in printed
    )

    def wrong(arm: str) -> str:
        twice, never = (_mean(results, CUT, arm, name, ".1f") for name in ("duplicates", "omissions"))
        return f"{twice} done twice and {never} omitted"

    return (
        "When P(executed) is at most C_loss / (C_loss + C_dup). By waiting alone that comes true only where C_dup / "
        f"C_loss <= p_req / ((1 - p_req) p_rep), and then after T* ({told}). Where cuts lose messages together, of "
        f"1,000 charges a threshold on time leaves {wrong(TIME)}; one on the chance, by heartbeats before and after "
        f"the send, {wrong(CHANCE)}; to take silence for failure {wrong(SILENCE)}; to ask a receiver that fences "
        f"{wrong(FENCE)}. Heartbeats do not tell a cut of both ways from one of the way back, so what is believed of "
        f"these is paid for in duplicates or omissions ({_mean(results, BACK, CHANCE, 'duplicates', '.0f')} done twice "
        f"where it is wrong). On a connection a request that meets a cut is executed after the heal, so never by "
        f"waiting. Intervals are 95 % over {len(results.seeds)} runs."
    )


def _mean(results: Rows, scenario: str, arm: str, metric: str, spec: str) -> str:
    values = [float(value) for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    return format_interval(t_interval(values), spec) if values else "-"


def _silence(page: Page, folder: Path) -> None:
    """P(executed) over the time of silence, by what was heard of the receiver."""
    figure, (axes,) = new_figure(width_in=10.0, height_in=4.4)
    even, cut, stream = route_of(EVEN, CHANCE), route_of(CUT, CHANCE), route_of(STREAM, CHANCE)
    silences = [10_000 * number for number in range(1, 151)]
    lines: list[tuple[str, Sequence[float]]] = [
        ("datagrams, losses of 1 %, no cuts", [executed(even, float(us)) for us in silences]),
        ("connection, whatever is cut", [executed(stream, float(us)) for us in silences]),
    ]
    for label, last_us in (
        ("last heartbeat 200 ms before the send", -200_000),
        ("... as it was sent", 0),
        ("... 200 ms after it", 200_000),
    ):
        lines.append((label, [executed(cut, float(us), _heard(last_us, us)) for us in silences]))
    for number, (label, values) in enumerate(lines):
        style = "-" if number < 2 else "--"
        axes.plot([us / 1_000 for us in silences], values, style, color=PALETTE[number], label=label)
    for ratio in (0.1, 1.0, 10.0):
        axes.axhline(1 / (1 + ratio), color="#999999", linewidth=0.8, linestyle=":")
        told = f"a retry pays below, if a duplicate costs {ratio:g} losses"
        axes.text(1_490, 1 / (1 + ratio) + 0.012, told, fontsize=8, ha="right", color="#555555")
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("silence since the send, ms")
    axes.set_ylabel("P(executed, or will be)")
    figure.legend(fontsize=8, loc="outside right upper", frameon=False)
    save_figure(figure, folder / "silence.svg")
    page.figure(
        "silence.svg",
        alt="Chance that a silent request was executed, over the time of silence. With independent losses it falls to "
        "one half and no further; with a cut it falls to nearly nothing if the last heartbeat came before the send, "
        "and stays high if it came well after; on a connection it stays at one",
        caption="Dashed: datagrams where cuts come every 15 s or so; by when the last heartbeat came, with all later "
        "ones missing. One that came when every reply was due explains nothing, and leaves the limit of losses.",
    )


def _heard(last_us: int, now_us: int) -> Gap:
    """The last heartbeat arrived then, half an interval after it was sent, and none since."""
    if now_us <= last_us:
        return Gap(since_us=now_us, missing_us=(), until_us=now_us)
    due = range(last_us + BEAT_US // 2, now_us - BEAT_US // 2, BEAT_US)
    return Gap(since_us=last_us, missing_us=tuple(due), until_us=now_us)


def _frontier(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 3, width_in=12.5, height_in=5.0)
    for axes, scenario in zip(panels, _DRAWN, strict=True):
        _marks(axes, results, scenario, ("omissions",), ("duplicates",))
        for scale, limits, top in (
            (axes.set_xscale, axes.set_xlim, 1_500),
            (axes.set_yscale, axes.set_ylim, 6_000),
        ):
            scale("symlog", linthresh=1)
            limits(-0.3, top)
        axes.set_title(_TITLES[scenario], fontsize=10)
        axes.set_xlabel("never done, of 1,000")
        arrow = {"arrowstyle": "->"}
        axes.annotate("better", (0.05, 0.03), (0.22, 0.13), "axes fraction", arrowprops=arrow, fontsize=9)
    panels[0].set_ylabel("done twice or more, extra deeds of 1,000")
    _legend(figure, panels)
    save_figure(figure, folder / "frontier.svg")
    page.figure(
        "frontier.svg",
        alt="Three panels, charges never done against extra deeds, both of 1,000, a mark for each rule and ratio of "
        "costs. With losses the threshold rules trade one for the other; under cuts the threshold on time is far out "
        "on both axes, that on the chance near the corner; asking a fenced receiver and the same key are in the corner",
        caption=f"A mark for each cost of a duplicate, {', '.join(f'{ratio:g}' for ratio in RATIOS)} losses, joined "
        "for rules that heed it; means over runs. Below 1 the axes are linear. Asking and the same key take a "
        "receiver that can do it.",
    )
    figure, panels = new_figure(1, 3, width_in=12.5, height_in=4.6)
    for axes, scenario in zip(panels, _DRAWN, strict=True):
        _marks(axes, results, scenario, ("waiting_ms",), ("omissions", "duplicates"))
        axes.set_xscale("log")
        axes.set_xlim(80, 5_000)  # the same in all panels, so that a cut's waiting can be held against a loss's
        axes.set_xticks(_WAITING_TICKS, [f"{ms:,}" for ms in _WAITING_TICKS])
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(-0.3, 6_000)
        axes.set_title(_TITLES[scenario], fontsize=10)
        axes.set_xlabel("waiting until answered or parked, mean, ms")
    panels[0].set_ylabel("never done, or extra deeds, of 1,000")
    _legend(figure, panels)
    save_figure(figure, folder / "waiting.svg")
    page.figure(
        "waiting.svg",
        alt="Three panels, mean waiting against charges that went wrong, of 1,000, a mark for each rule and ratio. "
        "Parking waits longest; under cuts the rules on the chance wait about as long as those that ask",
        caption="The same by how long a caller waits for the end of the matter; lower left is better.",
    )


def _marks(axes: Axes, results: Rows, scenario: str, across: Sequence[str], up: Sequence[str]) -> None:
    """A mark for each rule and ratio of costs, of sums of means over runs."""
    for number, arm in enumerate(ARMS):
        rows = results.at(scenario, arm.name)
        if not rows:
            continue
        runs = [results.series(scenario, arm.name, row.seed) for row in rows]
        xs, ys = (
            [fsum(run[name][index] for run in runs for name in names) / len(runs) for index in range(len(RATIOS))]
            for names in (across, up)
        )
        axes.plot(
            xs,
            ys,
            linestyle="-" if arm.name in (TIME, CHANCE, WRONG) else "",
            marker=_MARKS[number],
            color=PALETTE[number % len(PALETTE)],
            label=arm.label,
            markersize=6,
            linewidth=1,
            alpha=0.85,
        )


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """Every rule of any panel once, below all."""
    seen: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            seen.setdefault(name, handle)
    figure.legend(list(seen.values()), list(seen), loc="outside lower center", ncols=3, frameon=False)


def _table(page: Page, results: Rows, scenario: str) -> None:
    lines = [
        [arm.label, *(_mean(results, scenario, arm.name, metric, spec) for metric, spec in _COLUMNS)]
        for arm in ARMS
        if results.at(scenario, arm.name)
    ]
    header = ["of 1,000 charges", "extra deeds", "never done", "parked", "of them done", "waiting, ms", "attempts"]
    if lines:
        page.table([*header, "cost, losses"], lines, caption=_TITLES[scenario])


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for metric in ("cost", "duplicates", "omissions", "waiting_ms"):
        for other in (ONCE, SILENCE, TIME, WRONG):
            more = FAMILY.difference(results, CUT, other, CHANCE, metric)
            lines.append([f"{metric}: {other}, less {CHANCE}", shown(more, ".1f")])
    page.table(["", "difference"], lines, caption="Under cuts on datagrams, runs paired by seed")
    page.note(f"Each interval has confidence {FAMILY.confidence:.4f}; those that decide claims hold at once.")


def _forms(page: Page) -> None:
    lines = [
        [
            f"{row.request_loss:g}, {row.reply_loss:g}",
            f"{row.ratio:.4g}",
            f"{row.ratio_max:.4g}",
            "never" if isinstance(row.found, Never) else f"{row.found.us / 1_000:.1f}",
            ("never" if row.printed_ms is None else f"{row.printed_ms:.1f}") if row.printed else "-",
            "as printed" if row.printed and row.agrees else "-" if not row.printed else "DIFFERS",
        ]
        for row in forms()
    ]
    header = ["p_req, p_rep", "C_dup / C_loss", "largest that waiting does", "T*, ms", "printed", "verdict"]
    page.table(header, lines, caption="Round trips are Erlang-2 of mean 100 ms; losses are independent")


def _judged(page: Page, results: Rows) -> None:
    lines = [
        [
            f"{_TITLES[row.claim.cell]}; {row.claim.arm}: {row.claim.title}",
            f"{row.claim.value:.5g}",
            f"{row.interval.estimate:.5g}",
            span_told(row.interval, row.half_width),
            VERDICTS[row.holds],
        ]
        for row in judged(results)
    ]
    page.table(["", "closed form", "measured", "interval", "verdict"], lines, caption="All intervals hold at once")
    page.note(
        "Duplicates, omissions and waiting of rules on time follow from S(t), the chance that an attempt is not "
        "answered within t; those of a cut that begins at any instant from the mean times there, at it, and back."
    )


def _calibrated(page: Page, results: Rows) -> None:
    lines = [
        [_TITLES[scenario], f"{one.said:.3g}", f"{one.came:.3g}", str(one.samples), f"{one.low:.3g} to {one.high:.3g}"]
        for scenario in CALIBRATED
        for one in calibration(results, scenario)[0].bins
    ]
    if lines:
        header = ["", "said", "was so", "charges", "where it would be if what is said were true"]
        page.table(header, lines, caption="P(executed) of charges that nobody answered or repeated, by heartbeats")
