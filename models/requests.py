"""What clients ask of a store and what it answers.

An answer says what is certain. `Accepted` and `Refused` are outcomes of the domain, recorded
and durable; `Unavailable` means that this attempt changed nothing and never will. Where that
is not certain (a forwarded request that got no answer) a store stays silent, and the client's
time-out says what it is: it may have happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

from models.addressing import BANK, Scope, message_type_id
from models.bank import BankCommand, Denied
from models.eventlog import Entry
from sim.message import Message

__all__ = ["Accepted", "Answer", "Forward", "Refused", "Submit", "Unavailable", "answer_of", "shard_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Message):
    """A client's command, to the entry of its own region."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, BANK, 1, command=True)
    command: BankCommand

    def wire_bytes(self) -> int:
        """A header and three numbers."""
        return 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward(Message):
    """A command handed on to the home; a store that is not the home refuses it, so none circles."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, BANK, 2, command=True)
    command: BankCommand

    def wire_bytes(self) -> int:
        """A header and three numbers."""
        return 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Message):
    """The command led to a success event: the aggregate's version and balance after it."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, BANK, 3)
    command_id: int
    version: int
    balance: int

    def wire_bytes(self) -> int:
        """A header and three numbers."""
        return 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Message):
    """The command led to an error event: a rule of the domain said no."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, BANK, 4)
    command_id: int
    version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(Message):
    """The store could not serve; the attempt has no effect, now or later."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, BANK, 5)
    command_id: int
    reason: str


Answer = Accepted | Refused | Unavailable


def answer_of(entry: Entry) -> Accepted | Refused:
    """The answer that a stored event stands for; the same each time a command is repeated."""
    event = entry.event
    version = entry.address & (1 << 32) - 1
    if event.__class__ is Denied:
        return Refused(command_id=event.command_id, version=version, reason=event.reason)
    return Accepted(command_id=event.command_id, version=version, balance=entry.balance)


def shard_of(account: int, shards: int) -> int:
    """The shard, from 0, that an account belongs to; the same in every region and every run."""
    digest = blake2b(account.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards
