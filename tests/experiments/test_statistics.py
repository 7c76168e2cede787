"""Intervals against closed forms, tables and what is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.statistics import (
    Interval,
    at_most,
    bootstrap_difference,
    clopper_pearson,
    format_interval,
    format_quantile,
    holm,
    paired_difference,
    paired_p_value,
    paired_test,
    quantile,
    rank_test,
    sign_test,
    t_interval,
    welch_test,
    zero_count_bound,
)


def test_t_interval_of_three_runs_by_the_table() -> None:
    # t(0.975, 2) = 4.30265, s = 1, n = 3
    interval = t_interval([1, 2, 3])
    assert interval.estimate == 2
    assert interval.high == pytest.approx(2 + 4.30265 / math.sqrt(3), rel=1e-5)
    assert interval.low == pytest.approx(2 - 4.30265 / math.sqrt(3), rel=1e-5)


def test_one_run_has_an_estimate_and_no_interval() -> None:
    interval = t_interval([7.0])
    assert (interval.estimate, interval.low, interval.high, interval.defined) == (7.0, None, None, False)
    assert interval.excludes(0) is None
    assert format_interval(interval) == "7 [no interval, n = 1]"


def test_a_run_that_never_ends_makes_the_mean_infinite() -> None:
    interval = t_interval([1.0, math.inf])
    assert interval.estimate == math.inf
    assert not interval.defined
    assert format_interval(interval, unit="s") == "never s [no interval, n = 2]"


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf]])
def test_what_has_no_mean_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no values|NaN|no mean"):
        t_interval(values)


def test_t_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    covered = 0
    for _ in range(2000):
        interval = t_interval(rng.normal(5.0, 2.0, size=6).tolist())
        covered += not interval.excludes(5.0)
    # Six standard errors of 0.95 over 2000 trials.
    assert abs(covered / 2000 - 0.95) < 6 * math.sqrt(0.95 * 0.05 / 2000)


def test_pairing_removes_what_both_arms_share() -> None:
    shared = [10.0, 200.0, 3000.0, 40000.0]
    better = [value + gain for value, gain in zip(shared, [1.0, 1.1, 0.9, 1.0], strict=True)]
    assert paired_difference(better, shared).excludes(0)
    assert not t_interval(better).excludes(t_interval(shared).estimate)


def test_arms_of_different_length_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="2 and 1 runs"):
        paired_difference([1, 2], [1])


def test_bootstrap_is_a_function_of_seed_and_name() -> None:
    first = [4.0 + math.sqrt(run) for run in range(15)]
    second = [1.0 + 0.1 * (run % 4) for run in range(15)]
    once = bootstrap_difference(first, second, seed=1, name="a")
    assert once == bootstrap_difference(first, second, seed=1, name="a")
    assert once != bootstrap_difference(first, second, seed=1, name="b")
    assert once.low is not None
    assert once.high is not None
    assert once.low < once.estimate < once.high
    by_t = paired_difference(first, second)
    assert by_t.high is not None
    # The percentile interval is the narrower of the two for so few runs, by no more than a third.
    assert 2 / 3 < (once.high - once.estimate) / (by_t.high - by_t.estimate) < 1


def test_p_value_agrees_with_the_interval() -> None:
    first, second = [1.0, 2.0, 3.0, 4.0], [0.5, 1.7, 3.2, 2.9]
    p_value = paired_p_value(first, second)
    assert p_value is not None
    at_p = paired_difference(first, second, confidence=1 - p_value)
    assert at_p.low == pytest.approx(0, abs=1e-9)
    assert paired_p_value([1.0], [0.0]) is None
    assert paired_p_value([1.0, 2.0], [1.0, 2.0]) == 1.0
    assert paired_p_value([2.0, 3.0], [1.0, 2.0]) == 0.0


def test_two_hundred_clean_seeds_leave_one_and_a_half_percent() -> None:
    assert zero_count_bound(200) == pytest.approx(0.01487, abs=5e-6)
    assert (1 - zero_count_bound(200)) ** 200 == pytest.approx(0.05)
    assert at_most(0, 200) == "0 of 200 (at most 1.5 %)"
    assert at_most(3, 200) == "3 of 200"


def test_clopper_pearson_inverts_the_binomial() -> None:
    interval = clopper_pearson(3, 10)
    assert (interval.low, interval.high) == (pytest.approx(0.06674, abs=1e-5), pytest.approx(0.65245, abs=1e-5))
    assert (clopper_pearson(0, 10).low, clopper_pearson(10, 10).high) == (0, 1)
    # One-sided 95 % is two-sided 90 %.
    assert clopper_pearson(0, 200, confidence=0.9).high == pytest.approx(zero_count_bound(200))
    with pytest.raises(ValueError, match="no proportion"):
        clopper_pearson(2, 1)


def test_holm_by_hand() -> None:
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert list(holm({"z": 0.9, "a": 0.8})) == ["z", "a"]
    assert holm({"z": 0.9, "a": 0.8}) == {"z": 1.0, "a": 1.0}
    assert holm({}) == {}
    with pytest.raises(ValueError, match="no probability"):
        holm({"a": 1.2})


def test_unanswered_operations_stand_at_infinity() -> None:
    answered = [float(ms) for ms in range(1, 91)]
    assert quantile(answered, 0.5, unanswered=10) == 50
    assert quantile(answered, 0.9, unanswered=10) == 90
    assert quantile(answered, 0.91, unanswered=10) == math.inf
    assert quantile([], 0.5, unanswered=1) == math.inf
    with pytest.raises(ValueError, match="undefined"):
        quantile([], 0.5)


def test_quantile_picks_the_rank_that_is_meant() -> None:
    assert quantile(list(range(1, 101)), 0.07) == 7
    assert quantile([3, 1, 2], 1) == 3


def test_a_latency_past_the_deadline_prints_as_such() -> None:
    assert format_quantile(math.inf, 2000) == "> 2000 ms"
    assert format_quantile(12.4, 2000) == "12 ms"


def test_interval_prints_with_its_ends() -> None:
    assert format_interval(Interval(estimate=1, low=0.5, high=1.5, n=3), ".2f", "s") == "1.00 [0.50, 1.50] s"


def test_paired_and_welch_tests_agree_with_scipy() -> None:
    from scipy.stats import ttest_ind, ttest_rel

    first, second = [1.0, 2.5, 3.0, 7.0], [2.0, 2.0, 4.5, 9.5]
    paired = ttest_rel(first, second)
    assert paired_test(first, second).p_value == pytest.approx(paired.pvalue)
    assert paired_test(first, second).interval.low == pytest.approx(paired.confidence_interval().low)
    welch = ttest_ind(first, second[:3], equal_var=False)
    found = welch_test(first, second[:3])
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.interval.high == pytest.approx(welch.confidence_interval().high)
    assert (found.interval.n, welch_test([1.0], second).p_value) == (7, None)


def test_without_any_spread_a_test_is_sure_unless_counts_are_rounded() -> None:
    assert paired_test([1.0, 1.0], [1.0, 1.0]).p_value == 1
    assert paired_test([2.0, 2.0], [1.0, 1.0]).p_value == 0
    rounded = paired_test([2.0] * 3, [1.0] * 3, least_variance=1 / 6).p_value
    # t = 1 / sqrt(1/18) = 4.243 with 2 degrees of freedom
    assert rounded == pytest.approx(0.0513, abs=1e-4)
    assert welch_test([2.0, 2.0], [1.0, 1.0]).p_value == 0


def test_order_is_compared_where_values_never_end() -> None:
    assert sign_test([math.inf] * 6, [1.0] * 6) == pytest.approx(2 / 64)
    assert sign_test([math.inf, 1.0], [math.inf, 1.0]) == 1
    # Exact by counting: 2 of the C(8, 4) = 70 orders are as extreme.
    assert rank_test([math.inf, 7.0, 8.0, 9.0], [1.0, 2.0, 3.0, 4.0]) == pytest.approx(2 / 70)
    assert rank_test([math.inf], [math.inf]) == 1
