"""What live effects, and delay and loss that change with time, make of one link.

A weather is made afresh whenever the set of live effects changes; it remembers nothing.
What must outlast it, the spells of bursty loss, belongs to the link and is a function of
seed, link and time: how many messages an arm sends does not move a burst. Per-message noise
comes from generators of the link's own, one for each use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from sim.chance import Chance, Draws
from sim.effects import Burst, LinkEffect
from sim.latency.courses import Bursts, Course
from sim.latency.slow import Slow

__all__ = ["Noise", "Weather"]


class Noise:
    """The randomness of one link, made as it is needed and kept while the link is."""

    __slots__ = ("_chance", "_draws", "_name", "_spells")

    def __init__(self, chance: Chance, name: str) -> None:
        self._chance = chance
        self._name = name
        self._draws: dict[str, Draws] = {}
        self._spells: dict[Burst, Course] = {}

    def draws(self, use: str) -> Draws:
        """Per-message draws for one use."""
        found = self._draws.get(use)
        if found is None:
            found = self._draws[use] = self._chance.draws(f"{self._name}/{use}")
        return found

    def spells(self, burst: Burst) -> Course:
        """The spells of a burst on this link; those of bursts of equal mean lengths coincide."""
        found = self._spells.get(burst)
        if found is None:
            name = f"{self._name}/burst/{burst.mean_good_us}/{burst.mean_bad_us}"
            found = self._spells[burst] = Bursts(burst).course(Draws(self._chance.afresh(name)))
        return found


class Weather:
    """What the slow component and the live effects do to messages on one link.

    Attributes:
        hold: Whether messages sent now wait at the link.
        bandwidth_factor: What its bandwidth is multiplied by.
        slow: How its delay and loss change with time.
        met: Told by name what an effect did, as evidence (`Link.meet`).
    """

    __slots__ = (
        "_bursts",
        "_delay_factor",
        "_delay_us",
        "_duplicate",
        "_kept",
        "_late_until_us",
        "_noise",
        "_reorders",
        "bandwidth_factor",
        "hold",
        "met",
        "slow",
    )

    def __init__(
        self, effects: Sequence[LinkEffect], slow: Slow | None, noise: Noise, met: Callable[[str], object]
    ) -> None:
        self.slow = slow
        self.met = met
        self._late_until_us = 0
        self._noise = noise
        self.hold = any(effect.hold for effect in effects)
        self.bandwidth_factor = prod(effect.bandwidth_factor for effect in effects)
        self._delay_factor = prod(effect.delay_factor for effect in effects)
        self._delay_us = sum(effect.delay_us for effect in effects)
        self._kept = prod(1 - effect.loss for effect in effects)
        self._duplicate = 1 - prod(1 - effect.duplicate for effect in effects)
        self._bursts = [noise.spells(effect.burst) for effect in effects if effect.burst is not None]
        self._reorders = [(e.reorder, e.reorder_us) for e in effects if e.reorder and e.reorder_us]

    def loss(self, now_us: int) -> float:
        """The chance that a message which sets out now is lost."""
        kept = self._kept
        if self.slow is not None:
            kept *= 1 - self.slow.loss(now_us)
        for spells in self._bursts:
            kept *= 1 - spells.loss(now_us)
        return 1 - kept

    def loses(self, now_us: int) -> bool:
        """Whether a message that sets out now is lost; draws once if that is uncertain."""
        loss = self.loss(now_us)
        if loss <= 0 or not (loss >= 1 or self._noise.draws("loss").random() < loss):
            return False
        if self._kept < 1:
            self.met("lost by chance")
        if any(spells.loss(now_us) > 0 for spells in self._bursts):
            self.met("lost in a burst")
        return True

    def duplicates(self) -> bool:
        """Whether a message sent now arrives twice; draws once if that can be."""
        return self._duplicate > 0 and self._noise.draws("duplicate").random() < self._duplicate

    def delay_us(self, drawn_us: int, now_us: int) -> int:
        """The one-way delay of a message that sets out now, from the delay drawn for it.

        Factors multiply what is drawn and what the slow component adds; then effects add.
        """
        delay_us = drawn_us if self.slow is None else drawn_us + self.slow.delay_us(now_us)
        usual_us = delay_us
        if self._delay_factor != 1:
            delay_us = int(delay_us * self._delay_factor + 0.5)
        delay_us += self._delay_us
        if delay_us != usual_us:
            self.met("slowed")
        if self._reorders:
            delay_us = self._reordered(delay_us, now_us)
        return delay_us

    def _reordered(self, delay_us: int, now_us: int) -> int:
        late_us = 0
        for chance, most_us in self._reorders:
            draws = self._noise.draws("reorder")
            if draws.random() < chance:
                late_us += draws.between(0, most_us)
        due_us = now_us + delay_us + late_us
        if late_us:
            self._late_until_us = max(self._late_until_us, due_us)
        elif due_us < self._late_until_us:
            self.met("overtook")
        return delay_us + late_us
