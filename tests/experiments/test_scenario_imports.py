"""`[[fault]] import`: a log of outages as part of a scenario."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest

from experiments.scenario import Scenario, ScenarioError, parse
from tests.experiments.test_scenario_mistakes import GOOD, KNOWN

LOG = "begin,end,endpoints\n1s,2s,a\n3s,4s,a | b\n"


def document(*faults: dict[str, Any]) -> dict[str, Any]:
    made = deepcopy(GOOD)
    made["fault"] = list(faults)
    return made


def read(log: str, *faults: dict[str, Any]) -> Scenario:
    return parse(document(*faults), name="x", properties=KNOWN, beside={"log.csv": log})


def lines(log: str, *faults: dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        read(log, *faults)
    return [line.removeprefix("(memory): ") for line in refused.value.lines()]


def test_a_log_stands_among_other_faults() -> None:
    scenario = read(LOG, GOOD["fault"][0], {"import": "log.csv", "id": "log", "at": "500ms"})
    assert [(f.id, f.kind, f.targets, f.at, f.for_us) for f in scenario.faults] == [
        ("cut", "partition-full", ("a",), 1_000_000, 2_000_000),
        ("log-2", "partition-full", ("a",), 1_500_000, 1_000_000),
        ("log-3", "partition-partial", ("a",), 3_500_000, 1_000_000),
    ]
    assert scenario.faults[2].params == {"against": ("b",)}
    assert pickle.loads(pickle.dumps(scenario)).faults == scenario.faults


def test_dates_take_an_origin() -> None:
    log = "begin,end,endpoints\n2018-10-21T22:52:10Z,2018-10-21T22:52:11Z,a\n"
    assert read(log, {"import": "log.csv"}).faults[0].at == 0
    assert read(log, {"import": "log.csv", "origin": "2018-10-21T22:52:05Z"}).faults[0].at == 5_000_000


def test_a_kind_and_its_parameters_hold_for_every_row() -> None:
    (fault,) = read(
        "begin,end,endpoints\n1s,2s,a\n", {"import": "log.csv", "kind": "power-loss", "params": {"torn": True}}
    ).faults
    assert (fault.kind, dict(fault.params)) == ("power-loss", {"torn": True})


def test_the_log_counts_for_the_fingerprint() -> None:
    it = {"import": "log.csv"}
    assert read(LOG, it).fingerprint() != read(LOG.replace("4s", "5s"), it).fingerprint()


def test_a_fault_of_the_log_has_no_section_to_aim_afresh() -> None:
    with pytest.raises(ValueError, match="'outage-2' is no fault of x"):
        read(LOG, {"import": "log.csv"}).with_fault_targets("outage-2", ["b"])
    assert read(LOG, {"import": "log.csv"}, GOOD["fault"][0]).with_fault_targets("cut", ["b"]).faults[2].targets == (
        "b",
    )


def test_malformed_rows_and_impossible_faults_are_told_with_their_line() -> None:
    assert lines("begin,end,endpoints\n2s,1s,a\n1,2s,a\n", {"import": "log.csv"}) == [
        (
            'fault[0].import, log.csv line 2 = end = "1s": is not after begin = 2s; give a later time, '
            "or none if it never ended"
        ),
        'fault[0].import, log.csv line 3 = begin = "1": a duration without a unit; add one of us, ms, s, min, h',
    ]
    told = lines("begin,end,endpoints\n1s,2s,aa\n8s,11s,a\n12s,,a\n2s,3s,a | a\n", {"import": "log.csv"})
    assert [line.partition("; ")[0] for line in told] == [
        'fault[0].import, log.csv line 2: fault.targets = "aa": names no host here',
        'fault[0].import, log.csv line 3: fault.for = "3 s": ends at "11 s", past the end of the run, "10 s"',
        'fault[0].import, log.csv line 4: fault.at = "12 s": begins past the end of the run, "10 s"',
        told[3].partition("; ")[0],
    ]
    assert told[3].startswith("fault[0].import, log.csv line 5: fault.targets = ")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"import": "none.csv"}, 'fault[0].import = "none.csv": no such file or directory; '),
        ({"import": "log.json"}, 'fault[0].import = "log.json": not the name of a .csv file; '),
        ({"import": 3}, "fault[0].import = 3: not a text; put it in quotes"),
        ({"import": "log.csv", "targets": ["a"]}, 'fault[0].targets = ["a"]: unknown key; '),
        ({"import": "log.csv", "at": "5"}, 'fault[0].at = "5": a duration without a unit; '),
        ({"import": "log.csv", "origin": "monday"}, 'fault[0].origin = "monday": no date; write one as in 2018-10-21'),
        (
            {"import": "log.csv", "kind": "power-los"},
            "fault[0].kind = \"power-los\": no such kind of fault; did you mean 'power-loss'?",
        ),
    ],
)
def test_a_mistake_beside_the_log_is_told(fault: dict[str, Any], line: str) -> None:
    told = lines(LOG, fault)
    assert len(told) == 1, told
    assert told[0].startswith(line)


def test_ids_of_logs_must_not_meet() -> None:
    told = lines(LOG, {"import": "log.csv"}, {"import": "log.csv"})
    assert [line.partition(" = ")[0] for line in told] == [
        "fault[1].import, log.csv line 2: fault.id",
        "fault[1].import, log.csv line 3: fault.id",
    ]


def test_one_round_of_mending_serves_all() -> None:
    log = "begin,end,endpoints\n1s,soon,a\n3s,4s,nowhere\n5s,6s,a |\n7s,8s,a -> elsewhere\n"
    told = lines(log, {"import": "log.csv"})
    assert [line.partition(":")[0] for line in told] == [
        'fault[0].import, log.csv line 2 = end = "soon"',
        'fault[0].import, log.csv line 4 = endpoints = "a |"',
        "fault[0].import, log.csv line 3",
        "fault[0].import, log.csv line 5",
    ]
    assert "nowhere" in told[2]
    assert "elsewhere" in told[3]


def test_of_a_log_without_times_nothing_is_said_of_its_faults_times() -> None:
    (told,) = lines("begin,end,endpoints\n1s,soon,a\n", {"import": "log.csv", "kind": "host-pause"})
    assert "soon" in told
