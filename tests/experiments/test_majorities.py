"""What a connected majority owes while cuts last: runs written by hand, accepted and rejected."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.evidence import Evidence
from experiments.properties.majorities import majority_serves
from experiments.scenario import load
from sim.checkers import Outcome
from sim.faults import Encounter, Fault
from sim.history import History, Kind, Operation

S = 1_000_000
SCENARIO = load("raft_nemesis")
EAST, NORTH, WEST = (SCENARIO.topology.host(f"{region}/c1/h1").index for region in ("east", "north", "west"))
CLIENT = "north/clients/client1/client"


def fault(kind: str, *targets: str, at: float = 2, ends: float = 12, **params: Any) -> Encounter:
    made = Fault(
        id=f"{kind}-{at}", kind=kind, targets=targets, at=round(at * S), for_us=round((ends - at) * S), params=params
    )
    return Encounter(fault=made, ended_us=round(ends * S), grown={})


def run(*encounters: Encounter, served_s: float | None = None, asked_s: float = 8) -> Evidence:
    """One operation is asked for in vain, for a second; perhaps another is served."""
    history = History()
    rows = [(asked_s, 1, Kind.INVOKE), (asked_s + 1, 1, Kind.INFO)]
    if served_s is not None:
        rows += [(served_s - 0.1, 2, Kind.INVOKE), (served_s, 2, Kind.OK)]
    for t_s, op, kind in sorted(rows):
        history.append(round(t_s * S), CLIENT, Operation(op=op, kind=kind, f="deposit", key=1, value=1))
    return Evidence(
        scenario=SCENARIO,
        seed=0,
        history=history,
        encounters=encounters,
        groups={"bank-account-0": (EAST, NORTH, WEST)},
        utilisation={},
        network={},
        digest="",
    )


DEAF = fault("partition-one-way", "north/c1/h1", "west/c1/h1", to=("east/c1/h1",))


@pytest.mark.parametrize(
    "seen",
    [
        run(DEAF),
        run(fault("partition-full", "east")),
        run(fault("host-pause", "west")),
        run(fault("clock-jump", "north", by="1s")),
        run(DEAF, served_s=7.9),
    ],
)
def test_who_reaches_a_connected_majority_is_not_left_waiting(seen: Evidence) -> None:
    found = majority_serves(seen)
    assert found.outcome is Outcome.INVALID
    assert found.witness == (1,)
    assert "had been connected for 5 s at 8 s, and nobody was served" in found.reason


@pytest.mark.parametrize(
    "seen",
    [
        run(DEAF, served_s=8.5),  # somebody else was
        run(DEAF, asked_s=6),  # the cut is not so old
        run(DEAF, fault("host-slow", "west", at=4, ends=5, factor=3)),  # something ended a moment ago
        run(fault("partition-full", "north")),  # the client is cut off with a minority
        run(DEAF, fault("link-slow", "west", delay="1s")),  # no majority is whole
        run(fault("partition-flapping", "east", period="1s")),  # the cut comes and goes all the while
    ],
)
def test_what_no_majority_can_be_held_to_is_not_held_against_it(seen: Evidence) -> None:
    assert majority_serves(seen).outcome is Outcome.VALID


def test_of_several_shards_nothing_is_known() -> None:
    found = majority_serves(
        Evidence(scenario=SCENARIO, seed=0, groups={"a": (EAST,), "b": (WEST,)}, utilisation={}, network={}, digest="")
    )
    assert found.outcome is Outcome.UNKNOWN
