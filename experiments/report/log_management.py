"""The report of `log-management`: what each policy keeps, writes and waits for, over a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.experiment import ReportContext
from experiments.logs import ARMS, AWAY, CALM, EVERY, MONTH, LogRow, log_bound
from experiments.report.figure import PALETTE, new_figure, save_figure, shade
from experiments.report.page import Page, report_page
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import Interval, format_interval, paired_difference, t_interval, zero_count_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["answer_of", "report"]

#: By arm: colour and dashes; what is bounded is drawn whole, what is not is dashed.
_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "keep": (PALETTE[6], "--"),
    "snapshots": (PALETTE[5], "--"),
    "load": (PALETTE[4], "--"),
    "cut": (PALETTE[1], "--"),
    "age": (PALETTE[0], "-"),
    "sweep": (PALETTE[2], "-"),
    "retain-time": (PALETTE[3], "-"),
    "retain-events": (PALETTE[4], "-"),
}
_TITLES: Final[Mapping[str, str]] = {
    MONTH: "A month, with the power lost at the end of each week",
    AWAY: "A follower away for a week",
    CALM: "Without a fault",
}
_Cell = Callable[[Sequence[LogRow]], str]


def report(results: Results[LogRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = answer_of(results)
    page = report_page(context, answer)
    page.section("Over the month")
    _month(results, folder / "month.svg")
    page.figure(
        "month.svg",
        alt="Four panels over thirty days, a line for each policy: bytes kept, bytes written, time to recover at the "
        "end of each week, and time to load the busy aggregate; the policies without a bound rise throughout, the "
        "others stay level",
        caption="Means over runs, of the leader. Dashed: policies that do not bound the log. The lines of the three "
        "policies that keep every entry lie upon each other where bytes are kept and written. "
        "An archive and denials that are not stored move like the sweep, and are in the table.",
    )
    _away(results, folder / "away.svg")
    page.figure(
        "away.svg",
        alt="Entries kept by the leader over thirty days while a follower is away from day 10 to day 17: a level line "
        "that climbs when the follower leaves and falls back to its level before it returns",
        caption="Entries that the leader keeps, means over runs. It keeps what the follower lacks up to its patience, "
        f"{_option(AWAY, 'peer_patience'):,} entries, then no more; the follower is handed a snapshot of everything "
        "when it is back.",
    )
    page.section("Claims")
    page.findings(context.findings)
    for scenario in (MONTH, AWAY, CALM):
        _tables(page, results, scenario)
    _reading(page)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def answer_of(results: Results[LogRow]) -> str:
    """The answer in a sentence, with its numbers and intervals."""
    keep, cut, sweep = (results.at(MONTH, arm) for arm in ("keep", "cut", "sweep"))
    if not (keep and cut and sweep):
        return "Too few runs to tell."
    slower = paired_difference(_of(keep, "recovery_week_4_ms", 1e-3), _of(sweep, "recovery_week_4_ms", 1e-3))
    lost = sum(row.accounts_wrong for row in results.rows)
    most = t_interval(_of(sweep, "live_bytes_most", 1e-3))
    return (
        f"Of {format_interval(t_interval(_of(keep, 'appended')), ',.0f')} events in a month a sweep behind snapshots "
        f"every {EVERY} never keeps more than {format_interval(most, '.0f', 'kB')}, "
        f"{_times(keep, sweep, 'live_bytes_most')} times less than keeping everything; without the sweep "
        f"{format_interval(t_interval([100 * row.kept / row.appended for row in cut]), '.0f', '%')} of all entries "
        f"stay, held by the tail. It writes {_times(sweep, keep, 'written_bytes')} times as much, and in the fourth "
        f"week the leader is back {format_interval(slower, '.1f', 's')} sooner; balances of {lost} accounts were wrong "
        f"in {len(results.rows)} runs. Intervals are 95 % over runs."
    )


def _of(rows: Sequence[LogRow], metric: str, scale: float = 1.0) -> list[float]:
    return [scale * getattr(row, metric) for row in rows]


def _times(first: Sequence[LogRow], second: Sequence[LogRow], metric: str) -> str:
    ratios = [a / b for a, b in zip(_of(first, metric), _of(second, metric), strict=True)]
    return format_interval(t_interval(ratios), ".2f")


def _option(scenario: str, name: str) -> int:
    return int(load(scenario).system.options[name])


# -- tables --------------------------------------------------------------------------------


def _tables(page: Page, results: Results[LogRow], scenario: str) -> None:
    page.section(_TITLES[scenario])
    page.note(
        f"Scenario {scenario}: {load(scenario).question} Means over {len(results.seeds)} seeds with 95 % intervals; "
        "bytes and entries are the leader's at the end."
    )
    kept: list[tuple[str, _Cell]] = [
        ("kept, kB", _mean("live_bytes", ",.0f", 1e-3)),
        ("most, kB", _mean("live_bytes_most", ",.0f", 1e-3)),
        ("entries", _mean("kept", ",.0f")),
        ("most entries", _mean("kept_most", ",.0f")),
        ("snapshots, kB", _mean("snapshot_bytes", ",.1f", 1e-3)),
        ("window of commands and tips of streams, kB", _mean("window_bytes", ",.1f", 1e-3)),
        ("archived, kB", _mean("archive_bytes", ",.0f", 1e-3)),
        ("written, kB", _mean("written_bytes", ",.0f", 1e-3)),
        ("write amplification", _mean("write_amplification", ".3f")),
        ("space amplification", _mean("space_amplification", ".1f")),
    ]
    _table(page, results, scenario, "Storage", kept)
    waits: list[tuple[str, _Cell]] = [
        ("load, busy aggregate, ms", _mean("load_busy_ms", ",.0f")),
        ("load, slowest of the tail, ms", _mean("load_tail_ms", ",.0f")),
        ("latency p50, ms", _mean("latency_p50_ms", ",.1f")),
        ("latency p99, ms", _mean("latency_p99_ms", ",.0f")),
        ("accounts with a wrong balance", _count("accounts_wrong")),
        ("commands refused", _count("unavailable")),
        ("commands in doubt", _count("in_doubt")),
    ]
    if scenario == MONTH:
        weeks = [(f"recovery, week {n}, ms", _mean(f"recovery_week_{n}_ms", ",.0f")) for n in range(1, 5)]
        waits = [*weeks, *waits]
    if scenario == AWAY:
        waits += [("handed over", _count("installs")), ("follower lacks at the end", _count("follower_lacks"))]
    _table(page, results, scenario, "Time and loss", waits)


def _table(
    page: Page, results: Results[LogRow], scenario: str, caption: str, measures: Iterable[tuple[str, _Cell]]
) -> None:
    """Policies down, measures across."""
    shown = [(arm, results.at(scenario, arm.name)) for arm in ARMS if results.at(scenario, arm.name)]
    measures = list(measures)
    lines = [[arm.label, *(cell(rows).replace(", ", ",\u00a0") for _, cell in measures)] for arm, rows in shown]
    page.table(["", *(title for title, _ in measures)], lines, caption=caption)


def _mean(metric: str, spec: str, scale: float = 1.0) -> _Cell:
    def cell(rows: Sequence[LogRow]) -> str:
        values = [getattr(row, metric) for row in rows]
        if any(value is None for value in values):
            return "-"
        return format_interval(_at_least_zero(t_interval([scale * value for value in values])), spec)

    return cell


def _count(metric: str) -> _Cell:
    def cell(rows: Sequence[LogRow]) -> str:
        values = [getattr(row, metric) for row in rows]
        if not any(values):
            return f"0 (at most {100 * zero_count_bound(len(values)):.2g} % of runs)"
        return format_interval(_at_least_zero(t_interval(values)), ".1f")

    return cell


def _at_least_zero(found: Interval) -> Interval:
    """Student's interval knows no bounds; what is counted has one."""
    return found if found.low is None else replace(found, low=max(0.0, found.low))


