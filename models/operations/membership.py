"""How a design changes who its members are, for operators to ask for; most designs cannot.

A system that can hands one of these over (`System.membership`): it says which message asks for a change, and
reads the answers. A runbook sends it to one member after another until an answer says that it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sim.message import Message
from sim.topology import Location

__all__ = ["Change", "Membership"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, of one host.

    Attributes:
        shard: Name of the shard whose members change.
        add: Whether the host joins; else it leaves.
        host: The host itself, its service bits zero.
    """

    shard: str
    add: bool
    host: Location


class Membership(Protocol):
    """The words of a design whose members can change."""

    @property
    def able(self) -> tuple[Location, ...]:
        """The hosts that may be members: those that are, and those that could join."""
        ...

    def request(self, change: Change) -> Message:
        """What asks a member for a change; asked twice it must come to the same."""
        ...

    def is_done(self, change: Change, answer: Message) -> bool:
        """Whether an answer says that the change has come about, so that it outlives whoever asked."""
        ...
