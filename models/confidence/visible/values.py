"""What a client is told beside a value: how likely it is fresh, done, or to last, and what that rests on.

Each is a value with chances, never a boolean: whoever knows what a mistake costs puts a `Threshold` to it, at the
edge, and another may put another. Nothing here says 0 or 1 of what nobody can know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum
from typing import ClassVar, Final

from models.addressing import OPINIONS, Scope, message_type_id
from models.detection.refusals import at_least, refuse
from sim.message import Message, Value

__all__ = ["FRESHNESS_BYTES", "Freshness", "Outcome", "Stated", "Survival", "Weighed"]

#: By how much chances of all that may be miss 1, from rounding alone.
_ROUNDING: Final = 1e-9
_SECOND_US: Final = 1_000_000


def _chance(name: str, value: float) -> str | None:
    return None if 0 <= value <= 1 else f"{name}={value!r} is no chance; give a number in [0, 1]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness(Value):
    """How likely what was read of one key is still the latest.

    Attributes:
        key: Of which.
        at_us: When this was said, by the teller's wall clock.
        fresh: The chance that nothing was written since.
        bound_us: How stale it is at most: everything older than that is in it. None where nothing bounds it.
        writes_per_s: Rate of writes to the key that this rests on, its posterior mean.
        writes: How many writes that was learnt from.
    """

    key: int
    at_us: int
    fresh: float
    bound_us: int | None
    writes_per_s: float
    writes: int

    def __post_init__(self) -> None:
        refuse((_chance("fresh", self.fresh), at_least("writes_per_s", self.writes_per_s, 0)))

    @property
    def stale(self) -> float:
        """The chance that something was written since."""
        return 1 - self.fresh

    def aged(self, us: float) -> Freshness:
        """The same so much later, when nothing else was heard: writes go on, at a rate that is gamma by these."""
        shape = 1 + self.writes
        inverse_us = shape * _SECOND_US / self.writes_per_s if self.writes_per_s else 0.0
        none = (inverse_us / (inverse_us + us)) ** shape if inverse_us else 1.0
        bound_us = None if self.bound_us is None else self.bound_us + round(us)
        return replace(self, at_us=self.at_us + round(us), fresh=self.fresh * none, bound_us=bound_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Value):
    """What may have become of a command that nobody answered; the three chances sum to 1.

    Attributes:
        executed: It is done, and the answer was lost, or is on its way.
        will_execute: It is not done yet, and will be: it is on its way, or waits in a connection for the heal.
        lost: It is not done, and never will be.
        silent_us: How long ago it was first asked for.
        attempts: How often it was.
        whole_us: How long ago the way was last seen whole; None if it never was.
    """

    executed: float
    will_execute: float
    lost: float
    silent_us: int
    attempts: int
    whole_us: int | None

    def __post_init__(self) -> None:
        chances = (self.executed, self.will_execute, self.lost)
        named = zip(("executed", "will_execute", "lost"), chances, strict=True)
        off = abs(fsum(chances) - 1) > _ROUNDING
        refuse(
            (
                *(_chance(name, value) for name, value in named),
                f"chances {chances} sum to {fsum(chances)}; they are all that may be, so make it 1" if off else None,
            )
        )

    @property
    def happens(self) -> float:
        """The chance that it has its effect in the end."""
        return min(1.0, self.executed + self.will_execute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival(Value):
    """How likely what one side of a cut accepted counts after the merge.

    Attributes:
        survives: The chance that the merge does not take it back.
        silent_us: For how long what the other sides wrote is not known here, on average over them by how much they
            write.
        met: Writes of other sides that are known already to come before it, and that it was decided without.
        writes_per_s: Rate of the others' writes to the aggregate, its posterior mean.
        conflict: Chance that it is taken back if one such write, or those that are known, come before it; its
            posterior mean.
        judged: From how many acceptances, at earlier merges, that was learnt.
    """

    survives: float
    silent_us: int
    met: int
    writes_per_s: float
    conflict: float
    judged: int

    def __post_init__(self) -> None:
        refuse((_chance("survives", self.survives), _chance("conflict", self.conflict)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated(Message):
    """An answer, with how likely what it says lasts."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 3)
    answer: Message
    survival: Survival

    def wire_bytes(self) -> int:
        """The answer, and six numbers."""
        return self.answer.wire_bytes() + 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed(Message):
    """An answer, with how likely what it says is still so."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 4)
    answer: Message
    freshness: Freshness

    def wire_bytes(self) -> int:
        """The answer, and six numbers."""
        return self.answer.wire_bytes() + FRESHNESS_BYTES


#: Bytes of a freshness on the wire: six numbers.
FRESHNESS_BYTES: Final = 48