# -- figures -------------------------------------------------------------------------------


def _month(results: Results[LogRow], path: Path) -> None:
    figure, (kept, written, recovery, loading) = new_figure(2, 2, width_in=10.5, height_in=7.4)
    for arm in ARMS:
        rows = results.at(MONTH, arm.name)
        if arm.name not in _STYLES or not rows:
            continue
        series = [results.series(MONTH, arm.name, row.seed) for row in rows]
        style = _style(arm.name, arm.label)
        days = [hour / 24 for hour in series[0]["t_h"]]
        kept.plot(days, _means(series, "live_bytes", 1e-3), **style)
        written.plot(days, _means(series, "written_bytes", 1e-6), **style)
        loading.plot(days, _means(series, "load_busy_ms"), **style)
        weeks = [hour / 24 for hour in series[0]["recovered_h"]]
        recovery.plot(weeks, _means(series, "recovery_ms", 1e-3), marker="o", markersize=4, **style)
    for panel, title, unit in (
        (kept, "Kept on the leader's disk", "kB"),
        (written, "Written since the beginning", "MB"),
        (recovery, "From the start to the first service, by week", "s"),
        (loading, "Loading the busy aggregate would take", "ms"),
    ):
        _dress(panel, title, unit)
    for panel in (kept, recovery, loading):
        panel.set_yscale("log")
    loading.set_ylim(bottom=8)
    handles, labels = kept.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    save_figure(figure, path)


