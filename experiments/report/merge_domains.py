"""The page of `merge-domains`: the answer, the timelines, the tables, and what the model leaves out.

Every number in the prose is filled in from the rows. Where a run ended before a time was
reached, the table says how many runs did, and gives no mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, isinf
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.experiment import Arm, Finding, ReportContext
from experiments.merge_domains import ARMS, BIN_US, CONTROL, CUTS, MergeRow
from experiments.report import report_page
from experiments.report.merge_timeline import cut_of, timeline
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import (
    Interval,
    format_interval,
    format_quantile,
    paired_difference,
    t_interval,
    zero_count_bound,
)

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["answer_of", "report"]

_TITLES: Final[Mapping[str, str]] = {
    CONTROL: "No fault, the control",
    "github_2018": "43 seconds without us-east-1, the home region",
    "isolate_region": "Five minutes without us-east-1, the home region",
    "isolate_us_west_2": "Five minutes without us-west-2",
    "isolate_eu_west_1": "Five minutes without eu-west-1",
}


def report(results: Results[MergeRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = answer_of(results, context.findings)
    page = report_page(context, answer)
    page.section("What happened, second by second")
    for scenario in ("isolate_region", "github_2018"):
        file = f"timeline-{scenario}.svg"
        timeline(results, scenario, folder / file)
        page.figure(
            file,
            alt=f"{_TITLES[scenario]}: share of commands served on each side of the cut, and events not yet stable "
            "everywhere, over time, a line for each design; the cut is shaded",
            caption=f"{_TITLES[scenario]}. Means over seeds in bins of {BIN_US // 1_000_000} s. The backlog counts "
            "events accepted somewhere and not yet stable everywhere; its axis is linear up to 10, then logarithmic.",
        )
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    for scenario in (*CUTS, CONTROL):
        _tables(page, results, scenario)
    _failover(page, results)
    _published(page, results)
    _place(page, folder)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _verdict(findings: Sequence[Finding]) -> str:
    """The first words of the answer, from the claims that are not merely *sometimes*."""
    held = [finding.holds for finding in findings if not finding.sometimes]
    if any(hold is False for hold in held):
        return "Not as claimed, for an account balance"
    if any(hold is None for hold in held):
        return "So far it seems so for an account balance (too few runs to tell)"
    return "Yes for an account balance, at a price"


def answer_of(results: Results[MergeRow], findings: Sequence[Finding]) -> str:
    """The answer in a sentence, with its numbers and intervals."""
    split, home = (results.at("isolate_region", arm) for arm in ("split", "home"))
    shares = [t_interval([row.availability_cut or 0.0 for row in rows]) for rows in (split, home)]
    gain = paired_difference(*([row.availability_cut or 0.0 for row in rows] for rows in (split, home)))
    lost = sum(row.lost + row.set_aside + row.superseded for row in split)
    regret = _at_least_zero(t_interval([1000 * row.regret_share for row in split]))
    control = _at_least_zero(t_interval([1000 * row.regret_share for row in results.at(CONTROL, "split")]))
    stable = _times([row.stable_after_heal_s for row in split])
    acknowledged = sum(row.acknowledged for row in split)
    return (
        f"{_verdict(findings)}: with the home region cut off for five minutes the split served "
        f"{format_interval(shares[0], '.3f')} of the commands issued during the cut, where one home region served "
        f"{format_interval(shares[1], '.3f')} (paired difference {format_interval(gain, '+.3f')}); it lost {lost} of "
        f"{acknowledged:,} acknowledged events in {len(split)} runs, later reversed {format_interval(regret, '.2f')} "
        f"of every 1,000 acknowledged ({format_interval(control, '.2f')} without a cut), and had everything accepted "
        f"before the heal stable in every region {stable} after it. Intervals are 95 % over runs."
    )


# -- tables --------------------------------------------------------------------------------


def _tables(page: Page, results: Results[MergeRow], scenario: str) -> None:
    page.section(_TITLES[scenario])
    page.note(
        f"Scenario {scenario}: {load(scenario).question} Means over {len(results.seeds)} seeds with 95 % intervals."
    )
    cut = scenario != CONTROL
    deadline_ms = load(scenario).workload.deadline_us / 1000

    def latency(metric: str) -> Callable[[Sequence[MergeRow]], str]:
        return lambda rows: _latency([getattr(row, metric) for row in rows], deadline_ms)

    service: list[tuple[str, Callable[[Sequence[MergeRow]], str]]] = [
        ("commands a run", _mean("commands", ".0f")),
        ("available, whole run", _share("availability_all", ".4f")),
    ]
    if cut:
        service += [
            ("available in the cut, cut-off side", _share("availability_cutoff", ".3f")),
            ("available in the cut, other side", _share("availability_rest", ".3f")),
            ("p50 cut-off side (of the middle run)", latency("latency_cutoff_p50_ms")),
            ("p99 cut-off side (of the middle run)", latency("latency_cutoff_p99_ms")),
            ("p50 other side (of the middle run)", latency("latency_rest_p50_ms")),
            ("p99 other side (of the middle run)", latency("latency_rest_p99_ms")),
        ]
    service += [
        (
            "p50 before the cut (of the middle run)" if cut else "p50 (of the middle run)",
            latency("latency_calm_p50_ms"),
        ),
        (
            "p99 before the cut (of the middle run)" if cut else "p99 (of the middle run)",
            latency("latency_calm_p99_ms"),
        ),
        ("utilisation of servers, mean", _mean("utilisation_mean", ".4f")),
        ("busiest server", _mean("utilisation_max", ".4f")),
    ]
    _table(page, results, scenario, "Service", service)
    truth: list[tuple[str, Callable[[Sequence[MergeRow]], str]]] = [
        ("acknowledged", _mean("acknowledged", ".0f")),
        ("lost", _count("lost")),
        ("waiting for a person at the end (set aside)", _count("set_aside")),
        ("lost updates", _count("superseded")),
        ("compensated", _count("compensated")),
        ("regret: reversed later, of 1,000 acknowledged", _regret("")),
        ("denied on a stale state", _count("denied_without_cause")),
        ("overdrafts", _count("overdrafts")),
        ("deepest, cents", _mean("overdraft_depth_cents", ".0f")),
        ("account-seconds overdrawn", _mean("overdraft_account_s", ".0f")),
        ("still overdrawn at the end", _count("overdrafts_open")),
    ]
    _table(page, results, scenario, "Truth", truth)
    if cut:
        _table(page, results, scenario, "Truth by side of the cut (whole run)", list(_truth_by_side()))
        whole: list[tuple[str, Callable[[Sequence[MergeRow]], str]]] = [
            ("stable everywhere after the heal", lambda rows: _times([r.stable_after_heal_s for r in rows])),
            ("backlog back at its p99 before the cut", lambda rows: _times([r.drained_after_heal_s for r in rows])),
            ("that p99, events", _mean("backlog_p99_before", ".1f")),
            ("largest backlog, events", _mean("backlog_peak", ".0f")),
            ("events unstable at the end", _count("unstable_censored")),
        ]
        workload, until_us = load(scenario).workload, load(scenario).until_us
        caption = (
            f"Until it was whole again, counted from the heal; load goes on until {workload.ends_us / 1e6:.0f} s, "
            f"the run ends at {until_us / 1e6:.0f} s"
        )
        _table(page, results, scenario, caption, whole)


def _truth_by_side() -> Iterable[tuple[str, Callable[[Sequence[MergeRow]], str]]]:
    titles = {"acknowledged": "acknowledged", "lost": "lost", "set_aside": "set aside", "superseded": "lost updates"}
    titles |= {"compensated": "compensated", "overdrafts": "overdrafts"}
    for metric, title in titles.items():
        for side, name in (("cutoff", "cut-off side"), ("rest", "other side")):
            yield f"{title}, {name}", _count(f"{metric}_{side}")
    for side, name in (("cutoff", "cut-off side"), ("rest", "other side")):
        yield f"regret of 1,000, {name}", _regret(f"_{side}")


def _regret(side: str) -> Callable[[Sequence[MergeRow]], str]:
    def cell(rows: Sequence[MergeRow]) -> str:
        shares = [1e3 * getattr(r, f"regret{side}") / max(1, getattr(r, f"acknowledged{side}")) for r in rows]
        return format_interval(_at_least_zero(t_interval(shares)), ".2f")

    return cell


def _at_least_zero(found: Interval) -> Interval:
    """Student's interval knows no bounds; what is counted has one."""
    return found if found.low is None else replace(found, low=max(0.0, found.low))


