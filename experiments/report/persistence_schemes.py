"""The page of `persistence-schemes`: the frontier, what every failure took, and the windows held against theory.

Every number in the prose is filled in from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments import crashes
from experiments.crashes import replicas
from experiments.experiment import Arm, Finding, ReportContext
from experiments.report import report_page
from experiments.report.schemes_cells import (
    at_least_zero,
    bounded,
    count,
    events,
    latency,
    mean,
    ms,
    oldest,
    runs,
    times,
    total,
    whole,
)
from experiments.report.schemes_frontier import draw_frontier, numbered, unbroken
from experiments.report.schemes_windows import windows_section
from experiments.results import Results
from experiments.scenario import load
from experiments.schemes import (
    ARMS,
    CONTROL,
    FAILURES,
    LOST_REPLIES,
    SchemeRow,
    expected,
    frontier,
    promised,
)
from experiments.schemes.claims import P50, P99, breaks, compared, crash_table, few_schemes, replica_table
from experiments.schemes.promises import left_behind
from experiments.schemes.runs import OUTAGE_US, SPAN_US
from experiments.schemes.windows import flush_us, rate_per_s
from experiments.statistics import (
    Interval,
    at_most,
    format_interval,
    paired_difference,
    t_interval,
    zero_count_bound,
)
from models.store.schemes import Loss

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["answer_of", "report"]

_DARK: Final = "schemes_region_dark"


def report(results: Results[SchemeRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figure; returns the answer."""
    answer = answer_of(results, context.findings)
    page = report_page(context, answer)
    _frontier(page, results, folder)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    _cost(page, results)
    for scenario in FAILURES:
        _failure(page, results, scenario)
    windows_section(page, results)
    _returns(page, results)
    _denials(page, results)
    _order(page, results)
    _crashes(page, results)
    _limits(page, results)
    page.write(folder / "index.html")
    return answer


def answer_of(results: Results[SchemeRow], findings: Sequence[Finding]) -> str:
    """The answer in a sentence, with its numbers and intervals."""

    def p99(arm: str) -> str:
        return format_interval(t_interval([row.latency_near_p99_ms for row in results.at(CONTROL, arm)]), ".3g", "ms")

    def lost(arm: str, scenario: str) -> str:
        rows = results.at(scenario, arm)
        risk = sum(row.at_risk or 0 for row in rows) / len(rows)
        return f"{format_interval(at_least_zero(t_interval([row.lost for row in rows])), '.3g')} of {risk:.0f}"

    flush = flush_us()
    broken = sum(breaks(row, flush) for row in results.rows)
    held = [finding.holds for finding in findings if not finding.sometimes]
    doubt = "" if all(held) else " (not every claim held or could be told: see below)"
    return (
        f"At p99 an acknowledgement takes {p99('mem')} in the heap, {p99('persist')} on the local disk, "
        f"{p99('multi-persist-2of3')} on two disks of a cluster and {p99('multi-persist-2of3-region')} on those of two "
        f"regions; what that buys: a dead process takes {lost('mem', 'schemes_process_crash')} acknowledged events "
        f"from the heap that is never saved, a host without power {lost('periodic-1s', 'schemes_host_power')} from a "
        f"page cache that is flushed every second, a destroyed region {lost('ship-1s', 'schemes_region_destroyed')} "
        "from a log that is shipped every second; "
        f"{at_most(broken, len(results.rows))} runs lost more than their scheme may{doubt}. "
        f"Intervals are 95 % over {len(results.seeds)} runs."
    )


# -- the frontier --------------------------------------------------------------------------


def _frontier(page: Page, results: Results[SchemeRow], folder: Path) -> None:
    page.section("What it costs against what it loses")
    draw_frontier(results, folder / "frontier.svg")
    page.figure(
        "frontier.svg",
        alt="A panel for each of six failures: the p99 of an acknowledgement without faults on a logarithmic axis "
        "against the acknowledged events a run that the failure took, a numbered mark for each scheme; marks of "
        "schemes that no other beats are filled and joined by a line",
        caption="Means over all seeds with 95 % intervals. Filled marks are schemes that no other beats there (chosen "
        "on the even seeds), the line joins them. Vertical axis linear up to 1, then logarithmic. Latency is that of "
        "the clients in the home region in runs without a fault. What a returning region brought back and people dealt "
        "with is not counted as lost.",
    )
    rows = []
    for scenario, failing in FAILURES.items():
        found = frontier(results, scenario)
        for arm in found.chosen:
            point = found.held.get(arm)
            told = ("-", "-") if point is None else (ms(point.latency_ms), _kept_or_not(point.unkept))
            rows.append([failing.title, numbered(arm), *told, "yes" if arm in found.confirmed else "no"])
    page.table(
        ["failure", "scheme", "p99, ms", "not kept, events a run", "unbeaten there too"],
        rows,
        caption="Schemes that no other beats: chosen on the even seeds, measured on the odd ones",
        words=True,
    )


def _kept_or_not(found: Interval) -> str:
    """A mean count; where it was never seen, in how many runs at most it can be."""
    return events(found) if found.estimate else f"0 (at most {100 * zero_count_bound(found.n):.2g} % of runs)"


