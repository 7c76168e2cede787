"""What tiers of services say to each other; all of it is service traffic, at the end of every queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import RETRYING, Scope, message_type_id
from sim.message import Message

__all__ = ["Busy", "Done", "Execute", "Executed", "Failed", "Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """A request to a tier, for something without a lasting effect.

    Attributes:
        op: Whose it is in the end; attempts of all tiers have the same.
        left_us: For how long the caller will wait, microseconds; None if it does not say.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 1, command=True)
    op: int
    left_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Message):
    """It was done, by this tier and all below."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 2)
    op: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy(Message):
    """It was turned away, or passed over when its turn came: nothing was done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 3)
    op: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Message):
    """A tier below did not do it; `why` is how the policy towards it ended."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 4)
    op: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(Message):
    """A tier's own work, from itself to itself: it holds a core for so many units of service time."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 5, command=True)
    units: int = 1

    def work(self) -> int:
        """As it says."""
        return self.units


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed(Message):
    """That work is done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RETRYING, 6)
