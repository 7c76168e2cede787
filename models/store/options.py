"""What a member of a shard is told: who it is, its scheme, how it manages its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.addressing import Scope, pack_type
from models.store.group.wire import ShipOptions
from models.store.log.snapshots import SnapshotPolicy
from models.store.schemes import SCHEMES, Scheme
from sim.topology import Location
from sim.wording import Refused

__all__ = ["InDoubt", "LogPolicy", "MemberOptions"]


class InDoubt(StrEnum):
    """What becomes of a request whose event is in the log and does not come to count for `doubt_us`."""

    SURFACE = "surface"  # its client is told at once that it is in doubt
    BLOCK = "block"  # it is answered when it is known, however long that takes
    RETRY = "retry"  # nobody is told: the client asks again with the same id


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """How the log is kept from growing for ever.

    Attributes:
        segment: Entries in a file; the log loses its head by whole files.
        snapshots: When snapshots are taken.
        truncate: Whether the head goes once snapshots cover it.
        sweep: Whether a snapshot is taken of whatever alone holds the oldest segment back.
        retain_us: Entries younger than this stay, whatever covers them.
        retain_events: So many of the latest stay.
        archive: Where segments go before they are dropped; None for nowhere.
        peer_patience: Entries kept for a peer that does not have them yet; beyond, it is handed a snapshot.
        every_us: Between looks.
    """

    segment: int = 1_000
    snapshots: SnapshotPolicy = field(default_factory=SnapshotPolicy)
    truncate: bool = False
    sweep: bool = False
    retain_us: int = 0
    retain_events: int = 0
    archive: Location | None = None
    peer_patience: int = 100_000
    every_us: int = 1_000_000

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} keeps nothing; give at least 1"
            for name in ("segment", "every_us", "peer_patience")
            if getattr(self, name) < 1
        ]
        wrong += [
            f"{name}={getattr(self, name)} is negative; give at least 0"
            for name in ("retain_us", "retain_events")
            if getattr(self, name) < 0
        ]
        policy = self.snapshots
        if self.truncate and not self.sweep and policy.every is None and policy.age_us is None:
            wrong.append(
                "truncate=True drops only what snapshots cover, and none is ever taken; "
                "have one taken every so many events, or at an age, or sweep"
            )
        if wrong:
            raise Refused(wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOptions:
    """Who a member is.

    Attributes:
        number: Its number among the members; the region's where each is in a region of its own.
        shard: Whose log it keeps.
        peers: (number, location) of the other members.
        home: Number of the member that leads at first.
        scheme: When an event is acknowledged.
        event_type: Of every event that it mints.
        ship: How logs are shipped.
        log: How the log is managed.
        window: Commands remembered, at least 1.
        cache: States kept in memory; None for all.
        store_denials: Whether a command that the domain denies leaves an error event.
        in_doubt: What becomes of what stays in doubt.
        doubt_us: For how long before that is asked.
        forward_timeout_us: How long a forwarded request may take.
        gather_us: How long one that is forced to lead listens to what others have.
        ask_us: Patience with an answer of another member.
        replay_us: Host time that replaying one event takes, at a load and at recovery.
        subscriber: Where acknowledged events are published, in order, at least once; None for nowhere.
        sequencer: Who gives out global positions; None where there is no global sequence.
        settle_us: How often it is told what was committed.
    """

    number: int
    shard: int
    peers: tuple[tuple[int, Location], ...] = ()
    home: int
    scheme: Scheme = SCHEMES[1]
    event_type: int = pack_type(Scope.SERVICE, command=False, domain=1)
    ship: ShipOptions = field(default_factory=ShipOptions)
    log: LogPolicy = field(default_factory=LogPolicy)
    window: int = 100_000
    cache: int | None = None
    store_denials: bool = True
    in_doubt: InDoubt = InDoubt.BLOCK
    doubt_us: int = 1_000_000
    forward_timeout_us: int = 600_000
    gather_us: int = 0
    ask_us: int = 500_000
    replay_us: int = 0
    subscriber: Location | None = None
    sequencer: Location | None = None
    settle_us: int = 50_000

    def __post_init__(self) -> None:
        wrong = []
        if self.scheme.holders > len(self.peers) + 1:
            wrong.append(
                f"scheme {self.scheme.name!r} asks for {self.scheme.holders} holders, and the shard has "
                f"{len(self.peers) + 1} members; add members or lower `holders`"
            )
        wrong += [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("window", "doubt_us", "forward_timeout_us", "ask_us", "settle_us")
            if getattr(self, name) < 1
        ]
        if self.cache is not None and self.cache < 1:
            wrong.append(f"cache={self.cache} keeps no state; give at least 1, or None for all")
        wrong += [
            f"{name}={getattr(self, name)} is negative; give at least 0"
            for name in ("gather_us", "replay_us")
            if getattr(self, name) < 0
        ]
        if wrong:
            raise Refused(wrong)

    @property
    def members(self) -> int:
        """How many there are, this one among them."""
        return len(self.peers) + 1

    @property
    def voters(self) -> int:
        """Whole members that a new leader must have heard: any so many hold all that was acknowledged."""
        return self.members - self.scheme.holders + 1
