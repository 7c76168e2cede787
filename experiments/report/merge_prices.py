"""The part of the page of `merge-domains` that architects come for: where the split wins, where not, and the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from experiments.merging import ARMS, FACTORS, SITUATIONS, SPLITS, WORKLOADS, MergeRow
from experiments.merging.choosing import (
    COMPARED,
    RATIO,
    Turn,
    best_split,
    cheapest,
    frontier,
    halves,
    second_half,
    turns,
)
from experiments.merging.prices import (
    CUTS_A_YEAR,
    LOAD_PER_S,
    RANKED,
    Price,
    break_even,
    owed,
    price,
)
from experiments.merging.situations import BASE
from experiments.report.merge_frontier import SHORT, within
from experiments.results import Results
from experiments.statistics import Interval, format_interval, paired_difference, t_interval, zero_count_bound

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["even_words", "frontiers", "prices", "sensitivity", "verdicts", "when_it_wins"]

_LABELS: Final[Mapping[str, str]] = {arm.name: arm.label for arm in ARMS}
#: What an owed command costs beside an unserved one, where rankings are compared.
_RATIOS: Final = (1, 10, 100)


def verdicts(page: Page, results: Results[MergeRow]) -> None:
    """For each workload: the split that suits it, against the majority and the home region."""
    lines, judged = [], second_half(results)
    for workload in COMPARED:
        arm = best_split(results, workload)
        if arm is None:
            continue
        rows = judged.at(workload, arm)
        over = [1000 * owed(row) / max(1, row.acknowledged) for row in rows]
        lines.append(
            [
                WORKLOADS[workload].title,
                WORKLOADS[workload].endangered,
                _LABELS[arm],
                _gain(judged, workload, arm, "majority"),
                _gain(judged, workload, arm, "home"),
                _owing(over),
                when_it_wins(judged, workload, arm),
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
        "by seed, with 95 % intervals. The split that suits is the one whose outage (cut and calm around it) is the "
        f"cheapest where an owed command costs {RATIO} unserved ones: chosen on the first half of the seeds, reported "
        "on the second",
    )


def when_it_wins(results: Results[MergeRow], workload: str, arm: str) -> str:
    """What the prices say of a split beside the majority, in words."""
    free, safe = price(results, workload, arm), price(results, workload, "majority")
    if free is None or safe is None:
        return "was not compared"
    rows = results.at(workload, arm)
    broken = sum(row.violations for row in rows) / len(rows)
    told = []
    if broken:
        keeping = [_LABELS[one.name] for one in SPLITS if one.ranked and _keeps(results, workload, one.name)]
        others = f"; it was kept by {', '.join(keeping)}" if keeping else ""
        told.append(
            f"does not keep the invariant ({broken:.1f} times a run it was broken, and made good later{others})"
        )
    told.append(_wins(break_even(free, safe)))
    calm = [(free.owed_hour, "owed"), (free.unserved_hour, "unserved")]
    price_of_calm = [f"{format_interval(count, ',.0f')} {what}" for count, what in calm if count.estimate]
    if price_of_calm:
        told.append(f"without any fault it pays {' and '.join(price_of_calm)} an hour, of {LOAD_PER_S * 3600:,}")
    told.append(_in_a_year(free, safe))
    return "; ".join(told)


def _in_a_year(free: Price, safe: Price) -> str:
    """Whether what it serves more in cuts outweighs what it serves less in calm hours, as far as can be told."""
    own, other = free.unserved_year, safe.unserved_year
    surely: dict[bool, str] = {True: "it serves more than a majority", False: "it serves less"}
    if own.low is None or own.high is None or other.low is None or other.high is None:
        said = "too few runs to tell who serves more"
    elif own.high < other.low or other.high < own.low:
        said = surely[own.high < other.low]
    else:
        said = "these runs cannot tell who serves more"
    return f"over a year with {CUTS_A_YEAR} such cuts {said}"


def _keeps(results: Results[MergeRow], workload: str, arm: str) -> bool:
    rows = results.at(workload, arm)
    return bool(rows) and not any(row.violations for row in rows)


def _wins(even: Interval | None) -> str:
    """What a break-even says of a split in an outage."""
    if even is None:
        return "does not win an outage: a majority serves as much"
    if even.estimate == inf and even.low in (None, inf):
        few = f" [no interval, n = {even.n}]" if even.low is None else ""
        return f"wins an outage: it serves more, and owes nobody more{few}"
    if even.low is not None and even.low <= 0:
        return "may win an outage or not: these runs cannot tell"
    return f"wins an outage while an owed command costs less than {even_words(even)}"


def even_words(even: Interval | None) -> str:
    """From which ratio on a split is dearer than a majority, for people."""
    if even is None:
        return "it serves no more"
    if even.estimate == inf and even.low in (None, inf):
        return "any ratio: it owes no more"
    at = "any number of" if even.estimate == inf else f"{even.estimate:,.1f}"
    if even.low is None or even.high is None:
        return f"{at} unserved ones [no interval, n = {even.n}]"
    high = "no end" if even.high == inf else f"{even.high:,.1f}"
    return f"{at} unserved ones [{even.low:,.1f}, {high}]"


def frontiers(page: Page, results: Results[MergeRow]) -> None:
    """The designs that nothing beats, workload by workload."""
    lines, judged = [], second_half(results)
    for workload, demand in WORKLOADS.items():
        found = frontier(results, workload)
        for arm in found.chosen:
            one, rows = found.shown.get(arm), judged.at(workload, arm)
            if one is None:
                continue
            served = t_interval([row.availability_cut or 0.0 for row in rows])
            owing = [1000 * owed(row) / max(1, row.acknowledged) for row in rows]
            lines.append(
                [demand.title, _LABELS[arm], format_interval(served, ".3f"), _owing(owing), within(one.p99_ms)]
            )
    page.table(
        ["workload", "design", "served in the cut", "owed, of 1,000", "p99 without a fault, ms"],
        lines,
        words=True,
        caption="On the frontier: no other design is better in one of the three and no worse in the others. Chosen on "
        "the first half of the seeds, shown on the second; means, with 95 % intervals over runs",
    )


def prices(page: Page, results: Results[MergeRow]) -> None:
    """By the hour, by the cut and by the year."""
    for workload in COMPARED:
        lines = []
        for arm in RANKED:
            known = price(results, workload, arm)
            if known is not None:
                lines.append([_LABELS[arm], *_told_price(known)])
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
            caption=f"{WORKLOADS[workload].title.capitalize()}: commands at {LOAD_PER_S} a second; {CUTS_A_YEAR} cuts "
            "a year. The upper end beside a zero is what so few runs may have missed",
        )


def _told_price(known: Price) -> list[str]:
    p99 = "-" if known.latency_p99_ms is None else within(known.latency_p99_ms)
    return [
        f"{within(known.latency_p50_ms)} / {p99}",
        f"{known.wan_mb_hour:,.0f}",
        format_interval(known.unserved_hour, ",.0f"),
        format_interval(known.owed_hour, ",.0f"),
        format_interval(known.unserved_cut, ",.0f"),
        format_interval(known.owed_cut, ",.1f"),
        format_interval(known.unserved_year, ",.0f"),
        format_interval(known.owed_year, ",.0f"),
    ]


def sensitivity(page: Page, results: Results[MergeRow]) -> None:
    """Which design has the cheapest outage at each level of each factor, and whether it is another than the base's."""
    names = [(factor, name) for factor, each in FACTORS.items() for name in each]
    names = [(factor, name) for factor, name in names if any(results.at(name, arm) for arm in RANKED)]
    found = turns(results, [name for _, name in names], _RATIOS)
    base = {ratio: cheapest(results, BASE, ratio, halves(results)[0]) for ratio in _RATIOS}
    lines = [
        [
            "base",
            "home region cut for 30 s",
            *(SHORT.get(base[ratio][0][0], base[ratio][0][0]) if base[ratio] else "not run" for ratio in _RATIOS),
            _even(results, BASE),
        ]
    ]
    for factor, name in names:
        told = [_told(found.get((name, ratio))) for ratio in _RATIOS]
        lines.append([factor, SITUATIONS[name].level, *told, _even(results, name)])
    page.table(
        [
            "factor",
            "level",
            *(f"cheapest if an owed command costs {ratio} unserved" for ratio in _RATIOS),
            "replay is cheaper than a majority while an owed command costs less than",
        ],
        lines,
        words=True,
        caption="Withdrawals, by the price of an outage: the cut, and the calm before and after it. The cheapest is "
        "chosen on the first half of the seeds; where it is another than the base's cheapest of the same designs, the "
        "two are compared by seed on the second half, there and in the base. Turned: each is the cheaper one where it "
        "was chosen, all such comparisons taken together (Holm, 5 %). In the last column 95 % intervals over all runs, "
        "paired by seed",
    )
    turned = [_where(factor, name, found, True) for factor, name in names]
    unsure = [_where(factor, name, found, None) for factor, name in names]
    page.paragraph(
        f"What turns the ranking: {_listed(turned)}. "
        f"Another design looks cheaper, and these runs cannot tell: {_listed(unsure)}."
    )