def _away(results: Results[LogRow], path: Path) -> None:
    figure, (axes,) = new_figure(height_in=4.2)
    for arm in ARMS:
        rows = results.at(AWAY, arm.name)
        if arm.name not in _STYLES or not rows:
            continue
        series = [results.series(AWAY, arm.name, row.seed) for row in rows]
        days = [hour / 24 for hour in series[0]["t_h"]]
        axes.plot(days, _means(series, "kept"), **_style(arm.name, arm.label))
    fault = load(AWAY).faults[0]
    assert isinstance(fault.at, int)
    assert fault.for_us is not None
    shade(axes, fault.at / _DAY_US, (fault.at + fault.for_us) / _DAY_US, "away")
    bound = log_bound("sweep", load(AWAY))
    axes.axhline(bound, color="#444444", linewidth=0.8, linestyle=":")
    axes.text(31, bound * 1.05, "bound of the sweep", size=8, color="#444444", ha="right")
    _dress(axes, "Entries that the leader keeps", "entries")
    axes.set_ylim(0, 2.2 * _option(AWAY, "peer_patience"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    save_figure(figure, path)


_DAY_US: Final = 24 * 3_600_000_000


def _style(arm: str, label: str) -> dict[str, Any]:
    colour, line = _STYLES[arm]
    return {"color": colour, "linestyle": line, "linewidth": 1.6, "label": label}


def _means(series: Sequence[Mapping[str, list[float]]], name: str, scale: float = 1.0) -> list[float]:
    """Means over runs; a run that has fewer points, one more loss of power being under way, ends the line."""
    return [scale * sum(values) / len(series) for values in zip(*(one[name] for one in series), strict=False)]


def _dress(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_xlabel("days")


# -- words ---------------------------------------------------------------------------------


def _reading(page: Page) -> None:
    page.section("How to read it")
    window, segment = _option(MONTH, "window"), _option(MONTH, "segment")
    for text in (
        (
            f"The log lies in segments of {segment} entries and loses its head by whole ones, once durable snapshots "
            "cover every stream with events in them, the peers hold them, and retention and archive allow."
        ),
        (
            f"Snapshots are due every {EVERY} events of a stream. Most of the tail never has so many, so its first "
            "event holds the first segment for ever: behind such snapshots alone nothing is dropped. A snapshot of "
            "what is old, or of whatever stands in the way (the sweep), frees it."
        ),
        (
            "Write amplification is all that was written, for entries, snapshots and windows, over the entries alone. "
            "Space amplification is what is kept over one snapshot of every aggregate."
        ),
        (
            f"The last {window} commands are remembered, so that one that comes again is not done again. Of those "
            "whose entries are gone the whole list is written whenever the head is cut: with a window of many segments "
            "that would be most of what is written. Beside it stands how far each stream had come, for auditors."
        ),
        (
            "Loading times are what a load would take at that instant: the events since the newest snapshot, "
            "replayed. Latency is what clients saw, cold aggregates included: of 300, eight states are kept in memory."
        ),
        "Where no loss was seen, the bound beside the zero is the exact one over runs.",
    ):
        page.paragraph(text)


def _limits(page: Page) -> None:
    page.section("What this leaves out")
    page.bullets(
        [
            (
                f"Replay takes {_option(MONTH, 'replay_us') / 1_000:.0f} ms an event; recovery and loading scale with "
                "it. Reading from the disk, and snapshots read with it, take no time."
            ),
            "Bytes are of envelopes and fields in a plain encoding; no compression, no index, no file system.",
            "Small states of one number: with large ones snapshots cost more, and the sweep with them.",
            (
                "One shard in one region, with one holder unless a follower is away; the archive always answers, and "
                "one that is slow or lost is not in here."
            ),
            "Members count what they keep themselves; what followers keep is like the leader's, and not shown.",
        ]
    )
