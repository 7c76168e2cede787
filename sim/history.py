"""What the clients saw: the only evidence that a checker gets.

A client records `invoke` when it asks and one of three endings: `ok` (it happened), `fail`
(it certainly did not), `info` (nobody can tell; a time-out is always this one). An
operation that was still open when the run ended has no ending, and may have happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from sim.tuples import made

__all__ = ["History", "HistoryRow", "Kind", "Operation", "Value"]

Value: TypeAlias = "int | str | tuple[Value, ...] | None"
_FORMAT: Final = "i, t_us, client, session, op, kind, f, key, value, version"


class Kind(StrEnum):
    """What a row says about its operation."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Operation(NamedTuple):
    """What a client hands over to be recorded.

    Attributes:
        op: Names the operation within its history; its invocation and its ending share it.
        kind: Beginning, or which ending.
        f: What is asked, such as `deposit` or `read`.
        key: On what.
        value: Argument at the invocation, answer at the ending.
        version: Version that the answer speaks of, None if it speaks of none.
        session: Operations of one session are ordered for their client; "" is no session.
    """

    op: int
    kind: Kind
    f: str
    key: int | str
    value: Value
    version: int | None = None
    session: str = ""


class HistoryRow(NamedTuple):
    """One line of a history; `i` counts rows from 0, `t_us` never decreases."""

    i: int
    t_us: int
    client: str
    session: str
    op: int
    kind: Kind
    f: str
    key: int | str
    value: Value
    version: int | None


class History:
    """Rows in the order in which they were recorded.

    Attributes:
        rows: The rows; append through `append` only.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[HistoryRow] = []

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[HistoryRow]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return self.rows == other.rows if isinstance(other, History) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows

    def append(self, t_us: int, client: str, operation: Operation) -> HistoryRow:
        """Record one operation's beginning or ending; returns its row.

        Raises:
            ValueError: `t_us` lies before the last row.
        """
        rows = self.rows
        if rows and t_us < rows[-1].t_us:
            raise ValueError(f"{t_us=} lies before the last row's {rows[-1].t_us}; record in order")
        op, kind, f, key, value, version, session = operation
        # A named tuple's own constructor goes through Python once more, and histories are long.
        row = made(HistoryRow, (len(rows), t_us, client, session, op, kind, f, key, value, version))
        rows.append(row)
        return row

    def pairs(self) -> Iterator[tuple[HistoryRow, HistoryRow | None]]:
        """Each invocation with its ending, None while it has none; by invocation.

        Raises:
            ValueError: an operation begins twice, ends twice or ends before it began.
        """
        invokes: dict[int, HistoryRow] = {}
        endings: dict[int, HistoryRow] = {}
        for row in self.rows:
            begins = row.kind is Kind.INVOKE
            if (row.op in invokes) if begins else (row.op not in invokes or row.op in endings):
                raise ValueError(
                    f"row {row.i} ({row.kind} of operation {row.op}) does not fit what came before "
                    "it; `well_formed` tells how, so check with it first"
                )
            (invokes if begins else endings)[row.op] = row
        for op, invoke in invokes.items():
            yield invoke, endings.get(op)

    def to_jsonl(self, path: Path) -> None:
        """Write one JSON object a row, keys in the order of `HistoryRow`."""
        with path.open("w", encoding="utf-8", newline="\n") as out:
            for row in self.rows:
                out.write(json.dumps(row._asdict(), separators=(",", ":")) + "\n")

    @classmethod
    def from_jsonl(cls, path: Path) -> History:
        """Read what `to_jsonl` wrote; blank lines are skipped.

        Raises:
            ValueError: a line that is no row, with its file, line number, rule and way out.
            OSError: the file cannot be read.
        """
        history = cls()
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    history._add(_row(line))
                except ValueError as problem:
                    raise ValueError(f"{path}:{number}: {problem}") from None
        return history

    def _add(self, row: HistoryRow) -> None:
        if row.i != len(self.rows):
            raise ValueError(f"i = {row.i}: rows count 0, 1, 2, ...; this one is {len(self.rows)}")
        operation = Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
        self.append(row.t_us, row.client, operation)


def _row(line: str) -> HistoryRow:
    fields = json.loads(line)
    if not isinstance(fields, dict) or set(fields) != set(HistoryRow._fields):
        raise ValueError(f"not a history row; write one JSON object with exactly {_FORMAT}")
    for name in ("i", "t_us", "op"):
        _check(name, fields[name], int)
    for name in ("client", "session", "f"):
        _check(name, fields[name], str)
    _check("key", fields["key"], int, str)
    _check("version", fields["version"], int, type(None))
    if fields["t_us"] < 0:
        raise ValueError(f"t_us = {fields['t_us']}: a run begins at 0; give a later time")
    if fields["kind"] not in list(Kind):
        raise ValueError(f"kind = {fields['kind']!r}: use one of {', '.join(Kind)}")
    return HistoryRow(**fields | {"kind": Kind(fields["kind"]), "value": _value(fields["value"])})


def _check(name: str, value: object, *types: type) -> None:
    # bool is an int to Python and never one to a history.
    if not isinstance(value, types) or isinstance(value, bool):
        wanted = " or ".join("null" if t is type(None) else t.__name__ for t in types)
        raise ValueError(f"{name} = {value!r}: this field holds {wanted}; write one")


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    _check("value", value, int, str, type(None))
    return value  # type: ignore[no-any-return]
