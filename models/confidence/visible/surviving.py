"""Will what one side of a cut accepted survive the merge? The posterior, from how earlier merges went.

A side decides without the writes of the others that it has not heard of. Of these, the ones that the merge puts before
its own may take its own back. Of the others it knows only for how long they were silent here. Their writes to an
aggregate are Poisson with a rate r, so in a silence of w there are K of them beside the m that are known by now. The
rate is gamma(a, b) by what was counted (`rates`), so K is negative binomial:

    P(K = k) = C(a + k - 1, k) (b / (b + w))^a (w / (b + w))^k.

An acceptance that n concurrent writes came before is taken back with a chance c(n); with none it stands. Most designs
have no law for c: of a hundred small withdrawals none may matter, or the first. So it is learnt as it is, for n of 1,
2 to 3, 4 to 7 and so on, each a beta posterior about what all of them say; every acceptance that takes its final place
is one trial, so the update is conjugate and exact. An aggregate may be hit more or less than all are: by a factor,
gamma about 1 and worth so many hits, whose posterior mean is (worth + hits) / (worth + hits that its trials had to
expect). Together

    P(survives) = sum over k of P(K = k) (1 - c(m + k)),   c(0) = 0.

Limits: acceptances of one cut share its writes, so trials are dependent, and the first cuts teach less than they seem
to; shares of the sides are alike for all aggregates; users who rush to what was just freed write in bursts, not as
Poisson; what goes with another that was taken back counts as its own.
"""

from __future__ import annotations

from math import fsum
from typing import Final, NamedTuple

from models.confidence.visible.rates import Gamma
from models.detection.refusals import at_least, refuse, within

__all__ = ["SURELY", "Beta", "Conflicts", "survives"]

_SECOND_US: Final = 1_000_000
#: Of the whole sum, so small that the rest is nothing.
_NOTHING: Final = 1e-12
#: Numbers of concurrent writes, in powers of two, of which all larger ones are like the last.
_POWERS: Final = 12
_MOST: Final = 1 << _POWERS
#: The most that is believed of being taken back; what nobody can know is not certain.
SURELY: Final = 0.999


class Beta(NamedTuple):
    """What is believed of a chance of being taken back.

    Attributes:
        harmed: How many were, prior included.
        spared: How many were not.
    """

    harmed: float
    spared: float

    @property
    def mean(self) -> float:
        """The chance."""
        return self.harmed / (self.harmed + self.spared)


class _Hits(NamedTuple):
    """Acceptances of one aggregate that were taken back, and how many had to be expected to."""

    harmed: float
    expected: float


_NO_TRIALS: Final = _Hits(0.0, 0.0)


class Conflicts:
    """What merges taught of one key space.

    Args:
        prior: What is believed before any.
        worth: In trials, of all numbers of writes for one of them; in hits, of the key space for an aggregate.

    Attributes:
        judged: Acceptances that met concurrent writes, and took their final place.
        unexplained: Acceptances taken back though no concurrent write came before; they teach nothing here.
    """

    def __init__(self, prior: Beta, worth: float = 16.0) -> None:
        refuse(
            (
                within("harmed", prior.harmed, 0, 1e9),
                within("spared", prior.spared, 0, 1e9),
                within("worth", worth, 0, 1e9),
            )
        )
        self._all = prior
        self._worth = worth
        self._by_power: dict[int, Beta] = {}
        self._own: dict[int, _Hits] = {}
        self.judged = 0
        self.unexplained = 0

    def chance(self, aggregate: int, writes: int) -> float:
        """The chance that an acceptance is taken back which so many concurrent writes came before, at least 1."""
        own = self._own.get(aggregate, _NO_TRIALS)
        factor = (self._worth + own.harmed) / (self._worth + own.expected)
        return min(SURELY, self._of_all(writes) * factor)

    def _of_all(self, writes: int) -> float:
        return _about(self._all.mean, self._worth, self._by_power.get(_power(writes))).mean

    def merged(self, aggregate: int, writes: int, *, reversed_: bool) -> None:
        """An acceptance took its final place, or was taken back; so many concurrent writes came before it."""
        if not writes:
            self.unexplained += reversed_
            return
        self.judged += 1
        own, power = self._own.get(aggregate, _NO_TRIALS), _power(writes)
        self._own[aggregate] = _Hits(own.harmed + reversed_, own.expected + self._of_all(writes))
        self._all = _with(self._all, reversed_)
        self._by_power[power] = _with(self._by_power.get(power, Beta(0.0, 0.0)), reversed_)


def _about(mean: float, worth: float, trials: Beta | None) -> Beta:
    harmed, spared = trials or (0.0, 0.0)
    return Beta(harmed + worth * mean, spared + worth * (1 - mean))


def _with(before: Beta, reversed_: bool) -> Beta:
    return Beta(before.harmed + reversed_, before.spared + (not reversed_))


def _power(writes: int) -> int:
    return min(writes.bit_length(), _POWERS)


def survives(rate: Gamma, conflicts: Conflicts, aggregate: int, silent_us: float, met: int = 0) -> float:
    """The chance that an acceptance counts after the merge.

    Args:
        rate: Of the others' writes to its aggregate.
        conflicts: As above.
        aggregate: Which.
        silent_us: For how long what they wrote is not known.
        met: Concurrent writes that are known.

    Raises:
        ValueError: a silence or a number below 0.
    """
    refuse((at_least("silent_us", silent_us, 0), at_least("met", met, 0)))
    silent_s = silent_us / _SECOND_US
    share = silent_s / (rate.inverse_scale_s + silent_s)
    chance, seen, lost = rate.none(silent_us), 0.0, []
    power, harm = -1, 0.0
    for count in range(_MOST):
        writes = met + count
        if writes and _power(writes) != power:
            power, harm = _power(writes), conflicts.chance(aggregate, writes)
        lost.append(chance * harm)
        seen += chance
        if 1 - seen <= _NOTHING:
            break
        chance *= (rate.shape + count) / (count + 1) * share
    # Whatever is beyond is like the last.
    return min(1.0, max(0.0, 1 - fsum(lost) - max(0.0, 1 - seen) * harm))
