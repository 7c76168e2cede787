"""Delay samples from CSV."""

from __future__ import annotations

import pickle

import pytest

from sim.imports import MalformedRows, read_delay_samples


def test_one_column_is_enough() -> None:
    assert read_delay_samples("delay_ms\n1\n2.5\n0\n", "d.csv") == {None: (1_000, 2_500, 0)}


def test_round_trips_are_halved_and_fractions_rounded() -> None:
    assert read_delay_samples("rtt_us,host\n101.4,x\n7.5,y\n", "d.csv") == {None: (50, 4)}


def test_samples_of_several_links_are_told_apart() -> None:
    text = "from,to,delay_us\na,b,10\nb,a,11\na,b,12\n"
    assert read_delay_samples(text, "d.csv") == {("a", "b"): (10, 12), ("b", "a"): (11,)}


def test_a_round_trip_measured_from_one_side_alone_serves_both_ways() -> None:
    """Of 400 ms: a delay of 200 ms there and of something else back would make another round trip of it."""
    text = "from,to,rtt_ms\na,b,400\nb,c,10\nc,b,20\n"
    both = {("a", "b"): (200_000,), ("b", "a"): (200_000,), ("b", "c"): (5_000,), ("c", "b"): (10_000,)}
    assert read_delay_samples(text, "d.csv") == both


def test_every_malformed_row_is_told_at_once() -> None:
    with pytest.raises(MalformedRows) as refused:
        read_delay_samples("from,to,delay_us\na,b,ten\na,a,1\na,,-1\na,b\n", "d.csv")
    assert str(refused.value).splitlines() == [
        'd.csv: line 2: delay_us = "ten": not a number; write one of at least 0, as in 72.7',
        "d.csv: line 3: from = to = a: a region's delay to itself is the tiers' matter; leave the row out",
        'd.csv: line 4: delay_us = "-1": negative; write one of at least 0, as in 72.7',
        'd.csv: line 4: to = "": cannot name a region, being empty or with / or *; rename it',
        'd.csv: line 5: "a,b": has 2 cells under 3 titles; give each title one cell',
    ]
    assert pickle.loads(pickle.dumps(refused.value)).problems == refused.value.problems


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("delay\n1\n", "no column is called one of delay_us, delay_ms, delay_s, rtt_us, rtt_ms, rtt_s"),
        ("from,delay_ms\na,1\n", "no column is called to"),
        ("1\n2\n", "no column is called one of"),
        ("delay_ms,rtt_ms\n1,2\n", "more than one column"),
    ],
)
def test_a_file_without_the_columns_is_refused(text: str, told: str) -> None:
    with pytest.raises(MalformedRows, match=told):
        read_delay_samples(text, "d.csv")
