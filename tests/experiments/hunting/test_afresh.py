"""Where leaving out comes to rest at much, other times and other schedules lead to less."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from experiments.hunting import Trial, shrink, try_out
from experiments.hunting.afresh import MOST_FAULTS, MOST_OPERATIONS, in_the_small
from experiments.hunting.retimed import by_the_clock, merged_faults, shifted_faults
from experiments.nemesis import with_nemesis
from experiments.scenario import Scenario, ScenarioError, load, parse
from sim.nemesis import Knobs, Mode
from sim.units import duration_us
from tests.experiments.hunting.scenes import STALE

BROKEN = Path(__file__).parents[2] / "broken"
CUT: dict[str, Any] = {"kind": "partition-full", "targets": ["a"]}


def document_with(*faults: dict[str, Any]) -> dict[str, Any]:
    return tomllib.loads(STALE) | {"fault": [{"id": f"f{number}"} | fault for number, fault in enumerate(faults)]}


def told(document: dict[str, Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(f["kind"], f["at"], f.get("for", ""), tuple(f["targets"])) for f in document["fault"]]


def read(document: dict[str, Any]) -> Scenario | None:
    try:
        return parse(document, name="stale")
    except ScenarioError:
        return None


def test_two_faults_become_one_that_spans_both() -> None:
    pause = {"kind": "host-pause", "targets": ["b/c1/h1"]}
    document = document_with(CUT | {"at": "1s", "for": "1s"}, pause | {"at": "4s", "for": "500ms"})
    merged = [told(one) for one in merged_faults(document)]
    assert merged == [
        [("partition-full", "1 s", "3.5 s", ("a",))],
        [("partition-full", "1 s", "3.5 s", ("a", "b/c1/h1"))],
        [("host-pause", "1 s", "3.5 s", ("b/c1/h1",))],
        [("host-pause", "1 s", "3.5 s", ("b/c1/h1", "a"))],
    ]


def test_what_waits_for_an_event_or_has_no_end_is_not_merged() -> None:
    waiting = CUT | {"at": {"point": "C1"}, "for": "1s"}
    jump = {"kind": "clock-jump", "targets": ["a/c1/h1"], "at": "2s", "params": {"by": "1s"}}
    assert list(merged_faults(document_with(waiting, jump, CUT | {"at": "3s"}))) == []


def test_a_fault_at_the_nth_time_of_something_may_begin_by_the_clock_instead() -> None:
    at = {"point": "C1", "nth": 10}
    document = document_with({"kind": "process-crash", "targets": ["@here"], "at": at, "for": "1s"})
    timed = [told(one) for one in by_the_clock(document, {"f0": (2_000_001, ("b/c1/h1",))})]
    assert [at for [(_, at, _, _)] in timed] == ["2.000001 s", "2.000002 s", "2.001001 s"]
    assert {targets for [(_, _, _, targets)] in timed} == {("b/c1/h1",)}
    assert list(by_the_clock(document, {})) == [], "it did not strike"


def test_all_faults_are_shifted_together_and_later_only_where_that_takes_no_time_from_anybody() -> None:
    document = document_with(CUT | {"at": "20ms", "for": "1s"}, CUT | {"at": "4s"}, CUT | {"at": {"point": "C1"}})
    shifted = [[fault["at"] for fault in one["fault"]] for one in shifted_faults(document, later=True)]
    assert shifted[:3] == [
        ["10 ms", "3.99 s", {"point": "C1"}],
        ["30 ms", "4.01 s", {"point": "C1"}],
        ["50 ms", "4.03 s", {"point": "C1"}],
    ]
    assert [[fault["at"] for fault in one["fault"]] for one in shifted_faults(document, later=False)] == shifted[:1]


def small(count: int, **changes: Any) -> tuple[list[dict[str, Any]], Knobs]:
    scenario, knobs = with_nemesis(parse(tomllib.loads(STALE), name="stale"), 0)
    origin = dict(scenario.document)
    load = origin["workload"] | {"accounts": 1, "ends": "2s", "only": [1]}
    least = origin | {"workload": load, "run": {"until": "3s"}, "fault": origin["fault"][: MOST_FAULTS + 1]}
    return list(islice(in_the_small(origin, least, replace(knobs, **changes), read), count)), knobs


def test_in_the_small_few_faults_strike_a_small_world_under_the_whole_load_and_heal_in_time() -> None:
    documents, knobs = small(60)
    assert documents == small(60)[0]
    assert len({str(document["fault"]) for document in documents}) == 60
    for document in documents:
        scenario = read(document)
        assert scenario is not None
        assert 0 < len(scenario.faults) <= MOST_FAULTS
        assert scenario.workload.accounts == 1
        assert (scenario.until_us, scenario.workload.ends_us, scenario.workload.only) == (20_000_000, 12_000_000, None)
        timed = [fault for fault in document["fault"] if isinstance(fault["at"], str) and "for" in fault]
        ends = [duration_us(fault["at"]) + duration_us(fault["for"]) for fault in timed]
        assert max(ends, default=0) <= knobs.ends_us


def test_nothing_is_drawn_anew_where_a_core_is_claimed() -> None:
    assert small(1, mode=Mode.CORE.value)[0] == []


def test_a_catch_that_hangs_on_an_instant_shrinks_to_what_a_reader_takes_in() -> None:
    hasty = load(str(BROKEN / "registers.toml")).with_system({"factory": "tests.broken.log_dropped_early:system"})
    drawn, knobs = with_nemesis(hasty, 46)
    shrunk = shrink(drawn, 46, "linearizable", knobs=knobs)
    assert shrunk.before.operations > 100
    assert shrunk.after.faults <= MOST_FAULTS
    assert shrunk.after.operations <= MOST_OPERATIONS
    assert shrunk.whole


def test_what_is_hunted_again_does_not_depend_on_how_many_runs_are_carried_out_at_once() -> None:
    hasty = load(str(BROKEN / "registers.toml")).with_system({"factory": "tests.broken.log_dropped_early:system"})
    drawn, knobs = with_nemesis(hasty, 46)

    def several(scenarios: Sequence[Scenario]) -> Iterator[Trial]:
        return iter([try_out(scenario, 46, scenario.properties) for scenario in scenarios])

    one = shrink(drawn, 46, "linearizable", knobs=knobs, runs=240)
    four = shrink(drawn, 46, "linearizable", knobs=knobs, runs=240, side_by_side=4, runner=several)
    assert one.after.operations > MOST_OPERATIONS, "so it was hunted again"
    assert (four.scenario.document, four.runs, four.afresh) == (one.scenario.document, one.runs, one.afresh)
