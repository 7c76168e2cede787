"""What is claimed of Raft under cuts, held against the rows. Comparisons are of arms under one seed, and one family."""

from __future__ import annotations

from typing import Final

from experiments.cuts.arms import (
    ALL,
    BRIDGE,
    CALM,
    DEAF,
    FOLLOWER,
    NO_CHECK_QUORUM,
    NO_PRE_VOTE,
    NONE,
    PAIR,
    RING,
    SCENARIOS,
    TITLES,
    CutRow,
)
from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.results import Results
from experiments.statistics import at_most

__all__ = ["FAMILY", "check"]

FAMILY: Final = Family(compared=5)
_SERVED: Final = 0.98
#: Leaders that a cut may take into office before a group has settled.
_MOST: Final = 1

Rows = Results[CutRow]


def check(results: Rows) -> list[Finding]:
    """Availability and elections with all safeguards, and what goes wrong without each."""
    return [
        _safe(results),
        _available(results),
        _settles(results),
        _healed(results),
        _deaf(results),
        _pair(results),
        _bridge(results),
        _ring(results),
        _returning(results),
    ]


def _safe(results: Rows) -> Finding:
    rows = results.rows
    losing = sum(row.lost > 0 for row in rows)
    return Finding(
        claim="No acknowledged event is lost, whatever the cut and whichever safeguard is off: they are for being "
        "available",
        holds=not losing if rows else None,
        detail=f"runs with a loss: {at_most(losing, len(rows)) if rows else 'no run'}",
    )


def _available(results: Rows) -> Finding:
    rows = [row for scenario in SCENARIOS for row in results.at(scenario, ALL)]
    worst = min(rows, key=lambda row: row.settled_share, default=None)
    return Finding(
        claim="With all safeguards whoever is in reach is served through every cut, once the group has settled",
        holds=None if worst is None else worst.settled_share >= _SERVED,
        detail="no run"
        if worst is None
        else f"least share answered from four seconds into the cut on: "
        f"{worst.settled_share:.4f}, {TITLES[worst.scenario]}, seed {worst.seed}",
    )


def _settles(results: Rows) -> Finding:
    rows = [row for scenario in SCENARIOS for row in results.at(scenario, ALL)]
    most = max(rows, key=lambda row: row.elections, default=None)
    calm = [row.elections for row in results.at(CALM, ALL)]
    return Finding(
        claim="With all safeguards a cut leads to one election at most, and then to none",
        holds=None if most is None else most.elections <= _MOST and not any(calm),
        detail="no run"
        if most is None
        else f"most elections in one cut: {most.elections}, {TITLES[most.scenario]}, seed {most.seed}; without a cut: "
        f"{max(calm, default=0)}",
    )


def _healed(results: Rows) -> Finding:
    rows = [row for scenario in SCENARIOS for row in results.at(scenario, ALL)]
    disturbed = [row for row in rows if row.elections_healed]
    least = min((row.healed_share for row in rows), default=0.0)
    return Finding(
        claim="With all safeguards a heal disturbs nobody: no election follows it, and all are served",
        holds=not disturbed and least >= _SERVED if rows else None,
        detail=f"runs with an election after the heal: "
        f"{at_most(len(disturbed), len(rows)) if rows else 'no run'}; least "
        f"share answered after it: {least:.4f}",
    )


def _deaf(results: Rows) -> Finding:
    less = FAMILY.difference(results, DEAF, ALL, NO_CHECK_QUORUM, "settled_share")
    without = [row.settled_share for row in results.at(DEAF, NO_CHECK_QUORUM)]
    return Finding(
        claim="Without check-quorum a leader that does not hear stays in office for as long as it is heard, and "
        "serves nobody",
        holds=False if any(share > 1 - _SERVED for share in without) else FAMILY.above(less),
        detail=f"share answered once settled, with all less without it: {shown(less, '.3f')}; without it at most "
        f"{max(without, default=0.0):.3f}",
    )


def _pair(results: Rows) -> Finding:
    more = FAMILY.difference(results, PAIR, NONE, ALL, "elections")
    return Finding(
        claim="Without safeguards a follower that loses only the leader deposes it, whom all others hear; with "
        "them it waits",
        holds=False if any(row.elections for row in results.at(PAIR, ALL)) else FAMILY.above(more),
        detail=f"elections in the cut, with none of the safeguards less with all: {shown(more)}",
    )


def _bridge(results: Rows) -> Finding:
    less = FAMILY.difference(results, BRIDGE, ALL, NO_PRE_VOTE, "cut_share")
    return Finding(
        claim="Without pre-vote one member that reaches both halves carries terms from one to the other, and "
        "fewer are served",
        holds=FAMILY.above(less),
        detail=f"share answered in the cut, with all less without pre-vote: {shown(less, '.3f')}",
    )


def _ring(results: Rows) -> Finding:
    less = FAMILY.difference(results, RING, ALL, NONE, "cut_share")
    return Finding(
        claim="Without safeguards a ring serves fewer: whoever does not hear the leader stands against it",
        holds=FAMILY.above(less),
        detail=f"share answered in the cut, with all less with none: {shown(less, '.3f')}",
    )


def _returning(results: Rows) -> Finding:
    more = FAMILY.difference(results, FOLLOWER, NONE, ALL, "elections_healed")
    pre_vote = FAMILY.difference(results, FOLLOWER, NO_PRE_VOTE, ALL, "elections_healed")
    return Finding(
        claim="Without safeguards a follower that was alone deposes the leader when it comes back",
        holds=FAMILY.above(more),
        detail=f"elections after the heal, with none of the safeguards less with all: {shown(more)}; without pre-vote "
        f"alone: {shown(pre_vote)}",
    )
