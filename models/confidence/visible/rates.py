"""How often keys are written to, learnt: for each key what was counted of it, drawn towards what all keys do.

Writes to a key are taken for a Poisson process whose rate is unknown. Rates of keys differ as a gamma distribution of
shape `worth` does about the crowd's mean m; after n writes in T watched, the rate of a key is gamma of shape worth + n
and of inverse scale worth / m + T. So a silence of t leaves nothing written with chance

    P(none in t) = E exp(-rate t) = (b / (b + t))^a,   a = worth + n,  b = worth / m + T,

which tends to exp(-rate t) as more is known, and is above it before: an unknown rate may be a low one. The crowd's mean
is (1 + N) / (1 / prior + K T), with N writes to all of K keys. Source: gamma-Poisson shrinkage, Robbins, 1956.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, NamedTuple

from models.detection.refusals import at_least, refuse, within

__all__ = ["Gamma", "Glimpses", "Rates"]

_SECOND_US: Final = 1_000_000


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


class Rates:
    """Counts of one key space.

    Args:
        keys: How many keys there are.
        prior_per_s: What is believed of a key before anything was counted, writes a second.
        worth: How alike keys are, in writes; large where all are written to as often, about 1 where a few are hot.

    Attributes:
        writes: Counted of all keys.
    """

    def __init__(self, keys: int, *, prior_per_s: float, worth: float = 1.0) -> None:
        refuse(
            (
                at_least("keys", keys, 1),
                within("prior_per_s", prior_per_s, 0, 1e9),
                within("worth", worth, 0, 1e9),
            )
        )
        self._keys = keys
        self._prior_s = 1 / prior_per_s
        self._worth = worth
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

    def rate(self, key: int) -> Gamma:
        """What is believed of a key's rate."""
        watched_s = self._watched_us / _SECOND_US
        mean = (1 + self.writes) / (self._prior_s + self._keys * watched_s)
        return Gamma(self._worth + self.of(key), self._worth / mean + watched_s)


class _Sights(NamedTuple):
    """Of one key: its number of writes when it was last seen, when that was, and what was counted over how long."""

    total: int
    at_us: int
    writes: int = 0
    watched_s: float = 0.0


class Glimpses:
    """Counts of writes to keys each of which is only looked at now and then, by whoever writes to them, too.

    Of a key all is counted between its first and its latest look, and nothing beside: so each has a time of its own in
    which it was watched, K T of the crowd being the sum of these. What this observer wrote itself is no news to it and
    does not count. Other than that the posterior is that of `Rates`.

    Args:
        prior_per_s: What is believed of a key before anything was counted, writes of others a second.
        worth: How alike keys are, in writes.
    """

    def __init__(self, *, prior_per_s: float, worth: float = 1.0) -> None:
        refuse((within("prior_per_s", prior_per_s, 0, 1e9), within("worth", worth, 0, 1e9)))
        self._prior_s = 1 / prior_per_s
        self._worth = worth
        self._keys: dict[Hashable, _Sights] = {}
        self._writes = 0
        self._watched_s = 0.0

    def saw(self, key: Hashable, count: int, at_us: int, *, own: int = 0) -> None:
        """So many writes to a key there are in all, of which `own` since the last look were this observer's.

        Fewer than before means that some were given up: from there on it is counted anew.
        """
        before = self._keys.get(key)
        if before is None or count < before.total or at_us < before.at_us:
            writes, watched_s = (0, 0.0) if before is None else before[2:]
            self._keys[key] = _Sights(count, at_us, writes, watched_s)
            return
        more, span_s = max(0, count - before.total - own), (at_us - before.at_us) / _SECOND_US
        self._keys[key] = _Sights(count, at_us, before.writes + more, before.watched_s + span_s)
        self._writes += more
        self._watched_s += span_s

    def seen_us(self, key: Hashable) -> int | None:
        """When a key was last looked at; None if it never was."""
        before = self._keys.get(key)
        return None if before is None else before.at_us

    def rate(self, key: Hashable) -> Gamma:
        """What is believed of the rate at which others write to a key."""
        mean = (1 + self._writes) / (self._prior_s + self._watched_s)
        known = self._keys.get(key, _NEVER_SEEN)
        return Gamma(self._worth + known.writes, self._worth / mean + known.watched_s)


_NEVER_SEEN: Final = _Sights(0, 0)
