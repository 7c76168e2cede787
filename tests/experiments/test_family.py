"""Comparisons that are claimed together."""

from types import SimpleNamespace
from typing import Any

import pytest

from experiments.family import Family, paired, shown
from experiments.statistics import Interval


def test_all_intervals_of_a_family_hold_at_once() -> None:
    assert Family(compared=1).confidence == pytest.approx(0.95)
    assert Family(compared=5).confidence == pytest.approx(0.99)


def test_a_family_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="compared=0 is no family"):
        Family(compared=0)


@pytest.mark.parametrize(
    ("low", "high", "n", "above"),
    [
        (0.1, 0.3, 3, True),
        (-0.3, -0.1, 3, False),
        (-0.1, 0.3, 20, False),  # enough runs to have shown it
        (-0.1, 0.3, 9, None),  # too few to tell
        (0.0, 0.3, 20, False),
        (None, None, 1, None),
    ],
)
def test_a_difference_is_above_zero_only_if_its_interval_is(
    low: float | None, high: float | None, n: int, above: bool | None
) -> None:
    interval = Interval(estimate=0.2, low=low, high=high, n=n)
    assert Family(compared=2).above(interval) is above
    assert Family(compared=2).above(None) is None


def test_no_runs_are_shown_as_such() -> None:
    assert shown(None) == "no runs to compare"


class _Pairs:
    """Results of which only pairs are asked."""

    def __init__(self, *pairs: tuple[float | None, float | None]) -> None:
        self._pairs = [(SimpleNamespace(m=a), SimpleNamespace(m=b)) for a, b in pairs]

    def pairs(self, *_: str) -> Any:
        return self._pairs


@pytest.mark.parametrize(
    ("pairs", "left"),
    [
        ([(1.0, 0.5), (None, None), (2.0, 1.0)], ((1.0, 0.5), (2.0, 1.0))),  # the second run had nothing to measure
        ([(1.0, 0.5), (None, 0.5)], ()),  # and here one arm alone fell short
        ([(1.0, float("inf")), (1.0, 0.5)], ()),
        ([(None, None)], ()),
    ],
)
def test_a_run_without_a_value_in_either_arm_is_left_out_and_one_with_it_in_one_alone_forbids_a_mean(
    pairs: list[tuple[float | None, float | None]], left: tuple[tuple[float, float], ...]
) -> None:
    results: Any = _Pairs(*pairs)
    assert paired(results, "s", "a", "b", "m") == left
