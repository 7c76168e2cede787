"""The words of Raft members among themselves (dissertation, figures 3.1, 3.8 and 5.3).

Each bears its sender's number and term. Elections and commands to members go before the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.addressing import CONSENSUS, Scope, message_type_id
from models.raft.membership import Membership
from models.store.log.entries import ENVELOPE_BYTES, Entry
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot
from sim.message import Message

__all__ = ["AppendEntries", "AppendReply", "InstallSnapshot", "RaftMessage", "TimeoutNow", "VoteReply", "VoteRequest"]

#: Bytes of an entry on the wire: its envelope, and an event of a few numbers.
_ENTRY_BYTES: Final = ENVELOPE_BYTES + 28


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRequest(Message):
    """Would you follow me?

    Attributes:
        term: Of the election; for a pre-vote the term that it would have.
        last: Position of the candidate's last entry.
        last_term: Its term.
        pre: Whether this is only a question (section 9.6).
        transfer: Whether the leader itself asked for it, so that nobody should stick to that leader.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 1, command=True)
    source: int
    term: int
    last: int
    last_term: int
    pre: bool = False
    transfer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteReply(Message):
    """The answer; `term` is that of the election if it was granted, else the voter's own."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 2)
    source: int
    term: int
    granted: bool
    pre: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEntries(Message):
    """A run of the leader's log, possibly empty, and what it follows.

    Attributes:
        prev: Position before the first entry; 0 fits every log.
        prev_term: Term of the entry there.
        entries: In order, without a gap.
        committed: Up to where the leader knows the log to be committed.
        round: To be echoed: an answer proves that the sender led when this round began.
        beat: The heartbeat's number in this reign, from 1; 0 if it is none.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, CONSENSUS, 3)
    source: int
    term: int
    prev: int
    prev_term: int
    entries: tuple[Entry, ...]
    committed: int
    round: int
    beat: int = 0

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A sum that need not look into the entries."""
        return 128 + _ENTRY_BYTES * len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReply(Message):
    """What the follower has of the leader's log.

    Attributes:
        match: Up to here it has the leader's log on its device.
        verified: Up to here it has the leader's log, if only in memory.
        round: The latest that it has heard in this term.
        rejected: The `prev` that did not fit, 0 if it did.
        hint: Where it did not: a position before which, or at which, the logs may meet...
        hint_term: ...and the follower's term there.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, CONSENSUS, 4)
    source: int
    term: int
    match: int
    verified: int
    round: int
    rejected: int = 0
    hint: int = 0
    hint_term: int = 0

    def wire_bytes(self) -> int:
        """A header and eight numbers."""
        return 128


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallSnapshot(Message):
    """In place of entries that the leader no longer has: what they came to.

    Attributes:
        position: Everything up to here is in it.
        position_term: Term of the entry there.
        membership: In force there.
        round: As in `AppendEntries`.
        snapshots: Every stream with a history up to there.
        window: Commands up to there that must still be known.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, CONSENSUS, 5)
    source: int
    term: int
    position: int
    position_term: int
    membership: Membership
    round: int = 0
    snapshots: tuple[Snapshot, ...] = ()
    window: tuple[Answered, ...] = ()

    def work(self) -> int:
        """It costs its length."""
        return len(self.snapshots) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutNow(Message):
    """Stand for election at once: the leader hands the lead over (section 3.10)."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 6, command=True)
    source: int
    term: int


#: Everything that `models.raft.core` takes from others.
RaftMessage = VoteRequest | VoteReply | AppendEntries | AppendReply | InstallSnapshot | TimeoutNow