def _table(
    page: Page,
    results: Results[MergeRow],
    scenario: str,
    caption: str,
    measures: Iterable[tuple[str, Callable[[Sequence[MergeRow]], str]]],
) -> None:
    """Measures down, designs across: a reader compares designs within a line."""
    shown = [(arm, results.at(scenario, arm.name)) for arm in ARMS if results.at(scenario, arm.name)]
    header = ["", *(arm.label if arm.ranked else f"{arm.label} (not ranked)" for arm, _ in shown)]
    # An interval stays on one line: a column of halves cannot be compared.
    lines = [[title, *(cell(rows).replace(", ", ",\u00a0") for _, rows in shown)] for title, cell in measures]
    page.table(header, lines, caption=caption)


def _mean(metric: str, spec: str) -> Callable[[Sequence[MergeRow]], str]:
    def cell(rows: Sequence[MergeRow]) -> str:
        values = [getattr(row, metric) for row in rows]
        return "-" if any(value is None for value in values) else format_interval(t_interval(values), spec)

    return cell


def _share(metric: str, spec: str) -> Callable[[Sequence[MergeRow]], str]:
    """A mean share; Student's interval knows nothing of its bounds, so it is cut off at 0 and 1."""

    def cell(rows: Sequence[MergeRow]) -> str:
        values = [getattr(row, metric) for row in rows]
        if any(value is None for value in values):
            return "-"
        found = t_interval(values)
        if found.low is not None and found.high is not None:
            found = replace(found, low=max(0.0, found.low), high=min(1.0, found.high))
        return format_interval(found, spec)

    return cell


