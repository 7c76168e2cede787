"""What is believed before anything is heard: how often each level fails, and how its heartbeats travel.

Priors come from configuration or are learnt from what was observed; never from the schedule of faults. They may be
wrong, and then `wrong_by` says how: an arm of an experiment, or a check of how much a decision hangs on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import expm1, inf
from typing import Final

from models.confidence.closed import chance
from models.confidence.delays import Delay, Stretched, checked_delay
from models.detection.refusals import at_least, refuse

__all__ = ["LEVELS", "Hearing", "Level", "Priors", "failing", "own_mtbf_us"]

#: From the top; a path may leave levels out.
LEVELS: Final = ("region", "cluster", "host", "service")
_SLOWDOWN: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How things of one level fail of themselves, whatever becomes of what they stand in.

    Attributes:
        mtbf_us: Mean time between deaths (a crash, a region destroyed); infinite for never.
        mtbc_us: Mean time between cuts that keep an observer from it; infinite for never.
        dead: Chance that it was dead before anything was heard of it, below 1.
        cut: Chance that it was cut off then, below 1.
        slow: Chance that it is slow, below 1.
    """

    mtbf_us: float = inf
    mtbc_us: float = inf
    dead: float = 0.0
    cut: float = 0.0
    slow: float = 0.0

    def mistakes(self, name: str) -> list[str]:
        """What is wrong with it."""
        found = []
        for what, us in (("mtbf_us", self.mtbf_us), ("mtbc_us", self.mtbc_us)):
            if not us > 0:
                found.append(f"{name}.{what}={us!r} is no mean time; give more than 0, or infinity for never")
        for what, value in (("dead", self.dead), ("cut", self.cut), ("slow", self.slow)):
            if not 0 <= value < 1:
                found.append(f"{name}.{what}={value!r} is a prior outside [0, 1), which no evidence moves; give less")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How one subject is heard: what its sender and the way from it do.

    Attributes:
        every_us: Between heartbeats.
        loss: Chance that one is lost, below 1.
        delay: Of one that arrives.
        slowdown: A slow one's delays are so many times as long.
        round_trip: From a request to its reply; None where nobody asks.
    """

    every_us: int
    loss: float
    delay: Delay
    slowdown: float = _SLOWDOWN
    round_trip: Delay | None = None

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("every_us", self.every_us, 1),
                chance("loss", self.loss) or (None if self.loss < 1 else f"loss={self.loss!r} lets nothing be heard"),
                checked_delay("delay", self.delay),
                None if self.slowdown > 1 else f"slowdown={self.slowdown!r} is none; give more than 1",
                None if self.round_trip is None else checked_delay("round_trip", self.round_trip),
            )
        )

    @property
    def slow_delay(self) -> Delay:
        """Delays where something on the way is slow."""
        return Stretched(self.delay, self.slowdown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """What an observer believes of each level, before evidence.

    Attributes:
        levels: By level, not to be changed later; a level that the tree has and this has not cannot fail of itself.
    """

    levels: Mapping[str, Level]

    def __post_init__(self) -> None:
        refuse(
            [
                *(f"{name!r} is no level; choose of {', '.join(LEVELS)}" for name in self.levels if name not in LEVELS),
                *(mistake for name, level in self.levels.items() for mistake in level.mistakes(name)),
            ]
        )

    def of(self, level: str) -> Level:
        """What is believed of a level."""
        return self.levels.get(level) or Level()

    def wrong_by(self, factor: float) -> Priors:
        """The same, with every failure `factor` times as frequent; below 1 for rarer.

        Raises:
            ValueError: the factor is not above 0.
        """
        refuse((None if 0 < factor < inf else f"{factor=} is no factor; give a positive number",))
        return Priors(levels={name: _more_frequent(level, factor) for name, level in self.levels.items()})


def _more_frequent(level: Level, factor: float) -> Level:
    """Odds, not chances, are multiplied, so that none leaves (0, 1)."""

    def odds(value: float) -> float:
        return value * factor / (1 - value + value * factor)

    return replace(
        level,
        mtbf_us=level.mtbf_us / factor,
        mtbc_us=level.mtbc_us / factor,
        dead=odds(level.dead),
        cut=odds(level.cut),
        slow=odds(level.slow),
    )


def own_mtbf_us(total_us: float, *above_us: float) -> float:
    """Mean time between a thing's own failures, from that of all its outages and those of what it stands in.

    Outage statistics of hosts count those of their region, too; a prior of a level must not.

    Raises:
        ValueError: what it stands in alone fails as often as it is said to do, so the rates contradict the topology.
    """
    refuse(None if us > 0 else f"{us!r} is no mean time; give more than 0, or infinity" for us in (total_us, *above_us))
    above = sum(1 / us for us in above_us)
    if 1 / total_us < above * (1 - 1e-12):
        raise ValueError(
            f"{total_us=} contradicts the topology: what it stands in fails every {1 / above:.6g} us by itself, and "
            f"takes it along; give at most that, or rarer failures above"
        )
    own = 1 / total_us - above
    return inf if own <= above * 1e-12 else 1 / own


def failing(mean_us: float, us: float) -> float:
    """Chance of a failure within `us`, at a constant hazard."""
    return -expm1(-us / mean_us) if us > 0 else 0.0
