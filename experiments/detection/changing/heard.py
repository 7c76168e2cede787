"""What a monitor hears of heartbeats that are sent through a network that changes.

Every part draws from a generator of its own, so a part more or less leaves the others as they were, and every
detector is given the same trace.
"""

from __future__ import annotations

from functools import reduce
from math import cos, pi
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from experiments.detection.changing.parts import (
    Bursts,
    Changing,
    Congestion,
    Copies,
    Cuts,
    Detour,
    Diurnal,
    Drift,
    Loss,
    Part,
    Pauses,
    Routes,
    Stalls,
    Step,
    Whose,
)
from experiments.detection.changing.spells import Spells, exponential_spells, no_spells, uniform_spells
from experiments.detection.traces import UserTrace
from models.detection.arrays import Trace
from models.detection.arrays.trace import Ints
from models.detection.refusals import at_least, refuse
from sim.chance import Chance

__all__ = ["Heard", "heard", "heard_of"]

Mask = NDArray[np.bool_]
#: Points of a cosine, between which it is straight.
_POINTS: Final = 64
#: A heartbeat by a detour: direct, to the relay, and on from there.
_BY_DETOUR: Final = 3


class Heard(NamedTuple):
    """What one monitor heard of one subject.

    Attributes:
        trace: By arrival, on the monitor's clock.
        sent_us: When each arrival was sent, on the same clock.
        pauses: When the monitor stood still.
        trouble: When something of the network's was, for crashes that come with it.
        eta_us: Between heartbeats.
        span_us: From the first to when the next after the last would have been sent.
        messages: That the subject and its relays sent.
    """

    trace: Trace
    sent_us: Ints
    pauses: Spells
    trouble: Spells
    eta_us: int
    span_us: int
    messages: int

    def before(self, at_us: int) -> Heard:
        """What was sent before an instant."""
        kept = self.sent_us < at_us
        trace = Trace(self.trace.sequences[kept], self.trace.arrivals_us[kept])
        share = at_us / self.span_us
        return self._replace(
            trace=trace, sent_us=self.sent_us[kept], span_us=at_us, messages=round(self.messages * share)
        )


def heard(chance: Chance, network: Changing, *, count: int, eta_us: int, since_us: int) -> Heard:
    """Send heartbeats 0, 1, ... every `eta_us` through a network that changes at `since_us`.

    Args:
        chance: Where chance comes from; names begin with "heard".
        network: The network.
        count: How many are sent.
        eta_us: Between two.
        since_us: From when its parts act.
    """
    refuse((at_least("count", count, 1), at_least("eta_us", eta_us, 1), at_least("since_us", since_us, 0)))
    way = _Way(chance, network, count * eta_us, since_us)
    numbers = np.arange(count)
    sent = way.sent(numbers * eta_us)
    direct, arrives = way.direct(sent)
    who, at = numbers[arrives], direct[arrives]
    for part in way.of(Copies):
        rng = way.rng(part)
        late = np.flatnonzero((rng.random(len(who)) < part.share) & (sent[who] >= since_us))
        who = np.concatenate((who, who[late]))
        at = np.concatenate((at, at[late] + rng.integers(1, part.extra_us + 1, len(late))))
    for stall in way.of(Stalls):
        at = way.spells(stall).released(at)
    for detour in way.of(Detour):
        rng = way.rng(detour)
        by = np.flatnonzero((rng.random(count) >= detour.loss) & (sent >= since_us))
        late = detour.delay_us + np.rint(rng.standard_exponential(len(by)) * detour.jitter_us).astype(np.int64)
        who, at = np.concatenate((who, by)), np.concatenate((at, sent[by] + late))
    at = reduce(lambda times, pauses: pauses.released(times), way.pauses(Whose.MONITOR), at)
    order = np.argsort(at, kind="stable")
    who, at = who[order], at[order]
    shared = [way.clock(times) for times in (at, sent[who])]
    changed = int((sent >= since_us).sum())
    return Heard(
        trace=Trace(who, shared[0]),
        sent_us=shared[1],
        pauses=_together(way.pauses(Whose.MONITOR)),
        trouble=_together([way.spells(part) for part in network.parts if isinstance(part, _IN_SPELLS)]),
        eta_us=eta_us,
        span_us=count * eta_us,
        messages=count + changed * (_BY_DETOUR - 1) * len(way.of(Detour)),
    )


def heard_of(user: UserTrace, eta_us: int) -> Heard:
    """A user's own trace, as a monitor heard it.

    Where the file does not say when heartbeats were sent, the fastest is taken to have had no delay. If clocks were
    not synchronised, detection times are off by what they differed: the same for every detector.

    Raises:
        ValueError: `eta_us` is no interval.
    """
    refuse((at_least("eta_us", eta_us, 1),))
    trace, sent = user.trace, user.sent_us
    due = trace.sequences * eta_us
    if sent is None:
        sent = due + int((trace.arrivals_us - due).min())
    last_us = int(max(trace.arrivals_us[-1], sent.max()))
    messages = len(trace) + user.lost
    return Heard(trace, sent, no_spells(), no_spells(), eta_us, last_us + eta_us, messages)


_IN_SPELLS: Final = (Bursts, Congestion, Cuts, Pauses, Routes, Stalls)


