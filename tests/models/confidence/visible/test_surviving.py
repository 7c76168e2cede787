"""Whether an acceptance survives the merge: the sum against its parts, and what is learnt against drawn merges."""

from __future__ import annotations

from math import comb

import pytest
from numpy.random import PCG64, Generator

from models.confidence.visible import Beta, Conflicts, Gamma, Hazards, Unheard, survives
from tests.models.confidence.visible.judging import binned

S = 1_000_000
EVEN = Beta(1.0, 1.0)


def harm(conflicts: Conflicts, moved: float = 0.0):  # type: ignore[no-untyped-def]
    return lambda writes: conflicts.chance(0, writes, moved)


def test_without_silence_and_with_nothing_met_it_surely_survives() -> None:
    assert survives(Gamma(3.0, 1.0), Unheard(0.0), harm(Conflicts(EVEN))) == 1.0


def test_what_is_met_decides_where_nothing_is_silent() -> None:
    conflicts = Conflicts(Beta(1.0, 3.0))
    assert survives(Gamma(3.0, 1.0), Unheard(0.0), harm(conflicts), met=2) == pytest.approx(0.75)


def test_one_chance_for_any_number_is_that_chance_times_that_of_meeting_any() -> None:
    rate = Gamma(2.0, 4.0)
    said = survives(rate, Unheard(3.0), harm(Conflicts(Beta(2.0, 3.0))))
    assert said == pytest.approx(1 - 0.4 * (1 - rate.none(3 * S)), abs=1e-9)


def test_the_first_comes_by_what_was_written_last() -> None:
    rate = Gamma(2.0, 4.0)
    said = survives(rate, Unheard(3.0, first=2.5), harm(Conflicts(Beta(2.0, 3.0))))
    assert said == pytest.approx(1 - 0.4 * (1 - rate.none(7.5 * S)), abs=1e-9)


def test_as_many_come_as_the_negative_binomial_says() -> None:
    """Where first and later writes come alike, the number of all is that of gamma rates; a few parts come close."""
    rate, silent_s = Gamma(3.0, 2.0), 1.5
    share = silent_s / (rate.inverse_scale_s + silent_s)
    for least in (1, 2, 4):
        by_hand = sum(comb(count + 2, count) * (1 - share) ** 3 * share**count for count in range(least, 300))
        said = survives(rate, Unheard(silent_s), lambda writes, least=least: float(writes >= least))
        assert 1 - said == pytest.approx(by_hand, abs=0.012)


def test_the_longer_the_others_are_silent_the_less_likely_it_survives() -> None:
    conflicts = harm(Conflicts(EVEN))
    said = [survives(Gamma(1.0, 1.0), Unheard(float(seconds)), conflicts) for seconds in range(60)]
    assert said == sorted(said, reverse=True)


def test_a_trial_counts_for_its_aggregate_most_and_for_all() -> None:
    conflicts = Conflicts(EVEN)
    before = conflicts.chance(1, 2)
    for _ in range(20):
        conflicts.merged(1, 2, reversed_=True)
    own, other, others_of_more = conflicts.chance(1, 2), conflicts.chance(2, 2), conflicts.chance(2, 64)
    assert before < others_of_more
    assert before < other < own


def test_what_was_decided_on_the_same_state_is_learnt_apart() -> None:
    conflicts = Conflicts(EVEN)
    for _ in range(9):
        conflicts.merged(1, 1, reversed_=True)
        conflicts.merged(2, 1, reversed_=False, moved=True)
    same, mixed, moved = (conflicts.chance(3, 1, moved) for moved in (0.0, 0.5, 1.0))
    assert same > 0.8 > 0.2 > moved
    assert mixed == pytest.approx((same + moved) / 2)


def test_trials_that_met_the_same_write_are_worth_three_at_most() -> None:
    alike, apart = Conflicts(EVEN), Conflicts(EVEN)
    for _ in range(300):
        alike.merged(1, 1, reversed_=True, first=7)
    for first in range(3):
        apart.merged(1, 1, reversed_=True, first=1 + first)
    assert alike.chance(2, 1) == pytest.approx(apart.chance(2, 1), abs=0.01)
    assert alike.chance(2, 1) < apart.chance(2, 1)


def test_what_met_nothing_teaches_nothing() -> None:
    conflicts = Conflicts(EVEN)
    conflicts.merged(1, 0, reversed_=True)
    assert (conflicts.chance(1, 1), conflicts.judged, conflicts.unexplained) == (0.5, 0, 1)


@pytest.mark.parametrize("prior", [Beta(2.0, 2.0), Beta(0.4, 3.6)])
def test_what_is_said_of_drawn_cuts_comes_true_as_often(prior: Beta) -> None:
    """Cut after cut, the other side writes as it pleases; each write takes an acceptance back by itself, or none does.

    Neither the rates nor the chance of a conflict are known at first; what earlier merges taught is all there is.
    """
    draws = Generator(PCG64(11))
    pairs: list[tuple[float, bool]] = []
    for _ in range(16):
        conflict, aggregates = float(draws.uniform(0.05, 0.5)), 5
        true = [float(draws.gamma(1.0, 0.4)) for _ in range(aggregates)]
        hazards, conflicts = Hazards(aggregates, prior_per_s=0.4), Conflicts(prior)
        watched_s = 0.0
        for cut in range(45):
            silent_s = float(draws.exponential(4.0))
            for aggregate, rate in enumerate(true):
                writes = int(draws.poisson(rate * silent_s))
                back = bool(draws.random() < 1 - (1 - conflict) ** writes)
                if cut >= 15:
                    by_number = lambda n, aggregate=aggregate: conflicts.chance(aggregate, n)  # noqa: B023, E731
                    said = survives(hazards.rate(aggregate), Unheard(silent_s, *_alike(hazards)), by_number)
                    pairs.append((said, not back))
                conflicts.merged(aggregate, writes, reversed_=back)
                for at_s in sorted(draws.uniform(watched_s, watched_s + silent_s, size=writes)):
                    hazards.wrote(aggregate, "Written", round(float(at_s) * S), knew=True)
            watched_s += silent_s
            hazards.watched(round(watched_s * S))
    bins = binned(pairs, edges=(0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.01))
    assert len(bins) >= 5
    # Powers of two lump numbers of writes together, so a bin may miss by a little beyond chance.
    assert [one for one in bins if not one.low - 0.02 <= one.said <= one.high + 0.02] == []


def _alike(hazards: Hazards) -> tuple[float, float]:
    return hazards.factor("Written"), hazards.later


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"harmed=0[\s\S]*worth=-1"):
        Conflicts(Beta(0.0, 1.0), worth=-1)
    with pytest.raises(ValueError, match=r"silent_s=-1[\s\S]*met=-2"):
        survives(Gamma(1.0, 1.0), Unheard(-1), harm(Conflicts(EVEN)), met=-2)
