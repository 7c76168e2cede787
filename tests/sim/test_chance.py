"""A name and a seed give a sequence, whoever else draws."""

from __future__ import annotations

import pytest

from sim.chance import Chance


def test_a_sequence_depends_on_seed_and_name_alone() -> None:
    alone = [Chance(7).draws("a").random() for _ in range(1)]
    chance = Chance(7)
    chance.draws("b").random()
    assert [chance.draws("a").random()] == alone
    assert [Chance(8).draws("a").random()] != alone
    assert [Chance(7).draws("c").random()] != alone


def test_known_values_hold_across_versions_and_machines() -> None:
    draws = Chance(1).draws("arrivals")
    assert [draws.random().hex() for _ in range(2)] == KNOWN


KNOWN = ["0x1.bceb2fddd3435p-1", "0x1.28d30a02cb82cp-1"]


def test_blocks_change_nothing_in_the_order() -> None:
    draws = Chance(3).draws("x")
    generator = Chance(3).generator("x")
    blocks = [*generator.random(8), *generator.random(16), *generator.random(32)]
    assert [draws.random() for _ in range(56)] == blocks


def test_shapes_stay_in_their_ranges() -> None:
    draws = Chance(5).draws("x")
    assert {draws.below(3) for _ in range(200)} == {0, 1, 2}
    assert {draws.between(-1, 1) for _ in range(200)} == {-1, 0, 1}
    assert all(2 <= draws.uniform(2, 3) < 3 for _ in range(100))
    assert all(draws.exponential(1.0) >= 0 for _ in range(100))
    assert {draws.pick([0.5, 0.5, 1.0]) for _ in range(200)} == {0, 2}


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        Chance(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to choose"):
        Chance(1).draws("x").below(0)