class _Way:
    """A network under one seed: what each part does to heartbeats."""

    def __init__(self, chance: Chance, network: Changing, span_us: int, since_us: int) -> None:
        self._chance = chance
        self._network = network
        self._span_us = span_us
        self._since_us = since_us

    def of(self, kind: type[Any]) -> list[Any]:
        """The parts of a kind."""
        return [part for part in self._network.parts if isinstance(part, kind)]

    def rng(self, part: Part, name: str = "") -> Generator:
        """A part's own chance, from its begin."""
        place = self._network.parts.index(part)
        return self._chance.afresh(f"heard/{place}/{type(part).__name__}/{name}")

    def spells(self, part: Part) -> Spells:
        """When a part's trouble is."""
        rng, times = self.rng(part, "spells"), {"since_us": self._since_us, "until_us": self._span_us}
        if isinstance(part, Bursts):
            return exponential_spells(rng, **times, every_us=part.every_us, mean_us=part.mean_us)
        if isinstance(part, Congestion):
            return exponential_spells(rng, **times, every_us=part.every_us, mean_us=part.lasts_us)
        if isinstance(part, Routes):
            blind = part.blind_us
            return uniform_spells(rng, **times, every_us=part.every_us, least_us=blind, most_us=blind)
        assert isinstance(part, Cuts | Stalls | Pauses), "others have no spells"
        return uniform_spells(rng, **times, every_us=part.every_us, least_us=part.least_us, most_us=part.most_us)

    def pauses(self, whose: Whose) -> list[Spells]:
        """When one end stood still."""
        return [self.spells(part) for part in self.of(Pauses) if part.whose is whose]

    def sent(self, due_us: Ints) -> Ints:
        """When heartbeats that were due are sent."""
        return reduce(lambda times, pauses: pauses.released(times), self.pauses(Whose.SENDER), due_us)

    def clock(self, at_us: Ints) -> Ints:
        """What the monitor's clock shows."""
        for part in self.of(Drift):
            at_us = at_us + np.maximum(at_us - self._since_us, 0) * part.ppm // 1_000_000
        return at_us

    def direct(self, sent: Ints) -> tuple[Ints, Mask]:
        """When each arrives by the direct way, and whether it does."""
        network, count = self._network, len(sent)
        jitter = self._chance.afresh("heard/jitter").standard_exponential(count) * network.jitter_us
        delay = network.delay_us + np.rint(jitter).astype(np.int64)
        arrives = self._chance.afresh("heard/loss").random(count) >= network.loss
        after = sent >= self._since_us
        for part in network.parts:
            extra, lost = self._on(part, sent)
            delay = delay + np.where(after, extra, 0)
            arrives &= ~(after & lost)
        at = sent + delay
        for cut in self.of(Cuts):
            arrives &= ~_met(self.spells(cut), sent, at)
        return at, arrives

    def _on(self, part: Part, sent: Ints) -> tuple[Ints | int, Mask]:
        """How much longer each travels, and whether it is lost."""
        none = np.zeros(len(sent), bool)
        if isinstance(part, Step):
            return part.extra_us, none
        if isinstance(part, Diurnal):
            return _swing(part, sent - self._since_us), none
        if isinstance(part, Loss):
            return 0, self.rng(part).random(len(sent)) < part.share
        if isinstance(part, Bursts):
            return 0, self.spells(part).inside(sent) & (self.rng(part).random(len(sent)) < part.loss)
        if isinstance(part, Routes):
            spells = self.spells(part)
            extras = self.rng(part).integers(0, part.extra_us_max + 1, len(spells) + 1)
            extras[0] = 0
            return extras[np.searchsorted(spells.begins_us, sent, side="right")], spells.inside(sent)
        if isinstance(part, Congestion):
            return self._queued(part, sent)
        return 0, none

    def _queued(self, part: Congestion, sent: Ints) -> tuple[Ints, Mask]:
        spells = self.spells(part)
        at, level, full = [float(self._since_us)], [0.0], []
        for begin, end in spells.pairs():
            left = max(0.0, level[-1] - (begin - at[-1]) * (1 - part.calm_load))
            if left == 0.0:
                at.append(at[-1] + level[-1] / (1 - part.calm_load))
                level.append(0.0)
            fills = begin + (part.buffer_us - left) / (part.load - 1)
            at += [float(begin), min(fills, float(end))]
            level += [left, min(part.buffer_us, left + (end - begin) * (part.load - 1))]
            full.append((min(round(fills), end), end))
            at.append(float(end))
            level.append(level[-1])
        at.append(at[-1] + level[-1] / (1 - part.calm_load))
        level.append(0.0)
        waits = np.rint(np.interp(sent, at, level)).astype(np.int64)
        brim = Spells(np.array([one for one, _ in full], np.int64), np.array([one for _, one in full], np.int64))
        dropped = self.rng(part).random(len(sent)) < 1 - 1 / part.load
        return waits, brim.inside(sent) & dropped


def _swing(part: Diurnal, since: Ints) -> Ints:
    # A cosine of `math` at a few points: numpy's differs from processor to processor.
    points = [part.extra_us * (1 - cos(2 * pi * step / _POINTS)) / 2 for step in range(_POINTS + 1)]
    ends = [part.period_us * step / _POINTS for step in range(_POINTS + 1)]
    return np.rint(np.interp(since % part.period_us, ends, points)).astype(np.int64)


def _met(cuts: Spells, sent: Ints, arrives: Ints) -> Mask:
    """Whether a cut is live at any moment of each flight."""
    if not len(cuts):
        return np.zeros(len(sent), bool)
    begun = np.searchsorted(cuts.begins_us, arrives, side="left") > np.searchsorted(cuts.begins_us, sent, side="right")
    return cuts.inside(sent) | begun


def _together(several: list[Spells]) -> Spells:
    """Spells of several parts as one list, those that overlap joined."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(pair for spells in several for pair in spells.pairs()):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return Spells(np.array([one for one, _ in found], np.int64), np.array([one for _, one in found], np.int64))
