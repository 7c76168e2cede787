"""The bounded counter keeps what its authors prove of it, and reads are spread evenly."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import SpaceSaving
from models.keyspace.hotkeys import Hot

streams = st.lists(st.integers(0, 12), max_size=120)


@given(streams, st.integers(1, 8))
def test_counts_are_never_too_low_and_too_high_by_n_over_m_at_most(stream: list[int], counters: int) -> None:
    counter, truth = SpaceSaving(counters), Counter(stream)
    for key in stream:
        counter.saw(key)
    found = counter.hottest(counters)
    assert len(found) == min(counters, len(truth))
    assert sum(one.times for one in found) == len(stream)
    for one in found:
        assert one.times - one.error <= truth[one.key] <= one.times
        assert one.error * counters <= len(stream)
    kept = {one.key for one in found}
    assert all(key in kept for key, times in truth.items() if times * counters > len(stream))
    assert all(truth[one.key] > 0.2 * len(stream) for one in counter.above(0.2))


@given(streams)
def test_with_a_counter_for_each_key_it_is_exact(stream: list[int]) -> None:
    counter = SpaceSaving(13)
    for key in stream:
        counter.saw(key)
    assert counter.hottest(13) == [
        Hot(key, times, 0) for key, times in sorted(Counter(stream).items(), key=lambda one: (-one[1], one[0]))
    ]


def test_the_least_counter_is_taken_over_by_who_comes() -> None:
    counter = SpaceSaving(2)
    for key in (1, 1, 2, 3):
        counter.saw(key)
    assert counter.hottest(2) == [Hot(1, 2, 0), Hot(3, 2, 1)]


def test_a_counter_counts_something() -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        SpaceSaving(0)
