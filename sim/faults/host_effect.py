"""What live faults do to one host: the words that faults and machines share.

Like a `LinkEffect`, it is contributed while a fault lives and combined afresh from all that
live now: factors and clock rates multiply, offsets add, and the rest holds while any says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["NO_EFFECT", "HostEffect", "combined"]

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEffect:
    """What one live fault, or all of them together, do to a host.

    Attributes:
        slow_factor: Multiplies core time, > 0.
        paused: It keeps everything and does nothing.
        disk_slow_factor: Multiplies the duration of flushes, > 0.
        fsync_lies: Flushes are acknowledged and not done.
        disk_full: There is no room for another record.
        disk_lost: There is no disk.
        clock_offset_us: What the wall clock shows beyond the monotonic one.
        clock_drift_ppm: Microseconds that its clocks gain in a true second, > -1,000,000.
    """

    slow_factor: float = 1.0
    paused: bool = False
    disk_slow_factor: float = 1.0
    fsync_lies: bool = False
    disk_full: bool = False
    disk_lost: bool = False
    clock_offset_us: int = 0
    clock_drift_ppm: int = 0


NO_EFFECT: Final = HostEffect()


def combined(effects: Iterable[HostEffect]) -> HostEffect:
    """What several live effects come to; `NO_EFFECT` for none."""
    parts = tuple(effects)
    if not parts:
        return NO_EFFECT
    slow, disk_slow, rate = 1.0, 1.0, _MILLION
    for part in parts:
        slow *= part.slow_factor
        disk_slow *= part.disk_slow_factor
        # Rates multiply, so that no number of slow clocks comes to one that stands still.
        rate = max(1, rate * (_MILLION + part.clock_drift_ppm) // _MILLION)
    return HostEffect(
        slow_factor=slow,
        paused=any(part.paused for part in parts),
        disk_slow_factor=disk_slow,
        fsync_lies=any(part.fsync_lies for part in parts),
        disk_full=any(part.disk_full for part in parts),
        disk_lost=any(part.disk_lost for part in parts),
        clock_offset_us=sum(part.clock_offset_us for part in parts),
        clock_drift_ppm=rate - _MILLION,
    )
