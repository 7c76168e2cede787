"""The page of `merge-domains`: the answer, the frontier, the prices, the timelines, the tables, and what is left out.

Every number in the prose is filled in from the rows. Where a run ended before a time was
reached, the table says how many runs did, and gives no mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite, isinf
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.experiment import Arm, Finding, ReportContext
from experiments.merging import ARMS, BIN_US, SITUATIONS, WORKLOADS, MergeRow
from experiments.merging.choosing import COMPARED, best_split, second_half
from experiments.merging.prices import break_even, owed, price
from experiments.report import report_page
from experiments.report.merge_frontier import draw_frontier, draw_knobs
from experiments.report.merge_prices import even_words, frontiers, prices, sensitivity, verdicts
from experiments.report.merge_tables import situation_tables, times
from experiments.report.merge_timeline import cut_of, timeline
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import Interval, format_interval, paired_difference, t_interval, zero_count_bound

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["answer_of", "report"]


def report(results: Results[MergeRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    answer = answer_of(results, context.findings)
    page = report_page(context, answer)
    page.section("Who serves, and who owes")
    draw_frontier(results, folder / "frontier.svg")
    page.figure(
        "frontier.svg",
        alt="Six panels, one a workload; each design is a mark, owed commands to the right and what is served upwards",
        caption="A cut of the home region for 30 s. Up is more commands served while it lasts, right is more commands "
        "that were told yes and for which somebody is owed something; the number is the p99 latency without a fault.",
    )
    verdicts(page, results)
    frontiers(page, results)
    page.section("What it costs")
    page.note(
        "Unserved: not accepted, nor denied on a state that was really there. Owed: told yes, and taken back, made "
        "good, overwritten, set aside for a person, or lost. The price without faults is the control's, that of a cut "
        "what the run with it has beyond its control, so that what conflicts cost on a calm day counts once; a "
        "difference below 0 is chance, or a cut that keeps people from colliding, and ranks nothing. A year has that "
        "hour 8,766 times: it says how a hot spot that never cools would add up, from a minute of it. Intervals are "
        "95 % over runs. A 0 that no run contradicts stands with the most that so few may have missed: the exact upper "
        "bound of the part of runs that have any, at one command in each. Where calm runs were spotless that outweighs "
        "all else in a year, and so designs are ranked by the outage."
    )
    prices(page, results)
    page.section("Which knob turns the ranking")
    sensitivity(page, results)
    draw_knobs(results, folder / "knobs.svg")
    if (folder / "knobs.svg").is_file():
        page.figure(
            "knobs.svg",
            alt="A column for each factor; above the share served in the cut, below what is owed, by level and design",
            caption="Withdrawals; one thing changed at a time.",
        )
    _replay(page, results, folder)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    _situations(results, folder, context)
    page.link("Every measure, situation by situation", "situations.html")
    _place(page, folder)
    _limits(page)
    page.write(folder / "index.html")
    return answer


def _situations(results: Results[MergeRow], folder: Path, context: ReportContext) -> None:
    """All tables on a page of their own: there are too many to read past."""
    page = report_page(
        context,
        "Every measure of every situation that was run; the base first, then what differs from it. Latencies before "
        "the cut are of commands that were over by then; of fewer than 100 commands a run has no p99, of fewer than "
        "1,000 no p99.9, and it stands with the situation's control or nowhere. They are the middle run's, between two "
        "runs that enclose it with 95 %.",
    )
    for name, one in SITUATIONS.items():
        if any(row.scenario == name for row in results.rows):
            page.section(one.title[0].upper() + one.title[1:])
            situation_tables(page, results, name)
    page.link("Back to the answer", "index.html")
    page.write(folder / "situations.html")


# -- the answer ----------------------------------------------------------------------------


def _verdict(findings: Sequence[Finding]) -> str:
    """The first words of the answer, from the claims that are not merely *sometimes*."""
    held = [finding.holds for finding in findings if not finding.sometimes]
    if any(hold is False for hold in held):
        return "Not as claimed"
    if any(hold is None for hold in held):
        return "So far it seems so (too few runs to tell)"
    return "Yes, and what it costs depends on what the domain promises"


def answer_of(results: Results[MergeRow], findings: Sequence[Finding]) -> str:
    """The answer in a sentence, with its numbers and intervals; splits are chosen on half of the seeds, not these."""
    gains, debts, evens = [], [], []
    judged = second_half(results)
    for workload in COMPARED:
        arm, title = best_split(results, workload), WORKLOADS[workload].title
        pairs = () if arm is None else judged.pairs(workload, arm, "majority")
        if arm is None or not pairs:
            continue
        served = [[row.availability_cut or 0.0 for row in rows] for rows in zip(*pairs, strict=True)]
        gains.append((title, paired_difference(served[0], served[1])))
        debts.append((title, _owed_of_1000(judged, workload, arm)))
        free, safe = price(judged, workload, arm), price(judged, workload, "majority")
        even = None if free is None or safe is None else break_even(free, safe)
        if even is not None and isfinite(even.estimate):
            evens.append((even.estimate, title, even))
    if not gains:
        return f"{_verdict(findings)}: the full comparison was not run"
    least = min(gains, key=lambda one: one[1].estimate)
    most = max(gains, key=lambda one: one[1].estimate)
    free_of = [title for title, per_1000 in debts if per_1000.estimate == 0]
    dearest = max(debts, key=lambda one: one[1].estimate)
    answer = (
        f"{_verdict(findings)}: with the home region cut off, the split that suits the workload served "
        f"{format_interval(least[1], '+.3f')} ({least[0]}) to {format_interval(most[1], '+.3f')} ({most[0]}) more "
        f"of the commands than a majority, and nothing acknowledged was lost without a word"
    )
    if free_of:
        bound = 100 * zero_count_bound(len(judged.seeds))
        answer += f"; for {_listed(free_of)} nothing was owed to anybody (of runs at most {bound:.2g} % owe anything)"
    if dearest[1].estimate:
        answer += (
            f"; at most (for {dearest[0]}) {format_interval(dearest[1], '.1f')} of 1,000 yeses had to be made good"
        )
    if evens:
        _, title, even = min(evens, key=lambda one: one[:2])
        answer += f", and an outage is cheaper under the majority ({title}) once one costs more than {even_words(even)}"
    return f"{answer}. Intervals are 95 % over runs, paired by seed."


def _owed_of_1000(results: Results[MergeRow], workload: str, arm: str) -> Interval:
    rows = results.at(workload, arm)
    return t_interval([1000 * owed(row) / max(1, row.acknowledged) for row in rows])


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# -- the published outage ------------------------------------------------------------------


def _replay(page: Page, results: Results[MergeRow], folder: Path) -> None:
    page.section("October 2018 again")
    for name in ("github_2018", "isolate_region"):
        if not any(row.scenario == name for row in results.rows):
            continue
        file = f"timeline-{name}.svg"
        timeline(results, name, folder / file)
        title = SITUATIONS[name].title
        page.figure(
            file,
            alt=f"{title}: share of commands served on each side of the cut, and events not yet stable everywhere, "
            "over time, a line for each design; the cut is shaded",
            caption=f"{title}. Means over seeds in bins of {BIN_US // 1_000_000} s. The backlog counts events accepted "
            "somewhere and not yet stable everywhere; its axis is linear up to 10, then logarithmic.",
        )
    _failover(page, results)
    _published(page, results)


def _failover(page: Page, results: Results[MergeRow]) -> None:
    page.paragraph(
        "A former home's writes that were not shipped when the other side was promoted stay behind until people have "
        "worked through them. Degraded seconds count from the beginning of the cut until every event accepted before "
        "the heal is stable everywhere, for each second of cut."
    )
    lines = [
        _owed(name, arm, results.at(name, arm.name))
        for name in ("github_2018", "isolate_region")
        for arm in ARMS
        if results.at(name, arm.name)
    ]
    titles = ["cut", "design", "served in the cut", "divergent writes", "equal addresses, unequal events"]
    page.table([*titles, "own write gone", "regret of 1,000", "degraded s per s of cut"], lines, words=True)


def _owed(name: str, arm: Arm, rows: Sequence[MergeRow]) -> list[str]:
    ratios = [inf if row.degraded_per_cut is None else row.degraded_per_cut for row in rows]
    unfinished = sum(isinf(ratio) for ratio in ratios)
    begin_s, cut_s = cut_of(name)
    least = (load(name).until_us / 1e6 - begin_s) / cut_s
    degraded = (
        f"more than {least:.1f} ({unfinished} of {len(rows)} runs ended first)"
        if unfinished
        else format_interval(t_interval(ratios), ".2f")
    )
    return [
        SITUATIONS[name].title,
        arm.label,
        format_interval(t_interval([row.availability_cut or 0.0 for row in rows]), ".3f"),
        format_interval(t_interval([row.divergent_writes for row in rows]), ".0f"),
        format_interval(t_interval([row.address_conflicts for row in rows]), ".0f"),
        format_interval(t_interval([row.session_violations for row in rows]), ".0f"),
        format_interval(t_interval([1000 * row.regret_share for row in rows]), ".2f"),
        degraded,
    ]


def _published(page: Page, results: Results[MergeRow]) -> None:
    rows = results.at("github_2018", "failover")
    if not rows:
        return
    divergent = t_interval([row.divergent_writes for row in rows])
    stable = times([row.stable_after_heal_s for row in rows])
    page.table(
        ["", "published", "simulated (failover, reconciling 1/s)"],
        [
            ["isolation of the home data centre", "43 s", f"{rows[0].cut_s:.0f} s (given)"],
            ["writes not replicated", "954 in the busiest cluster", format_interval(divergent, ".0f")],
            ["until whole", "24 h 11 min of degraded service", f"{stable}, from the heal"],
        ],
        words=True,
    )
    page.note(
        "The simulation is not tuned to these figures and its load is not that company's: 18 commands a second over "
        "three regions. Most of the 24 hours were restores from backup and replay by people, which no cut of 43 s "
        "contains; what carries over is the shape, a short cut and a long merge. Source: the company's post-incident "
        "analysis of 30 October 2018."
    )


# -- where it ran, and what is left out ----------------------------------------------------


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
        "The base: 10 commands a second over all regions, open loop, on 200 aggregates chosen by Zipf's law with "
        f"exponent {load_.zipf_exponent}, half of them of a kind that competes; the cut lasts 30 s. The "
        f"replay of 2018: {load_.rate_per_s:.0f} a second on {load_.accounts:,} accounts; an hour's cut: 2 on 1,000. "
        f"Amounts {load_.amount_min} to {load_.amount_max}, opening balance {load_.opening_balance}, in cents; every "
        f"client tries for {load_.deadline_us / 1e6:.0f} s, {load_.attempt_timeout_us / 1e3:.0f} ms an attempt. Each "
        f"server has two cores and spends {scenario.hosts.default_service_us} us on a message or, in a batch, on each "
        f"event; a flush takes {scenario.hosts.flush_us_min / 1e3:.0f} to {scenario.hosts.flush_us_max / 1e3:.0f} ms."
    )


def _limits(page: Page) -> None:
    page.section("What the model leaves out")
    page.bullets(
        [
            (
                "Clients issue commands only, but for registers and logs. A design that is read-only when cut could "
                "still be read on both sides, and gets no credit for it here; how stale reads would be is told by what "
                "decisions were made on."
            ),
            (
                "A compensation is booked at the instant that it is decided. People who must be called, and money that "
                "is gone, take longer and are not in the figure."
            ),
            (
                "The majority's clients ask the member of their own region, which hands requests to the leader. Those "
                "of a region that is cut off reach no other, so an election serves the rest alone."
            ),
            (
                "What is owed for a wrong answer is not: a denial on a stale state counts as unserved, whatever the "
                "client did next."
            ),
            "Operators reconcile a failover after a minute; runs with short cuts end before they are done.",
            "Wall clocks agree; a skewed clock would change who wins in canonical order, not that all regions agree.",
            "All messages are datagrams: no half-open connections; bandwidth between regions is ample.",
            "Clients stay with their region. One that roams during a cut would see its own writes missing.",
            "The load is light (see utilisation), so no queue hides behind the latencies.",
            "us-west-2 to eu-west-1 was measured at another time than the other round trips.",
        ]
    )
