"""What was said of survival before, for the check to catch: a posterior that is miscalibrated by what it leaves out.

Writes of the others are Poisson, whatever was written last; only theirs count for a rate; an acceptance that concurrent
writes came before is taken back with one chance, whether they were decided on the same state or not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from models import deployment
from models.confidence.visible import Beta, Conflicts, Rates, Survival, Unheard, survives
from models.confidence.visible.sharing import SurvivingShard
from models.domain import Denied
from models.merging.writes import Write
from models.split import write_of
from models.store.log.entries import Entry
from sim.host import Context

__all__ = ["region_split"]

_SECOND_US: Final = 1_000_000


class FormerShard(SurvivingShard):
    """Says what was said before."""

    def __init__(self, ctx: Context, *arguments: Any, **more: Any) -> None:
        super().__init__(ctx, *arguments, **more)
        self._others = Rates(self._surviving.aggregates, prior_per_s=self._surviving.writes_per_s, worth=1.0)
        self._single: dict[str, Conflicts] = {}

    def _heard(self, write: Write) -> None:
        super()._heard(write)
        if write.event.__class__ is not Denied and write.stamp_us > self._begun_us:
            self._others.wrote(write.instance)

    def _survival(self, entry: Entry) -> Survival:
        said, kind = super()._survival(entry), type(entry.event).__name__
        write = write_of(entry)
        self._others.watched(write.stamp_us - self._begun_us - said.silent_us)
        _, rate = self._others.rate(write.instance).parts[0]
        harm = partial(self._taken_back, kind, write.instance)
        return replace(said, survives=survives(rate, Unheard(said.silent_us / _SECOND_US), harm, said.met))

    def _judge(self, write: Write) -> None:
        met, kind = self._past.met(write), type(write.event).__name__
        super()._judge(write)
        if write.origin == self.options.number:
            taken_back = write.address in self.fates.superseded
            self._of(kind).merged(write.instance, met.writes, reversed_=taken_back, moved=True)

    def _taken_back(self, kind: str, instance: int, writes: int) -> float:
        return self._of(kind).chance(instance, writes, 1.0)

    def _of(self, kind: str) -> Conflicts:
        conflict = self._surviving.conflict
        return self._single.setdefault(kind, Conflicts(Beta(conflict * 8, (1 - conflict) * 8), worth=16.0))


#: As `models.deployment.region_split`, on these.
region_split = partial(deployment.region_split, kind=FormerShard)
