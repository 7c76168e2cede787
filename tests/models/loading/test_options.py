"""How a handler loads, and what of it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.scenario import ScenarioError, load
from models.loading import LoadingOptions, Strategy, strategy_of
from sim.topology import at_service, pack_location

STORE = at_service(pack_location(1, 1, 1), "store")
KEEPER = at_service(pack_location(1, 1, 2), "keeper")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"strategy": Strategy.SPECULATIVE}, "speculative loading works on snapshots, and there are none"),
        ({"strategy": Strategy.OPTIMISTIC}, "optimistic loading works on snapshots"),
        ({"optimistic_below": 0.7, "consistent_above": 0.2}, "out of order"),
        ({"consistent_above": 1.2}, "out of order"),
        ({"weight": 0.0}, "learns nothing"),
        ({"snapshot_every": 3}, "hands snapshots to nobody"),
        ({"cache": -1}, "cache=-1 is negative"),
        ({"attempts": 0}, "attempts=0 is none"),
        ({"members": ((),)}, "there is no store to ask"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        LoadingOptions(**{"strategy": Strategy.CONSISTENT, "members": ((STORE,),)} | wrong)


def test_consistent_loading_needs_no_snapshots() -> None:
    assert LoadingOptions(strategy=Strategy.CONSISTENT, members=((STORE,),)).cache == 0


def test_a_strategy_goes_by_its_name() -> None:
    assert strategy_of("adaptive") is Strategy.ADAPTIVE
    with pytest.raises(ValueError, match="strategy='eager' is none"):
        strategy_of("eager")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cache": 0, "snapshot_every": 0}, "works on snapshots, and there are none"),
        (
            {"optimistic_below": 0.9, "consistent_above": 0.1, "shared": 2.0},
            r"(?s)shared = 2\.0: no share.*out of order",
        ),
    ],
)
def test_bad_input_is_refused_before_the_run(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        load("loading_calm").with_system(wrong)
