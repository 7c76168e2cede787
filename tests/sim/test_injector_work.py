"""What a schedule costs: in proportion to what begins, ends and lives, never to its length at every change.

Counted are calls, of functions and of what is built in, so the claims hold on any machine.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from sim.faults import KINDS, Fault, Trigger, destroyed_copies
from sim.imports import OutageRules, read_outages
from tests.sim.test_injector import ABC, run


def calls(work: Callable[[], object]) -> int:
    """How many calls something makes, without those of watchers of the collector, which other tests may have set."""
    made = 0

    def seen(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return made


def outages(count: int, kind: str, **params: Any) -> tuple[Fault, ...]:
    """One after the other, a second each, the hosts in turn."""
    rows = "".join(f"{2 * n},{2 * n + 1},{'abc'[n % 3]}\n" for n in range(count))
    log = f"begin_s,end_s,endpoints\n{rows}"
    return tuple(fault for _, fault in read_outages(log, "log.csv", OutageRules(kind=kind, params=params)))


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("partition-full", {}),
        ("partition-flapping", {"period": "400ms"}),
        ("link-lossy", {"loss": 0.5}),
        ("host-pause", {}),
        ("power-loss", {}),
        ("disk-loss", {}),
    ],
)
def test_twice_as_many_outages_are_twice_the_work(kind: str, params: dict[str, Any]) -> None:
    short, long = (outages(count, kind, **params) for count in (200, 400))
    assert KINDS[kind].name == kind
    assert len([entry for entry in run(long) if entry[1] == "heal"]) == 400
    assert calls(lambda: run(long)) < 2.2 * calls(lambda: run(short))


def test_a_trigger_that_never_fires_costs_a_change_nothing() -> None:
    waiting = tuple(
        Fault(id=f"w{n}", kind="host-pause", targets=("a",), at=Trigger(point="p"), for_us=1) for n in range(1_000)
    )
    cuts = outages(100, "partition-full")
    alone, beside = calls(lambda: run(cuts)), calls(lambda: run((*cuts, *waiting)))
    # What is once done for each is its check and its place in the queue, whatever goes on.
    assert beside - alone == calls(lambda: run(waiting)) - calls(lambda: run(()))


def test_whether_all_copies_are_lost_is_seen_in_one_pass() -> None:
    short, long = (outages(count, "disk-loss") for count in (200, 400))
    copies = {"x": (0, 1), "y": (1, 2)}
    assert [line.partition(" of ")[0] for line in destroyed_copies(long, ABC, copies)] == ["every disk with a copy"] * 2
    more, less = (calls(lambda faults=faults: destroyed_copies(faults, ABC, copies)) for faults in (long, short))  # type: ignore[misc]
    assert more < 2.2 * less
