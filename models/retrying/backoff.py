"""Back-off: how long a caller waits before it asks again, and how it keeps out of step with the others.

Without randomness all who failed together come back together. The kinds of jitter are those of Brooker,
"Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), and the proportional one of gRPC's connection back-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sim.wording import Refused

__all__ = ["Backoff", "Jitter", "Uniform"]


class Uniform(Protocol):
    """This much of a context's randomness."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""
        ...


class Jitter(StrEnum):
    """How a pause is drawn, where `e` is the exponential one: base, base x factor, ... up to the cap."""

    NONE = "none"  # e
    SHARE = "share"  # e, give or take a share of it
    EQUAL = "equal"  # half of e, and a uniform part of the other half
    FULL = "full"  # uniform up to e
    DECORRELATED = "decorrelated"  # uniform from the base to three times the last pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between attempts; times are microseconds.

    Attributes:
        base_us: The first, before jitter; 0 asks again at once.
        cap_us: The longest, before a share is added.
        factor: Each is so many times the one before.
        jitter: How it is drawn.
        share: By how much a pause of `SHARE` may differ, in [0, 1].

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """

    base_us: int = 100_000
    cap_us: int = 10_000_000
    factor: float = 2.0
    jitter: Jitter = Jitter.FULL
    share: float = 0.2

    def __post_init__(self) -> None:
        wrong = []
        if self.base_us < 0:
            wrong.append(f"base_us={self.base_us} is negative; give at least 0")
        if self.cap_us < self.base_us:
            wrong.append(f"cap_us={self.cap_us} is below base_us={self.base_us}; raise it")
        if not self.factor >= 1:
            wrong.append(f"factor={self.factor} would make pauses shorter and shorter; give at least 1")
        if not 0 <= self.share <= 1:
            wrong.append(f"share={self.share} of a pause is no jitter; give a number in [0, 1]")
        if wrong:
            raise Refused(wrong)

    def pause_us(self, failed: int, last_us: int, draws: Uniform) -> int:
        """The pause after an attempt; takes one draw unless there is no jitter.

        Args:
            failed: Attempts that failed so far, at least 1.
            last_us: The pause before, 0 before the first.
            draws: Randomness of the caller.
        """
        grown_us = min(float(self.cap_us), self.base_us * self.factor ** min(failed - 1, 63))
        match self.jitter:
            case Jitter.NONE:
                return round(grown_us)
            case Jitter.SHARE:
                return round(grown_us * (1 + self.share * (2 * draws.random() - 1)))
            case Jitter.EQUAL:
                return round(grown_us * (0.5 + 0.5 * draws.random()))
            case Jitter.FULL:
                return round(grown_us * draws.random())
            case Jitter.DECORRELATED:
                most_us = max(self.base_us, 3 * (last_us or self.base_us))
                return min(self.cap_us, round(self.base_us + (most_us - self.base_us) * draws.random()))
