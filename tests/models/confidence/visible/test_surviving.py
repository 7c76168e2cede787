"""Whether an acceptance survives the merge: the sum against its parts, and what is learnt against drawn merges."""

from __future__ import annotations

from math import comb

import pytest
from numpy.random import PCG64, Generator

from models.confidence.visible import Beta, Conflicts, Gamma, Rates, survives
from tests.models.confidence.visible.judging import binned

S = 1_000_000
EVEN = Beta(1.0, 1.0)


def test_without_silence_and_with_nothing_met_it_surely_survives() -> None:
    assert survives(Gamma(3.0, 1.0), Conflicts(EVEN), 0, 0) == 1.0


def test_what_is_met_decides_where_nothing_is_silent() -> None:
    conflicts = Conflicts(Beta(1.0, 3.0))
    assert survives(Gamma(3.0, 1.0), conflicts, 0, 0, met=2) == pytest.approx(0.75)


def test_one_chance_for_any_number_is_that_chance_times_that_of_meeting_any() -> None:
    rate, silent_us = Gamma(2.0, 4.0), 3 * S
    said = survives(rate, Conflicts(Beta(2.0, 3.0)), 0, silent_us)
    assert said == pytest.approx(1 - 0.4 * (1 - rate.none(silent_us)), abs=1e-9)


def test_the_sum_over_how_many_were_met() -> None:
    conflicts = Conflicts(EVEN, worth=1.0)
    for writes, times in ((1, 3), (2, 5), (9, 7)):
        for number in range(times):
            conflicts.merged(0, writes, reversed_=number % 3 == 0)
    rate, silent_s = Gamma(3.0, 2.0), 1.5
    share = silent_s / (rate.inverse_scale_s + silent_s)
    by_hand = sum(
        comb(count + 2, count) * (1 - share) ** 3 * share**count * (1 - conflicts.chance(0, count + 2))
        for count in range(300)
    )
    assert survives(rate, conflicts, 0, silent_s * S, met=2) == pytest.approx(by_hand, abs=1e-9)


def test_the_longer_the_others_are_silent_the_less_likely_it_survives() -> None:
    conflicts = Conflicts(EVEN)
    said = [survives(Gamma(1.0, 1.0), conflicts, 0, seconds * S) for seconds in range(60)]
    assert said == sorted(said, reverse=True)


def test_a_trial_counts_for_its_aggregate_most_and_for_all() -> None:
    conflicts = Conflicts(EVEN)
    before = conflicts.chance(1, 1)
    for _ in range(20):
        conflicts.merged(1, 1, reversed_=True)
    own, other, others_of_more = conflicts.chance(1, 1), conflicts.chance(2, 1), conflicts.chance(2, 64)
    assert before < others_of_more
    assert before < other < own


def test_what_met_nothing_teaches_nothing() -> None:
    conflicts = Conflicts(EVEN)
    conflicts.merged(1, 0, reversed_=True)
    assert (conflicts.chance(1, 1), conflicts.judged, conflicts.unexplained) == (0.5, 0, 1)


@pytest.mark.parametrize("prior", [Beta(8.0, 8.0), Beta(0.2, 1.8)])
def test_what_is_said_of_drawn_cuts_comes_true_as_often(prior: Beta) -> None:
    """Cut after cut, the other side writes as it pleases; each write takes an acceptance back by itself, or none does.

    Neither the rates nor the chance of a conflict are known at first; what earlier merges taught is all there is.
    """
    draws = Generator(PCG64(11))
    pairs: list[tuple[float, bool]] = []
    for _ in range(16):
        conflict, aggregates = float(draws.uniform(0.05, 0.5)), 5
        true = [float(draws.gamma(1.0, 0.4)) for _ in range(aggregates)]
        rates, conflicts = Rates(aggregates, prior_per_s=0.4), Conflicts(prior)
        watched_s = 0.0
        counts = [0] * aggregates
        for cut in range(45):
            silent_s = float(draws.exponential(4.0))
            for aggregate, rate in enumerate(true):
                writes = int(draws.poisson(rate * silent_s))
                back = bool(draws.random() < 1 - (1 - conflict) ** writes)
                if cut >= 15:
                    said = survives(rates.rate(aggregate), conflicts, aggregate, silent_s * S)
                    pairs.append((said, not back))
                conflicts.merged(aggregate, writes, reversed_=back)
                counts[aggregate] += writes
                rates.counted(aggregate, counts[aggregate])
            watched_s += silent_s
            rates.watched(watched_s * S)
    bins = binned(pairs, edges=(0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.01))
    assert len(bins) >= 5
    # Powers of two lump numbers of writes together, so a bin may miss by a little beyond chance.
    assert [one for one in bins if not one.low - 0.02 <= one.said <= one.high + 0.02] == []


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"harmed=0[\s\S]*worth=-1"):
        Conflicts(Beta(0.0, 1.0), worth=-1)
    with pytest.raises(ValueError, match=r"silent_us=-1[\s\S]*met=-2"):
        survives(Gamma(1.0, 1.0), Conflicts(EVEN), 0, -1, met=-2)
