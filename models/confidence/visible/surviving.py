"""Will what one side of a cut accepted survive the merge? The posterior, from how earlier merges went.

A side decides without the writes of the others that it has not heard of. Of these, the ones that the merge puts before
its own may take its own back. Of the others it knows only for how long they were silent here, so their number K is
uncertain in two ways: the rate r at which an aggregate is written to is gamma(a, b) by what was seen (`hazards`), and
the writes come as they please. With shares s of the others in what all write, silences w, and factors f by what each
knows to have been written last, the first comes at the rate r f, those after it at r g:

    P(K = 0) = (b / (b + y))^a,   y = sum over the others of f s w,

and if the first comes when t of the y have passed, K - 1 is negative binomial by gamma(a + 1, b + t) over what is left,
g (1 - t / y) x, with x the sum of s w.

An acceptance that n concurrent writes came before is taken back with a chance c(n); with none it stands. Most designs
have no law for c: of a hundred small withdrawals none may matter, or the first. So it is learnt as it is, for n of 1,
2 to 3, 4 to 7 and so on, each a beta posterior about what all of them say; every write of anybody's that takes its
final place is a trial. One write that was decided on the same state mostly competes; where others followed it, or where
the acceptance rests on something that it did not know, that is less sure. The three are learnt apart. Trials that
met the same first write share its fate: J of them are worth J / (1 + (J - 1) / 3). An aggregate may be hit more or less
than all are: by a factor, gamma about 1 and worth so many hits, whose posterior mean is (worth + hits) / (worth + hits
that its trials had to expect). Together

    P(survives) = 1 - sum over k of P(K = k) c(m + k),   c(0) = 0.

What was believed before, Poisson writes of the others alone and one c(n) of independent trials, said .905, .975 and
.994 of what came true in .853, .942 and .978, over ten runs of the scenario `confidence_split`.

Limits: shares of the sides are alike for all aggregates; what goes with another that was taken back counts as its own;
before the first merges the priors speak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from math import fsum
from typing import Final, NamedTuple

from models.confidence.visible.rates import Gamma
from models.detection.refusals import at_least, refuse, within

__all__ = ["SURELY", "Beta", "Conflicts", "Unheard", "survives"]

#: Of the whole sum, so small that the rest is nothing.
_NOTHING: Final = 1e-9
#: Numbers of concurrent writes, in powers of two, of which all larger ones are like the last.
_POWERS: Final = 12
_MOST: Final = 1 << _POWERS
#: Parts of a silence, as likely as each other, in which the first write may have come.
_PARTS: Final = 4
#: How alike trials are that met the same write, from 0 for independent to 1 for one.
_ALIKE: Final = 1 / 3
#: First writes whose trials are counted together; older ones are settled for long.
_FIRSTS: Final = 4_096
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


class Unheard(NamedTuple):
    """How much of what all write is not known here, for now.

    Attributes:
        silent_s: Seconds of all, so a third of all that is silent for 9 s is 3.
        first: By how much sooner than at the rate the first write comes.
        later: The same of those after it.
        moved: Share of it that comes from who does not know all that is decided on here.
    """

    silent_s: float
    first: float = 1.0
    later: float = 1.0
    moved: float = 0.0


class _Group(Enum):
    """Trials that are learnt from together."""

    ONE = "one write, decided on the same state"
    MORE = "more, of which the first was"
    MOVED = "others"


class _Hits(NamedTuple):
    """Acceptances of one aggregate that were taken back, and how many had to be expected to."""

    harmed: float
    expected: float


_NO_TRIALS: Final = _Hits(0.0, 0.0)
_NOT_TRIED: Final = Beta(0.0, 0.0)


class Conflicts:
    """What merges taught of one kind of event in a key space.

    Args:
        same: What is believed before any, of writes that were decided on the same state.
        moved: Of those whose writer did not know all that the acceptance rests on.
        worth: In trials, of all numbers of writes for one of them; in hits, of the key space for an aggregate.

    Attributes:
        judged: Acceptances that met concurrent writes, and took their final place.
        unexplained: Acceptances taken back though no concurrent write came before; they teach nothing here.
    """

    def __init__(self, same: Beta, moved: Beta | None = None, worth: float = 4.0) -> None:
        moved = same if moved is None else moved
        refuse(
            (
                *(within("harmed", one.harmed, 0, 1e9) for one in (same, moved)),
                *(within("spared", one.spared, 0, 1e9) for one in (same, moved)),
                within("worth", worth, 0, 1e9),
            )
        )
        between = Beta((same.harmed + moved.harmed) / 2, (same.spared + moved.spared) / 2)
        self._all = {_Group.ONE: same, _Group.MORE: between, _Group.MOVED: moved}
        self._worth = worth
        self._by_power: dict[tuple[_Group, int], Beta] = {}
        self._own: dict[int, _Hits] = {}
        #: By the first concurrent write, how many trials met it.
        self._alike: dict[int, int] = {}
        self.judged = 0
        self.unexplained = 0

    def chance(self, aggregate: int, writes: int, moved: float = 0.0) -> float:
        """The chance that an acceptance is taken back which so many concurrent writes came before, at least 1.

        Args:
            aggregate: Of which it is.
            writes: How many.
            moved: How likely it rests on what the first one's writer did not know.
        """
        own = self._own.get(aggregate, _NO_TRIALS)
        factor = (self._worth + own.harmed) / (self._worth + own.expected)
        same, other = (self._of_all(_group(one, writes), writes) for one in (False, True))
        mean = (1 - moved) * same + moved * other
        return min(SURELY, mean * factor)

    def _of_all(self, group: _Group, writes: int) -> float:
        mean, trials = self._all[group].mean, self._by_power.get((group, _power(writes)), _NOT_TRIED)
        worth = self._worth
        return (trials.harmed + worth * mean) / (trials.harmed + trials.spared + worth)

    def merged(self, aggregate: int, writes: int, *, reversed_: bool, moved: bool = False, first: int = 0) -> None:
        """An acceptance took its final place, or was taken back.

        Args:
            aggregate: Of which it is.
            writes: How many concurrent writes came before it.
            reversed_: Whether it was taken back.
            moved: Whether it rests on what the first one's writer did not know.
            first: Which that was; 0 for none that anything else met.
        """
        if not writes:
            self.unexplained += reversed_
            return
        self.judged += 1
        weight = self._weight(first) if first else 1.0
        own, group = self._own.get(aggregate, _NO_TRIALS), _group(moved, writes)
        cell, expected = (group, _power(writes)), weight * self._of_all(group, writes)
        self._own[aggregate] = _Hits(own.harmed + weight * reversed_, own.expected + expected)
        self._all[group] = _with(self._all[group], weight, reversed_)
        self._by_power[cell] = _with(self._by_power.get(cell, _NOT_TRIED), weight, reversed_)

    def _weight(self, first: int) -> float:
        """By how much one more trial of those that met the same write adds to what they are worth together."""
        before = self._alike.pop(first, 0)
        self._alike[first] = before + 1
        if len(self._alike) > _FIRSTS:
            del self._alike[next(iter(self._alike))]
        return (1 - _ALIKE) / ((1 + before * _ALIKE) * (1 + (before - 1) * _ALIKE))


def _group(moved: bool, writes: int) -> _Group:
    return _Group.MOVED if moved else _Group.MORE if writes > 1 else _Group.ONE


def _with(before: Beta, weight: float, reversed_: bool) -> Beta:
    return Beta(before.harmed + weight * reversed_, before.spared + weight * (not reversed_))


def _power(writes: int) -> int:
    return min(writes.bit_length(), _POWERS)


def survives(rate: Gamma, unheard: Unheard, harm: Callable[[int], float], met: int = 0) -> float:
    """The chance that an acceptance counts after the merge.

    Args:
        rate: Of all writes to its aggregate.
        unheard: Of what others wrote.
        harm: The chance that it is taken back by so many concurrent writes, at least 1.
        met: Concurrent writes that are known.

    Raises:
        ValueError: a silence or a number below 0.
    """
    refuse((at_least("silent_s", unheard.silent_s, 0), at_least("met", met, 0)))
    shape, inverse_s = rate
    all_s = unheard.first * unheard.silent_s
    none = (inverse_s / (inverse_s + all_s)) ** shape
    lost = [none * harm(met)] if met else []
    for part in range(_PARTS if none < 1 else 0):
        beyond = 1 - (part + 0.5) / _PARTS * (1 - none)
        passed_s = min(all_s, inverse_s * (beyond ** (-1 / shape) - 1))
        rest_s = unheard.later * unheard.silent_s * (1 - passed_s / all_s)
        after = _numbers(Gamma(shape + 1, inverse_s + passed_s), rest_s, met + 1, harm)
        lost.append((1 - none) / _PARTS * fsum(after))
    return min(1.0, max(0.0, 1 - fsum(lost)))


def _numbers(rate: Gamma, silent_s: float, least: int, harm: Callable[[int], float]) -> Iterator[float]:
    """By number of writes in a silence, the chance of that and of being taken back by these and by `least` more."""
    share = silent_s / (rate.inverse_scale_s + silent_s)
    chance, seen = (1 - share) ** rate.shape, 0.0
    power, taken = -1, 0.0
    for count in range(_MOST):
        if _power(least + count) != power:
            power, taken = _power(least + count), harm(least + count)
        yield chance * taken
        seen += chance
        if 1 - seen <= _NOTHING:
            break
        chance *= (rate.shape + count) / (count + 1) * share
    # Whatever is beyond is like the last.
    yield max(0.0, 1 - seen) * taken
