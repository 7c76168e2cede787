"""Fault records, their JSON, and the rules by which a schedule is checked."""

import copy
import json
import pickle
from typing import Any

import pytest

from sim.faults import KINDS, Cut, Fault, ParamValue, Trigger, check_schedule, schedule_from_json, schedule_to_json
from sim.topology import grid

# Indices: east c1 h1, h2 = 0, 1, its client 2; west 3, 4, client 5; north 6, 7, client 8.
TOPOLOGY = grid(["east", "west", "north"], clusters=1, hosts=2, cores=1)


def fault(kind: str, *targets: str, **params: ParamValue) -> Fault:
    return Fault(id="f", kind=kind, targets=targets, at=10, for_us=5, params=params)


def cut(src: set[int], dst: set[int]) -> Cut:
    return Cut(frozenset(src), frozenset(dst))


SCHEDULE = (
    Fault(id="a", kind="partition-full", targets=("east",), at=0, for_us=None),
    Fault(
        id="b",
        kind="partition-partial",
        targets=("east",),
        at=5,
        for_us=7,
        params={"against": ("west", "north/c1")},
    ),
    Fault(
        id="c",
        kind="power-loss",
        targets=("*",),
        at=Trigger(point="C7", nth=2, host="east/c1/h1", since_us=5, until_us=9),
        for_us=1,
        params={"torn": True},
    ),
    Fault(id="d", kind="process-crash", targets=("east/c1/h1",), at=Trigger(note="role=leader"), for_us=3),
)


def test_a_schedule_survives_its_json() -> None:
    assert schedule_from_json(schedule_to_json(SCHEDULE)) == SCHEDULE
    assert schedule_from_json(schedule_to_json(())) == ()


def test_the_json_has_the_keys_of_the_record() -> None:
    entry = json.loads(schedule_to_json(SCHEDULE))[2]
    assert entry == {
        "id": "c",
        "kind": "power-loss",
        "targets": ["*"],
        "at": {"point": "C7", "nth": 2, "host": "east/c1/h1", "since": 5, "until": 9},
        "for": 1,
        "params": {"torn": True},
    }


def test_a_fault_crosses_to_a_worker_process_whole() -> None:
    assert pickle.loads(pickle.dumps(SCHEDULE)) == SCHEDULE
    assert copy.deepcopy(SCHEDULE) == SCHEDULE
    assert len({*SCHEDULE, *copy.deepcopy(SCHEDULE)}) == 4


