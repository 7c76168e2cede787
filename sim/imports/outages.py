"""A log of what was down and when, as a schedule of faults.

Columns: `begin`, `end`, `endpoints`; `id` and `kind` if there are any. Times are durations
since the run began (`"43s"`), or dates in the manner of ISO 8601 (`2018-10-21T22:52:00Z`; no
zone means UTC), of which the earliest, or a given origin, becomes the run's beginning; or,
with titles such as `begin_s` and `end_s`, plain numbers. An empty end is "never".

Endpoints are names such as a fault's targets. One alone, `us-east-1`, was cut off from
everything else; two, `us-east-1 | eu-west-1`, from each other; with an arrow,
`us-east-1 -> eu-west-1`, what the first sent did not reach the second. `a + b` is one
endpoint of several parts. A log that says what happened otherwise names the kind of fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from sim.faults import KINDS, Fault, ParamValue
from sim.imports.rows import UNITS, Row, Rows, told
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["OutageRules", "Struck", "endpoints_of", "instant_us", "read_outages"]

_DATE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_BETWEEN: Final = re.compile(r"\s*(->|\||;)\s*")
_AND: Final = re.compile(r"\s*\+\s*")
_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
#: Parameters that take the other endpoint, by preference.
_OTHER_SIDE: Final = ("against", "to")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRules:
    """What a log does not say itself.

    Attributes:
        id: Begins the ids of faults that have none, `<id>-<line>`.
        shift_us: Added to every begin: when in the run the log begins.
        origin: The date that is the log's begin; None takes its earliest.
        kind: The kind of fault, where the log has no column of kinds.
        params: Further parameters of every fault.
    """

    id: str = "outage"
    shift_us: int = 0
    origin: str | None = None
    kind: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=lambda: MappingProxyType({}))


class _Outage(NamedTuple):
    """When a row's outage was; `dated` ones begin at an instant since 1970."""

    line: int
    begin_us: int
    for_us: int | None
    dated: bool


class Struck(NamedTuple):
    """What a row's fault is and whom it strikes, whenever that may be."""

    kind: str
    targets: tuple[str, ...]
    params: Mapping[str, ParamValue]


def read_outages(text: str, file: str, rules: OutageRules) -> tuple[tuple[int, Fault], ...]:
    """The line and the fault of every outage, in the order of the log.

    Args:
        text: The content of a CSV file.
        file: Its name, for messages.
        rules: What the log does not say itself.

    Raises:
        MalformedRows: everything that is wrong, by line. Whether endpoints and parameters make
            sense is for whoever has the topology: `sim.faults.check_schedule`.
        ValueError: the origin is no date, or the rules' kind of fault does not exist.
    """
    if rules.kind is not None and rules.kind not in KINDS:
        raise ValueError(f"{rules.kind!r} is no kind of fault; {way_to(rules.kind, KINDS)}")
    origin_us = None if rules.origin is None else instant_us(rules.origin)
    rows = Rows(text, file)
    title = rows.one_of(("begin", *(f"begin_{unit}" for unit in UNITS)))
    unit = title.partition("_")[2] if title else ""
    if not rows.require(f"end_{unit}" if unit else "end", "endpoints") or title is None:
        rows.finish()
    names = _names(rows, rules)
    struck = {row.line: _struck(rows, row, rules) for row in rows.rows}
    outages = [outage for row in rows.rows if (outage := _timed(rows, row, unit)) is not None]
    base_us = rules.shift_us - _origin(rows, outages, origin_us)
    rows.finish()
    faults = []
    for line, begin_us, for_us, _ in outages:
        what = struck[line]
        assert what is not None, "a row without one was complained of"
        fault = Fault(
            id=names[line],
            kind=what.kind,
            targets=what.targets,
            at=begin_us + base_us,
            for_us=for_us,
            params=what.params,
        )
        faults.append((line, fault))
    return tuple(faults)


def endpoints_of(text: str, file: str, rules: OutageRules) -> dict[int, Struck]:
    """Of a log that was refused, what its rows strike, by line, as far as that was right.

    So an endpoint that does not exist can be told together with what is wrong elsewhere in the log.
    """
    rows = Rows(text, file)
    if not rows.require("endpoints"):
        return {}
    found = {row.line: _struck(rows, row, rules) for row in rows.rows}
    return {line: struck for line, struck in found.items() if struck is not None}


