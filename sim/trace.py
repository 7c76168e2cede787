"""What happened, for people and for the digest.

Three levels: *off* writes nothing; *counters* has the network and the hosts count all that
they can, bytes among them; *full* writes besides one row for each thing that happened, with
the row that caused it. A cause is what must have come before: for a message that arrives its
sending, for what a service does the message, timer or wait that woke it, and for a timer what
set it. The digest never uses the trace, so it is the same at every level. `trace_file` keeps
rows in files.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, MutableSequence
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

__all__ = ["Digest", "Trace", "TraceLevel", "TraceRow", "plain"]


class TraceLevel(StrEnum):
    """How much a world writes down."""

    OFF = "off"
    COUNTERS = "counters"
    FULL = "full"


class TraceRow(NamedTuple):
    """One thing that happened.

    Attributes:
        t_us: When.
        i: Its number, from 0.
        kind: `send`, `deliver`, and what else befalls a message (`drop`, `duplicate` and so on);
            `crash`, `perish`, `restart`, `provision`, `reset`, `point`, `note`, `record` of a host;
            `fault`, `heal` of the world.
        src: Index of the sending host, or of the one concerned; -1 for the world.
        dst: Index of the receiving host, -1 where there is none.
        type_id: The message's, 0 where there is none.
        message: The message itself, with what befell it; or the detail of another row.
        cause: Number of the row that this one follows from, -1 for none.
    """

    t_us: int
    i: int
    kind: str
    src: int
    dst: int
    type_id: int
    message: object
    cause: int


class Trace:
    """The rows of one world.

    Args:
        level: How much is written.
        now_us: The world's clock.
        keep: How many of the latest rows are kept; all by default.

    Attributes:
        full: Whether rows are written at all.
        rows: Those kept, in order.
        cause: The row being acted on now; whatever is written takes it as its cause.
    """

    def __init__(self, level: TraceLevel, now_us: Callable[[], int], keep: int | None = None) -> None:
        self.level = level
        self.full = level is TraceLevel.FULL
        self.rows: MutableSequence[TraceRow] = [] if keep is None else deque(maxlen=keep)
        self.cause = -1
        self._written = 0
        self._now_us = now_us

    def because(self, cause: int, fn: Callable[..., object], *args: Any) -> None:
        """Call `fn(*args)` with `cause` for its cause."""
        before, self.cause = self.cause, cause
        try:
            fn(*args)
        finally:
            self.cause = before

    def under(self, cause: int, fn: Callable[..., object]) -> Callable[..., None]:
        """`fn`, to be called with `cause` for its cause, unless another is at work by then."""
        return partial(self.caused, cause, fn)

    def caused(self, cause: int, fn: Callable[..., object], *args: Any) -> None:
        """Call `fn(*args)` under the cause at work, or under `cause` if none is."""
        self.because(cause if self.cause == -1 else self.cause, fn, *args)

    def message(self, kind: str, src: int, dst: int, message: Any, cause: int, why: str | None = None) -> int:
        """Write a row about a message; returns its number, -1 below the full level."""
        if not self.full:
            return -1
        body = message if why is None else (why, message)
        return self._add(kind, src, dst, message.type_id, body, cause)

    def event(self, kind: str, host: int, detail: object, cause: int | None = None) -> int:
        """Write a row about a host or the world; returns its number, -1 below full."""
        if not self.full:
            return -1
        return self._add(kind, host, -1, 0, detail, self.cause if cause is None else cause)

    def _add(self, kind: str, src: int, dst: int, type_id: int, message: object, cause: int) -> int:
        i = self._written
        self._written += 1
        self.rows.append(TraceRow(self._now_us(), i, kind, src, dst, type_id, message, cause))
        return i


def plain(value: object) -> Any:
    """A value as JSON types, the same for equal values whatever the hash seed.

    Floats become their hexadecimal text (every bit counts), bytes their hex, dataclasses
    and named tuples an object with the class name, frozensets a sorted list.
    """
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, StrEnum) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = {name: plain(item) for name, item in zip(value._fields, value, strict=True)}
        return {"": type(value).__name__, **fields}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, dict):
        return [[plain(k), plain(v)] for k, v in value.items()]
    if dataclasses.is_dataclass(value):
        pairs = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"": type(value).__name__, **pairs}
    return type(value).__name__  # a sentinel: its class is all it says


class Digest:
    """BLAKE2b over labelled values, fed in an order that does not depend on the machine.

    Values enter in a text form of their own, built by class: it is three times as fast as
    JSON of `plain`, and half of a short run used to go into it. Floats enter as `float.hex()`.
    """

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._writers = _Writers()

    def add(self, label: str, value: object) -> None:
        """Feed one labelled value."""
        self._hash.update(f"{label}\x1f{self._writers[value.__class__](value)}\x1e".encode())

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        return self._hash.hexdigest()


class _Writers(dict[type, Callable[[Any], str]]):
    """By class, how its values are written; a class that was not met before is looked into once.

    A dictionary that fills itself, since a history has a million values: a call for each would be most of it.
    """

    def __init__(self) -> None:
        super().__init__({int: repr, bool: repr, type(None): repr, str: ascii, float: float.hex, bytes: bytes.hex})
        self[tuple] = self[list] = self._sequence
        self[frozenset] = lambda value: "{" + ",".join(sorted([self[one.__class__](one) for one in value])) + "}"

    def __missing__(self, cls: type) -> Callable[[Any], str]:
        writer = self[cls] = self._writer(cls)
        return writer

    def _sequence(self, value: Any) -> str:
        return "(" + ",".join([self[one.__class__](one) for one in value]) + ")"

    def _writer(self, cls: type) -> Callable[[Any], str]:
        """How values of a class that was not met before are written."""
        name, sequence = cls.__name__, self._sequence
        if issubclass(cls, str):  # enumerations
            return lambda value: ascii(str(value))
        if issubclass(cls, int):
            return lambda value: repr(int(value))
        if issubclass(cls, tuple):
            return lambda value: name + sequence(value)
        if dataclasses.is_dataclass(cls):
            names = [f.name for f in dataclasses.fields(cls)]
            if len(names) < 2:
                return lambda value: name + sequence([getattr(value, n) for n in names])
            fields = attrgetter(*names)
            return lambda value: name + sequence(fields(value))
        if issubclass(cls, dict):
            return lambda value: name + sequence(tuple(value.items()))
        return lambda value: name  # a sentinel: its class is all it says
