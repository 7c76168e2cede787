"""Who belongs to a Raft group, and how that changes: one member at a time.

Voters elect and count; learners receive the log and do neither. Two majorities of which one has a
voter more or less always overlap, so a single step needs no joint phase. A membership counts
from the moment that it is in a member's log, committed or not (dissertation, section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from models.domain import Event

__all__ = ["Change", "Elected", "Membership", "Reconfigured", "Step"]


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
class Elected(Event):
    """A reign began: the entry of its own that a leader commits before it knows what is (section 6.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconfigured(Event):
    """From here on these are the members."""

    voters: tuple[int, ...]
    learners: tuple[int, ...]

    @property
    def membership(self) -> Membership:
        """The same as a membership."""
        return Membership(self.voters, self.learners)
