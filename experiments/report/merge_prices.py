"""The part of the page of `merge-domains` that architects come for: where the split wins, where not, and the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from experiments.merge_domains import BEST_SPLIT
from experiments.merging import ARMS, FACTORS, SITUATIONS, WORKLOADS, MergeRow
from experiments.merging.prices import (
    CUTS_A_YEAR,
    LOAD_PER_S,
    RANKED,
    break_even,
    cheapest,
    frontier,
    owed,
    price,
)
from experiments.report.merge_frontier import SHORT, within
from experiments.results import Results
from experiments.statistics import Interval, format_interval, paired_difference, t_interval

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["frontiers", "prices", "sensitivity", "verdicts", "when_it_wins"]

_LABELS: Final[Mapping[str, str]] = {arm.name: arm.label for arm in ARMS}
#: What an owed command costs beside an unserved one, where rankings are compared.
_RATIOS: Final = (1, 10, 100)


def verdicts(page: Page, results: Results[MergeRow]) -> None:
    """For each workload: the split that suits it, against the majority and the home region."""
    lines = []
    for workload, arm in BEST_SPLIT.items():
        if not results.at(workload, arm):
            continue
        rows = results.at(workload, arm)
        over = t_interval([1000 * owed(row) / max(1, row.acknowledged) for row in rows])
        lines.append(
            [
                WORKLOADS[workload].title,
                WORKLOADS[workload].endangered,
                _LABELS[arm],
                _gain(results, workload, arm, "majority"),
                _gain(results, workload, arm, "home"),
                format_interval(_above_zero(over), ".1f"),
                when_it_wins(results, workload, arm),
            ]
        )
    page.table(
        [
            "workload",
            "what a cut endangers",
            "the split that suits it",
            "serves more than a majority",
            "serves more than one home",
            "owed, of 1,000",
            "so the split",
        ],
        lines,
        words=True,
        caption="A cut of the home region for 30 s. Differences are shares of the commands issued in the cut, paired "
        "by seed, with 95 % intervals",
    )


def when_it_wins(results: Results[MergeRow], workload: str, arm: str) -> str:
    """What the prices say of a split beside the majority, in words."""
    free, safe = price(results, workload, arm), price(results, workload, "majority")
    if free is None or safe is None:
        return "was not compared"
    rows = results.at(workload, arm)
    ratio, broken = break_even(free, safe), sum(row.violations for row in rows) / len(rows)
    told = []
    if broken:
        told.append(f"cannot keep the invariant ({broken:.1f} times a run it was broken, and made good later)")
    if ratio is None:
        told.append("does not win: a majority serves as much")
    elif ratio == inf:
        told.append("wins: a cut costs it fewer commands, and it owes nobody more")
    else:
        told.append(f"wins a cut while an owed command costs less than {ratio:,.1f} unserved ones")
    calm = [(free.owed_hour, "owed"), (free.unserved_hour, "unserved")]
    price_of_calm = [f"{count:,.0f} {what}" for count, what in calm if count]
    if price_of_calm:
        told.append(f"without any fault it pays {' and '.join(price_of_calm)} an hour, of {LOAD_PER_S * 3600:,}")
    return "; ".join(told)


def frontiers(page: Page, results: Results[MergeRow]) -> None:
    """The designs that nothing beats, workload by workload."""
    lines = []
    for workload, demand in WORKLOADS.items():
        found = frontier(results, workload)
        for arm in found.chosen:
            one = found.shown.get(arm)
            if one is not None:
                owing = f"{one.owed:.1f}"
                lines.append([demand.title, _LABELS[arm], f"{one.served:.3f}", owing, within(one.p99_ms)])
    page.table(
        ["workload", "design", "served in the cut", "owed, of 1,000", "p99 without a fault, ms"],
        lines,
        words=True,
        caption="On the frontier: no other design is better in one of the three and no worse in the others. Chosen on "
        "the first half of the seeds, shown on the second",
    )


def prices(page: Page, results: Results[MergeRow]) -> None:
    """By the hour, by the cut and by the year."""
    for workload, demand in WORKLOADS.items():
        if not demand.full:
            continue
        lines = []
        for arm in RANKED:
            known = price(results, workload, arm)
            if known is None:
                continue
            unserved_year, owed_year = known.a_year()
            lines.append(
                [
                    _LABELS[arm],
                    f"{within(known.latency_p50_ms)} / {within(known.latency_p99_ms)}",
                    f"{known.wan_mb_hour:,.0f}",
                    f"{known.unserved_hour:,.0f}",
                    f"{known.owed_hour:,.0f}",
                    format_interval(known.unserved_cut, ",.0f"),
                    format_interval(known.owed_cut, ",.1f"),
                    f"{unserved_year:,.0f}",
                    f"{owed_year:,.0f}",
                ]
            )
        page.table(
            [
                "",
                "p50 / p99, ms",
                "MB between regions an hour",
                "unserved an hour",
                "owed an hour",
                "unserved more a cut",
                "owed more a cut",
                "unserved a year",
                "owed a year",
            ],
            [[cell.replace(", ", ",\u00a0") for cell in line] for line in lines],
            caption=f"{demand.title.capitalize()}: commands at {LOAD_PER_S} a second; {CUTS_A_YEAR} cuts a year",
        )


def sensitivity(page: Page, results: Results[MergeRow]) -> None:
    """Which design is the cheapest by the cut at each level of each factor, and whether the base has another."""
    base = {ratio: _first_of(results, "withdrawal", ratio) for ratio in _RATIOS}
    lines = [
        [
            "base",
            "home region cut for 30 s",
            *(_told(base[ratio], "") for ratio in _RATIOS),
            _even(results, "withdrawal"),
        ]
    ]
    turning = []
    for factor, names in FACTORS.items():
        for name in names:
            if not any(results.at(name, arm) for arm in RANKED):
                continue
            found = {ratio: _first_of(results, name, ratio) for ratio in _RATIOS}
            turned = [ratio for ratio in _RATIOS if found[ratio] != _first_among(results, name, ratio)]
            if turned:
                turning.append(f"{factor} ({SITUATIONS[name].level})")
            marks = {ratio: " - turned" if ratio in turned else "" for ratio in _RATIOS}
            lines.append(
                [factor, SITUATIONS[name].level, *(_told(found[r], marks[r]) for r in _RATIOS), _even(results, name)]
            )
    page.table(
        [
            "factor",
            "level",
            *(f"cheapest if an owed command costs {ratio} unserved" for ratio in _RATIOS),
            "replay is cheaper than a majority up to",
        ],
        lines,
        words=True,
        caption="Withdrawals. The cheapest by the cut; turned: another than the base's cheapest of the same designs",
    )
    told = "; ".join(turning) if turning else "none of those that were run"
    page.paragraph(f"What turns the ranking: {told}.")


def _first_of(results: Results[MergeRow], name: str, ratio: float) -> str:
    ranked = cheapest(results, name, ratio)
    return ranked[0][0] if ranked else ""


def _first_among(results: Results[MergeRow], name: str, ratio: float) -> str:
    """The base's cheapest of the designs that a situation was run with."""
    run = {arm for arm, _ in cheapest(results, name, ratio)}
    return next((arm for arm, _ in cheapest(results, "withdrawal", ratio) if arm in run), "")


def _told(arm: str, mark: str) -> str:
    return f"{SHORT.get(arm, arm)}{mark}" if arm else "not run"


def _even(results: Results[MergeRow], name: str) -> str:
    free, safe = price(results, name, "split"), price(results, name, "majority")
    if free is None or safe is None:
        return "not run"
    ratio = break_even(free, safe)
    if ratio is None:
        return "it serves no more"
    return "any ratio: it owes no more" if ratio == inf else f"{ratio:,.1f} unserved for an owed one"


def _gain(results: Results[MergeRow], workload: str, arm: str, other: str) -> str:
    pairs = results.pairs(workload, arm, other)
    if not pairs:
        return "not run"
    firsts: Sequence[float] = [one.availability_cut or 0.0 for one, _ in pairs]
    return format_interval(paired_difference(firsts, [two.availability_cut or 0.0 for _, two in pairs]), "+.3f")


def _above_zero(found: Interval) -> Interval:
    return found if found.low is None else replace(found, low=max(0.0, found.low))
