"""A counterexample in words: what is claimed, what went wrong, which operations, and how to see it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from experiments.hunting.recording import Recording
from experiments.hunting.trial import NO_CRASH
from experiments.regression.telling import fault_lines
from sim.checkers import Verdict
from sim.history import HistoryRow, Kind
from sim.units import format_us

if TYPE_CHECKING:
    from experiments.hunting.bundle import Found

__all__ = ["numbers", "operation_line", "reason_of", "story"]

_NO_CRASH_DOC: Final = "The run ends without an exception."


def story(found: Found, run: Recording, typed: str) -> Iterator[str]:
    """The lines of `replay.txt`."""
    before, after = found.before, found.after
    yield f"{found.scenario.name}, seed {found.seed}: {found.claim} is violated"
    yield ""
    yield f"Claimed:  {_doc(found.claim)}"
    yield f"Found:    {reason_of(run)}"
    if run.verdict.witness:
        number = numbers(run)
        yield f"Witness:  {', '.join(number.get(op, str(op)) for op in run.verdict.witness)}"
    yield f"Shrunk:   from {before.faults} faults and {before.operations} operations on {before.hosts} hosts"
    yield f"          to {after.faults} and {after.operations} on {after.hosts}, in {found.runs} runs"
    if not found.whole:
        yield "          (the budget of runs ended first: it may be less still)"
    if found.afresh:
        yield "          (by faults that were drawn anew in the small world that was left: fewer do than the hunt met)"
    yield ""
    yield "Faults:"
    yield from (f"  {line}" for line in fault_lines(found.scenario.faults))
    if not found.scenario.faults:
        yield "  none"
    yield ""
    yield "Operations:"
    yield from (f"  {line}" for line in _operations(run))
    yield ""
    yield "Replay it, from the project's folder, with:"
    yield ""
    yield f"    {shlex.join(['./lab', 'replay', typed])}"
    yield ""
    yield "scenario.toml is the whole of it; original.toml is what the hunt met before shrinking;"
    yield "diagram.svg shows the run; verdict.json says what was judged, on which code."


def numbers(run: Recording) -> dict[int, str]:
    """Short names of the operations, `#1`, `#2`, ..., by their ids, in order of their beginnings."""
    return {begin.op: f"#{number}" for number, (begin, _) in enumerate(run.history.pairs(), 1)}


def reason_of(run: Recording) -> str:
    """Why, with the operations by their short names."""
    return _shortened(run.verdict, numbers(run))


def operation_line(begin: HistoryRow, end: HistoryRow | None) -> str:
    """What was asked and what came of it, as in `write 7 = 3 > ok`."""
    asked = f"{begin.f} {begin.key}" + ("" if begin.value is None else f" = {_value(begin.value)}")
    if end is None:
        return f"{asked} > no ending"
    found = "" if end.value is None or end.value == begin.value else f" {_value(end.value)}"
    if begin.f == "read" and end.kind is Kind.OK and end.value is None:
        found = " nothing"
    version = "" if end.version is None else f" (version {end.version})"
    return f"{asked} > {end.kind}{found}{version}"


def _operations(run: Recording) -> Iterator[str]:
    number = numbers(run)
    for begin, end in run.history.pairs():
        mark = "*" if begin.op in run.verdict.witness else " "
        until = "" if end is None else f" to {format_us(end.t_us)}"
        who = f"{begin.client.rpartition('/')[0]} {begin.session}".strip()
        yield f"{mark} {number[begin.op]} {who}, {format_us(begin.t_us)}{until}: {operation_line(begin, end)}"


def _shortened(verdict: Verdict, number: Mapping[int, str]) -> str:
    reason = verdict.reason
    for op in sorted(number, reverse=True):  # the longest first, lest one be part of another
        reason = reason.replace(f"operation {op}", number[op]).replace(str(op), number[op]) if op > 999 else reason
    return reason


def _doc(claim: str) -> str:
    from experiments.properties import find

    return _NO_CRASH_DOC if claim == NO_CRASH else find(claim).doc


def _value(value: object) -> str:
    return "[" + " ".join(map(_value, value)) + "]" if isinstance(value, tuple) else str(value)
