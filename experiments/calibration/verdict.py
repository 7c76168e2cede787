"""Whether what was said can be true: a verdict over bins, and runs as the unit.

A bin is off where two things agree: resampling whole runs leaves the difference between what was said and what came
on one side of 0, and the share that came is outside of the bar of consistency. The first alone would convict a
chance of 1e-5 that never came true in a hundred samples; the second alone takes hosts of one region for independent.
All bins are one family.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import fsum
from typing import Final, NamedTuple

import numpy as np

from experiments.calibration.reliability import Bin, bin_of, consistent, reliability
from experiments.calibration.said import Said

__all__ = ["Verdict", "verdict"]

_DRAWS: Final = 4_000
#: Fewer runs in a bin resample to nearly nothing but themselves.
_FEWEST: Final = 5


class Verdict(NamedTuple):
    """What the samples say.

    Attributes:
        bins: All that have samples.
        off: Those where what was said cannot be true.
        judged: Of how many bins there were runs enough to tell.
    """

    bins: tuple[Bin, ...]
    off: tuple[Bin, ...]
    judged: int

    @property
    def calibrated(self) -> bool | None:
        """Whether no bin is off; None if none had runs enough."""
        return None if not self.judged else not self.off


def verdict(runs: Sequence[Said], *, seed: int = 0, confidence: float = 0.99) -> Verdict:
    """Hold what was said against what came.

    Args:
        runs: Of one teller, a run each.
        seed: Of the resampling.
        confidence: That no bin of a teller who is right is called off, for all bins together.
    """
    bins = reliability(runs, seed=seed)
    sums = [_excess(run) for run in runs]
    judged, off = 0, []
    each = 1 - (1 - confidence) / max(1, len(bins))
    for one in bins:
        excess = [found[one.number] for found in sums if one.number in found]
        if len(excess) < _FEWEST:
            continue
        judged += 1
        low, high = _resampled(excess, f"{seed}/{one.number}", each)
        bar = consistent(one.said, one.samples, seed=seed, name=f"verdict/{one.number}", confidence=each)
        if (low > 0 or high < 0) and not bar[0] <= one.came <= bar[1]:
            off.append(one)
    return Verdict(tuple(bins), tuple(off), judged)


def _excess(run: Said) -> dict[int, float]:
    """By bin, by how much more came true in a run than was said."""
    found: dict[int, list[float]] = {}
    for chance, so in zip(run.chances, run.outcomes, strict=True):
        found.setdefault(bin_of(chance), []).append(so - chance)
    return {number: fsum(values) for number, values in found.items()}


def _resampled(excess: Sequence[float], name: str, confidence: float) -> tuple[float, float]:
    """Percentile interval of the mean over runs."""
    key = int.from_bytes(blake2b(f"{name}/verdict".encode(), digest_size=16).digest(), "big")
    chosen = np.random.Generator(np.random.PCG64(key)).integers(0, len(excess), size=(_DRAWS, len(excess)))
    means = np.asarray(excess, dtype=float)[chosen].mean(axis=1)
    tail = (1 - confidence) / 2
    return float(np.quantile(means, tail)), float(np.quantile(means, 1 - tail))
