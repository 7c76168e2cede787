"""A trace says what followed from what, and survives the way into a file and back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.trace import Trace, TraceLevel, TraceRow, plain
from sim.trace_file import FAULTS, NETWORK, SHIVIZ_PARSER, read_jsonl, write_jsonl, write_shiviz
from tests.sim.small_worlds import Ping
from tests.sim.test_world import chatter

HOSTS = ("a", "b")


def row(i: int, kind: str, src: int, dst: int = -1, *, cause: int = -1, message: object = None) -> TraceRow:
    body = message or (Ping(n=i) if dst >= 0 else "detail")
    return TraceRow(10 * i, i, kind, src, dst, 0x1000_0001 if dst >= 0 else 0, body, cause)


LOST = (
    row(0, "send", 0, 1),
    row(1, "send", 0, 1),
    row(2, "fault", -1),
    row(3, "drop", 0, 1, cause=1, message=("cut in flight", Ping(n=1))),
    row(4, "deliver", 0, 1, cause=0),
    row(5, "send", 1, 0, cause=4),
    row(6, "note", 1, message=("role", "leader")),
    row(7, "deliver", 1, 0, cause=5),
)


def shiviz(text: str) -> list[tuple[str, dict[str, int], str]]:
    """What ShiViz reads: the regular expression of the first line over all lines but the first two."""
    parser, delimiter, body = text.split("\n", 2)
    assert (parser, delimiter) == (SHIVIZ_PARSER, "")
    found = re.findall(parser.replace("(?<", "(?P<"), body)
    assert sum(len(f"{host} {clock}\n{event}\n") for host, clock, event in found) == len(body)
    return [(host, json.loads(clock), event) for host, clock, event in found]


def test_off_and_counters_write_no_row() -> None:
    for level in (TraceLevel.OFF, TraceLevel.COUNTERS):
        trace = Trace(level, lambda: 0)
        assert trace.message("send", 0, 1, Ping(), -1) == -1
        assert trace.event("note", 0, ("a", 1)) == -1
        assert list(trace.rows) == []


def test_the_latest_rows_can_be_kept_alone_and_keep_their_numbers() -> None:
    trace = Trace(TraceLevel.FULL, lambda: 7, keep=2)
    for number in range(5):
        assert trace.event("note", 0, number) == number
    assert [(kept.i, kept.message) for kept in trace.rows] == [(3, 3), (4, 4)]


def test_json_lines_come_back_as_they_went(tmp_path: Path) -> None:
    write_jsonl(LOST, tmp_path / "t.jsonl")
    again = read_jsonl(tmp_path / "t.jsonl")
    assert again == [r._replace(message=plain(r.message)) for r in LOST]
    assert again[3].message == ["cut in flight", {"": "Ping", "n": 1}]
    write_jsonl(again[4:], tmp_path / "end.jsonl")
    assert [r.i for r in read_jsonl(tmp_path / "end.jsonl")] == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("{", "Expecting"),
        ("[]", "not a trace row"),
        ('{"i": 1}', "exactly t_us, i, kind"),
        ({"i": 3}, "i = 3: rows count on; this one is 1"),
        ({"t_us": -1}, "time never goes back"),
        ({"cause": 1}, "cause = 1: give the number of an earlier row than 1"),
        ({"src": "a"}, "src = 'a': this field holds int"),
        ({"dst": True}, "dst = True: this field holds int"),
        ({"kind": 4}, "kind = 4: this field holds str"),
    ],
)
def test_a_line_that_is_no_row_is_told_with_its_number(
    broken: str | dict[str, object], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.jsonl"
    write_jsonl(LOST[:2], path)
    first, second = path.read_text().splitlines()
    bad = broken if isinstance(broken, str) else json.dumps(json.loads(second) | broken)
    path.write_text(f"{first}\n\n{bad}\n")
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        read_jsonl(path)
    assert str(refused.value).startswith(f"{path}:3: ")


def test_a_log_for_shiviz_has_a_clock_an_event_and_an_arrow_a_message(tmp_path: Path) -> None:
    write_shiviz(LOST, HOSTS, tmp_path / "log")
    assert shiviz((tmp_path / "log").read_text()) == [
        ("a", {"a": 1}, '0 s: send Ping to b {"n":0}'),
        ("a", {"a": 2}, '10 us: send Ping to b {"n":1}'),
        (FAULTS, {FAULTS: 1}, "20 us: fault detail"),
        (NETWORK, {"a": 2, NETWORK: 1}, '30 us: drop Ping a > b (cut in flight) {"n":1}'),
        ("b", {"a": 1, "b": 1}, '40 us: deliver Ping from a {"n":4}'),
        ("b", {"a": 1, "b": 2}, '50 us: send Ping to a {"n":5}'),
        ("b", {"a": 1, "b": 3}, "60 us: note role leader"),
        ("a", {"a": 3, "b": 2}, '70 us: deliver Ping from b {"n":7}'),
    ]


def test_the_clocks_of_a_whole_world_order_it_as_its_causes_do(tmp_path: Path) -> None:
    world = chatter(1, TraceLevel.FULL)
    hosts = [host.path for host in world.topology.hosts]
    write_shiviz(world.trace.rows, hosts, tmp_path / "log")
    events = shiviz((tmp_path / "log").read_text())
    assert len(events) == len(world.trace.rows) > 1_000
    count: dict[str, int] = dict.fromkeys([*hosts, NETWORK, FAULTS], 0)
    for (line, clock, _), traced in zip(events, world.trace.rows, strict=True):
        count[line] += 1
        assert clock[line] == count[line], "a host's own entry counts its events"
        assert all(seen <= count[other] for other, seen in clock.items()), "nobody knows the future"
        if traced.cause >= 0:
            before = events[traced.cause][1]
            assert all(clock.get(other, 0) >= seen for other, seen in before.items())
