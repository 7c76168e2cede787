"""How soon a key is written to again, learnt: by the key, and by what was written to it last.

What a domain accepts is no Poisson process. A name that was just released is claimed at once by whoever wants it, and
one that has an owner is left alone for a while; so what is written next to a key comes at a rate that depends on what
its last write was. It is taken for the product of a rate of the key, r, and a factor of the kind of that write, f. With
N writes to a key that was watched for T_k seconds after a write of kind k, r is gamma about the crowd's mean m,

    r ~ gamma(worth + N, worth / m + sum over k of f_k T_k),

and the factor is what all keys say of a kind, drawn towards 1:

    f_k = (worth_f + N_k) / (worth_f + sum over keys of E r T_k),   N_k = writes that came after one of that kind.

Each of the two is the other's sum, so they are worked out in turns, once whenever there is a hundredth more to learn
from. Writes of all sides count, the own too: what is wanted here is wanted there, and whoever decides on a key has met
one that is wanted, so to count what others wrote alone would underrate it.

A write whose writer did not know the one before it was decided on something older. Of it nothing is learnt, nor of the
time that passed in between.

Sources: multiplicative intensities, Aalen, 1978; gamma-Poisson shrinkage, Robbins, 1956.
"""

from __future__ import annotations

from math import fsum
from typing import Final, NamedTuple

from models.confidence.visible.rates import Gamma
from models.detection.refusals import at_least, refuse, within

__all__ = ["NEVER", "Hazards"]

_SECOND_US: Final = 1_000_000
#: The kind of what was written last to a key that never was.
NEVER: Final = ""
#: Of a factor, in writes.
_WORTH: Final = 4.0
#: Much enough to work it all out again.
_MORE: Final = 1.01


class _Since(NamedTuple):
    """What was written last to a key, and when."""

    kind: str
    us: int


class Hazards:
    """What was learnt of one key space.

    Args:
        keys: How many keys there are.
        prior_per_s: What is believed of a key before anything was counted, writes a second.
        begun_us: Since when it is watched.
        worth: How alike keys are, in writes.

    Attributes:
        writes: Counted of all keys.
    """

    def __init__(self, keys: int, *, prior_per_s: float, begun_us: int = 0, worth: float = 1.0) -> None:
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
        self._begun_us = self._upto_us = begun_us
        self._last: dict[int, _Since] = {}
        #: By key and kind, for how many seconds that was what had been written last.
        self._spans_s: dict[int, dict[str, float]] = {}
        self._of: dict[int, int] = {}
        self._after: dict[str, int] = {}
        self._factors: dict[str, float] = {}
        self._mean = prior_per_s
        self._worked_out = (0, 0)
        self.writes = 0

    # -- what is seen --------------------------------------------------------------------------

    def wrote(self, key: int, kind: str, at_us: int, *, knew: bool) -> None:
        """Somebody wrote; writes to a key come in order.

        Args:
            key: To which.
            kind: What.
            at_us: When.
            knew: Whether they knew what had been written to it last.
        """
        last = self._since(key)
        if knew:
            spans_s = self._spans_s.setdefault(key, {})
            spans_s[last.kind] = spans_s.get(last.kind, 0.0) + max(0, at_us - last.us) / _SECOND_US
            self._of[key] = self.of(key) + 1
            self._after[last.kind] = self._after.get(last.kind, 0) + 1
            self.writes += 1
        self._last[key] = _Since(kind, max(at_us, last.us))
        self.watched(at_us)

    def watched(self, upto_us: int) -> None:
        """All that was written by then is counted."""
        self._upto_us = max(self._upto_us, upto_us)

    def of(self, key: int) -> int:
        """Writes counted of one key."""
        return self._of.get(key, 0)

    # -- what is believed ----------------------------------------------------------------------

    def rate(self, key: int) -> Gamma:
        """What is believed of a key's rate, apart from its factor."""
        self._work_out()
        return self._rate(key)

    def factor(self, kind: str) -> float:
        """By how much sooner than else the next write comes, after one of this kind."""
        self._work_out()
        return self._factor(kind)

    @property
    def later(self) -> float:
        """The same on average over many writes in a row."""
        self._work_out()
        dwells = fsum(count / self._factor(kind) for kind, count in self._after.items())
        return self.writes / dwells if dwells else 1.0

    def _since(self, key: int) -> _Since:
        return self._last.get(key, _Since(NEVER, self._begun_us))

    def _factor(self, kind: str) -> float:
        return self._factors.get(kind, 1.0)

    def _rate(self, key: int) -> Gamma:
        return Gamma(self._worth + self.of(key), self._worth / self._mean + self._weighed_s(self._watched_s(key)))

    def _weighed_s(self, spans_s: dict[str, float]) -> float:
        return fsum(self._factor(kind) * spent_s for kind, spent_s in spans_s.items())

    def _watched_s(self, key: int) -> dict[str, float]:
        """By kind, for how long a key was watched, until now."""
        spans_s, last = dict(self._spans_s.get(key, {})), self._since(key)
        spans_s[last.kind] = spans_s.get(last.kind, 0.0) + max(0, self._upto_us - last.us) / _SECOND_US
        return spans_s

    def _work_out(self) -> None:
        """Take a turn, where there is more to learn from than at the last."""
        writes, watched_us = self._worked_out
        now_us = self._upto_us - self._begun_us
        if self.writes <= writes * _MORE and now_us <= watched_us * _MORE:
            return
        self._worked_out = (self.writes, now_us)
        watched_s = {key: self._watched_s(key) for key in self._last}
        never_s = {NEVER: now_us / _SECOND_US}
        idle = max(0, self._keys - len(watched_s))
        spent_s = fsum(self._weighed_s(spans_s) for spans_s in watched_s.values()) + idle * self._weighed_s(never_s)
        self._mean = (1 + self.writes) / (self._prior_s + spent_s)
        expected: dict[str, float] = {NEVER: idle * self._worth * never_s[NEVER]}
        expected[NEVER] /= self._worth / self._mean + self._weighed_s(never_s)
        for key, spans_s in watched_s.items():
            mean = (self._worth + self.of(key)) / (self._worth / self._mean + self._weighed_s(spans_s))
            for kind, kind_s in spans_s.items():
                expected[kind] = expected.get(kind, 0.0) + mean * kind_s
        self._factors = {kind: (_WORTH + self._after.get(kind, 0)) / (_WORTH + due) for kind, due in expected.items()}
