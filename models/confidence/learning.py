"""Priors that are learnt: outages counted over time watched, losses over heartbeats, delays by their mean.

Each rate begins as a gamma distribution whose mean is the prior's, worth so many outages; loss as a beta distribution
worth so many heartbeats. Learning sees what the observer saw, outages as it blamed them, never what really was. An
outage counts once, when a node of the path takes more than half of the blame for a silence; whether it died or was cut
off is known at its end, by whether its life is another one, and until then it counts as the prior divides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Final

from models.confidence.answer import Answer
from models.confidence.delays import Stretched
from models.confidence.priors import Hearing, Level, Priors
from models.detection.refusals import at_least, refuse, within
from sim.topology import Location

__all__ = ["Learner", "Learning"]

_BLAMED: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How much a prior is worth.

    Attributes:
        outages: Of one rate, in outages seen; the smaller, the sooner it is forgotten.
        heartbeats: Of loss and delay.
    """

    outages: float = 1.0
    heartbeats: float = 100.0

    def __post_init__(self) -> None:
        refuse((within("outages", self.outages, 0, 1e9), within("heartbeats", self.heartbeats, 0, 1e12)))


class _Rates:
    """Deaths, cuts and time watched of one level."""

    __slots__ = ("cuts", "deaths", "watched_us")

    def __init__(self) -> None:
        self.deaths = self.cuts = self.watched_us = 0.0


class Learner:
    """What one observer has learnt so far.

    Args:
        priors: What it began with.
        learning: What that is worth.
    """

    def __init__(self, priors: Priors, learning: Learning) -> None:
        self._priors = priors
        self._learning = learning
        self._rates = {name: _Rates() for name in priors.levels}
        self._open: dict[Location, tuple[str, float]] = {}
        self._came = self._lost = 0
        self._delays_us = 0

    # -- what was seen ---------------------------------------------------------------------

    def watched(self, level: str, us: float) -> None:
        """So much time was spent watching something of a level that was up; of several, the sum."""
        refuse((at_least("us", us, 0),))
        rates = self._rates.get(level)
        if rates is not None:
            rates.watched_us += us

    def blamed(self, answer: Answer, levels: Mapping[Location, str]) -> None:
        """Count outages for which a node of the answer's path takes more than half of the blame, each once.

        Args:
            answer: Of a subject that is silent.
            levels: By node of the path.
        """
        for name, chance in answer.blames:
            level = levels[name]
            if chance <= _BLAMED or name in self._open or level not in self._rates:
                continue
            prior = self._priors.of(level)
            deaths, cuts = 1 / prior.mtbf_us, 1 / prior.mtbc_us
            died = deaths / (deaths + cuts) if deaths + cuts else 1.0
            self._open[name] = (level, died)
            self._rates[level].deaths += died
            self._rates[level].cuts += 1 - died

    def ended(self, name: Location, *, died: bool) -> None:
        """Something was heard of a node again, and whether its life is another one; its outage is closed."""
        found = self._open.pop(name, None)
        if found is not None:
            level, share = found
            self._rates[level].deaths += died - share
            self._rates[level].cuts += share - died

    def came(self, delay_us: int, lost: int = 0) -> None:
        """A heartbeat came, and the numbers say that so many before it were lost."""
        self._came += 1
        self._lost += lost
        self._delays_us += delay_us

    # -- what it says ----------------------------------------------------------------------

    def priors(self) -> Priors:
        """Rates as they are believed now; what was believed of the time before the begin stays."""
        worth = self._learning.outages
        return Priors(levels={name: self._level(name, level, worth) for name, level in self._priors.levels.items()})

    def _level(self, name: str, level: Level, worth: float) -> Level:
        rates = self._rates[name]
        return replace(
            level,
            mtbf_us=_mean_us(level.mtbf_us, rates.deaths, rates.watched_us, worth),
            mtbc_us=_mean_us(level.mtbc_us, rates.cuts, rates.watched_us, worth),
        )

    def hearing(self, before: Hearing) -> Hearing:
        """Loss and delay as they are believed now, where `before` was believed at first."""
        if not self._came:
            return before
        worth = self._learning.heartbeats
        loss = (before.loss * worth + self._lost) / (worth + self._came + self._lost)
        prior_us = before.delay.mean_us
        if not isfinite(prior_us) or prior_us <= 0:
            return replace(before, loss=loss)
        mean_us = (prior_us * worth + self._delays_us) / (worth + self._came)
        return replace(before, loss=loss, delay=Stretched(before.delay, mean_us / prior_us))

    @property
    def counted(self) -> Iterable[tuple[str, float, float]]:
        """By level, deaths and cuts seen so far."""
        return tuple((name, rates.deaths, rates.cuts) for name, rates in self._rates.items())


def _mean_us(prior_us: float, seen: float, watched_us: float, worth: float) -> float:
    """The mean time between outages by the posterior mean of the rate; what never happens by the prior stays never."""
    return prior_us if prior_us == inf else (worth * prior_us + watched_us) / (worth + max(seen, 0.0))
