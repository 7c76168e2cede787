"""How often keys are written to, learnt: for each key what was counted of it, drawn towards what all keys do.

Writes to a key are taken for a Poisson process whose rate is unknown. Rates of keys differ as a gamma distribution of
shape w does about the crowd's mean m; after n writes in T watched, the rate of a key is gamma of shape w + n and of
inverse scale w / m + T. So a silence of t leaves nothing written with chance

    P(none in t) = E exp(-rate t) = (b / (b + t))^a,   a = w + n,  b = w / m + T,

which tends to exp(-rate t) as more is known, and is above it before: an unknown rate may be a low one. The crowd's mean
is (v + N) / (v / prior + K T), with N writes to all of K keys, and a prior that is worth v = 0.1 writes.

How alike keys are nobody knows beforehand, and to take them for more unequal than they are is to take each silence for
that of a cold key: with w = 1 where 6 was right, reads were told .29 of which .18 were fresh. So w is learnt as well:
each of a handful is as likely before, and weighs what it makes of the counts of all keys, which are negative binomial
of mean m T and shape w. What is told is the mean over them.

Sources: gamma-Poisson shrinkage, Robbins, 1956; a hyperprior over its shape, Deely and Lindley, JASA 76, 1981.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, fsum, lgamma, log
from typing import Final, NamedTuple

from models.detection.refusals import at_least, refuse, within

__all__ = ["Gamma", "Mixed", "Rates"]

_SECOND_US: Final = 1_000_000
#: How alike keys may be, from a few hot ones to nearly the same.
_WORTHS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Of what is believed of all keys before anything was counted, in writes.
_PRIOR: Final = 0.1
#: Much enough to weigh the shapes again.
_MORE: Final = 1.01


class Gamma(NamedTuple):
    """What is believed of a rate.

    Attributes:
        shape: Writes, prior included.
        inverse_scale_s: Seconds, prior included.
    """

    shape: float
    inverse_scale_s: float

    @property
    def mean(self) -> float:
        """Writes a second."""
        return self.shape / self.inverse_scale_s

    def none(self, us: float) -> float:
        """Chance that nothing is written within so many microseconds."""
        return float((self.inverse_scale_s / (self.inverse_scale_s + us / _SECOND_US)) ** self.shape)


class Mixed(NamedTuple):
    """What is believed of a rate where it is not known how alike rates are: parts, and how likely each is."""

    parts: tuple[tuple[float, Gamma], ...]

    @property
    def mean(self) -> float:
        """Writes a second."""
        return fsum(weight * rate.mean for weight, rate in self.parts)

    def none(self, us: float) -> float:
        """Chance that nothing is written within so many microseconds."""
        return min(1.0, fsum(weight * rate.none(us) for weight, rate in self.parts))


class Rates:
    """Counts of one key space.

    Args:
        keys: How many keys there are.
        prior_per_s: What is believed of a key before anything was counted, writes a second.
        worth: How alike keys are, in writes; large where all are written to as often, about 1 where a few are hot. None
            where that is to be learnt.

    Attributes:
        writes: Counted of all keys.
    """

    def __init__(self, keys: int, *, prior_per_s: float, worth: float | None = None) -> None:
        refuse(
            (
                at_least("keys", keys, 1),
                within("prior_per_s", prior_per_s, 0, 1e9),
                None if worth is None else within("worth", worth, 0, 1e9),
            )
        )
        self._keys = keys
        self._prior_s = 1 / prior_per_s
        self._worths = _WORTHS if worth is None else (worth,)
        self._weights = (1 / len(self._worths),) * len(self._worths)
        self._weighed = (0, 0.0)
        self._counts: dict[int, int] = {}
        self._watched_us = 0.0
        self.writes = 0

    def counted(self, key: int, writes: int) -> None:
        """So many writes to a key were seen in all; fewer than before is no news."""
        before = self._counts.get(key, 0)
        if writes > before:
            self._counts[key] = writes
            self.writes += writes - before

    def wrote(self, key: int) -> None:
        """One more."""
        self.counted(key, self.of(key) + 1)

    def watched(self, us: float) -> None:
        """All writes of so long are counted; shorter than before is no news."""
        self._watched_us = max(us, self._watched_us)

    def of(self, key: int) -> int:
        """Writes counted of one key."""
        return self._counts.get(key, 0)

    def rate(self, key: int) -> Mixed:
        """What is believed of a key's rate."""
        self._weigh()
        watched_s, mean, count = self._watched_us / _SECOND_US, self._mean(), self.of(key)
        return Mixed(
            tuple(
                (weight, Gamma(worth + count, worth / mean + watched_s))
                for worth, weight in zip(self._worths, self._weights, strict=True)
            )
        )

    def _mean(self) -> float:
        return (_PRIOR + self.writes) / (_PRIOR * self._prior_s + self._keys * self._watched_us / _SECOND_US)

    def _weigh(self) -> None:
        """How likely each shape is by the counts, where there are more than at the last time."""
        writes, watched_us = self._weighed
        grown = self.writes > writes * _MORE or self._watched_us > watched_us * _MORE
        if len(self._worths) == 1 or not grown:
            return
        self._weighed = (self.writes, self._watched_us)
        due = self._mean() * self._watched_us / _SECOND_US
        never = max(0, self._keys - len(self._counts))
        logs = [_told_by(self._counts.values(), never, due, worth) for worth in self._worths]
        likely = [exp(one - max(logs)) for one in logs]
        self._weights = tuple(one / fsum(likely) for one in likely)


def _told_by(counts: Iterable[int], never: int, due: float, worth: float) -> float:
    """Log-likelihood of counts, and of so many keys without any, up to what all shapes have in common."""
    if not due:
        return 0.0
    spared, hit = log(worth / (worth + due)), log(due / (worth + due))
    first = lgamma(worth)
    each = fsum(lgamma(worth + count) - first + worth * spared + count * hit for count in counts)
    return each + never * worth * spared
