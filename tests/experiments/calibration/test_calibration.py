"""Scores are as they are defined, and what cannot be true is called so: phi and multiplied posteriors among it."""

from __future__ import annotations

from math import expm1, log

import numpy as np
import pytest

from experiments.calibration import Said, brier_skill, log_loss, reliability, silent_longer, verdict
from experiments.calibration.reliability import EDGES, bin_of, chance_of, logit
from models.confidence import explaining_away


def said(*samples: tuple[float, bool]) -> Said:
    return Said(chances=[chance for chance, _ in samples], outcomes=[so for _, so in samples])


def told(runs: int, samples: int, distort: float = 0.0) -> list[Said]:
    """Runs of samples whose chances vary widely; what is said is off by so much on the logit axis."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(runs):
        logits = rng.normal(-2, 2, size=samples)
        outcomes = rng.random(samples) < 1 / (1 + np.exp(-logits))
        found.append(Said(chances=[chance_of(x + distort) for x in logits.tolist()], outcomes=outcomes.tolist()))
    return found


def test_log_loss_by_hand() -> None:
    assert log_loss([said((0.8, True), (0.3, False))]) == pytest.approx(-(log(0.8) + log(0.7)) / 2)


def test_certainty_that_was_wrong_costs_much_and_not_everything() -> None:
    assert log_loss([said((0.0, True))]) == pytest.approx(-log(1e-9))


def test_who_always_says_the_base_rate_has_no_skill() -> None:
    assert brier_skill([said((0.25, True), (0.25, False), (0.25, False), (0.25, False))]) == pytest.approx(0)


def test_who_knows_has_all_skill_and_who_says_the_opposite_less_than_none() -> None:
    assert brier_skill([said((1.0, True), (0.0, False))]) == 1
    assert brier_skill([said((0.0, True), (1.0, False))]) < 0  # type: ignore[operator]


def test_there_is_no_skill_where_nothing_came() -> None:
    assert brier_skill([said((0.1, False))]) is None
    assert log_loss([]) is None


def test_bins_are_equal_on_the_logit_axis() -> None:
    assert bin_of(chance_of(EDGES[0] - 0.1)) == 0
    assert bin_of(0.5) == len(EDGES) // 2
    assert bin_of(1.0) == len(EDGES)
    assert logit(chance_of(3.0)) == pytest.approx(3.0)


def test_bars_of_consistency_hold_what_is_true() -> None:
    bins = reliability(told(40, 200))
    assert sum(one.samples for one in bins) == 8_000
    inside = [one.low <= one.came <= one.high for one in bins]
    assert sum(inside) >= len(inside) - 2


def test_what_is_true_can_be_true() -> None:
    assert verdict(told(40, 200)).calibrated is True


@pytest.mark.parametrize("distort", [-0.7, 0.7])
def test_what_is_off_by_a_factor_of_two_in_odds_is_caught(distort: float) -> None:
    assert verdict(told(40, 200, distort)).calibrated is False


def test_samples_that_share_a_fate_are_not_taken_for_independent() -> None:
    """In each run all samples come true or none does: bars alone would convict whoever is right."""
    rng = np.random.default_rng(1)
    runs = [Said(chances=[0.3] * 50, outcomes=[bool(rng.random() < 0.3)] * 50) for _ in range(20)]
    (one,) = reliability(runs)
    assert not one.low <= one.came <= one.high
    assert verdict(runs).calibrated is True


def test_a_small_chance_that_never_came_true_is_no_proof() -> None:
    assert verdict([Said(chances=[1e-5] * 20, outcomes=[False] * 20) for _ in range(10)]).calibrated is True


def test_too_few_runs_tell_nothing() -> None:
    assert verdict(told(3, 500, 3.0)).calibrated is None


def test_phi_read_as_a_probability_is_caught() -> None:
    """A heartbeat a second, one in ten lost, one host in fifty dead: phi takes each lost one for a death."""
    rng = np.random.default_rng(5)
    runs = []
    for _ in range(30):
        dead = rng.random(100) < 0.02
        silences = np.where(dead, rng.uniform(1, 5, 100), 1 + rng.geometric(0.9, 100) - rng.random(100))
        runs.append(
            Said(
                chances=[-expm1(-silence) for silence in silences.tolist()],
                outcomes=dead.tolist(),
                silences=silences.tolist(),
            )
        )
    assert verdict(silent_longer(runs)).calibrated is False


@pytest.mark.parametrize("multiplied", [False, True])
def test_posteriors_multiplied_along_the_path_are_caught(multiplied: bool) -> None:
    """Three silent hosts of one region: the closed form is right, the product of what each says alone is not."""
    region, host, hosts = 0.05, 0.1, 3
    together, alone = explaining_away(region, host, hosts), explaining_away(region, host, 1)
    chance = alone.region**hosts if multiplied else together.region
    rng = np.random.default_rng(9)
    runs = []
    for _ in range(60):
        down = rng.random(2_000) < region
        silent = down | (rng.random((2_000, hosts)) < host).all(axis=1)
        outcomes = down[silent].tolist()
        runs.append(Said(chances=[chance] * len(outcomes), outcomes=outcomes))
    assert verdict(runs).calibrated is not multiplied


def test_only_what_was_silent_for_longer_is_kept() -> None:
    run = Said(chances=[0.1, 0.2], outcomes=[False, True], silences=[0.5, 1.5])
    assert [list(one.chances) for one in silent_longer([run])] == [[0.2]]


def test_samples_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="1 chances, 0 outcomes"):
        Said(chances=[0.1], outcomes=[])
    with pytest.raises(ValueError, match=r"1\.5 is no chance"):
        Said(chances=[1.5], outcomes=[True])
    with pytest.raises(ValueError, match="no silences"):
        silent_longer([said((0.1, True))])