def instant_us(date: str) -> int:
    """A date in the manner of ISO 8601 as microseconds since 1970, UTC.

    Raises:
        ValueError: it is none, or no calendar has it.
    """
    match = _DATE.fullmatch(date)
    if match is None:
        raise ValueError(f"{date!r} is no date; write one as in 2018-10-21T22:52:00Z")
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second, fraction = int(match[6] or 0), int((match[7] or "").ljust(6, "0"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = _MONTHS[month - 1] + (month == 2 and leap) if 1 <= month <= 12 else 0
    if not (1 <= day <= days and hour < 24 and minute < 60 and second < 60):
        raise ValueError(f"{date!r} is in no calendar; check month, day and time")
    # Days since 1970-01-01, counting years from March so that leap days come last.
    shifted, from_march = (year, month - 3) if month > 2 else (year - 1, month + 9)
    since = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + (153 * from_march + 2) // 5 + day - 719_469
    offset = (int(match[10]) * 60 + int(match[11])) * (1 if match[9] == "+" else -1) if match[9] else 0
    return (((since * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction


def _names(rows: Rows, rules: OutageRules) -> dict[int, str]:
    """The id of every row's fault, by line; each belongs to one row."""
    names: dict[int, str] = {}
    lines: dict[str, int] = {}
    for row in rows.rows:
        name = names[row.line] = row.cells.get("id") or f"{rules.id}-{row.line}"
        if lines.setdefault(name, row.line) != row.line:
            rows.complain(row.line, told("id", name), f"line {lines[name]} has this id already", "rename one")
    return names


def _timed(rows: Rows, row: Row, unit: str) -> _Outage | None:
    """When a row's outage was; None after a complaint."""
    begin, end = (f"begin_{unit}", f"end_{unit}") if unit else ("begin", "end")
    endless = not row.cells[end]
    begin_us = _time(rows, row, begin, unit)
    end_us = None if endless else _time(rows, row, end, unit)
    if begin_us is None or (end_us is None and not endless):
        return None
    dated = _DATE.fullmatch(row.cells[begin]) is not None
    if end_us is None:
        return _Outage(row.line, begin_us, None, dated)
    if dated != (_DATE.fullmatch(row.cells[end]) is not None):
        rows.complain(row.line, told(end, row.cells[end]), f"not of one kind with {begin}", "write both one way")
        return None
    if end_us <= begin_us:
        rule = f"is not after {begin} = {row.cells[begin]}"
        rows.complain(row.line, told(end, row.cells[end]), rule, "give a later time, or none if it never ended")
        return None
    return _Outage(row.line, begin_us, end_us - begin_us, dated)


def _origin(rows: Rows, outages: Sequence[_Outage], origin_us: int | None) -> int:
    """The instant that the times of the log count from; complains of what lies before it."""
    cells = {row.line: row.cells for row in rows.rows}
    dated = [outage for outage in outages if outage.dated]
    if origin_us is not None:
        for outage in outages:
            if not outage.dated:
                rule = "no date, where an origin is given that dates count from"
                begin = cells[outage.line].get("begin", str(outage.begin_us))
                rows.complain(outage.line, told("begin", begin), rule, "leave the origin out, or write dates")
        if len(dated) < len(outages):
            return origin_us
    if not dated:
        return 0
    for outage in outages:
        if not outage.dated:
            rule = f"a duration, where line {dated[0].line} has a date"
            rows.complain(outage.line, told("begin", cells[outage.line]["begin"]), rule, "write all one way")
    if origin_us is None:
        return min(outage.begin_us for outage in dated)
    for outage in dated:
        if outage.begin_us < origin_us:
            begin = told("begin", cells[outage.line]["begin"])
            rows.complain(outage.line, begin, "lies before the origin", "take an earlier one")
    return origin_us


def _time(rows: Rows, row: Row, title: str, unit: str) -> int | None:
    if unit:
        return rows.microseconds(row, title, unit)
    text = row.cells[title]
    try:
        return instant_us(text) if "-" in text[1:] else duration_us(text)
    except ValueError as refused:
        rule, _, way_out = str(refused).partition("; ")
        rows.complain(row.line, told(title, text), rule.removeprefix(f"{text!r} ").removeprefix("is "), way_out)
        return None


def _struck(rows: Rows, row: Row, rules: OutageRules) -> Struck | None:
    """Kind, targets and parameters of a row's fault; None after a complaint."""
    text = row.cells["endpoints"]
    sides = _BETWEEN.split(text)
    first, *others = (tuple(_AND.split(side)) for side in sides[::2])
    arrow = sides[1:2] == ["->"]
    sound = True
    if not all(name for side in (first, *others) for name in side):
        rows.complain(row.line, told("endpoints", text), "an endpoint is empty", "name it, or leave out what joins it")
        sound = False
    if len(others) > 1:
        rule = f"names {1 + len(others)} endpoints"
        way_out = "give one (cut off from all else) or two (from each other), or a row for each pair"
        rows.complain(row.line, told("endpoints", text), rule, way_out)
        sound = False
    kind = row.cells.get("kind") or rules.kind
    if kind is None:
        kind = "partition-full" if not others else "partition-one-way" if arrow else "partition-partial"
    elif kind not in KINDS:
        rows.complain(row.line, told("kind", kind), "no such kind of fault", way_to(kind, KINDS))
        sound = False
    if sound and others:
        refused = _no_sides(kind, arrow=arrow)
        if refused is not None:
            rows.complain(row.line, told("endpoints", text), *refused)
            sound = False
    return _placed(kind, first, others, arrow, rules.params) if sound else None


def _no_sides(kind: str, *, arrow: bool) -> tuple[str, str] | None:
    """Why a kind of fault cannot stand between two endpoints, and the way out; None if it can."""
    rule = KINDS[kind]
    if not any(name in rule.params for name in _OTHER_SIDE):
        return f"{kind} knows no two sides", "join them with +, or give a row for each, or another kind"
    one_way = "one_way" in rule.params or not rule.two_way
    if arrow and not one_way:
        return f"{kind} knows no direction", "put | in place of ->, or take partition-one-way"
    if not arrow and not rule.two_way:
        return f"{kind} needs a direction", "put -> in place of |, or take partition-partial"
    return None


def _placed(
    kind: str,
    first: tuple[str, ...],
    others: Iterable[tuple[str, ...]],
    arrow: bool,
    params: Mapping[str, ParamValue],
) -> Struck:
    """A second endpoint is the other side."""
    known = KINDS[kind].params
    placed = dict(params)
    for other in others:
        placed[next(name for name in _OTHER_SIDE if name in known)] = other
    if arrow and "one_way" in known:
        placed["one_way"] = True
    return Struck(kind, first, placed)
