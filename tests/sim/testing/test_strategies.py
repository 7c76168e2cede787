"""What the strategies draw is valid whatever the topology, reaches every kind, and shrinks to something small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from sim.faults import KINDS, Fault, Marks, Trigger, check_schedule, check_triggers
from sim.testing.strategies import faults, schedules, topologies
from sim.topology import Topology, grid

WORLD = grid(["a", "b", "c"], clusters=1, hosts=2, cores=1, clients=1, racks=2)
MARKS = {
    host.path: Marks(points=frozenset({"C7"}), notes=frozenset({"role=leader"}))
    for host in WORLD.hosts
    if not host.client
}
END_US = 1_000_000
QUICK = settings(max_examples=300, database=None, derandomize=True)


@given(st.data(), topologies(max_clients=2), st.booleans(), st.sampled_from([2_000, 999_999, 60_000_000]))
def test_every_schedule_is_valid(data: Any, topology: Topology, heal: bool, window_us: int) -> None:
    marks = {host.path: Marks(points=frozenset({"C7"}), notes=frozenset({"size"})) for host in topology.hosts}
    ends_us = 5 + window_us
    found = data.draw(schedules(topology, begins_us=5, ends_us=ends_us, heal=heal, marks=marks))
    check_schedule(found, topology)
    check_triggers(found, marks, topology)
    assert [fault.id for fault in found] == [f"f{n}" for n in range(len(found))]
    for fault in found:
        last = fault.at if isinstance(fault.at, int) else fault.at.until_us
        assert isinstance(fault.at, Trigger) or 5 <= fault.at < ends_us
        if heal:
            assert last is not None
            assert fault.for_us is not None
            assert last + fault.for_us <= ends_us


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind: str) -> None:
    one = settings(max_examples=5, phases=[Phase.generate], database=None, derandomize=True)
    assert find(faults(WORLD, ends_us=END_US, marks=MARKS, kinds={kind}), lambda _: True, settings=one).kind == kind


@pytest.mark.parametrize("kind", ["partition-ring", "power-loss", "link-held", "region-destroyed"])
def test_what_breaks_by_one_fault_shrinks_to_that_one(kind: str) -> None:
    small = find(
        schedules(WORLD, ends_us=END_US, marks=MARKS),
        lambda found: any(fault.kind == kind for fault in found),
        settings=QUICK,
    )
    assert [fault.kind for fault in small] == [kind]
    assert (small[0].id, small[0].at, small[0].for_us) == ("f0", 0, None if kind == "region-destroyed" else 1)
    assert len(small[0].targets) == {"partition-ring": 4}.get(kind, 1)


def test_a_schedule_that_may_be_anything_shrinks_to_nothing() -> None:
    assert find(schedules(WORLD, ends_us=END_US), lambda _: True, settings=QUICK) == ()
    assert repr(find(topologies(), lambda _: True, settings=QUICK)) == "Topology(1 hosts in a)"
    assert len(find(topologies(), lambda t: len(t.regions) >= 2 and len(t.hosts) >= 4, settings=QUICK).hosts) == 4


def test_some_faults_wait_and_strike_where_it_happened() -> None:
    def waits(found: tuple[Fault, ...]) -> bool:
        return any(isinstance(f.at, Trigger) and f.at.note is not None and f.targets == ("@here",) for f in found)

    (fault,) = find(schedules(WORLD, ends_us=END_US, marks=MARKS), waits, settings=QUICK)
    assert fault.kind == "host-pause"
    assert isinstance(fault.at, Trigger)
    assert (fault.at.nth, fault.at.host, fault.at.since_us) == (1, None, 0)


def test_only_what_was_asked_for_is_drawn_and_what_cannot_be_is_refused() -> None:
    lonely = grid(["a"], clusters=1, hosts=1, cores=1, clients=0)
    found = find(faults(lonely, ends_us=END_US, kinds={"partition-full", "disk-slow"}), lambda _: True)
    assert found.kind == "disk-slow"
    with pytest.raises(ValueError, match="make no sense here"):
        find(faults(lonely, ends_us=END_US, kinds={"partition-full"}), lambda _: True)
    with pytest.raises(ValueError, match="no time for faults"):
        find(faults(WORLD, ends_us=100), lambda _: True)


def test_the_fake_context_does_not_need_hypothesis() -> None:
    code = (
        "import sys\nsys.modules['hypothesis'] = None\nfrom sim.testing import FakeContext\nFakeContext()\n"
        "try:\n    import sim.testing.strategies\nexcept ImportError:\n    print('not there')"
    )
    root = Path(__file__).resolve().parents[3]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "not there"
