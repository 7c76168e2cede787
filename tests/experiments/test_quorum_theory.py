"""WARS by Monte Carlo, its estimators, its closed forms, and the store beside it on the same legs."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.quorums import store
from experiments.quorums.cells import closed_legs
from experiments.quorums.legs import DISK, SSD, WAN, YMMR, Leg, exponential, mixed, sample, tail
from experiments.quorums.visibility import Grid, first_step, nodes, quantile
from experiments.quorums.wars import Quorum, closed_form, latency, stale, trials
from sim.chance import Chance
from sim.latency import Constant, Pareto, Uniform


def rng(name: str) -> np.random.Generator:
    return Chance(11).afresh(name)


@pytest.mark.parametrize(
    "leg", [Constant(700), Uniform(200, 900), exponential(2), Pareto(1_050, 1.51), mixed(0.38, 1.05, 1.51, 0.183)]
)
def test_a_leg_is_the_same_in_numpy_and_in_the_world(leg: Leg) -> None:
    ours = np.sort(sample(leg, rng("ours"), (40_000,)))
    theirs = np.sort(np.array(leg.draw(rng("theirs"), 40_000)) / 1_000)
    for level in (0.1, 0.5, 0.9):
        at = ours[int(level * 40_000)]
        assert at == pytest.approx(theirs[int(level * 40_000)], rel=0.05, abs=0.001)
        assert float(tail(leg, np.array(at + 0.0004))) == pytest.approx(1 - level, abs=0.02) or isinstance(
            leg, Constant
        )


@pytest.mark.parametrize("legs", [SSD, DISK, YMMR, WAN], ids=["ssd", "disk", "ymmr", "wan"])
@pytest.mark.parametrize("quorum", [Quorum(3, 1, 1), Quorum(3, 2, 1), Quorum(3, 1, 2), Quorum(5, 2, 2)], ids=str)
def test_leaving_a_leg_free_measures_what_plain_simulation_does(legs: object, quorum: Quorum) -> None:
    seen = trials(rng("plain"), legs, quorum, 60_000)  # type: ignore[arg-type]
    pauses = [0.0, 1.0, 5.0, 40.0]
    free = stale(rng("free"), legs, quorum, 10_000, pauses)  # type: ignore[arg-type]
    for pause, chance in zip(pauses, free, strict=True):
        spread = 5 * (max(chance, 1e-4) / 60_000) ** 0.5
        assert (seen.visible > pause).mean() == pytest.approx(chance, abs=spread + 0.03 * chance)
    for write, plain in ((False, seen.read), (True, seen.write)):
        (ours,) = latency(rng("tail"), legs, quorum, 4_000, [0.99], write=write)  # type: ignore[arg-type]
        assert ours == pytest.approx(float(np.sort(plain)[59_400]), rel=0.08)


@pytest.mark.parametrize("quorum", [Quorum(2, 1, 1), Quorum(5, 2, 2), Quorum(10, 3, 3)], ids=str)
def test_the_closed_form_of_exponential_writes_is_what_plain_simulation_finds(quorum: Quorum) -> None:
    visible = trials(rng("closed"), closed_legs(), quorum, 100_000).visible
    for pause in (0.0, 5.0):
        expected = closed_form(quorum) * float(np.exp(-quorum.r * (pause + 0.002) / 10))
        assert (visible > pause).mean() == pytest.approx(expected, rel=0.03)


def test_overlapping_quorums_are_never_stale() -> None:
    assert trials(rng("strict"), DISK, Quorum(3, 2, 2), 20_000).visible.max() == 0
    assert stale(rng("strict"), DISK, Quorum(3, 3, 1), 10, [0.0]).tolist() == [0.0]


def test_a_quorum_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to N"):
        Quorum(3, 4, 1)


def test_the_quantile_is_where_a_power_law_says() -> None:
    pauses = nodes(1_000.0)
    curve = np.array([1.0, *(np.minimum(1.0, np.array(pauses[1:]) ** -1.5))])
    assert quantile(pauses, curve) == pytest.approx(100.0, rel=1e-6)
    assert quantile([0.0, 1.0], np.array([0.0005, 0.0001])) == 0.0


def test_the_first_step_that_passes_is_what_walking_the_grid_finds() -> None:
    pauses = nodes(200.0)
    curve = 0.5 * np.exp(-np.array(pauses) / 10)
    grid = Grid(0, 0.5, 150, reads=50_000)
    told = first_step(pauses, curve, grid, beyond=0.01)
    generator, found = rng("grid"), []
    for _ in range(400):
        steps = np.arange(0, 150, 0.5)
        seen = generator.binomial(50_000, 0.5 * np.exp(-steps / 10))
        found.append(float(steps[np.argmax(seen <= 50)]))
    assert np.mean(found) == pytest.approx(told.mean, abs=0.1)
    assert np.mean([told.low <= step <= told.high for step in found]) > 0.95
    assert told.mean < quantile(pauses, curve), "it is found too early"


@pytest.mark.parametrize("quorum", [Quorum(3, 1, 1), Quorum(3, 2, 2), Quorum(4, 2, 1), Quorum(2, 1, 2)], ids=str)
def test_the_store_does_what_wars_says_of_the_same_legs(quorum: Quorum) -> None:
    seen = store.probe(3, DISK, quorum, (0, 2_000), 60)
    expected = store.recursion(3, DISK, quorum, (0, 2_000), 60)
    assert (seen.read == expected.read).all()
    assert (seen.write == expected.write).all()
    assert (seen.fresh == expected.fresh).all()


def test_the_comparison_would_notice_a_store_that_waits_for_one_more() -> None:
    seen = store.probe(3, DISK, Quorum(3, 1, 2), (0,), 40)
    expected = store.recursion(3, DISK, Quorum(3, 1, 1), (0,), 40)
    assert (seen.write != expected.write).any()


def test_the_store_misses_versions_where_the_quorums_drawn_do_not_meet() -> None:
    seen = store.versions(5, Quorum(3, 1, 1), 3, 80)
    assert (seen.missed == seen.expected).all()
    assert {0.0, 1.0, 2.0, 3.0} == set(seen.missed.tolist())
