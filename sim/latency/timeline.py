"""A function of time that is drawn as far as somebody looks, and stays as it was drawn.

The slow component of delay and loss must be the same for two arms that send different
messages. So it is laid out in segments, in order, from a generator of its own; how often and
when it is asked changes nothing but how far it has been laid out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Timeline"]

V = TypeVar("V")


class Timeline(Generic[V]):
    """Segments that follow each other from instant 0 on, each with a value.

    Args:
        following: Makes the next segment: (length in whole microseconds, >= 1; value). Called
            once a segment, in order.
    """

    __slots__ = ("_begins", "_end", "_following", "_last_begin", "_last_end", "_last_value", "_values")

    def __init__(self, following: Callable[[], tuple[int, V]]) -> None:
        self._following = following
        self._begins: list[int] = []
        self._values: list[V] = []
        self._end = 0
        # The segment asked for last: time mostly goes on within it.
        self._last_begin, self._last_end = 0, 0
        self._last_value: V | None = None

    def at(self, t_us: int) -> tuple[int, V]:
        """When the segment that holds the instant `t_us` (>= 0) ends, exclusive, and its value."""
        if not self._last_begin <= t_us < self._last_end:
            self._find(t_us)
        return self._last_end, self._last_value  # type: ignore[return-value]

    def _find(self, t_us: int) -> None:
        assert t_us >= 0, f"{t_us=}: a timeline begins at 0"
        while self._end <= t_us:
            length_us, value = self._following()
            assert length_us >= 1, f"a segment of {length_us} us would never end the search"
            self._begins.append(self._end)
            self._values.append(value)
            self._end += length_us
        index = bisect_right(self._begins, t_us) - 1
        self._last_begin = self._begins[index]
        self._last_end = self._begins[index + 1] if index + 1 < len(self._begins) else self._end
        self._last_value = self._values[index]
