"""A token bucket: the cap that keeps a storm in a high layer from starving those below.

Strict priority lets a high layer take all there is. Under a cap it takes its share, in bursts of
a hundredth of a second at most, and what exceeds that waits, even if nothing else does: a layer
far below its cap never notices it, and one that storms leaves the rest to the others.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Bucket"]

_SECOND: Final = 1_000_000
#: A bucket holds what its rate brings in a hundredth of a second.
_BURSTS_PER_SECOND: Final = 100


class Bucket:
    """Tokens of one layer: what it may use now, filling at a rate.

    Counted in millionths of a unit, so nothing is rounded away. It starts full. A piece larger
    than the bucket may go when that is full and leaves it in debt.

    Args:
        per_second: What it may use in a second, in units: bytes on a link, microseconds on cores.
    """

    __slots__ = ("_at_us", "_depth", "_level", "_rate")

    def __init__(self, per_second: int) -> None:
        if per_second.__class__ is not int or per_second < 1:
            raise ValueError(f"{per_second=} is no rate cap; give whole units a second >= 1")
        self._rate = per_second
        self._depth = max(1, per_second // _BURSTS_PER_SECOND) * _SECOND
        self._level = self._depth
        self._at_us = 0

    def ready_us(self, size: int, now_us: int) -> int:
        """The first instant from now on at which `size` units may go."""
        self._fill(now_us)
        short = min(size * _SECOND, self._depth) - self._level
        return now_us if short <= 0 else now_us - (-short // self._rate)

    def take(self, size: int, now_us: int) -> None:
        """Pay for `size` units."""
        self._fill(now_us)
        self._level -= size * _SECOND

    def _fill(self, now_us: int) -> None:
        self._level = min(self._depth, self._level + self._rate * (now_us - self._at_us))
        self._at_us = now_us
