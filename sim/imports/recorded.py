"""Rows of a history that was recorded elsewhere, put together with every complaint at once.

Whatever the format, a row is one `RecordedRow`. Rows either all carry the id of their
operation, or none does, and then a client has one operation open at a time, as in Jepsen.
Either all carry a time or none does, and time never goes back: rows in another order than
they happened in would turn every verdict into noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sim.checkers.specifications import Shape
from sim.history import History, Kind, Operation, Value
from sim.imports.rows import Malformed, MalformedRows, quoted
from sim.wording import way_to

__all__ = ["ONLY_KEY", "Assembly", "RecordedHistory", "RecordedRow"]

#: The key of rows that name none.
ONLY_KEY: Final = "all"


class RecordedRow(NamedTuple):
    """One row as its format tells it; None is what it does not tell.

    `whole` is False where its key or value was complained of: it still begins or ends its operation, so that
    one mistake does not make others of the rows that belong to it.
    """

    line: int
    t_us: int | None
    client: str
    session: str
    op: int | None
    kind: Kind
    f: str
    key: int | str
    value: Value
    version: int | None
    whole: bool = True


class RecordedHistory(NamedTuple):
    """A history as its file tells it.

    Attributes:
        history: The history.
        lines: By operation, the lines where it begins and ends (None while it has not).
        timed: Whether the file tells times; where it does not, rows are a microsecond apart.
    """

    history: History
    lines: Mapping[int, tuple[int, int | None]]
    timed: bool


class _Begun(NamedTuple):
    op: int
    row: RecordedRow


class Assembly:
    """One reading of one file.

    Args:
        file: Its name, for messages.
        shapes: What operations there may be, by name, what they are asked and what they answer; empty takes any.
    """

    def __init__(self, file: str, shapes: Mapping[str, tuple[Shape, Shape]]) -> None:
        self._file = file
        self._shapes = shapes
        self._problems: list[Malformed] = []
        self._history = History()
        self._lines: dict[int, tuple[int, int | None]] = {}
        self._begun: dict[int | str, _Begun] = {}
        self._ended: dict[int | str, int] = {}
        self._first: RecordedRow | None = None
        self._latest: RecordedRow | None = None
        self._told: set[str] = set()

    def complain(self, line: int, value: str, rule: str, way_out: str) -> None:
        """Note something wrong."""
        self._problems.append(Malformed(line, value, rule, way_out))

    def add(self, row: RecordedRow) -> None:
        """Take the next row."""
        if self._first is None:
            self._first = row
        t_us = self._time_of(row)
        self._check_words(row)
        op = self._begin(row) if row.kind is Kind.INVOKE else self._end(row)
        if op is None or self._problems:
            return
        self._history.append(
            t_us, row.client, Operation(op, row.kind, row.f, row.key, row.value, row.version, row.session)
        )

    def finish(self) -> RecordedHistory:
        """The history.

        Raises:
            MalformedRows: something was complained of, or there was no row.
        """
        if self._first is None and not self._problems:
            self.complain(1, "(nothing)", "the file holds no operation", "record at least one")
        if self._problems:
            raise MalformedRows(self._file, self._problems)
        assert self._first is not None
        return RecordedHistory(self._history, self._lines, self._first.t_us is not None)

    def _once(self, what: str, line: int, value: str, rule: str, way_out: str) -> None:
        """Complain of something that one cause makes true of many rows."""
        if what not in self._told:
            self._told.add(what)
            self.complain(line, value, rule, way_out)

    def _time_of(self, row: RecordedRow) -> int:
        first, latest = self._first, self._latest
        assert first is not None
        if (row.t_us is None) != (first.t_us is None):
            has = "has no time" if row.t_us is None else "has a time"
            does = "does" if row.t_us is None else "does not"
            rule = f"{has}, and line {first.line} {does}: the clocks are mixed"
            self._once("clock", row.line, _named(row), rule, "give all rows a time by one clock, or none")
        if row.t_us is None:
            return len(self._history)
        if latest is not None and latest.t_us is not None and row.t_us < latest.t_us:
            rule = f"time goes back, from {latest.t_us} us in line {latest.line}"
            self.complain(row.line, f"{row.t_us} us", rule, "write rows in the order of one clock")
        self._latest = row
        return row.t_us

    def _check_words(self, row: RecordedRow) -> None:
        if not self._shapes:
            return
        if row.f not in self._shapes:
            rule = f"not one of the model's operations, {', '.join(self._shapes)}"
            self.complain(row.line, f"f = {quoted(row.f)}", rule, way_to(row.f, self._shapes))
            return
        if not row.whole:
            return
        asked, answered = self._shapes[row.f]
        if row.kind is Kind.INVOKE and not asked.fits(row.value):
            self.complain(row.line, _value(row.value), f"{row.f} is asked {asked}", "write that")
        if row.kind is Kind.OK and not answered.fits(row.value):
            self.complain(row.line, _value(row.value), f"{row.f} answers {answered}", "write that")

    def _begin(self, row: RecordedRow) -> int | None:
        name = self._name(row)
        before = self._begun.get(name)
        if before is not None and (row.op is not None or name not in self._ended):
            rule = f"begins again; line {before.row.line} began it"
            way_out = "give every operation an id of its own"
            if row.op is None:
                rule = f"begins while its operation of line {before.row.line} is open"
                way_out = "end that first, with info if nobody knows, or give every row an op"
            self.complain(row.line, _named(row), rule, way_out)
        op = len(self._lines) if row.op is None else row.op
        self._begun[name] = _Begun(op, row)
        self._ended.pop(name, None)
        self._lines[op] = (row.line, None)
        return op

    def _end(self, row: RecordedRow) -> int | None:
        name = self._name(row)
        begun = self._begun.get(name)
        if begun is None:
            self.complain(row.line, _named(row), f"ends ({row.kind}) and never began", "write its invoke before it")
            return None
        if name in self._ended:
            rule = f"ends ({row.kind}) a second time; line {self._ended[name]} ended it"
            self.complain(row.line, _named(row), rule, "keep one of the two")
            return None
        self._ended[name] = row.line
        self._lines[begun.op] = (begun.row.line, row.line)
        began = begun.row
        keyed = row.key == began.key or not (row.whole and began.whole)
        if (row.f, row.client) != (began.f, began.client) or not keyed:
            rule = f"ends as {row.f} of {row.client} on {row.key!r} what line {began.line} began as "
            rule += f"{began.f} of {began.client} on {began.key!r}"
            self.complain(row.line, _named(row), rule, "let both rows name the same")
        return begun.op

    def _name(self, row: RecordedRow) -> int | str:
        """What beginning and ending have in common: the id of the operation, or the client."""
        first = self._first
        assert first is not None
        if (row.op is None) != (first.op is None):
            has, does = ("has no op", "does") if row.op is None else ("has an op", "does not")
            rule = f"{has}, and line {first.line} {does}"
            self._once("op", row.line, _named(row), rule, "give all rows the id of their operation, or none")
        return f"client {row.client}" if row.op is None else row.op


def _named(row: RecordedRow) -> str:
    return f"client {quoted(row.client)}" if row.op is None else f"op {row.op}"


def _value(value: Value) -> str:
    return f"value = {quoted(str(value)) if isinstance(value, str) else value}"
