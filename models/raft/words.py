"""What operators say to a Raft group, members that lost their disk, and members that watch their leader by belief."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import CONSENSUS, Scope, message_type_id
from sim.message import HEADER_BYTES, Message
from sim.topology import Location

__all__ = ["AddMember", "HandOver", "Heard", "MembersChanged", "NameQuery", "Named", "RemoveMember"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember(Message):
    """Have a host's member join: as a learner, then as a voter once it has caught up. Asked twice it is one change.

    Attributes:
        seat: Number of the host.
        member: The member's own number there, where it asks for itself: it takes the place of an earlier
            incarnation, and is turned down where there is none. 0 where an operator asks.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 7, command=True)
    seat: int
    member: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember(Message):
    """Have a host's member leave, whichever incarnation it is."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 8, command=True)
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersChanged(Message):
    """What came of it.

    Attributes:
        done: Whether the change is committed; if not, ask again.
        why: Why not, in words for people.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 9)
    done: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameQuery(Message):
    """Which member lives there?"""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 10, command=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Message):
    """This one."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 11)
    member: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Message):
    """An operator promoted this member: the leader is to hand the lead to it."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 12, command=True)
    member: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Message):
    """A member lives; whom it heard itself, and how long ago, since no clock need agree with another.

    Attributes:
        heard: Other members, and the age of the latest word of each.
        leader: Who leads it, None if it hears nobody's heartbeats.
        term: In which term.
        led_us: The age of the latest of them.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 13)
    heard: tuple[tuple[Location, int], ...]
    leader: Location | None = None
    term: int = 0
    led_us: int = 0

    def wire_bytes(self) -> int:
        """Header, three numbers, and two for each member."""
        return HEADER_BYTES + 24 + 16 * len(self.heard)
