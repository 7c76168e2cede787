"""The words in which operators change who belongs to a Raft group (`models.operations`)."""

from __future__ import annotations

from collections.abc import Mapping

from models.operations.membership import Change
from models.raft.words import AddMember, MembersChanged, RemoveMember
from sim.message import Message
from sim.topology import Location

__all__ = ["RaftMembership"]


class RaftMembership:
    """Membership as operators ask for it.

    Args:
        seats: By host, its number among those that may be members.
    """

    def __init__(self, seats: Mapping[Location, int]) -> None:
        self._seats = dict(seats)

    @property
    def able(self) -> tuple[Location, ...]:
        """The hosts that have a seat."""
        return tuple(self._seats)

    def request(self, change: Change) -> Message:
        """Add or remove; a host that has no seat is asked for as number 0, which nobody has."""
        seat = self._seats.get(change.host, 0)
        return AddMember(seat=seat) if change.add else RemoveMember(seat=seat)

    def is_done(self, change: Change, answer: Message) -> bool:
        """Whether it is committed."""
        return isinstance(answer, MembersChanged) and answer.done
