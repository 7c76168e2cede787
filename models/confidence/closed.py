"""Closed forms: a crash behind silence, what explains what away, dependence unknown, and how fresh a read is.

The belief of `belief` computes all of them from its evidence, and tests hold it to these. Sources: Bayes' rule, with
a constant hazard and independent losses; Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, for explaining
away; Frechet, 1935, for bounds under unknown dependence.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, expm1, fsum, inf
from typing import NamedTuple

from models.detection.refusals import at_least, refuse

__all__ = [
    "Bounds",
    "CrashPosterior",
    "Explained",
    "chance",
    "crash_posterior",
    "explaining_away",
    "frechet_all",
    "frechet_any",
    "freshness",
]


class CrashPosterior(NamedTuple):
    """After some missed heartbeats.

    Attributes:
        alive: Weight of it being up, and every heartbeat lost (A).
        crashed: Weight of a crash in one of the intervals, and those sent before lost (C).
        posterior: P(crashed), C / (C + A).
    """

    alive: float
    crashed: float
    posterior: float


class Explained(NamedTuple):
    """What k silent hosts of one region say.

    Attributes:
        region: P(the region is down).
        host: P(a given host of them is down itself).
    """

    region: float
    host: float


class Bounds(NamedTuple):
    """A probability of which only this is known."""

    low: float
    high: float


def chance(name: str, value: float) -> str | None:
    """A mistake unless the value is in [0, 1]."""
    return None if 0 <= value <= 1 else f"{name}={value!r} is no probability; give a number from 0 to 1"


def crash_posterior(missed: int, *, mtbf: float, loss: float) -> CrashPosterior:
    """The posterior of a crash after `missed` heartbeats in a row did not come.

    Args:
        missed: Heartbeats that were due, counted from the last that came.
        mtbf: Mean time between crashes, in heartbeat intervals.
        loss: Chance that a heartbeat is lost.

    Raises:
        ValueError: a number out of its range, or nothing at all is possible (no loss, no crash, and silence).
    """
    refuse(
        (
            at_least("missed", missed, 0),
            None if mtbf > 0 else f"{mtbf=} is no mean time; give more than 0, or infinity for never",
            chance("loss", loss),
        )
    )
    alive = exp(-missed / mtbf) * loss**missed
    crashed = fsum(exp(-i / mtbf) * -expm1(-1 / mtbf) * loss**i for i in range(missed))
    if alive + crashed == 0:
        raise ValueError(f"{missed=} cannot be with {loss=} and {mtbf=}: neither loss nor crash explains it; raise one")
    return CrashPosterior(alive, crashed, crashed / (crashed + alive))


def explaining_away(region: float, host: float, silent: int, *, silent_if_up: float = 0.0) -> Explained:
    """What `silent` hosts of one region, all of its hosts that are watched, say of the region and of each of them.

    Args:
        region: P(region down) before.
        host: P(host down itself) before, each on its own.
        silent: How many.
        silent_if_up: Chance that a host is silent though it and its region are up.

    Raises:
        ValueError: a number out of its range, or a prior of 0 or 1, which no evidence moves.
    """
    refuse(
        (
            *(
                None if 0 < value < 1 else f"{name}={value!r} is a prior that no evidence moves; give one between 0, 1"
                for name, value in (("region", region), ("host", host))
            ),
            at_least("silent", silent, 0),
            chance("silent_if_up", silent_if_up),
        )
    )
    each = host + (1 - host) * silent_if_up
    up = (1 - region) * each**silent
    total = region + up
    # With its region down a host's own state is as likely as before; else it is one of those that explain its silence.
    own = host if silent == 0 else (region * host + up * host / each) / total
    return Explained(region / total, own)


def frechet_all(chances: Sequence[float]) -> Bounds:
    """Between which P(all of them) lies, whatever their dependence; of nothing it is 1.

    Raises:
        ValueError: one is no probability.
    """
    refuse(chance("probability", value) for value in chances)
    if not chances:
        return Bounds(1.0, 1.0)
    # 1 - sum of the complements keeps small complements exact.
    return Bounds(max(0.0, 1 - fsum(1 - value for value in chances)), min(chances))


def frechet_any(chances: Sequence[float]) -> Bounds:
    """Between which P(at least one of them) lies, whatever their dependence; of nothing it is 0.

    Raises:
        ValueError: one is no probability.
    """
    refuse(chance("probability", value) for value in chances)
    if not chances:
        return Bounds(0.0, 0.0)
    return Bounds(max(chances), min(1.0, fsum(chances)))


def freshness(writes_per_s: float, silent_us: float) -> float:
    """Chance that a copy is still the latest after `silent_us` without news, with Poisson writes on the other side.

    Raises:
        ValueError: a number below 0.
    """
    refuse(
        (at_least("writes_per_s", writes_per_s, 0), None if silent_us == inf else at_least("silent_us", silent_us, 0))
    )
    return exp(-writes_per_s * silent_us / 1_000_000) if writes_per_s else 1.0