def _where(factor: str, name: str, found: Mapping[tuple[str, float], Turn], turned: bool | None) -> str:
    ratios = [ratio for ratio in _RATIOS if (name, ratio) in found and found[name, ratio].turned is turned]
    return f"{factor} ({SITUATIONS[name].level}; at {', '.join(map(str, ratios))})" if ratios else ""


def _listed(places: Sequence[str]) -> str:
    return "; ".join(place for place in places if place) or "none of those that were run"


def _told(turn: Turn | None) -> str:
    if turn is None:
        return "not run"
    mark = {False: "", True: " - turned", None: " - cannot tell"}[turn.turned]
    return f"{SHORT.get(turn.here, turn.here)}{mark}"


def _even(results: Results[MergeRow], name: str) -> str:
    free, safe = price(results, name, "split"), price(results, name, "majority")
    return "not run" if free is None or safe is None else even_words(break_even(free, safe))


def _gain(results: Results[MergeRow], workload: str, arm: str, other: str) -> str:
    pairs = results.pairs(workload, arm, other)
    if not pairs:
        return "not run"
    firsts: Sequence[float] = [one.availability_cut or 0.0 for one, _ in pairs]
    return format_interval(paired_difference(firsts, [two.availability_cut or 0.0 for _, two in pairs]), "+.3f")


def _owing(values: Sequence[float]) -> str:
    """A mean, or a zero with the part of runs that may still owe something."""
    if not any(values):
        return f"0 (at most {100 * zero_count_bound(len(values)):.2g} % of runs)"
    found = t_interval(values)
    return format_interval(found if found.low is None else replace(found, low=max(0.0, found.low)), ".1f")
