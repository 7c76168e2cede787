"""What is claimed of the schemes: closed forms, all held at once, and what holds of every single run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from experiments.experiment import Finding
from experiments.keyspace.arms import ARMS, CLUSTERS, COPIES, KEYS_A_NODE, REGIONS, SIZES, TABLETS_A_NODE, VNODES
from experiments.keyspace.formulas import apart, joined, left, spread_of_keys
from experiments.keyspace.runs import LOADS, PROBED, KeySpaceRow
from experiments.results import Results
from experiments.statistics import Interval, at_most, t_interval
from models.keyspace.openaddress import expected_probes

__all__ = ["CLAIMS", "CONFIDENCE", "Claim", "Judged", "check", "judge"]


class Claim(NamedTuple):
    """A closed form of one metric of one cell."""

    group: str
    scenario: str
    arm: str
    metric: str
    value: float


class Judged(NamedTuple):
    """A claim and what was measured; the interval has no width where every run gave the same."""

    claim: Claim
    interval: Interval

    @property
    def holds(self) -> bool | None:
        """Whether the closed form is inside; None from one run."""
        if self.interval.low is None or self.interval.high is None:
            return None
        slack = 1e-9 * max(1.0, abs(self.claim.value))
        return self.interval.low - slack <= self.claim.value <= self.interval.high + slack


def _claims() -> Iterator[Claim]:
    for scenario, count in SIZES.items():
        for arm in (arm.name for arm in ARMS):
            vnodes = VNODES.get(arm)
            for group, metric, value in (
                ("Balance", "keys_cv2", spread_of_keys(arm, count, KEYS_A_NODE * count, vnodes)),
                ("Movement", "moved_join", joined(arm, count)),
                ("Movement", "moved_leave", left(arm, count)),
            ):
                if value is not None:
                    yield Claim(group, scenario, arm, metric, value)
            if vnodes is not None or arm == "rendezvous":
                yield from _cut_claims(scenario, arm, count)
        for load in LOADS:
            hit, miss = expected_probes(PROBED, PROBED * load // 100)
            yield Claim("Probes", scenario, "slots", f"probes_hit_{load}", hit)
            yield Claim("Probes", scenario, "slots", f"probes_miss_{load}", miss)


def _cut_claims(scenario: str, arm: str, count: int) -> Iterator[Claim]:
    regions = len(REGIONS)
    zones = {"host": count, "cluster": regions * CLUSTERS, "region": regions}
    need = COPIES // 2 + 1
    for level, all_of_them in zones.items():
        inside = all_of_them // regions
        for side, there in (("cut", inside), ("rest", all_of_them - inside)):
            for name, least in (("majority", need), ("any", 1)):
                value = apart(all_of_them, there, COPIES, least)
                yield Claim("Cut", scenario, arm, f"{name}_{side}_{level}", value)


CLAIMS: Final = tuple(_claims())
#: Of each interval, so that all of them together hold with 99 % (Bonferroni's inequality).
CONFIDENCE: Final = 1 - 0.01 / len(CLAIMS)
#: Of the commands issued while membership changes, in every run.
LEAST_SERVED: Final = 0.98
#: Seeds below which an interval is not held against a claim.
FEWEST: Final = 6
_MINIMAL: Final = ("ring-1", "ring-16", "ring-256", "tablets", "rendezvous", "jump")


def judge(results: Results[KeySpaceRow]) -> list[Judged]:
    """Every closed form held against the rows."""
    found = []
    for claim in CLAIMS:
        values = results.values(claim.metric, scenario=claim.scenario, arm=claim.arm)
        numbers = [float(value) for value in values if value is not None]
        if numbers:
            found.append(Judged(claim, t_interval(numbers, confidence=CONFIDENCE)))
    return found


def check(results: Results[KeySpaceRow]) -> list[Finding]:
    """One finding for each group of closed forms, and those of single runs."""
    judged = judge(results)
    findings = [
        _group(group, [one for one in judged if one.claim.group == group], len(results.seeds))
        for group in dict.fromkeys(claim.group for claim in CLAIMS)
    ]
    findings += [_needless(results), _tablets(results), _hot(results), _counter(results), _regions(results)]
    return [*findings, _kept(results), _served(results), _sides(results)]


def _group(group: str, judged: list[Judged], seeds: int) -> Finding:
    verdicts = [one.holds for one in judged]
    outside = [one for one in judged if one.holds is False]
    detail = f"{verdicts.count(True)} of {len(verdicts)} closed forms inside intervals that hold at once with 99 %"
    for one in outside[:3]:
        low, high = one.interval.low, one.interval.high
        detail += (
            f"; {one.claim.scenario}/{one.claim.arm}: {one.claim.metric} should be {one.claim.value:.4g}, "
            f"measured {low:.4g} to {high:.4g}"
        )
    titles = {
        "Balance": "Keys a node vary as theory says",
        "Movement": "Joining and leaving move the keys that theory says",
        "Cut": "Owners on each side of a cut are those of the hypergeometric law, and of the zones",
        "Probes": "Linear probing takes Knuth's mean number of probes",
    }
    holds = None if None in verdicts or not verdicts else not outside
    if holds is False and seeds < FEWEST:
        # Two runs that happen to agree give an interval without width, which says nothing.
        holds, detail = None, f"{detail}; too few seeds to tell: {FEWEST} or more are meant to do"
    return Finding(claim=titles[group], holds=holds, detail=detail)


def _needless(results: Results[KeySpaceRow]) -> Finding:
    rows = [row for row in results.rows if row.arm in _MINIMAL]
    bad = [row.key for row in rows if row.needless_join]
    others = [row.needless_join for row in results.rows if row.arm not in _MINIMAL]
    return Finding(
        claim="Where a node joins, rings, tablets, rendezvous and jump move no key between two that were there before",
        holds=not bad if rows else None,
        detail=f"runs that did: {at_most(len(bad), len(rows))}"
        + (f"; modulo and open addressing move {min(others):.0%} to {max(others):.0%} so" if others else ""),
    )


def _tablets(results: Results[KeySpaceRow]) -> Finding:
    rows = [row for row in results.rows if row.arm == "tablets"]
    worst = max((row.keys_max for row in rows), default=0.0)
    # No tablet holds more than a node's share by `TABLETS_A_NODE`, and who has most has one more than others at most.
    return Finding(
        claim="Tablets split by size and dealt out leave no node with more than a tablet above the others",
        holds=worst <= 1 + 1 / TABLETS_A_NODE if rows else None,
        detail=f"the fullest node has {worst:.3f} of an equal share",
    )


def _hot(results: Results[KeySpaceRow]) -> Finding:
    below = [row.key for row in results.rows if row.hot_max < row.hot_key - 1e-9]
    split = [row for row in results.rows if row.hot_split is not None]
    far = [row.key for row in split if row.hot_split is not None and row.hot_split > max(row.hot_key, 1.25) + 1e-9]
    return Finding(
        claim="No placement carries less than its hottest key; tablets of single keys come down to that or near "
        "balance",
        holds=not below and not far if results.rows else None,
        detail=f"runs below the hottest key: {at_most(len(below), len(results.rows))}; runs of tablets above both the "
        f"hottest key and 1.25 of an equal share: {at_most(len(far), len(split))}"
        if split
        else "no run of tablets",
    )


def _counter(results: Results[KeySpaceRow]) -> Finding:
    wrong = sum(row.hot_wrong for row in results.rows)
    return Finding(
        claim="A bounded counter of accesses keeps its bounds: never too low, none missed above N/m",
        holds=wrong == 0 if results.rows else None,
        detail=f"{wrong} counts outside their bounds in {len(results.rows)} runs",
    )


def _regions(results: Results[KeySpaceRow]) -> Finding:
    bad = [
        row.key
        for row in results.rows
        if (row.majority_cut_region, row.any_cut_region, row.majority_rest_region, row.any_rest_region)
        != (0.0, 1.0, 1.0, 1.0)
    ]
    return Finding(
        claim="With a copy in each of three regions every key keeps a majority outside a region that is cut off, and "
        "one copy inside, whatever the scheme",
        holds=not bad if results.rows else None,
        detail=f"runs where some key had not: {at_most(len(bad), len(results.rows))}",
    )


def _kept(results: Results[KeySpaceRow]) -> Finding:
    rows = [row for row in results.rows if row.lost is not None]
    bad = [row.key for row in rows if row.lost or row.twice]
    moved = sum(row.stretches_moved or 0 for row in rows)
    return Finding(
        claim="A store placed by any scheme loses and repeats no command while hosts come and go, nor in a cut",
        holds=not bad if rows else None,
        detail=f"runs that did: {at_most(len(bad), len(rows))}; {moved} stretches moved",
    )


def _served(results: Results[KeySpaceRow]) -> Finding:
    rows = [row for row in results.rows if row.served_change is not None and row.served_calm is not None]
    worst = min((row.served_change for row in rows if row.served_change is not None), default=0.0)
    calm = min((row.served_calm for row in rows if row.served_calm is not None), default=0.0)
    return Finding(
        claim="While one host joins and another leaves, at least 98 of 100 commands are served under every placement",
        holds=worst >= LEAST_SERVED if rows else None,
        detail=f"the least share of any run is {worst:.4f}; with nothing going on {calm:.4f}",
    )


def _sides(results: Results[KeySpaceRow]) -> Finding:
    rows = [row for row in results.rows if row.served_cut_side is not None and row.served_other_side is not None]
    small = [float(row.served_cut_side or 0.0) for row in rows]
    large = [float(row.served_other_side or 0.0) for row in rows]
    return Finding(
        claim="In a cut both sides serve some commands, and the side of two regions a larger share than that of one",
        holds=0 < sum(small) < sum(large) if len(results.seeds) >= FEWEST and rows else None,
        detail=f"means over {len(rows)} runs: {sum(small) / len(small):.3f} and {sum(large) / len(large):.3f}"
        if rows
        else "no run of the store",
    )
