"""Operations and faults in words, a line each: for who reads why a claim broke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sim.faults import Fault, Trigger
from sim.history import HistoryRow, Kind
from sim.units import format_us

__all__ = ["fault_lines", "witness_lines"]

_MOST_ROWS: Final = 40
_WIDEST: Final = 160


def witness_lines(rows: Sequence[HistoryRow]) -> Iterator[str]:
    """Rows of a history: who asked what when, and what was answered."""
    for row in rows[:_MOST_ROWS]:
        version = "" if row.version is None else f" (version {row.version})"
        value = "" if row.value is None else f" {row.value!r}"
        session = f" {row.session}" if row.session else ""
        word = "asks to" if row.kind is Kind.INVOKE else f"{row.kind}:"
        told = f"{format_us(row.t_us)} {row.client}{session} {word} {row.f} key {row.key}{value}{version} [{row.op}]"
        yield told if len(told) <= _WIDEST else f"{told[: _WIDEST - 4]} ..."
    if len(rows) > _MOST_ROWS:
        yield f"... and {len(rows) - _MOST_ROWS} rows more"


def fault_lines(faults: Iterable[Fault]) -> Iterator[str]:
    """A schedule: what, whom, from when, how long."""
    for fault in faults:
        lasts = "for ever" if fault.for_us is None else f"for {format_us(fault.for_us)}"
        params = ", ".join(f"{name} {value}" for name, value in fault.params.items())
        targets = ", ".join(fault.targets)
        yield f"{fault.id}: {fault.kind} of {targets}, {_begins(fault.at)}, {lasts}{f' ({params})' if params else ''}"


def _begins(at: int | Trigger) -> str:
    if not isinstance(at, Trigger):
        return f"from {format_us(at)}"
    where = f" on {at.host}" if at.host else ""
    since = f" since {format_us(at.since_us)}" if at.since_us else ""
    until = "" if at.until_us is None else f" before {format_us(at.until_us)}"
    return f"when {at.point or at.note} comes{where}, time {at.nth}{since}{until}"
