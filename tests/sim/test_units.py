"""Quantities at the edge: what is read, what is refused, what is printed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.units import bytes_per_s, duration_us, format_us, rate_per_s, size_bytes
from sim.wording import nearest, way_to


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("0s", 0),
        ("1us", 1),
        ("80ms", 80_000),
        ("1.5 s", 1_500_000),
        ("43s", 43_000_000),
        ("5min", 300_000_000),
        ("24h", 86_400_000_000),
        ("0.1s", 100_000),
        ("0.000001s", 1),
    ],
)
def test_durations_become_whole_microseconds(text: str, us: int) -> None:
    assert duration_us(text) == us


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("43", "without a unit; add one of us, ms, s, min, h"),
        (43, "without a unit; write a text"),
        (0.5, "without a unit; write a text"),
        ("", "is not a duration"),
        ("soon", "is not a duration"),
        ("1e3s", "is not a duration|unknown unit"),
        (True, "is not a duration"),
        (None, "is not a duration"),
        ("43 sec", "unknown unit 'sec'"),
        ("43S", "unknown unit 'S'"),
        ("-1s", "negative"),
        ("0.5us", "no whole number of us"),
        ("٣s", "is not a duration"),
        ("1s\n", "unknown unit"),
    ],
)
def test_a_bad_duration_is_refused_with_its_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        duration_us(text)


def test_rates_are_per_second() -> None:
    assert [rate_per_s(text) for text in ("300/s", "30/min", "3600/h")] == [300.0, 0.5, 1.0]


@pytest.mark.parametrize("text", ["300", "300s", "-1/s", "300/d", 300])
def test_a_bad_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|unit|negative"):
        rate_per_s(text)


def test_sizes_know_both_families_of_prefixes() -> None:
    assert [size_bytes(t) for t in ("1B", "64KiB", "64kB", "1.5 MiB")] == [1, 65536, 64000, 1572864]
    with pytest.raises(ValueError, match="no whole number of B"):
        size_bytes("1.5B")


def test_a_duration_is_printed_in_its_natural_unit() -> None:
    printed = [format_us(us) for us in (0, 20, 1_500, 80_000, 43_000_000, 300_000_000, -5)]
    assert printed == ["0 s", "20 us", "1.5 ms", "80 ms", "43 s", "5 min", "-5 us"]


@given(st.integers(0, 10**14))
def test_a_printed_duration_reads_back_exactly(us: int) -> None:
    assert duration_us(format_us(us)) == us


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("US-East-1", ["us-east-1", "us-west-2"]) == "us-east-1"
    assert nearest("zzz", ["us-east-1"]) is None
    assert way_to("zzz", ["b", "a"]) == "known: a, b"
    assert way_to("targts", ["targets"]) == "did you mean 'targets'?"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1B/s", 1), ("1GiB/s", 2**30), ("1.5 MB/s", 1_500_000), ("10Gbit/s", 1_250_000_000), ("8bit/s", 1)],
)
def test_a_bandwidth_is_bytes_a_second(text: str, rate: int) -> None:
    assert bytes_per_s(text) == rate


@pytest.mark.parametrize("text", ["4bit/s", "0B/s", "1GB", "-1B/s", "fast", "0.5B/s"])
def test_a_bandwidth_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        bytes_per_s(text)