def test_a_fault_does_not_see_later_edits_of_its_params() -> None:
    params: dict[str, ParamValue] = {"torn": True}
    made = Fault(id="f", kind="power-loss", targets=("*",), at=0, for_us=1, params=params)
    params["torn"] = False
    assert made.params == {"torn": True}
    with pytest.raises(TypeError):
        made.params["torn"] = False  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{}", "is a JSON array"),
        ("[1]", r"fault\[0\]: 1 is no object"),
        ('[{"id": "a"}]', "'kind' is missing"),
        ('[{"id": "a", "kind": "k", "target": ["x"], "at": 1}]', "did you mean 'targets'"),
        ('[{"id": "a", "kind": "k", "targets": "x", "at": 1}]', "no list of texts"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": "1s"}]', "whole microseconds"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": true}]', "whole microseconds"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": -1}]', "a run begins at 0"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": 1, "for": 0}]', "at least 1, or None"),
        ('[{"id": "a", "kind": "k", "targets": [], "at": 1}]', "no target"),
        ('[{"id": "", "kind": "k", "targets": ["x"], "at": 1}]', "needs a name"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": {}}]', "names one of the two"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": {"point": "C1", "nth": 0}}]', "count from 1"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": 1, "params": {"p": null}}]', "params.p = null is no value"),
    ],
)
def test_json_that_is_no_schedule_is_refused_with_the_way_out(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        schedule_from_json(text)


def lines_of(text: str) -> list[str]:
    with pytest.raises(ValueError, match=r".") as refused:
        schedule_from_json(text)
    return str(refused.value).splitlines()


def test_every_mistake_of_every_fault_is_told_with_its_own_rule() -> None:
    faults = [
        {"kind": 3, "targets": ["a", 1], "at": -1, "for": 0, "extra": 1},
        {"id": "b", "kind": "k", "targets": ["a"], "at": 1},
        {"id": "c", "kind": "k", "targets": [], "at": {"point": 5, "nth": 1.0, "since": 3, "until": 2, "every": 1}},
        {"id": "d", "kind": "k", "targets": ["a"], "at": 2.5, "for": "1s", "params": {"torn": None, "x": [1]}},
        {"id": "e", "kind": "k", "targets": ["a"], "at": 2, "params": []},
    ]
    told = lines_of(json.dumps(faults))
    assert [line.partition("; ")[0] for line in told] == [
        "fault[0]: unknown key 'extra'",
        "fault[0]: the key 'id' is missing",
        "fault[0]: kind = 3 is no text",
        'fault[0]: targets = ["a", 1] is no list of texts',
        "fault[0]: fault '?' begins at -1 us",
        "fault[0]: fault '?' lasts 0 us",
        "fault[2]: at: unknown key 'every'",
        "fault[2]: at.point = 5 is no text",
        "fault[2]: at.nth = 1.0 is no whole number",
        "fault[2]: self.until_us=2 is no instant after self.since_us=3",
        "fault[2]: fault 'c' has no target",
        "fault[3]: at = 2.5 is neither whole microseconds nor a trigger",
        'fault[3]: for = "1s" is no number of whole microseconds',
        "fault[3]: params.torn = null is no value of a parameter",
        "fault[3]: params.x = [1] is no value of a parameter",
        "fault[4]: params = [] is no object",
    ]
    assert all(line.partition("; ")[2] for line in told)


def test_a_key_that_stands_twice_is_refused_wherever_it_does() -> None:
    text = (
        '[{"id": "a", "id": "b", "kind": "k", "targets": ["x"], "at": {"point": "P", "point": "Q"},'
        ' "params": {"torn": true, "torn": false}}]'
    )
    assert lines_of(text) == [
        "fault[0]: the key 'id' stands twice; keep one",
        "fault[0]: at: the key 'point' stands twice; keep one",
        "fault[0]: params: the key 'torn' stands twice; keep one",
    ]


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    assert lines_of("") == ["line 1, column 1: not JSON: Expecting value; a schedule without a fault is []"]
    assert lines_of('[\n{"id": }]') == ["line 2, column 8: not JSON: Expecting value; correct it there"]
    assert lines_of("[" * 100_000)[0].startswith("not JSON that can be read: ")
    assert lines_of("[" + "9" * 5_000 + "]")[0].startswith("not JSON that can be read: ")
    assert schedule_from_json("\ufeff[]") == ()


@pytest.mark.parametrize("wrong", [1.5, 1.0, float("nan"), True, -1])
def test_times_and_counts_are_whole_numbers_in_python_too(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"begins at .*whole microseconds\n.* lasts .*whole microseconds"):
        Fault(id="f", kind="host-pause", targets=("a",), at=wrong, for_us=wrong)
    with pytest.raises(ValueError, match=r"self\.nth=.*\nself\.since_us=.* whole microseconds"):
        Trigger(point="p", nth=wrong, since_us=wrong)
    with pytest.raises(ValueError, match=r"self\.until_us=.* whole microseconds"):
        Trigger(point="p", until_us=wrong)


@pytest.mark.parametrize(
    ("made", "cuts"),
    [
        (
            fault("partition-full", "east"),
            [cut({0, 1, 2}, {3, 4, 5, 6, 7, 8}), cut({3, 4, 5, 6, 7, 8}, {0, 1, 2})],
        ),
        (
            fault("partition-full", "east", "west"),
            [cut({0, 1, 2, 3, 4, 5}, {6, 7, 8}), cut({6, 7, 8}, {0, 1, 2, 3, 4, 5})],
        ),
        (
            fault("partition-partial", "east/c1/h1", against=("west/c1",)),
            [cut({0}, {3, 4}), cut({3, 4}, {0})],
        ),
        (fault("partition-one-way", "east/c1/h1", to=("west/c1",)), [cut({0}, {3, 4})]),
        (fault("partition-one-way", "north"), [cut({6, 7, 8}, {0, 1, 2, 3, 4, 5})]),
        (fault("process-crash", "east"), []),
    ],
)
def test_a_partition_is_a_union_of_cuts(made: Fault, cuts: list[Cut]) -> None:
    assert KINDS[made.kind].validate(made, TOPOLOGY) == []
    assert list(KINDS[made.kind].cuts(made, TOPOLOGY)) == cuts


@pytest.mark.parametrize(
    ("targets", "down"),
    [
        (("east",), {0, 1}),
        (("*",), {0, 1, 3, 4, 6, 7}),
        (("east/clients",), {2}),
        (("east", "west/clients/client1"), {0, 1, 5}),
    ],
)
def test_a_crash_spares_clients_unless_they_are_named(targets: tuple[str, ...], down: set[int]) -> None:
    made = fault("power-loss", *targets)
    assert KINDS["power-loss"].crashed(made, TOPOLOGY) == down


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (fault("partition-full", "eats"), "targets = \"eats\": names no host here; did you mean 'east'?"),
        (fault("partition-full", "*"), 'targets = ["*"]: nobody is on the other side; name fewer targets'),
        (
            fault("partition-partial", "east"),
            "params.against = (nothing): partition-partial needs it: the other side; add it",
        ),
        (
            fault("partition-partial", "east", against=("west", "east/c1/h1")),
            'targets = ["east"]: east/c1/h1 is on both sides; name it on one side only',
        ),
        (
            fault("partition-partial", "east", against="west"),
            'params.against = "west": not a list of targets; list at least one',
        ),
        (
            fault("partition-one-way", "east", too=("west",)),
            "params.too = [\"west\"]: partition-one-way has no such parameter; did you mean 'to'?",
        ),
        (
            fault("partition-one-way", "east", to=("wets",)),
            "params.to = \"wets\": names no host here; did you mean 'west'?",
        ),
        (
            fault("process-crash", "east", torn=True),
            "params.torn = true: process-crash has no such parameter; leave it out",
        ),
        (fault("power-loss", "east", torn=1), "params.torn = 1: not a truth value; write true or false"),
    ],
)
def test_a_fault_that_makes_no_sense_here_is_explained(made: Fault, problem: str) -> None:
    assert [str(found) for found in KINDS[made.kind].validate(made, TOPOLOGY)] == [problem]


