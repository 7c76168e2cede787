"""An outage log from CSV, as a schedule of faults."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sim.faults import Fault, check_schedule, schedule_from_json, schedule_to_json
from sim.imports import MalformedRows, OutageRules, read_outages
from sim.imports.outages import instant_us
from sim.topology import grid

TOPOLOGY = grid(["a", "b", "c"], clusters=1, hosts=1, cores=1)


def faults(text: str, rules: OutageRules | None = None) -> list[Fault]:
    return [fault for _, fault in read_outages(text, "o.csv", rules or OutageRules())]


def spans(text: str, rules: OutageRules | None = None) -> list[tuple[int, int | None]]:
    return [(int(fault.at), fault.for_us) for fault in faults(text, rules)]  # type: ignore[call-overload]


def problems(text: str, rules: OutageRules | None = None) -> list[str]:
    with pytest.raises(MalformedRows) as refused:
        faults(text, rules)
    return [line.removeprefix("o.csv: ") for line in str(refused.value).splitlines()]


def test_endpoints_say_what_was_cut() -> None:
    log = "begin,end,endpoints\n5s,48s,a\n5s,6s,a | b\n5s,6s,b;c\n5s,6s,a -> b + c\n7s,,c\n"
    assert [(f.id, f.kind, f.targets, dict(f.params), f.at, f.for_us) for f in faults(log)] == [
        ("outage-2", "partition-full", ("a",), {}, 5_000_000, 43_000_000),
        ("outage-3", "partition-partial", ("a",), {"against": ("b",)}, 5_000_000, 1_000_000),
        ("outage-4", "partition-partial", ("b",), {"against": ("c",)}, 5_000_000, 1_000_000),
        ("outage-5", "partition-one-way", ("a",), {"to": ("b", "c")}, 5_000_000, 1_000_000),
        ("outage-6", "partition-full", ("c",), {}, 7_000_000, None),
    ]
    check_schedule(faults(log), TOPOLOGY)


def test_a_schedule_made_of_a_log_is_a_schedule_like_any_other() -> None:
    made = tuple(faults("begin,end,endpoints\n5s,48s,a\n5s,6s,a | b\n"))
    assert schedule_from_json(schedule_to_json(made)) == made


def test_dates_count_from_the_earliest_or_from_an_origin() -> None:
    log = (
        "begin,end,endpoints\n"
        "2018-10-21T22:52:10Z,2018-10-21T22:52:53Z,a\n"
        "2018-10-22T00:52:00.5+02:00,2018-10-21 22:53,b\n"
    )
    assert spans(log) == [(9_500_000, 43_000_000), (0, 59_500_000)]
    rules = OutageRules(origin="2018-10-21T22:50:00Z", shift_us=7)
    assert spans(log, rules) == [(130_000_007, 43_000_000), (120_500_007, 59_500_000)]


@pytest.mark.parametrize(
    "date",
    ["1970-01-01T00:00:00Z", "2000-02-29T12:00:00Z", "2024-12-31T23:59:59.999999Z", "1999-03-01T00:00:00-05:30"],
)
def test_a_date_is_the_instant_that_the_calendar_says(date: str) -> None:
    expected = datetime.fromisoformat(date.replace("Z", "+00:00")) - datetime(1970, 1, 1, tzinfo=UTC)
    assert instant_us(date) == (expected.days * 86_400 + expected.seconds) * 1_000_000 + expected.microseconds


def test_plain_numbers_need_their_unit_in_the_title() -> None:
    assert spans("begin_s,end_s,endpoints\n1.5,2,a\n0,,b\n") == [(1_500_000, 500_000), (0, None)]


def test_a_log_may_have_ids_and_kinds_of_its_own() -> None:
    log = "id,kind,begin,end,endpoints\nfire,power-loss,1s,2s,a/c1 + b\n,,3s,4s,c\n"
    assert [(f.id, f.kind, f.targets) for f in faults(log, OutageRules(id="log"))] == [
        ("fire", "power-loss", ("a/c1", "b")),
        ("log-3", "partition-full", ("c",)),
    ]


def test_a_kind_and_parameters_may_come_with_the_rules() -> None:
    rules = OutageRules(kind="power-loss", params={"torn": True})
    (fault,) = faults("begin,end,endpoints\n1s,2s,a + b\n", rules)
    assert (fault.kind, fault.targets, dict(fault.params)) == ("power-loss", ("a", "b"), {"torn": True})
    with pytest.raises(ValueError, match="did you mean 'power-loss'"):
        faults("begin,end,endpoints\n1s,2s,a\n", OutageRules(kind="power-los"))


def test_a_link_that_is_slow_is_slow_between_its_endpoints() -> None:
    rules = OutageRules(kind="link-held")
    found = faults("begin,end,endpoints\n1s,2s,a | b\n1s,2s,a -> b\n", rules)
    assert [(f.targets, dict(f.params)) for f in found] == [
        (("a",), {"to": ("b",)}),
        (("a",), {"to": ("b",), "one_way": True}),
    ]
    check_schedule(found, TOPOLOGY)


@pytest.mark.parametrize(
    ("endpoints", "kind", "rule"),
    [
        ("a -> b", "partition-partial", "partition-partial knows no direction; put | in place of ->"),
        ("a -> b", "partition-flapping", "partition-flapping knows no direction; put | in place of ->"),
        ("a -> b", "partition-full", "partition-full knows no two sides; join them with +"),
        ("a | b", "partition-full", "partition-full knows no two sides; join them with +"),
        ("a | b", "region-unreachable", "region-unreachable knows no two sides; join them with +"),
        ("a | b", "power-loss", "power-loss knows no two sides; join them with +"),
        ("a | b", "partition-one-way", "partition-one-way needs a direction; put -> in place of |"),
    ],
)
def test_a_kind_that_cannot_stand_between_the_endpoints_in_that_way_is_refused(
    endpoints: str, kind: str, rule: str
) -> None:
    (line,) = problems(f"begin,end,endpoints,kind\n3s,4s,{endpoints},{kind}\n")
    assert line.startswith(f'line 2: endpoints = "{endpoints}": {rule}')


def test_an_origin_is_for_dates() -> None:
    rules = OutageRules(origin="2019-01-01T00:00Z")
    rule = "no date, where an origin is given that dates count from; leave the origin out, or write dates"
    assert problems("begin,end,endpoints\n1s,2s,a\n", rules) == [f'line 2: begin = "1s": {rule}']
    assert problems("begin_s,end_s,endpoints\n1,2,a\n2019-01-01T00:00Z,,a\n", rules)[0].startswith("line 2: begin")


def test_every_malformed_row_is_told_at_once() -> None:
    log = (
        "id,kind,begin,end,endpoints\n"
        "x,,5s,4s,a\n"
        "x,,10,,a|b|c\n"
        "y,flood,1s,2s,\n"
        "y,,1s,2s,a +\n"
        "z,,-1s,2s,a\n"
        "w,,2018-02-30T10:00,,a\n"
        "v,,soon,later,a\n"
        "u,,1s\n"
        "v,,1s,1s,a\n"
    )
    empty = "an endpoint is empty; name it, or leave out what joins it"
    told = problems(log)
    assert told == [
        'line 2: end = "4s": is not after begin = 5s; give a later time, or none if it never ended',
        'line 3: id = "x": line 2 has this id already; rename one',
        (
            'line 3: endpoints = "a|b|c": names 3 endpoints; give one (cut off from all else) or two (from each '
            "other), or a row for each pair"
        ),
        'line 3: begin = "10": a duration without a unit; add one of us, ms, s, min, h',
        f'line 4: endpoints = "": {empty}',
        told[5],
        'line 5: id = "y": line 4 has this id already; rename one',
        f'line 5: endpoints = "a +": {empty}',
        'line 6: begin = "-1s": negative; a duration is at least 0',
        'line 7: begin = "2018-02-30T10:00": in no calendar; check month, day and time',
        'line 8: begin = "soon": not a duration; write a number and a unit, as in "80ms"',
        'line 8: end = "later": not a duration; write a number and a unit, as in "80ms"',
        'line 9: "u,,1s": has 3 cells under 5 titles; give each title one cell',
        'line 10: id = "v": line 8 has this id already; rename one',
        'line 10: end = "1s": is not after begin = 1s; give a later time, or none if it never ended',
    ]
    assert told[5].startswith('line 4: kind = "flood": no such kind of fault; known: ')


def test_dates_and_durations_do_not_mix() -> None:
    log = "begin,end,endpoints\n2018-10-21T22:52Z,,a\n5s,6s,b\n2018-10-21T22:53Z,9s,b\n"
    assert problems(log) == [
        'line 3: begin = "5s": a duration, where line 2 has a date; write all one way',
        'line 4: end = "9s": not of one kind with begin; write both one way',
    ]


def test_nothing_begins_before_the_origin() -> None:
    rules = OutageRules(origin="2018-10-21T22:55:00Z")
    (told,) = problems("begin,end,endpoints\n2018-10-21T22:52Z,,a\n", rules)
    assert told == ('line 2: begin = "2018-10-21T22:52Z": lies before the origin; take an earlier one')
    with pytest.raises(ValueError, match="is no date"):
        faults("begin,end,endpoints\n1s,2s,a\n", OutageRules(origin="yesterday"))


@pytest.mark.parametrize(
    ("titles", "told"),
    [
        ("start,end,endpoints", "no column is called one of begin, begin_us, begin_ms, begin_s"),
        ("begin,end,endpoint", "no column is called endpoints; did you mean 'endpoint'?"),
        ("begin_s,end,endpoints", "no column is called end_s; did you mean 'end'?"),
    ],
)
def test_a_log_without_the_columns_is_refused(titles: str, told: str) -> None:
    assert told in problems(f"{titles}\n1s,2s,a\n")[0]
