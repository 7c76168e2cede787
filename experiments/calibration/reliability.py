"""Reliability: of what was said to have such a chance, how often was it so?

Chances near 0 and 1 are the ones that matter, so bins are equal on a logit axis. A bar of consistency is where the
frequency of a bin would be, if what was said were true and samples were independent (Brocker and Smith, Weather and
Forecasting 22, 2007); within a run they are not, so a bar alone decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import exp, fsum, log
from typing import Final, NamedTuple

import numpy as np

from experiments.calibration.said import Said

__all__ = ["EDGES", "Bin", "bin_of", "logit", "reliability"]

#: Logits between bins; chances beyond the last are one bin.
EDGES: Final = (-9.2, -6.9, -4.6, -2.9, -1.7, -0.6, 0.6, 1.7, 2.9, 4.6, 6.9, 9.2)
_LEAST: Final = 1e-12
_DRAWS: Final = 4_000


class Bin(NamedTuple):
    """Samples whose chances are alike.

    Attributes:
        number: Of the bin, from that of the smallest chances.
        samples: How many.
        said: Mean of what was said.
        came: Share that was so.
        low: Lower end of the bar of consistency, 95 %.
        high: Upper end.
    """

    number: int
    samples: int
    said: float
    came: float
    low: float
    high: float


def logit(chance: float) -> float:
    """ln(p / (1 - p)), of a chance kept off 0 and 1."""
    chance = min(max(chance, _LEAST), 1 - _LEAST)
    return log(chance / (1 - chance))


def bin_of(chance: float) -> int:
    """The number of a chance's bin."""
    at = logit(chance)
    return sum(at >= edge for edge in EDGES)


def chance_of(at: float) -> float:
    """The chance of a logit."""
    return 1 / (1 + exp(-at))


def reliability(runs: Sequence[Said], *, seed: int = 0) -> list[Bin]:
    """Bins that have samples, in order.

    Args:
        runs: What was said.
        seed: Of the draws behind the bars.
    """
    found: dict[int, list[tuple[float, bool]]] = {}
    for run in runs:
        for chance, so in zip(run.chances, run.outcomes, strict=True):
            found.setdefault(bin_of(chance), []).append((chance, so))
    bins = []
    for number in sorted(found):
        samples = found[number]
        said = fsum(chance for chance, _ in samples) / len(samples)
        low, high = consistent(said, len(samples), seed=seed, name=str(number), confidence=0.95)
        came = sum(so for _, so in samples) / len(samples)
        bins.append(Bin(number, len(samples), said, came, low, high))
    return bins


def consistent(said: float, samples: int, *, seed: int, name: str, confidence: float) -> tuple[float, float]:
    """Between which the share that came true is, if the chance that was said is right; of independent samples."""
    key = int.from_bytes(blake2b(f"{seed}/consistency/{name}".encode(), digest_size=16).digest(), "big")
    drawn = np.random.Generator(np.random.PCG64(key)).binomial(samples, min(1.0, said), size=_DRAWS)
    tail = (1 - confidence) / 2
    low, high = (float(np.quantile(drawn, part, method="nearest")) / samples for part in (tail, 1 - tail))
    return low, high
