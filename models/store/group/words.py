"""The words of members among themselves and with their operator, where the lead changes.

An operator asks a member to lead (`Promote`); it asks the others where they are (`HeadQuery`), which,
with an epoch, is also the promise to follow no leader of an earlier one; and fetches what the
best of them has (`Fetch`). It can also have a member lead no more (`Fence`), ask the leader what
everything comes to, to keep a backup (`CopyQuery`), and have a member stand behind one (`Restore`).

After "Viewstamped Replication Revisited" (Liskov and Cowling, MIT-CSAIL-TR-2012-021): the best is
the one with the latest reign, then the longest log. Departures: who leads is an operator's choice and
not the view's number, and a quorum is as large as the scheme makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import GROUP, Scope, message_type_id
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot
from sim.message import Message

__all__ = [
    "Copied",
    "CopyQuery",
    "Fence",
    "Fenced",
    "Fetch",
    "Fetched",
    "Head",
    "HeadQuery",
    "Promote",
    "Promoted",
    "Restore",
    "Status",
    "StatusQuery",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadQuery(Message):
    """Where are you? With an `epoch` above 0: and follow no leader of an earlier one from now on."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 1, command=True)
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Message):
    """Where a member is.

    Attributes:
        number: Whose head it is.
        promised: It follows no leader of an earlier epoch.
        reigns: Its lineage; empty if it knows nothing yet.
        length: Of its log.
        whole: Whether it has all that it ever acknowledged, so that its word counts.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 2)
    number: int
    promised: int
    reigns: tuple[Reign, ...]
    length: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Message):
    """What do you have beyond a position?"""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 3, command=True)
    after: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Message):
    """Entries beyond a position; or, where those are no longer kept, what they came to.

    Attributes:
        first: Position of the first entry.
        entries: In order.
        position: Where not 0, everything up to here is in `snapshots` and `window`, and there are no entries.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 4)
    first: int
    entries: tuple[Entry, ...]
    position: int = 0
    snapshots: tuple[Snapshot, ...] = ()
    window: tuple[Answered, ...] = ()

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) + len(self.snapshots) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote(Message):
    """An operator, or a monitor, tells a member to lead.

    Attributes:
        epoch: Of the new reign.
        force: Whether it should lead although those who must be heard are not: what only they have
            is declared lost.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 5, command=True)
    epoch: int
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted(Message):
    """The member lives under that epoch or a later one; `leads` says whether it is its leader."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 6)
    epoch: int
    leads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQuery(Message):
    """An operator asks how a member is."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 7, command=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Message):
    """How a member is.

    Attributes:
        number: Whose status it is.
        epoch: It lives under, or has promised to.
        leads: Whether it takes itself for the leader and serves.
        progress: Whether all in its log counts, or something has come to count since it was last asked.
        length: Of its log.
        whole: As in `Head`.
        ready: Whether it knows where it stands, so that it can take the lead.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 8)
    number: int
    epoch: int
    leads: bool
    progress: bool
    length: int
    whole: bool
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence(Message):
    """An operator has a member follow no leader of an epoch below this one, itself included, so that it leads no more.

    It keeps that promise through restarts; whoever is promoted later, with a higher epoch, it follows.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 9, command=True)
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced(Message):
    """The member promised that epoch, or a later one; `leads` says whether it leads all the same, under a later one."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, GROUP, 10)
    number: int
    promised: int
    leads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyQuery(Message):
    """What does everything committed come to? Only who leads answers."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, GROUP, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied(Message):
    """Everything up to a position, as what it came to."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, GROUP, 12)
    position: int
    snapshots: tuple[Snapshot, ...]
    window: tuple[Answered, ...]

    def work(self) -> int:
        """As many units as there are streams."""
        return len(self.snapshots) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Message):
    """An operator has a member give up all that it has, stand behind a backup, and lead from there.

    What was acknowledged after the backup was taken is declared lost. The reign that begins contains nothing of
    any before it, so whoever has something of those gives that up too.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, GROUP, 13, command=True)
    epoch: int
    position: int
    snapshots: tuple[Snapshot, ...]
    window: tuple[Answered, ...]

    def work(self) -> int:
        """As many units as there are streams."""
        return len(self.snapshots) or 1
