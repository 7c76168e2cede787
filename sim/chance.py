"""Named randomness: one root seed, and a generator for each name.

A generator is a function of the seed and its *name* alone. A draw added somewhere
leaves every other consumer's sequence as it was, and two arms of an experiment meet
the same arrivals and the same faults, because those consumers bear the same names.
`random.Random` and `hash()` are not used: the first cannot be split by name, the
second changes with PYTHONHASHSEED.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from math import log1p
from typing import Final

from numpy.random import PCG64, Generator

__all__ = ["Chance", "Draws"]

# Blocks make a draw cost 80 ns where a scalar call costs 280; they start small so that the
# many consumers that draw once or twice do not pay for 256 values each.
_FIRST_BLOCK: Final = 8
_LARGEST_BLOCK: Final = 256


class Chance:
    """All randomness of one world.

    Args:
        seed: Root seed, any whole number; there is no default.
    """

    def __init__(self, seed: int) -> None:
        if seed.__class__ is not int:
            raise ValueError(f"{seed=} is not a whole number; a root seed must be one")
        self.seed = seed
        self._generators: dict[str, Generator] = {}
        self._draws: dict[str, Draws] = {}

    def generator(self, name: str) -> Generator:
        """The numpy generator of `name`, made at first use and kept."""
        found = self._generators.get(name)
        if found is None:
            found = self._generators[name] = self.afresh(name)
        return found

    def afresh(self, name: str) -> Generator:
        """A new generator at the begin of the sequence of `name`, shared with nobody.

        For functions of time that several look at, each at its own pace: equal names give
        equal functions, and nobody's looking moves another's sequence on.
        """
        key = blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest()
        return Generator(PCG64(int.from_bytes(key, "big")))

    def draws(self, name: str) -> Draws:
        """Scalar draws of `name`, taken from its generator in blocks."""
        found = self._draws.get(name)
        if found is None:
            found = self._draws[name] = Draws(self.generator(name))
        return found


class Draws:
    """Scalar draws on top of blocks of uniforms; every method consumes exactly one.

    Shapes use `math`, not numpy's ufuncs: the last bits of the latter depend on the
    processor, and a digest must not.
    """

    __slots__ = ("_block", "_generator", "_size")

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._size = _FIRST_BLOCK
        self._block: list[float] = []

    # Each method takes its number off the block itself: a call to `random` would be half of what it costs.

    def random(self) -> float:
        """A uniform number in [0, 1)."""
        return (self._block or self._refill()).pop()

    def _refill(self) -> list[float]:
        # Reversed, because `pop` takes from the end: order of use = order of drawing.
        block: list[float] = self._generator.random(self._size).tolist()
        block.reverse()
        self._block = block
        self._size = min(2 * self._size, _LARGEST_BLOCK)
        return block

    def uniform(self, low: float, high: float) -> float:
        """A uniform number in [low, high)."""
        return low + (high - low) * (self._block or self._refill()).pop()

    def below(self, n: int) -> int:
        """A whole number in [0, n), n >= 1."""
        if n < 1:
            raise ValueError(f"{n=} leaves nothing to choose from; give at least 1")
        return int((self._block or self._refill()).pop() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        n = high - low + 1
        if n < 1:
            raise ValueError(f"{low=} is above {high=}, which leaves nothing to choose from; give low <= high")
        return low + int((self._block or self._refill()).pop() * n)

    def exponential(self, mean: float) -> float:
        """An exponential number with the given mean (> 0), by inversion."""
        return -mean * log1p(-(self._block or self._refill()).pop())

    def pick(self, cumulative: Sequence[float]) -> int:
        """An index drawn by weight, from cumulative weights whose last is their sum."""
        wanted = (self._block or self._refill()).pop() * cumulative[-1]
        return min(bisect_right(cumulative, wanted), len(cumulative) - 1)
