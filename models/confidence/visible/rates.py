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

Whoever asks for a rate mostly read the key, and keys that are read often may be those that are written to often: then
he meets hot ones, and the mean over all keys is too low for him. So questions are counted as well, n' of a key and q of
one on average. Either they come as writes do, by the same gamma, whose shape is then w + n + n' and whose inverse scale
is (w + m T + q) / m; or they have nothing to do with them, and say nothing. Both are as likely before, and weigh what
they make of both counts.

Sources: gamma-Poisson shrinkage, Robbins, 1956; a hyperprior over its shape, Deely and Lindley, JASA 76, 1981.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, lgamma, log
from typing import Final, NamedTuple

from models.detection.refusals import at_least, refuse, within

__all__ = ["Gamma", "Mixed", "Rates"]

_SECOND_US: Final = 1_000_000
#: How alike keys may be, from a few hot ones to nearly the same.
_WORTHS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Of what is believed of all keys before anything was counted, in writes.
_PRIOR: Final = 0.1
#: Whether questions come as writes do.
_BOTH: Final = (False, True)
#: Much enough to weigh all that again.
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
        #: Shapes, and whether questions come as writes do.
        self._beliefs = tuple((one, alike) for one in (_WORTHS if worth is None else (worth,)) for alike in _BOTH)
        self._weights = (1 / len(self._beliefs),) * len(self._beliefs)
        self._weighed = (0, 0, 0.0)
        self._counts: dict[int, int] = {}
        self._asked: dict[int, int] = {}
        self._questions = 0
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

    def asked(self, key: int) -> None:
        """Somebody asked for a key."""
        self._asked[key] = self._asked.get(key, 0) + 1
        self._questions += 1

    def watched(self, us: float) -> None:
        """All writes of so long are counted; shorter than before is no news."""
        self._watched_us = max(us, self._watched_us)

    def of(self, key: int) -> int:
        """Writes counted of one key."""
        return self._counts.get(key, 0)

    def rate(self, key: int) -> Mixed:
        """What is believed of a key's rate."""
        self._weigh()
        watched_s, mean = self._watched_us / _SECOND_US, self._mean()
        count, asked, each = self.of(key), self._asked.get(key, 0), self._questions / self._keys
        return Mixed(
            tuple(
                (
                    weight,
                    Gamma(worth + count + alike * asked, (worth + alike * each) / mean + watched_s),
                )
                for (worth, alike), weight in zip(self._beliefs, self._weights, strict=True)
            )
        )

    def _mean(self) -> float:
        return (_PRIOR + self.writes) / (_PRIOR * self._prior_s + self._keys * self._watched_us / _SECOND_US)

    def _weigh(self) -> None:
        """How likely each belief is by the counts, where there is more to go by than at the last time."""
        now = (self.writes, self._questions, self._watched_us)
        if not any(one > before * _MORE for one, before in zip(now, self._weighed, strict=True)):
            return
        self._weighed = now
        due = (self._mean() * self._watched_us / _SECOND_US, self._questions / self._keys)
        counts = [(self.of(key), self._asked.get(key, 0)) for key in sorted(self._counts.keys() | self._asked.keys())]
        never = max(0, self._keys - len(counts))
        logs = []
        for worth, alike in self._beliefs:
            parts = [(counts, due)] if alike else [([(one[i],) for one in counts], due[i : i + 1]) for i in (0, 1)]
            logs.append(fsum(_told_by(told, never, means, worth) for told, means in parts))
        likely = [exp(one - max(logs)) for one in logs]
        self._weights = tuple(one / fsum(likely) for one in likely)


def _told_by(counts: Sequence[Sequence[int]], never: int, due: Sequence[float], worth: float) -> float:
    """Log-likelihood of counts that go by one gamma a key, up to what all beliefs have in common.

    Args:
        counts: Of each key that has any: one of each sort.
        never: Keys without any.
        due: Of each sort, the mean of a key.
        worth: The shape.
    """
    total = worth + fsum(due)
    spared, hits = worth * log(worth / total), [log(one / total) if one else 0.0 for one in due]
    first = lgamma(worth)
    told = fsum(
        lgamma(worth + sum(one)) - first + spared + sum(n * hit for n, hit in zip(one, hits, strict=True))
        for one in counts
    )
    return told + never * spared