def _count(metric: str) -> Callable[[Sequence[MergeRow]], str]:
    """A mean count a run; where it was never seen, in how many runs at most it can be."""

    def cell(rows: Sequence[MergeRow]) -> str:
        values = [getattr(row, metric) for row in rows]
        if any(value is None for value in values):
            return "-"
        if not any(values):
            return f"0 (at most {100 * zero_count_bound(len(values)):.2g} % of runs)"
        return format_interval(_at_least_zero(t_interval(values)), ".1f")

    return cell


def _latency(values: Sequence[float | None], deadline_ms: float) -> str:
    """The middle run's quantile (of an even number the faster): a mean has no place where a run is infinite."""
    known = sorted(value for value in values if value is not None)
    return format_quantile(known[(len(known) - 1) // 2], deadline_ms) if known else "-"


def _times(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    never = sum(isinf(value) for value in known)
    if never:
        return f"not by the end of the run ({never} of {len(known)} runs)"
    return format_interval(t_interval(known), ".1f", "s") if known else "-"


# -- the failover and the published outage -------------------------------------------------


def _failover(page: Page, results: Results[MergeRow]) -> None:
    page.section("What automatic failover owes after the heal")
    page.paragraph(
        "The former home's writes that were not shipped when the other side was promoted stay behind until people have "
        "worked through them. Degraded seconds count from the beginning of the cut until every event accepted before "
        "the heal is stable everywhere, for each second of cut."
    )
    rows = []
    for scenario in ("github_2018", "isolate_region"):
        for arm in ARMS:
            found = results.at(scenario, arm.name)
            if arm.name in ("failover", "failover-fast", "home", "split") and found:
                rows.append(_owed(scenario, arm, found))
    page.table(
        [
            "cut",
            "design",
            "reconciled at",
            "divergent writes",
            "equal addresses, unequal events",
            "degraded s per s of cut",
        ],
        rows,
        words=True,
    )


def _owed(scenario: str, arm: Arm, rows: Sequence[MergeRow]) -> list[str]:
    ratios = [inf if row.degraded_per_cut is None else row.degraded_per_cut for row in rows]
    unfinished = sum(isinf(ratio) for ratio in ratios)
    begin_s, cut_s = cut_of(scenario)
    least = (load(scenario).until_us / 1e6 - begin_s) / cut_s
    shown = (
        f"more than {least:.1f} ({unfinished} of {len(rows)} runs ended first)"
        if unfinished
        else format_interval(t_interval(ratios), ".2f")
    )
    return [
        _TITLES[scenario],
        arm.label,
        str(arm.system.get("reconcile", "-")),
        format_interval(t_interval([row.divergent_writes for row in rows]), ".0f"),
        format_interval(t_interval([row.address_conflicts for row in rows]), ".0f"),
        shown,
    ]


def _published(page: Page, results: Results[MergeRow]) -> None:
    page.section("Beside the outage of October 2018")
    rows = results.at("github_2018", "failover")
    divergent = t_interval([row.divergent_writes for row in rows])
    stable = _times([row.stable_after_heal_s for row in rows])
    page.table(
        ["", "published", "simulated (failover, reconciling 1/s)"],
        [
            ["isolation of the home data centre", "43 s", f"{rows[0].cut_s:.0f} s (given)"],
            ["writes not replicated", "954 in the busiest cluster", format_interval(divergent, ".0f")],
            ["until whole", "24 h 11 min of degraded service", f"{stable} after the heal"],
        ],
        words=True,
    )
    page.note(
        "The simulation is not tuned to these figures and its load is not that company's: 18 commands a second over "
        "three regions. Most of the 24 hours were restores from backup and replay by people, which no cut of 43 s "
        "contains; what carries over is the shape, a short cut and a long merge. Source: the company's post-incident "
        "analysis of 30 October 2018."
    )


def _place(page: Page, folder: Path) -> None:
    scenario = load("isolate_region")
    page.section("Where it ran")
    scenario.topology.draw(folder / "topology.svg", scenario.latency)
    page.figure(
        "topology.svg",
        alt="Three regions, each with three servers and a client host, and the one-way delays between regions",
        caption="The same map, hosts and service times for every design. Delays between regions are halves of measured "
        "round trips, with an exponential jitter of 5 % on top.",
    )
    load_ = scenario.workload
    page.note(
        f"{load_.rate_per_s:.0f} commands a second over all regions, open loop, for {load_.ends_us / 1e6:.0f} s; "
        f"{load_.accounts:,} accounts chosen by Zipf's law with exponent {load_.zipf_exponent}; "
        f"{load_.deposit_fraction:.0%} deposits; amounts {load_.amount_min} to {load_.amount_max}, opening balance "
        f"{load_.opening_balance}, in cents; every client tries for {load_.deadline_us / 1e6:.0f} s, "
        f"{load_.attempt_timeout_us / 1e3:.0f} ms an attempt. Each server has two cores and spends "
        f"{scenario.hosts.default_service_us} us on a message or, in a batch, on each event; a flush takes "
        f"{scenario.hosts.flush_us_min / 1e3:.0f} to {scenario.hosts.flush_us_max / 1e3:.0f} ms."
    )


def _limits(page: Page) -> None:
    page.section("What the model leaves out")
    page.bullets(
        [
            (
                "The majority's clients ask the member of their own region, which hands requests to the leader. Those "
                "of a region that is cut off reach no other, so an election serves the rest alone."
            ),
            (
                "One domain (an account balance) and one invariant (never negative). A gapless sequence or a seat with "
                "one holder would owe more compensation, and some invariants cannot be split at all."
            ),
            (
                "A compensation is booked at the instant that it is decided. People who must be called, and money that "
                "is gone, take longer and are not in the figure."
            ),
            "Wall clocks agree; a skewed clock would change who wins in canonical order, not that all regions agree.",
            "Cuts are clean here: no slow or lossy links, no half-open connections; all messages are datagrams.",
            "Clients stay with their region. One that roams during a cut would see its own writes missing.",
            "The load is light (see utilisation), so no queue hides behind the latencies.",
            "us-west-2 to eu-west-1 was measured at another time than the other round trips.",
        ]
    )
