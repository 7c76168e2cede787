"""Who belongs to a Raft group, and how that changes: one member at a time.

Voters elect and count; learners receive the log and do neither. Two majorities of which one has a
voter more or less always overlap, so a single step needs no joint phase. A membership counts
from the moment that it is in a member's log, committed or not (dissertation, section 4.1).

Both facts about the group itself, a reign that began and members that changed, are events of the shard's
own stream; what that comes to, `GroupState`, says who led and who belonged at every position of the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from models.domain import State
from models.store.group.lineage import Reign
from models.store.log.entries import Control

__all__ = ["MEMBER_BITS", "Change", "Elected", "GroupState", "Membership", "Reconfigured", "Step", "seat_of"]

#: A member's number is its seat, the number of its host, and above these bits which incarnation has it.
MEMBER_BITS: Final = 16


def seat_of(member: int) -> int:
    """The number of the host that a member lives on, whichever incarnation it is."""
    return member & (1 << MEMBER_BITS) - 1


class Membership(NamedTuple):
    """The members of a group by their numbers, each list sorted."""

    voters: tuple[int, ...]
    learners: tuple[int, ...] = ()

    @property
    def members(self) -> tuple[int, ...]:
        """All of them."""
        return self.voters + self.learners

    @property
    def quorum(self) -> int:
        """How many voters are a majority."""
        return len(self.voters) // 2 + 1

    def reached(self, value_of: Callable[[int], int]) -> int:
        """The largest value that a majority of the voters has reached."""
        return sorted([value_of(voter) for voter in self.voters], reverse=True)[len(self.voters) // 2]

    def after(self, change: Change) -> Membership | str:
        """The membership after a change; or why that cannot be."""
        step, member = change
        voters, learners = set(self.voters), set(self.learners)
        if step is Step.ADD:
            if member in voters | learners:
                return f"{member} is a member already"
            learners.add(member)
        elif step is Step.PROMOTE:
            if member not in learners:
                return f"{member} is no learner; add it first"
            learners.remove(member)
            voters.add(member)
        else:
            if member not in voters | learners:
                return f"{member} is no member"
            if voters == {member}:
                return f"{member} is the last voter; promote another first"
            voters.discard(member)
            learners.discard(member)
        return Membership(tuple(sorted(voters)), tuple(sorted(learners)))


class Step(StrEnum):
    """The kinds of change."""

    ADD = "add"  # as a learner
    PROMOTE = "promote"  # a learner to a voter
    REMOVE = "remove"


class Change(NamedTuple):
    """One step from one membership to the next."""

    step: Step
    member: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState(State):
    """What a shard's own stream comes to.

    Attributes:
        reigns: The terms that brought entries, in order.
        memberships: Positions from which on there were these voters and these learners.
    """

    reigns: tuple[Reign, ...] = ()
    memberships: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = ()

    def membership_at(self, position: int, founders: Membership) -> Membership:
        """The one in force at a position."""
        found = next((one for one in reversed(self.memberships) if one[0] <= position), None)
        return founders if found is None else Membership(found[1], found[2])

    def term_at(self, position: int) -> int:
        """Under which term the entry of a position was written."""
        return next((reign.epoch for reign in reversed(self.reigns) if reign.start < position), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elected(Control):
    """A reign began: the entry of its own that a leader commits before it knows what is (section 6.4).

    Attributes:
        leader: Whose reign.
        term: Of it.
        start: Position after which it began.
    """

    leader: int
    term: int
    start: int

    def after(self, state: State) -> GroupState:
        """One reign more."""
        known = state if isinstance(state, GroupState) else GroupState()
        return replace(known, reigns=(*known.reigns, Reign(self.term, seat_of(self.leader), self.start)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconfigured(Control):
    """From here on these are the members.

    Attributes:
        voters: Those that elect and count.
        learners: The others.
        position: Of the entry that says so.
    """

    voters: tuple[int, ...]
    learners: tuple[int, ...]
    position: int

    @property
    def membership(self) -> Membership:
        """The same as a membership."""
        return Membership(self.voters, self.learners)

    def after(self, state: State) -> GroupState:
        """Other members."""
        known = state if isinstance(state, GroupState) else GroupState()
        return replace(known, memberships=(*known.memberships, (self.position, self.voters, self.learners)))