# -- tables --------------------------------------------------------------------------------

_Measure = tuple[str, Callable[[Sequence[SchemeRow]], str]]


def _cost(page: Page, results: Results[SchemeRow]) -> None:
    page.section("What an acknowledgement costs")
    control = load(CONTROL)
    page.note(
        f"Scenario {CONTROL}. {rate_per_s():.0f} commands a second over three regions for "
        f"{control.workload.ends_us / 1e6:.0f} s, open loop; milliseconds from the scheduled arrival over all "
        f"operations issued after {control.warm_up_us / 1e6:.1f} s. Home clients stand in the region of the leader, "
        f"one round trip of {control.document['latency']['between_clusters']} from it. A message costs a server "
        f"{control.hosts.default_service_us} us, a flush takes {flush_us()[0] / 1e3:.0f} to {flush_us()[1] / 1e3:.0f} "
        f"ms. Means over {len(results.seeds)} seeds with 95 % intervals."
    )
    measures: list[_Measure] = [
        ("p50, home", mean(lambda row: row.latency_near_p50_ms)),
        ("p99, home", mean(lambda row: row.latency_near_p99_ms)),
        ("p50, all", mean(lambda row: row.latency_all_p50_ms)),
        ("p99, all", mean(lambda row: row.latency_all_p99_ms)),
        ("served", bounded(lambda row: row.availability_all)),
        ("messages a command", mean(lambda row: row.messages / row.commands)),
        ("log bytes a command, each copy", mean(lambda row: row.bytes_per_command, ".4g")),
        ("busiest server, utilisation", mean(lambda row: row.utilisation_busiest, ".2g")),
    ]
    _table(page, results, CONTROL, measures)


def _failure(page: Page, results: Results[SchemeRow], scenario: str) -> None:
    page.section(f"When it fails: {FAILURES[scenario].title}")
    deadline_ms = load(scenario).workload.deadline_us / 1000
    found = [row.at_risk or 0 for row in results.rows if row.scenario == scenario and row.arm != "no-denials"]
    before = sum(found) / len(found)
    page.note(
        f"Scenario {scenario}: {load(scenario).question} The instant differs from seed to seed, evenly over "
        f"{SPAN_US / 1e6:.0f} s, and is the same for all schemes; {before:.0f} commands had been acknowledged before "
        "it on average. A scheme may lose nothing, all, or what was acknowledged within so many milliseconds of the "
        f"failure, from which ages count back. Served: of those issued in the {OUTAGE_US / 1e6:.0f} s from the failure "
        "on. Served again: from the failure to the first answer to a command issued after it. "
        f"A 0 stands for {at_most(0, len(results.seeds))} runs."
    )
    measures: list[_Measure] = [
        ("may lose", lambda rows: _promise(rows[0].arm, scenario)),
        ("lost", count(lambda row: row.lost)),
        ("runs with a loss", lambda rows: runs([row.lost for row in rows])),
        ("oldest lost, ms", oldest),
        ("served", bounded(lambda row: row.availability_outage or 0.0)),
        ("served again, ms", lambda rows: times([row.served_again_ms or 0.0 for row in rows])),
        ("p99 of the middle run", lambda rows: latency([row.latency_all_p99_ms for row in rows], deadline_ms)),
        ("promoted, forced", lambda rows: f"{total(rows, 'promoted')}, {total(rows, 'forced')}"),
    ]
    if scenario == _DARK:
        measures.insert(2, ("resurfaced", count(lambda row: row.resurfaced)))
        measures.insert(3, ("set aside at the end", count(lambda row: row.set_aside)))
    _table(page, results, scenario, measures)


def _table(page: Page, results: Results[SchemeRow], scenario: str, measures: Sequence[_Measure]) -> None:
    """Schemes down, measures across."""
    shown: list[tuple[Arm, tuple[SchemeRow, ...]]] = [
        (arm, results.at(scenario, arm.name)) for arm in ARMS if results.at(scenario, arm.name)
    ]
    lines = [[unbroken(arm.name), *(whole(cell(rows)) for _, cell in measures)] for arm, rows in shown]
    page.table(["", *(title for title, _ in measures)], lines)


def _promise(arm: str, scenario: str) -> str:
    """In a few words what may be gone: all, nothing, or what came within so many milliseconds."""
    limit = expected(arm, scenario, flush_us())
    if limit is None:
        return "nothing" if promised(arm, scenario) is Loss.NOTHING else "all"
    told = f"{limit.most_us / 1e3:.0f} ms"
    return (f"{told} left behind" if left_behind(arm, scenario) else told).replace(" ", "\u00a0")


