"""Which version of its key an operation made or saw, and with which value.

A version number orders the writes of one key. Where an answer has none, the value may tell it:
a read that shows the value with its version, if only one write gave that value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sim.checkers.reading import Attempt, Key, written
from sim.history import Value

__all__ = ["Version", "Versions"]


class Version(NamedTuple):
    """A version of a key.

    Attributes:
        number: Its place in the order of the key's writes.
        value: What the key holds in it; of a stream, what stands last. () if that is not said.
        stream: The values of a stream as far as they were shown, up to this version; else ().
    """

    number: int
    value: Value
    stream: tuple[Value, ...] = ()


class Versions:
    """The versions that answers tell.

    Args:
        attempts: Operations, of any keys.
        initial: What every key holds as version 0, before anything is written.
    """

    __slots__ = ("_initial", "_streams", "_told", "_writers")

    def __init__(self, attempts: Iterable[Attempt], initial: Value = None) -> None:
        everything = list(attempts)
        self._initial = initial
        self._streams = {a.key for a in everything if a.f == "append"}
        self._writers = Counter((a.key, value) for a in everything for value in written(a))
        self._told: dict[tuple[Key, Value], int] = {}
        for attempt in everything:
            value = self._value(attempt)
            if attempt.ok and attempt.version is not None and self._writers[attempt.key, value] == 1:
                self._told.setdefault((attempt.key, value), attempt.version)

    def of(self, attempt: Attempt) -> Version | None:
        """The version that an operation with an answer made or saw; None if nothing tells it."""
        number, value = attempt.version, self._value(attempt)
        if attempt.f == "read" and attempt.key in self._streams:
            shown = attempt.answer if isinstance(attempt.answer, tuple) else ()
            number = len(shown) if number is None and isinstance(attempt.answer, tuple) else number
            return None if number is None else Version(number, value, shown)
        if number is None:
            number = self._told.get((attempt.key, value))
        if number is None and attempt.f == "read" and value == self._initial and not self._writers[attempt.key, value]:
            number = 0
        return None if number is None else Version(number, value)

    def _value(self, attempt: Attempt) -> Value:
        if attempt.f == "append":
            return attempt.asked
        if attempt.f != "read":
            return written(attempt)[0] if written(attempt) else ()
        if attempt.key in self._streams:
            if isinstance(attempt.answer, tuple):
                return attempt.answer[-1] if attempt.answer else ()
            return () if attempt.answer is None else attempt.answer
        return attempt.answer
