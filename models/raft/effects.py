"""What the core asks of whoever runs it, in the order in which it is to be done.

A `Send` may go out at once: the core itself holds messages back until the state that they speak of is
saved. A `Save` is answered with `saved`; `Write` and `Store` with `durable`, once what was
appended is on the device; `Install` with `installed`; `Supply` by sending what `snapshot_at` makes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from models.domain import Event
from models.raft.messages import InstallSnapshot, RaftMessage
from models.store.log.entries import Entry

__all__ = [
    "Became",
    "Contradicted",
    "Cut",
    "Effect",
    "HardState",
    "Install",
    "ReadReady",
    "Role",
    "Save",
    "Send",
    "Store",
    "Supply",
    "Write",
]


class Role(StrEnum):
    """What a member takes itself for."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Contradicted(Exception):
    """What cannot be has happened: some disk forgot what it had flushed. Whoever runs the core must stop it."""


class HardState(NamedTuple):
    """What no life may forget of an earlier one: its term, and whom it voted for in it (0 for nobody)."""

    term: int = 0
    vote: int = 0


class Send(NamedTuple):
    """Send a message to a member."""

    to: int
    message: RaftMessage


class Save(NamedTuple):
    """Put term and vote on the device, in place of what is there, one after the other."""

    state: HardState


class Cut(NamedTuple):
    """Keep the entries up to a position only; none of what goes was committed."""

    keep: int


class Store(NamedTuple):
    """Append a leader's entries."""

    entries: tuple[Entry, ...]


class Write(NamedTuple):
    """Append an entry of this member's own, in its term, at a position; then call `replicate`."""

    position: int
    event: Event


class Install(NamedTuple):
    """Stand behind a snapshot, in place of all that is there, and at once: no crash may leave less than either."""

    snapshot: InstallSnapshot


class Supply(NamedTuple):
    """Send a member a snapshot of what is committed, at or beyond the log's base."""

    to: int


class ReadReady(NamedTuple):
    """A read may be answered from a state that has all up to a position; None: not by this member."""

    token: int
    position: int | None


class Became(NamedTuple):
    """Role, term or leader (0 if unknown) changed."""

    role: Role
    term: int
    leader: int


Effect = Send | Save | Cut | Store | Write | Install | Supply | ReadReady | Became
