"""Fault records, their JSON, and the rules by which a schedule is checked."""

import copy
import json
import pickle

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
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": 1, "for": 0}]', "give at least 1, or None"),
        ('[{"id": "a", "kind": "k", "targets": [], "at": 1}]', "no target"),
        ('[{"id": "", "kind": "k", "targets": ["x"], "at": 1}]', "needs a name"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": {}}]', "names one of the two"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": {"point": "C1", "nth": 0}}]', "count from 1"),
        ('[{"id": "a", "kind": "k", "targets": ["x"], "at": 1, "params": {"p": null}}]', "params.p = None"),
    ],
)
def test_json_that_is_no_schedule_is_refused_with_the_way_out(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        schedule_from_json(text)


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
