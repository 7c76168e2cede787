"""Delta debugging finds what is needed, and nothing besides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.hunting.ddmin import ddmin


def first_with(needed: Callable[[list[int]], bool], tried: list[list[int]]) -> Callable[[list[list[int]]], int | None]:
    def first(lists: list[list[int]]) -> int | None:
        for index, some in enumerate(lists):
            tried.append(some)
            if needed(some):
                return index
        return None

    return first


@pytest.mark.parametrize("needed", [set(), {3}, {0, 7}, {1, 4, 6}, set(range(8))])
def test_what_is_needed_together_is_all_that_is_left(needed: set[int]) -> None:
    assert ddmin(range(8), first_with(lambda some: needed <= set(some), [])) == sorted(needed)


def test_of_two_reasons_one_is_left() -> None:
    assert ddmin(range(8), first_with(lambda some: 2 in some or {5, 6} <= set(some), [])) == [2]


@given(st.sets(st.integers(0, 30), max_size=8))
def test_the_result_is_one_minimal_even_where_more_is_not_worse(needed: set[int]) -> None:
    def fails(some: list[int]) -> bool:  # not monotone: an odd number of the needed ones
        return len(needed & set(some)) % 2 == 1

    if not fails(list(range(31))):
        return
    left = ddmin(range(31), first_with(fails, []))
    assert fails(left)
    assert not any(fails([item for item in left if item != without]) for without in left)


def test_it_takes_a_logarithm_of_tries_for_a_single_needle() -> None:
    tried: list[list[int]] = []
    ddmin(range(1_024), first_with(lambda some: 700 in some, tried))
    assert len(tried) <= 2 * 10 + 2
