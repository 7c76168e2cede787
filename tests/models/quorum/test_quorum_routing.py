"""A quorum that asks no more replicas than it needs chooses them by who answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from experiments.measures import carry_out
from experiments.scenario import Scenario, build, load, parse
from sim.history import Kind


def of(**system: object) -> Scenario:
    document: dict[str, Any] = dict(load("handoff_lost").document)
    fault = {"id": "dead", "kind": "process-crash", "targets": ["east/c1/h3"], "at": "4s"}
    options = {"r": 2, "w": 2, "sloppy": False, "repair": "blocking", "fanout": "quorum", **system}
    workload = {**document["workload"], "deadline": "2s", "attempt_timeout": "2s"}
    changed = {"system": {**document["system"], **options}, "workload": workload, "fault": [fault], "property": []}
    return parse(document | changed, name="routed")


def run(scenario: Scenario) -> tuple[Counter[int], list[int]]:
    """How often each replica was passed over, and how long each operation after the death took, microseconds."""
    world, system = build(scenario, 1)
    detours: Counter[int] = Counter()
    world.on_note("detour", lambda t_us, location, value: detours.update([int(value)]))
    seen = carry_out(world, system, scenario, 1)
    pairs = [(one, done) for one, done in seen.history.pairs() if one.t_us >= 5_000_000 and one.session[0] == "s"]
    return detours, [done.t_us - one.t_us for one, done in pairs if done is not None and done.kind is Kind.OK]


def test_a_replica_that_died_is_asked_last_and_operations_wait_for_it_no_more() -> None:
    blind, took = run(of())
    routed, sooner = run(of(detector="fixed:300ms"))
    assert not blind
    assert set(routed) == {2}
    waited = [sum(us > 200_000 for us in times) for times in (took, sooner)]
    assert waited[0] > 5 * waited[1]


def test_where_all_are_asked_at_once_a_detector_has_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="set sloppy = true, or fanout = 'quorum'"):
        of(fanout="all", detector="fixed")
