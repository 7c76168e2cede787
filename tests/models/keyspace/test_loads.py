"""Loads as reports tell them: fresh ones count for more, silent servers for nothing."""

from __future__ import annotations

import pytest

from models.keyspace.loads import Loads
from models.keyspace.words import Report


def report(server: int, **asked: int) -> Report:
    counts = tuple((int(name[1:]), times) for name, times in asked.items())
    return Report(server=server, version=1, window_us=500_000, asked=counts, hot=counts, complete=())


def test_the_first_report_is_taken_at_its_word() -> None:
    loads = Loads()
    loads.take(report(0, p5=10), 0)
    assert loads.now(0) == ({5: 20.0}, {5: 20.0})


def test_servers_add_up_and_older_reports_fade() -> None:
    loads = Loads()
    loads.take(report(0, p5=10), 0)
    loads.take(report(1, p5=5), 0)
    loads.take(report(0), 500_000)
    assert loads.now(500_000)[0][5] == pytest.approx(0.7 * 20 + 10)


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    loads = Loads()
    loads.take(report(0, p5=1), 0)
    for turn in range(20):
        loads.take(report(0), turn * 500_000)
    assert loads.now(10_000_000) == ({}, {})


def test_who_is_silent_for_long_is_not_counted() -> None:
    loads = Loads()
    loads.take(report(0, p5=10), 0)
    loads.take(report(1, p6=10), 4_000_000)
    assert loads.now(4_000_000)[0] == {6: 20.0}
