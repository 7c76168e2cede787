"""What is said about the key space: routes and refusals, maps and reports, and one group handing over to another.

Clients ask a tablet server by a route (`Routed`); who cannot serve it says where to ask (`Rerouted`).
Servers and master exchange maps; a server tells its shards what to hold (`Hold`); the leader of a
group fetches what it lacks from the group that has it (`Give`), and says when that may go (`Taken`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.addressing import KEYSPACE, Scope, message_type_id
from models.keyspace.directory import Held, Source
from models.store.log.entries import ENVELOPE_BYTES, Entry
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot, snapshot_bytes
from models.store.requests import Unavailable
from sim.message import Message

__all__ = [
    "BEHIND",
    "COMING",
    "NOT_LEADING",
    "STALE",
    "Coming",
    "Gave",
    "Give",
    "Gossip",
    "Have",
    "Heard",
    "Hold",
    "MapIs",
    "MapQuery",
    "NotHere",
    "Report",
    "Rerouted",
    "RouteQuery",
    "Routed",
    "Taken",
    "TakenNoted",
]

#: Why a server did not serve: the route is old; the server's map is; the data are still with another group.
STALE, BEHIND, COMING = "stale", "behind", "coming"
#: Why a member does not tell of an aggregate that its group has.
NOT_LEADING: Final = "not the leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed(Message):
    """A request, and the route by which it came.

    Attributes:
        version: Of the route.
        owners: Of the route.
        key: What it is about.
        request: What is asked.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, KEYSPACE, 1, command=True)
    version: int
    owners: tuple[int, ...]
    key: int
    request: Message

    def wire_bytes(self) -> int:
        """What it carries, and the route."""
        return self.request.wire_bytes() + 32 + 8 * len(self.owners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerouted(Message):
    """Nothing was done and nothing will be; `why`, and where to ask, if the server knows.

    Attributes:
        why: `STALE`, `BEHIND` or `COMING`.
        version: Of the server's map, or of the change that it knows of.
        owners: Whom to ask; empty if it does not know.
        begin: First point of the stretch that they are asked about.
        end: One past its last.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, KEYSPACE, 2)
    why: str
    version: int
    owners: tuple[int, ...] = ()
    begin: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuery(Message):
    """Who owns a point? Answered by `Rerouted`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, KEYSPACE, 3, command=True)
    point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHere(Unavailable):
    """The shard gave the aggregate's stretch to another group.

    Attributes:
        version: Of the directory in which that was decided.
        owners: Of the group that has it since.
        begin: First point of what was given.
        end: One past its last.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, KEYSPACE, 4)
    version: int
    owners: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming(Unavailable):
    """The shard does not have the aggregate's stretch, or not yet."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, KEYSPACE, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapQuery(Message):
    """What is your map, if it is newer than this version?"""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, KEYSPACE, 1, command=True)
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapIs(Message):
    """A whole map."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, KEYSPACE, 2)
    version: int
    held: tuple[Held, ...]

    def wire_bytes(self) -> int:
        """A sum that need not look into it."""
        return 72 + 80 * len(self.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gossip(Message):
    """My map is of this version."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, KEYSPACE, 3)
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Message):
    """How a server is: its heartbeat to the master.

    Attributes:
        server: Its number.
        version: Of its map.
        window_us: For how long it counted.
        asked: By the first point of a stretch, how many requests came for it.
        hot: By point, how often the hottest were asked for.
        complete: By group that it leads, the version of the stretch that the group has all of.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, KEYSPACE, 4)
    server: int
    version: int
    window_us: int
    asked: tuple[tuple[int, int], ...]
    hot: tuple[tuple[int, int], ...]
    complete: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Message):
    """The master has the report; its map is of this version."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, KEYSPACE, 5)
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Message):
    """What a group is to hold, as the map of its server says."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 1, command=True)
    version: int
    begin: int
    end: int
    owners: tuple[int, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Have(Message):
    """How far a member is with it.

    Attributes:
        version: Of what it was told to hold last.
        complete: Whether its log has all of it, as far as it knows.
        leads: Whether it leads.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 2)
    version: int
    complete: bool
    leads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Give(Message):
    """Hand the group `to` what counts of a stretch beyond a position; if it is to be `final`, give the stretch up."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 3, command=True)
    begin: int
    end: int
    to: int
    owners: tuple[int, ...]
    version: int
    after: int
    limit: int
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gave(Message):
    """Entries of the stretch, in order; or what those came to that are no longer kept.

    Attributes:
        entries: What there is of it.
        upto: Position of the last of them in that group's log.
        more: Whether there are others behind it.
        since_us: When the group gave the stretch up, by its leader's wall clock; 0 while it still writes there.
        snapshots: Each stream as it was at `upto`, where entries up to there are no longer kept.
        window: Commands up to there that must still be known.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 4)
    entries: tuple[Entry, ...]
    upto: int
    more: bool
    since_us: int
    snapshots: tuple[Snapshot, ...] = ()
    window: tuple[Answered, ...] = ()

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) + len(self.snapshots) or 1

    def wire_bytes(self) -> int:
        """A sum that need not look into the entries."""
        kept = (ENVELOPE_BYTES + 28) * len(self.entries) + 48 * len(self.window)
        return 96 + kept + sum(map(snapshot_bytes, self.snapshots))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Message):
    """The group `to` has all of what it was given at a version, durably: it may go where it came from."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 5, command=True)
    to: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenNoted(Message):
    """The source has that in its log."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, KEYSPACE, 6)
    version: int
