"""What the bench of the checkers measures is what it says: histories of one true copy, and spoilt ones."""

from __future__ import annotations

import pytest

from experiments.bench._histories import Load, appended, hostile, recorded, spoil
from sim.checkers import SPECIFICATIONS, Budget, Outcome, linearizable, well_formed
from sim.checkers.streams import append_only
from sim.history import Kind

LOADS = {
    "register": Load(spec=SPECIFICATIONS["register"], operations=60, clients=5, keys=3),
    "cas-register": Load(
        spec=SPECIFICATIONS["cas-register"],
        operations=60,
        clients=5,
        mix=("read", "write", "cas"),
        values=5,
        lost=0.1,
    ),
}


@pytest.mark.parametrize("load", LOADS.values(), ids=list(LOADS))
def test_histories_of_one_copy_are_linearizable_until_they_are_spoilt(load: Load) -> None:
    seeds = range(5)
    assert all(linearizable(recorded(load, seed), load.spec).valid for seed in seeds)
    assert any(not linearizable(spoil(recorded(load, 1), seed), load.spec).valid for seed in range(20))


def test_a_history_is_the_same_at_every_call_and_its_clients_do_one_thing_at_a_time() -> None:
    load = LOADS["cas-register"]
    history = recorded(load, 3)
    assert history == recorded(load, 3)
    assert well_formed(history).valid
    busy: set[str] = set()
    for row in history:
        assert (row.client in busy) == (row.kind is not Kind.INVOKE)
        busy ^= {row.client}


def test_the_hostile_history_has_everybody_waiting_at_once() -> None:
    history = hostile(50, 7)
    assert [row.kind for row in history] == [Kind.INVOKE] * 50 + [Kind.OK] * 50
    verdict = linearizable(history, SPECIFICATIONS["register"], Budget(states=10_000))
    assert verdict.outcome is Outcome.UNKNOWN


def test_appended_streams_are_append_only() -> None:
    assert append_only(appended(300, 7, 1)).valid
