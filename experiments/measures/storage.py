"""What a store keeps on its disk over a long run, what it wrote for that, and how long it takes to be back.

The run is stopped at regular instants and looked at from outside, so that looking changes nothing. What a member
counts it counts anew in each of its lives; a look just before each fault that ends one, and a sum over lives, make
totals of it. A fault acts after the look at its instant, since a run ends before its horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from experiments.measures.observation import Answer, Outcome
from models.store.log.archive import ArchiveService
from models.store.log.entries import Entry, all_bytes, audit, instance_of
from models.store.log.keeping import Storage
from models.store.log.snapshots import snapshot_bytes
from models.store.shard import Shard
from sim.topology import Location
from sim.world import World

__all__ = ["Look", "Meter", "archived_bytes", "archived_whole", "live_state_bytes", "load_us", "unexplained"]

#: Most operations in doubt, of one account, that are tried in every combination.
_DOUBTS: Final = 12


class Look(NamedTuple):
    """One member at one instant; bytes are on its disk.

    Attributes:
        t_us: When.
        log: Bytes of entries.
        snapshots: Bytes of the newest snapshot of each stream.
        window: Bytes of remembered commands whose entries are gone.
        appended: Bytes of all entries so far, dropped ones included.
        beside: Bytes written so far for snapshots and windows.
        entries: How many are kept.
        length: How many it ever had.
        load_busy_us: What loading the busiest stream would take.
        load_tail_us: The same of the slowest other one.
    """

    t_us: int
    log: int
    snapshots: int
    window: int
    appended: int
    beside: int
    entries: int
    length: int
    load_busy_us: int
    load_tail_us: int

    @property
    def live(self) -> int:
        """All that is kept, in bytes."""
        return self.log + self.snapshots + self.window


@dataclass(slots=True)
class Meter:
    """Looks at one member again and again.

    Args:
        world: Where it lives.
        location: Its own.
        busy: The aggregate that the others are the tail of.

    Attributes:
        looks: What was seen, in order.
        recoveries: (instant of the start, how long until it served again), microseconds.
    """

    world: World
    location: Location
    busy: int = 0
    looks: list[Look] = field(default_factory=list)
    recoveries: list[tuple[int, int]] = field(default_factory=list)
    _life: Storage | None = None
    _session: int = 0
    _dropped: int = 0
    _beside: int = 0
    _started_us: int | None = None

    def __post_init__(self) -> None:
        self.world.on_note("applied", self._back)

    def started(self, t_us: int) -> None:
        """Its host begins again at this instant; the next time that it serves is the end of its recovery."""
        self._started_us = t_us

    def _back(self, t_us: int, location: Location, value: int | str) -> None:
        if location == self.location and self._started_us is not None and t_us >= self._started_us:
            self.recoveries.append((self._started_us, t_us - self._started_us))
            self._started_us = None

    def look(self, t_us: int) -> None:
        """See how it is now; nothing is to be seen while it does not serve."""
        shard = self.world.service(self.location)
        if not isinstance(shard, Shard) or not shard.ready:
            return
        storage = shard.keeper.storage()
        before = self._life if self._life is not None and shard.session == self._session else None
        self._dropped += storage.dropped - (before.dropped if before else 0)
        self._beside += _beside(storage) - (_beside(before) if before else 0)
        self._life, self._session = storage, shard.session
        loads = {key[1]: load_us(shard, key) for key in shard.streams}
        self.looks.append(
            Look(
                t_us,
                storage.log,
                storage.snapshots,
                storage.window,
                self._dropped + storage.log,
                self._beside,
                len(shard.journal.entries),
                shard.journal.length,
                loads.pop(self.busy, 0),
                max(loads.values(), default=0),
            )
        )


def load_us(shard: Shard, key: tuple[int, int]) -> int:
    """What bringing a stream's state into memory would take now: the events since its newest snapshot."""
    snapshot = shard.snapshots.latest.get(key)
    return shard.options.replay_us * (shard.streams.by_key[key].version - (snapshot.version if snapshot else 0))


def live_state_bytes(shard: Shard) -> int:
    """Bytes of one snapshot of every stream as it is now: what no store could do without."""
    image = shard.keeper.image()
    return sum(map(snapshot_bytes, image.snapshots))


def archived_whole(shard: Shard, archive: ArchiveService) -> str:
    """Whether archive and log are together all that was ever appended, once each; "" if so, else what is wrong."""
    archived = archive.entries.get(shard.options.shard, [])
    base = shard.journal.base.position
    upto = max([base, *map(_position, archived)])
    if len(archived) != upto:
        return f"{len(archived)} entries are archived, and the head that was dropped anywhere ends at {upto}"
    kept = {entry.position: entry for entry in archived}
    for entry in shard.journal.entries:
        if kept.setdefault(entry.position, entry) != entry:
            return f"position {entry.position} is archived as another entry"
    if sorted(kept) != list(range(1, shard.journal.length + 1)):
        return f"{len(kept)} of {shard.journal.length} positions are kept anywhere"
    streams: dict[tuple[int, int], list[Entry]] = {}
    for position in sorted(kept):
        entry = kept[position]
        streams.setdefault((entry.tenant, instance_of(entry.address)), []).append(entry)
    for key, entries in streams.items():
        stream = shard.streams.get(key)
        if stream is None:
            return f"stream {key} is archived, and the store does not know it"
        broken = audit(entries, kept=stream.tip)
        if broken is not None:
            return f"stream {key}: {broken.reason}"
    return ""


def archived_bytes(archive: ArchiveService) -> int:
    """Bytes of all entries in the archive."""
    return sum(map(all_bytes, archive.entries.values()))


def unexplained(answers: Sequence[Answer], told: dict[int, int | str | None], opening: int) -> list[int]:
    """The accounts whose balance is not what was acknowledged to their clients, give or take what is in doubt."""
    sums: dict[int, int] = {}
    doubts: dict[int, list[int]] = {}
    for answer in answers:
        if answer.outcome is Outcome.ACCEPTED:
            sums[answer.account] = sums.get(answer.account, opening) + answer.amount
        elif answer.outcome is Outcome.UNANSWERED:
            doubts.setdefault(answer.account, []).append(answer.amount)
    wrong = []
    for account in sorted({*sums, *told}):
        possible = {sums.get(account, opening)}
        in_doubt = doubts.get(account, [])
        assert len(in_doubt) <= _DOUBTS, f"{len(in_doubt)} operations on account {account} are in doubt"
        for amount in in_doubt:
            possible |= {balance + amount for balance in possible}
        if told.get(account, opening) not in possible:
            wrong.append(account)
    return wrong


def _beside(storage: Storage) -> int:
    return storage.snapshots_written + storage.windows_written


def _position(entry: Entry) -> int:
    return entry.position
