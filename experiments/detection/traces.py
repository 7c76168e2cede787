"""A user's own trace: CSV of when heartbeats were sent and arrived, or of arrivals alone.

The first line names columns: `arrived_us` (or `_ms`, `_s`), and where known `sequence` and `sent_us`.
Without numbers heartbeats are numbered as they came, so that a lost one looks like a late one; with
times of sending and an interval, numbers are worked out. What did not arrive has an empty `arrived`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from models.detection import Plan
from models.detection.arrays import Trace, shortest
from models.detection.arrays.trace import Ints
from sim.wording import way_to

__all__ = ["UserTrace", "long_enough", "read_trace"]

_UNITS: Final = (("us", 1.0), ("ms", 1e3), ("s", 1e6))
_COLUMNS: Final = (*(f"{what}_{unit}" for what in ("arrived", "sent") for unit, _ in _UNITS), "sequence")


class UserTrace(NamedTuple):
    """What a file holds.

    Attributes:
        trace: By arrival; times are from the earliest in the file.
        sent_us: When each arrival was sent, on the sender's clock; None where the file does not say.
        lost: Rows without an arrival.
    """

    trace: Trace
    sent_us: Ints | None
    lost: int


def read_trace(path: Path, *, eta_us: int | None = None, copies: bool = False) -> UserTrace:
    """Read a trace.

    Args:
        path: A CSV file with a line of column names.
        eta_us: Interval between heartbeats, to number them by when they were sent; None to number them as
            they are listed.
        copies: Whether a heartbeat may come more than once.

    Raises:
        ValueError: The file is no such trace; the line, what is wrong and what to do.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); give a CSV file with a line of column names"
        ) from None
    if not rows:
        raise ValueError(f"{path} is empty; the first line names columns, such as arrived_us")
    names = [name.strip() for name in rows[0]]
    for name in names:
        if name not in _COLUMNS:
            raise ValueError(f"{path}:1: no column is called {name!r}; {way_to(name, _COLUMNS)}")
    arrived, sent = (_times(path, names, rows[1:], what) for what in ("arrived", "sent"))
    if arrived is None:
        raise ValueError(f"{path}:1: nothing says when heartbeats arrived; name a column arrived_us, _ms or _s")
    numbers = _numbers(path, names, rows[1:])
    if numbers is None and sent is not None:
        numbers = list(range(len(sent))) if eta_us is None else _by_sending(path, sent, eta_us)
    here = [row for row, at in enumerate(arrived) if at is not None]
    if not here:
        raise ValueError(f"{path} has no arrival; a trace needs one")
    _in_order(path, rows, names, arrived, numbered=numbers is not None)
    times = [at for at in (*arrived, *(sent or ())) if at is not None]
    first = min(times)
    try:
        trace = Trace.of(
            np.rint([float(arrived[row] or 0.0) - first for row in here]),
            None if numbers is None else [numbers[row] for row in here],
            copies=copies,
        )
    except ValueError as refused:
        raise ValueError(f"{path}: {refused}") from None
    sent_us = None if sent is None else np.rint([float(sent[row] or 0.0) - first for row in here]).astype(np.int64)
    return UserTrace(trace, sent_us, len(arrived) - len(here))


def long_enough(trace: Trace, plan: Plan) -> None:
    """Refuse a trace that ends before the detector's window is full.

    Raises:
        ValueError: It does.
    """
    if len(trace) <= shortest(plan):
        raise ValueError(
            f"the trace has {len(trace)} arrivals and {plan!r} needs {shortest(plan)} before its window is full; "
            "take a longer trace or a shorter window"
        )


def _in_order(
    path: Path, rows: Sequence[Sequence[str]], names: Sequence[str], arrived: Sequence[float | None], *, numbered: bool
) -> None:
    """Refuse arrivals that do not rise, in the terms of the file."""
    column = next(place for place, name in enumerate(names) if name.startswith("arrived_"))
    before: tuple[int, float] | None = None
    for line, at in enumerate(arrived, 2):
        if at is None:
            continue
        if before is not None and (at < before[1] or (at == before[1] and not numbered)):
            here, there = (rows[place - 1][column].strip() for place in (line, before[0]))
            if at < before[1]:
                wrong = f"is before {there} of line {before[0]}; sort the file by arrival"
            else:
                wrong = f"stands in line {before[0]} already; drop the copy, or add a column sequence"
            raise ValueError(f"{path}:{line}: {names[column]}={here} {wrong}")
        before = (line, at)


def _times(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> list[float | None] | None:
    """A column of times in microseconds, in whichever unit it is; None if there is none."""
    found = [(names.index(f"{what}_{unit}"), scale) for unit, scale in _UNITS if f"{what}_{unit}" in names]
    if len(found) > 1:
        raise ValueError(f"{path}:1: {what} stands there in {len(found)} units; keep one")
    if not found:
        return None
    (column, scale), values = found[0], []
    for line, row in enumerate(rows, 2):
        text = row[column].strip() if column < len(row) else ""
        value = _number(path, line, names[column], text) if text else None
        if value is None and what == "sent":
            raise ValueError(f"{path}:{line}: {names[column]} is empty; every heartbeat was sent")
        if value is not None and value < 0:
            raise ValueError(f"{path}:{line}: {names[column]}={text} is below 0; count from an instant before all")
        values.append(None if value is None else value * scale)
    return values


def _numbers(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int] | None:
    if "sequence" not in names:
        return None
    column, found = names.index("sequence"), []
    for line, row in enumerate(rows, 2):
        text = row[column].strip() if column < len(row) else ""
        value = _number(path, line, "sequence", text)
        if value != int(value) or value < 0:
            raise ValueError(f"{path}:{line}: sequence={text} is no whole number from 0 up; count heartbeats")
        found.append(int(value))
    return found


def _by_sending(path: Path, sent: Sequence[float | None], eta_us: int) -> list[int]:
    if eta_us < 1:
        raise ValueError(f"{eta_us=} is no interval between heartbeats; give at least 1")
    first = min(float(at or 0.0) for at in sent)
    return [round((float(at or 0.0) - first) / eta_us) for at in sent]


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{path}:{line}: {name}={text!r} is no number; leave it empty if nothing arrived")
    return value