def test_all_problems_of_a_schedule_are_told_at_once() -> None:
    schedule = [
        fault("partition-ful", "east"),
        fault("partition-full", "eats"),
        Fault(id="t", kind="process-crash", targets=("@here",), at=Trigger(point="C7", host="east/c1/h9"), for_us=1),
    ]
    with pytest.raises(ValueError, match="no such kind") as refused:
        check_schedule(schedule, TOPOLOGY)
    assert str(refused.value).splitlines() == [
        "fault 'f': kind = partition-ful: no such kind; did you mean 'partition-full'?",
        "fault 'f': id = f: another fault has this id; rename one",
        "fault 'f': targets = \"eats\": names no host here; did you mean 'east'?",
        "fault 't': at.host = \"east/c1/h9\": is no host here; did you mean 'east/c1/h2'?",
    ]


def test_every_kind_says_what_it_does() -> None:
    assert all(kind.name == name and kind.doc.endswith(".") for name, kind in KINDS.items())
    assert list(KINDS) == [
        "partition-full",
        "partition-partial",
        "partition-bridge",
        "partition-ring",
        "partition-one-way",
        "partition-flapping",
        "partition-swizzled",
        "link-slow",
        "link-lossy",
        "link-bursty",
        "link-duplicating",
        "link-reordering",
        "link-held",
        "host-slow",
        "host-pause",
        "process-crash",
        "power-loss",
        "disk-loss",
        "disk-slow",
        "fsync-lies",
        "disk-full",
        "clock-offset",
        "clock-drift",
        "clock-jump",
        "rack",
        "cluster-power",
        "region-unreachable",
        "region-destroyed",
    ]
