"""What operators can do to a Raft group (`models.operations`): the words in which its members change.

Nobody leads whom a majority has not elected, and no log but an elected leader's counts. So nothing can be forced
on a group from outside: no member is silenced, none is made to lead without the others, none stands behind a backup.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.operations.membership import Change
from models.operations.steps import Action
from models.raft.words import AddMember, MembersChanged, RemoveMember
from sim.message import Message
from sim.topology import Location

__all__ = ["INSTEAD", "RaftMembership"]

#: By what cannot be done to a group, what can be done in its place.
INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        Action.FENCE: "promote another member, which deposes this one, or let it go with remove-host",
        Action.DECLARE_LOST: "no minority is made to lead: bring a majority back, or use remove-host in time",
        Action.RESTORE: "who lost its disk is taken in again without; for backups choose models.stores:store",
    }
)


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
        """Add or remove the member on a host; an unknown one would be let go of at once, since nobody lives there."""
        seat = self._seats.get(change.host)
        assert seat is not None, f"{change.host} has no seat here; name the host itself, its service bits zero"
        return AddMember(seat=seat) if change.add else RemoveMember(seat=seat)

    def is_done(self, change: Change, answer: Message) -> bool:
        """Whether it is committed."""
        return isinstance(answer, MembersChanged) and answer.done
