"""How often keys are written to by others, told by looks now and then; `rates` counts all there are."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, NamedTuple

from models.confidence.visible.rates import Gamma
from models.detection.refusals import refuse, within

__all__ = ["Glimpses"]

_SECOND_US: Final = 1_000_000


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
    does not count. Other than that the posterior is as `rates` begins: of
    shape `worth` + n and inverse scale `worth` / m + T, where m = (1 + N) / (1 / prior + the sum of all T).

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
