"""How fast a copy grows old: learnt rates, held to the closed form and to drawn writes."""

from __future__ import annotations

import pytest
from numpy.random import PCG64, Generator

from models.confidence import freshness
from models.confidence.visible import Gamma, Rates
from models.confidence.visible.glimpses import Glimpses
from tests.models.confidence.visible.judging import binned

S = 1_000_000


def test_nothing_is_written_with_the_mean_over_what_the_rate_may_be() -> None:
    assert Gamma(1.0, 2.0).none(3 * S) == pytest.approx(2 / 5)
    assert Gamma(3.0, 2.0).none(3 * S) == pytest.approx((2 / 5) ** 3)


@pytest.mark.parametrize("silent_us", [0, S // 3, 2 * S, 10 * S])
def test_much_knowledge_leaves_the_closed_form(silent_us: int) -> None:
    rates = Rates(1, prior_per_s=1.0)
    rates.counted(7, 500_000)
    rates.watched(1_000_000 * S)
    assert rates.rate(7).none(silent_us) == pytest.approx(freshness(0.5, silent_us), rel=1e-4)


def test_a_key_of_which_nothing_was_counted_is_thought_like_the_others() -> None:
    rates = Rates(10, prior_per_s=5.0)
    for key in range(9):
        rates.counted(key, 100)
    rates.watched(100 * S)
    assert rates.rate(9).mean < 0.1 < 0.8 < rates.rate(3).mean < 1.1


def test_fewer_writes_and_less_time_than_before_are_no_news() -> None:
    rates = Rates(2, prior_per_s=1.0)
    rates.counted(1, 5)
    rates.watched(4 * S)
    before = rates.rate(1)
    rates.counted(1, 3)
    rates.watched(2 * S)
    assert (rates.rate(1), rates.writes) == (before, 5)


@pytest.mark.parametrize("alike", [1.0, 6.0])
def test_what_is_said_of_drawn_writes_comes_true_as_often(alike: float) -> None:
    """How much rates differ from key to key is not known; each is learnt for a while, then a silence is judged."""
    draws = Generator(PCG64(5))
    pairs = []
    for _ in range(300):
        keys = 8
        rates = Rates(keys, prior_per_s=0.5)
        true = [float(draws.gamma(alike, 0.5 / alike)) for _ in range(keys)]
        watched_s = float(draws.uniform(0, 30))
        for key, rate in enumerate(true):
            rates.counted(key, int(draws.poisson(rate * watched_s)))
        rates.watched(watched_s * S)
        for key, rate in enumerate(true):
            silent_s = float(draws.exponential(3.0))
            pairs.append((rates.rate(key).none(silent_s * S), bool(draws.random() < freshness(rate, silent_s * S))))
    bins = binned(pairs)
    assert len(bins) == 7
    assert [one for one in bins if not one.holds] == []


@pytest.mark.parametrize(("counts", "alike"), [((50, 50, 51, 49), True), ((150, 0, 0, 50), False)])
def test_how_alike_keys_are_is_learnt(counts: tuple[int, ...], alike: bool) -> None:
    rates = Rates(4, prior_per_s=1.0)
    for key, count in enumerate(counts):
        rates.counted(key, count)
    rates.watched(50 * S)
    likely = [weight for weight, _ in rates.rate(0).parts]
    assert (likely[-1] > likely[0]) is alike


@pytest.mark.parametrize(("asked", "hotter"), [((40, 4, 4, 4), True), ((4, 4, 4, 40), False)])
def test_questions_are_evidence_where_they_come_as_writes_do(asked: tuple[int, ...], hotter: bool) -> None:
    """Of a key that was asked for often, as the others whose writes are many were."""
    alone, beside = (Rates(4, prior_per_s=1.0) for _ in range(2))
    for rates in (alone, beside):
        for key, count in enumerate((30, 3, 3, 3)):
            rates.counted(key, count)
        rates.watched(3 * S)
    for key, count in enumerate(asked):
        for _ in range(count):
            beside.asked(key)
    likely = sum(weight for number, (weight, _) in enumerate(beside.rate(0).parts) if number % 2)
    assert (likely > 0.5) is hotter
    assert beside.rate(0).mean == pytest.approx(alone.rate(0).mean, rel=0.2)


def test_whoever_asks_meets_what_is_asked_for() -> None:
    """Keys are drawn by how hot they are, also to be judged; without counting that, what is said is too fresh."""
    draws = Generator(PCG64(6))
    said = blind = came = 0.0
    keys, watched_s, silent_s = 6, 8.0, 0.8
    for _ in range(150):
        true = draws.gamma(2.0, 0.5, size=keys)
        counting, ignoring = Rates(keys, prior_per_s=1.0), Rates(keys, prior_per_s=1.0)
        for rates in (counting, ignoring):
            rates.watched(watched_s * S)
        for key, writes in enumerate(draws.poisson(true * watched_s)):
            counting.counted(key, int(writes))
            ignoring.counted(key, int(writes))
        asked = draws.choice(keys, size=60, p=true / true.sum())
        for key in asked:
            counting.asked(int(key))
        said += sum(counting.rate(int(key)).none(silent_s * S) for key in asked[:10])
        blind += sum(ignoring.rate(int(key)).none(silent_s * S) for key in asked[:10])
        came += sum(freshness(float(true[key]), silent_s * S) for key in asked[:10])
    assert blind - came > 30
    assert abs(said - came) < 0.4 * (blind - came)


def test_bad_numbers_are_refused_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"keys=0[\s\S]*prior_per_s=0[\s\S]*worth=-1"):
        Rates(0, prior_per_s=0, worth=-1)


def test_what_is_only_glimpsed_is_counted_between_the_first_look_and_the_last() -> None:
    glimpses = Glimpses(prior_per_s=1.0)
    glimpses.saw("a", 40, 10 * S)
    assert glimpses.rate("a") == glimpses.rate("b"), "what was there before says nothing of how often"
    glimpses.saw("a", 46, 13 * S)
    glimpses.saw("a", 50, 20 * S, own=4)
    known = glimpses.rate("a")
    assert known.shape == 1 + 6
    assert known.inverse_scale_s == pytest.approx(11 / 7 + 10)
    assert glimpses.seen_us("a") == 20 * S


def test_writes_that_were_given_up_are_counted_anew() -> None:
    glimpses = Glimpses(prior_per_s=1.0)
    for count, at_s in ((10, 0), (20, 10), (5, 11), (7, 12)):
        glimpses.saw("a", count, at_s * S)
    assert glimpses.rate("a").shape == 1 + 10 + 2
    with pytest.raises(ValueError, match=r"prior_per_s=0\.0 is not above 0"):
        Glimpses(prior_per_s=0.0)


def test_glimpses_learn_the_rate_at_which_writes_were_drawn() -> None:
    rng, glimpses, at_us, count = Generator(PCG64(5)), Glimpses(prior_per_s=10.0), 0, 0
    for _ in range(400):
        pause_us = int(rng.exponential(0.5) * S)
        at_us, count = at_us + pause_us, count + int(rng.poisson(3.0 * pause_us / S))
        glimpses.saw(7, count, at_us)
    assert glimpses.rate(7).mean == pytest.approx(3.0, abs=4 * (3.0 / (at_us / S)) ** 0.5)
