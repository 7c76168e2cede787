"""Splits with one thing wrong each, that some cell of the merge's crash table must show."""

from __future__ import annotations

from models.deployment import region_split
from models.losing import LosableShard
from models.merging.fold import MergeFold

__all__ = ["forgets_its_vector", "stays_lost_unawares", "tells_once"]


class TellsOnce(LosableShard):
    """Tells whoever is owed something when it has saved it, and takes that for done."""

    def _recover_merge(self):
        self._recovering = True
        super()._recover_merge()
        self._recovering = False

    def _tell(self, settled):
        return not self._recovering and super()._tell(settled)


class ForgetfulFold(MergeFold):
    """Takes up what the policy held, and not how many writes that rests on."""

    def restore(self, records):
        super().restore(record._replace(cut_us=0, vector=()) for record in records)


class ForgetsItsVector(LosableShard):
    """Saves outputs and vector apart, and lost the latter."""

    def _empty_merge(self):
        return ForgetfulFold(self._policy, self._sources)


class StaysLostUnawares(LosableShard):
    """Was declared lost, and does not listen."""

    def _knows_already(self):
        return True


def tells_once(site, workload, *, domain: str, place: str, batch_us: int = 1):
    return region_split(site, workload, TellsOnce, domain=domain, place=place, batch_us=batch_us)


def forgets_its_vector(site, workload, *, domain: str, place: str, batch_us: int = 1):
    return region_split(site, workload, ForgetsItsVector, domain=domain, place=place, batch_us=batch_us)


def stays_lost_unawares(site, workload, *, domain: str, place: str, batch_us: int = 1):
    return region_split(site, workload, StaysLostUnawares, domain=domain, place=place, batch_us=batch_us)