def _returns(page: Page, results: Results[SchemeRow]) -> None:
    page.section("A region that returns, and one that does not")
    page.paragraph(
        "Under delayed-ship another region goes on without what was not shipped. If the region is destroyed, that is "
        "lost. If it returns, the former leader sets it aside on its disk, and its operators submit each command "
        "again, with the id that it had: accepted, it is merged; denied by now, it is compensated; a denial needs "
        "nobody."
    )
    lines = []
    for name in ("ship-1s", "ship-1s-left", "ship-250ms"):
        dark, gone = results.at(_DARK, name), results.at("schemes_region_destroyed", name)
        if not dark:
            continue
        cells = [count(lambda row: row.lost)(gone) if gone else "-"]
        cells += [
            count(measure)(dark)
            for measure in (
                lambda row: row.lost,
                lambda row: row.resurfaced,
                lambda row: row.merged,
                lambda row: row.compensated,
                lambda row: row.set_aside,
            )
        ]
        lines.append([numbered(name), *(whole(cell) for cell in cells)])
    page.table(
        ["", "destroyed: lost", "returns: lost", "resurfaced", "merged", "compensated", "still set aside"],
        lines,
        caption="Acknowledged events a run",
    )
    page.note(f"A 0 stands for {at_most(0, len(results.seeds))} runs.")


def _denials(page: Page, results: Results[SchemeRow]) -> None:
    page.section("Not storing denials")
    pairs = results.pairs(CONTROL, "no-denials", "persist")
    off, on = zip(*pairs, strict=True)
    share = t_interval([100 * row.denied_share for row in on])
    saved = t_interval([100 * (1 - a.log_bytes / b.log_bytes) for a, b in pairs])
    page.paragraph(
        f"Of the commands {format_interval(share, '.3g', '%')} were denied. Without their events the log is smaller by "
        f"{format_interval(saved, '.3g', '%')}. The price: the store does not remember that it said no. A denial whose "
        "answer is lost is decided anew when the client asks again, and may be accepted, so a command no longer has "
        f"one outcome. With three in ten messages lost (scenario {LOST_REPLIES}) that befell the commands in the last "
        "line."
    )
    faster = paired_difference(*([row.latency_near_p50_ms for row in rows] for rows in (off, on)))
    anew = [results.at(LOST_REPLIES, arm) for arm in ("persist", "no-denials")]
    lines = [
        ["events a command", *(whole(mean(lambda row: row.events_per_command, ".4f")(rows)) for rows in (on, off))],
        ["log bytes a command", *(whole(mean(lambda row: row.bytes_per_command, ".4g")(rows)) for rows in (on, off))],
        ["p50, home, ms", *(whole(mean(lambda row: row.latency_near_p50_ms)(rows)) for rows in (on, off))],
        ["decided yes and no, commands a run", *(whole(count(lambda row: row.decided_twice or 0)(r)) for r in anew)],
    ]
    page.table(["local-persist", "denials stored", "not stored"], lines)
    page.note(
        f"Difference of the medians, not stored less stored: {format_interval(faster, '+.2g', 'ms')}. A denial waits "
        "for no flush of its own then, only for what it was decided on."
    )


def _order(page: Page, results: Results[SchemeRow]) -> None:
    page.section("Who answers sooner")
    rows = [
        [
            f"{numbered(one.slow)}, over {numbered(one.quick)}",
            title,
            whole(format_interval(one.difference, "+.3g")),
            "-" if one.p_value is None else f"{one.p_value:.2g}",
        ]
        for title, metric in (("p50", P50), ("p99", P99))
        for one in compared(results, metric)
    ]
    page.table(
        ["", "of", "slower by, ms", "p, adjusted"],
        rows,
        caption="Paired over seeds in runs without a fault; p by Holm over all lines of p50, and of p99",
    )


def _crashes(page: Page, results: Results[SchemeRow]) -> None:
    """The table of crash points, made with these claims: it is small, and a function of the code alone."""
    page.section("Every crash point")
    page.markup(crashes.to_html(crash_table(results)))
    page.section("Every point of replication")
    page.markup(replicas.to_html(replica_table(results)))
    if few_schemes(results) is not None:
        page.note("Of so few seeds both tables are of schemes that flush; the full size has them all.")


def _limits(page: Page, results: Results[SchemeRow]) -> None:
    page.section("What the model leaves out")
    busiest = max(row.utilisation_busiest for row in results.rows)
    page.bullets(
        [
            (
                f"The load is light (the busiest server works {100 * busiest:.2g} % of the time): no queue hides "
                "behind the latencies. Flushes of commands that come together are shared; here few do."
            ),
            (
                "A leader ships what it has flushed, so a follower's flush comes after its own. Stores that send first "
                "and flush meanwhile save one of the two."
            ),
            (
                "The lead is changed by operators who look four times a second and wait half a second for whoever is "
                "silent; times to be served again are theirs, and would be an election's elsewhere."
            ),
            (
                "Three holders of three have nobody to spare: when one is gone for ever nothing is acknowledged again "
                "until the membership is changed, which nobody does here."
            ),
            "A lost disk is noticed, and its host is gone with it. Disks that lie or rot are other questions.",
            "Power goes all at once and tears no record; clocks agree; clients stay with their region.",
            "One domain with small commands: bytes a command are those of a bank account.",
            (
                "What was lost had addresses, and a leader that goes on from less mints them again for other events. "
                "Whoever has seen the first ones elsewhere would find a conflict; here nobody reads."
            ),
        ]
    )
