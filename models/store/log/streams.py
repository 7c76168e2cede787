"""The streams of one shard in memory: where each stands, what it came to, which commands were done.

Everything here is derived from the log and the snapshots, and can be derived again. A stream
keeps the positions of its entries that are still in the log; its state is kept, or, where the
cache is bounded, replayed from the newest snapshot on when somebody asks. Two tenants never
meet: a tenant is part of every key, those of streams and those of commands.

A follower is rarely asked. What its leader sends it lies there (`later`) until it is, and is derived then:
nobody can tell the difference, and most of it never is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from models.domain import Denied, Domain, Event, State
from models.domain.forms import lift
from models.store.log.appending import StreamHead
from models.store.log.dedup import Window
from models.store.log.entries import NOTHING, OWN, Closed, Control, Deleted, Entry, instance_of, version_of
from models.store.log.journal import Answered, Journal
from models.store.log.snapshots import Snapshot
from models.store.log.stream import Stream, StreamKey, command_key, restored

__all__ = ["Stream", "StreamKey", "Streams", "command_key"]


class Streams:
    """All streams of a shard.

    Args:
        domain: Whose aggregates they are.
        journal: Where their entries are.
        window: How many commands are remembered.
        cache: How many states are kept in memory; None for all.

    """

    #: What remembers commands; a subclass may have another.
    WINDOW: ClassVar[type[Window[int | Answered]]] = Window

    def __init__(self, domain: Domain[Any], journal: Journal, *, window: int, cache: int | None = None) -> None:
        if cache is not None and cache < 1:
            raise ValueError(f"{cache=} keeps no state; give at least 1, or None for all")
        self._by_key: dict[StreamKey, Stream] = {}
        self._done = self.WINDOW(window)
        self._later: list[Entry] = []
        self._domain = domain
        self._journal = journal
        self._initial: State = domain.initial()
        self._cache = cache
        self._warm: OrderedDict[StreamKey, None] = OrderedDict()
        self._window = window

    @property
    def by_key(self) -> dict[StreamKey, Stream]:
        """Every stream with a history."""
        if self._later:
            self._catch_up()
        return self._by_key

    @property
    def done(self) -> Window[int | Answered]:
        """By `command_key`, the position of what a command came to, or that itself if it is not kept."""
        if self._later:
            self._catch_up()
        return self._done

    @done.setter
    def done(self, window: Window[int | Answered]) -> None:
        self._done = window

    def rebuild(self, snapshots: Iterable[Snapshot]) -> int:
        """Derive everything again; returns the number of events replayed.

        Raises:
            DomainFailed: an event that no code here can read, or an `evolve` that raised.
            LookupError: the log begins behind a snapshot that is not there: state would be wrong.
        """
        self._later.clear()
        self._by_key.clear()
        self._warm.clear()
        self._done = self.WINDOW(self._window)
        for answered in self._journal.base.window:
            self._done.put(answered.key, answered)
        for snapshot in snapshots:
            self._restore(snapshot)
        replayed, begun = 0, 0
        for entry in self._journal.entries:
            replayed += self._recover(entry)
            begun += version_of(entry.address) == 1
        base, older = self._journal.base, len(self._by_key) - begun
        if older < base.streams:
            raise LookupError(
                f"{base.streams} streams began up to position {base.position}, where the log was truncated, "
                f"and snapshots cover {older} of them"
            )
        if self._cache is not None:
            for key in self._by_key:
                self._touch(key)
        return replayed

    def later(self, entries: Sequence[Entry]) -> None:
        """As `apply` for each of the log's next entries, once somebody asks for what they come to."""
        self._later += entries

    def _catch_up(self) -> None:
        """Somebody asks."""
        later, self._later = self._later, []
        for entry in later:
            self.apply(entry)

    def get(self, key: StreamKey) -> Stream | None:
        """A stream with a history, None if it has none."""
        if self._later:
            self._catch_up()
        return self._by_key.get(key)

    def of(self, key: StreamKey) -> Stream:
        """A stream, made if it has no history; what is made counts only once something is appended to it."""
        if self._later:
            self._catch_up()
        return self._by_key.get(key) or Stream(self._first(key[0]))

    def apply(self, entry: Entry, state: State | None = None) -> Stream:
        """Take the log's next entry.

        Args:
            entry: Appended to the journal by now.
            state: What it leads to, where that is known.
        """
        if self._later:
            self._catch_up()
        by_key, tenant = self._by_key, entry.tenant
        key = (tenant, instance_of(entry.address))
        stream = by_key.get(key)
        if stream is None:
            stream = by_key[key] = Stream(self._first(tenant))
        self._step(stream, entry, state)
        if tenant != OWN:
            self._done.put(self.key_of(tenant, entry.event_id), entry.position)
        if self._cache is not None and stream.state is not None:
            self._touch(key)
        return stream

    def key_of(self, tenant: int, event_id: int) -> int:
        """What a command is remembered by: two tenants never meet."""
        return command_key(tenant, event_id)

    def head(self, key: StreamKey, replicated: int) -> StreamHead:
        """What a decision on an append needs to know.

        Args:
            key: The stream.
            replicated: Up to which position of the log all that must hold it do.
        """
        stream = self.by_key.get(key)
        if stream is None:
            known = partial(self._known, key)
            return StreamHead(version=0, replicated=0, id_at=_nobody, window=known)
        gone = stream.version - len(stream.positions)
        settled = len(stream.positions)
        while settled and stream.positions[settled - 1] > replicated:
            settled -= 1
        return StreamHead(
            version=stream.version,
            replicated=gone + settled,
            id_at=lambda version: self._id_at(stream, version - gone - 1),
            window=partial(self._known, key),
            first=stream.first,
            deleted=stream.deleted,
            tombstone=stream.closed,
        )

    def entries_of(self, key: StreamKey, after: int = 0) -> list[Entry]:
        """What is kept of a stream beyond a version, whether readers find it or not."""
        stream = self.by_key.get(key)
        if stream is None:
            return []
        gone = stream.version - len(stream.positions)
        entries, first = self._journal.entries, self._journal.base.position + 1
        return [entries[position - first] for position in stream.positions[max(0, after - gone) :]]

    def load(self, key: StreamKey, snapshot: Snapshot | None) -> int:
        """Bring a state into memory; returns the number of events replayed."""
        stream = self.by_key[key]
        entries = self.entries_of(key, 0 if snapshot is None else snapshot.version)
        state = self._first(key[0]) if snapshot is None else snapshot.state
        evolve, effects = self._domain.evolve, self._domain.effects
        for entry in entries:
            event = entry.event  # nearly all are the domain's own, and a long stream is loaded again and again
            state = evolve(state, event) if event.__class__ in effects else self._after(state, event)
        stream.state = state
        if self._cache is not None:
            self._touch(key)
        return len(entries)

    def snapshot(self, key: StreamKey, before: Snapshot | None, now_us: int, upto: int | None = None) -> Snapshot:
        """A stream as it is, or as it was at a position of the log.

        Args:
            key: The stream.
            before: Its newest durable snapshot.
            now_us: The wall clock.
            upto: The position, at or behind the base; None for the end of the log.
        """
        stream = self.by_key[key]
        if stream.state is None or (upto is not None and stream.last > upto):
            stream = self._as_it_was(key, before, upto)
        assert stream.state is not None
        return Snapshot(
            key[0],
            key[1],
            stream.version,
            stream.last if stream.positions or before is None else before.position,
            stream.address,
            stream.tip,
            stream.first,
            stream.deleted,
            stream.closed,
            self._domain.STATE_SCHEMA,
            stream.state,
            now_us,
        )

    def _as_it_was(self, key: StreamKey, before: Snapshot | None, upto: int | None) -> Stream:
        """A stream replayed from a snapshot to a position."""
        assert upto is None or before is None or before.position <= upto, f"{before} was taken after {upto}"
        stream = Stream(self._first(key[0])) if before is None else restored(before)
        for entry in self.entries_of(key, stream.version):
            if upto is None or entry.position <= upto:
                self._step(stream, entry, None)
        return stream

    def answered_up_to(self, upto: int) -> tuple[Answered, ...]:
        """The remembered commands up to a position, as what is remembered once their entries are gone."""
        left: list[Answered] = []
        for key, found in self.done:  # in order of position, those that are not kept first
            if isinstance(found, int):
                if found > upto:
                    break
                found = answered_of(self._journal.at(found), key)
            left.append(found)
        return tuple(left)

    def forget_head(self, upto: int, left: Iterable[Answered]) -> None:
        """The log's head is about to go: no stream has entries there any more, and `left` is all that is known."""
        for answered in left:
            found = self.done.get(answered.key)
            if isinstance(found, int) and found <= upto:  # else it was forgotten meanwhile, and done again
                self.done.swap(answered.key, answered)
        for entry in self._journal.entries:
            if entry.position > upto:
                break
            positions = self.by_key[entry.tenant, instance_of(entry.address)].positions
            if positions and positions[0] <= upto:
                del positions[: sum(1 for position in positions if position <= upto)]

    def __iter__(self) -> Iterator[StreamKey]:
        """Keys of all streams with a history."""
        return iter(self.by_key)

    # -- inside ------------------------------------------------------------------------------

    def _step(self, stream: Stream, entry: Entry, state: State | None) -> None:
        event = entry.event
        if state is None and stream.state is not None:
            state = self._after(stream.state, event)
        stream.state = state
        stream.address = address = entry.address
        stream.version = version_of(address)
        stream.tip = entry.tip
        stream.positions.append(entry.position)
        if not stream.fresh:
            stream.fresh_us = entry.accepted_us
        stream.fresh += 1
        kind = event.__class__
        if kind is Deleted or kind is Closed:
            stream.deleted, stream.closed = True, kind is Closed
            stream.state = self._initial
        elif stream.deleted and kind is not Denied:
            stream.deleted, stream.first = False, stream.version

    def _first(self, tenant: int) -> State:
        """What a stream without events comes to."""
        return self._initial if tenant != OWN else NOTHING

    def _after(self, state: State, event: Event) -> State:
        domain, kind = self._domain, event.__class__
        after: State
        if kind in domain.effects:  # first, since nearly all are
            after = domain.evolve(state, event)
        elif kind is Deleted or kind is Closed:
            after = self._initial
        elif isinstance(event, Control):
            after = event.after(state)
        else:
            after = domain.evolve(state, lift(domain, event))
        return after

    def _restore(self, snapshot: Snapshot) -> None:
        self._by_key[snapshot.tenant, snapshot.instance] = restored(snapshot)

    def _recover(self, entry: Entry) -> int:
        """Take an entry that was in the log before; 1 if its event was replayed, 0 if a snapshot covers it."""
        key = (entry.tenant, instance_of(entry.address))
        stream = self._by_key.get(key)
        version = version_of(entry.address)
        if stream is None:
            stream = self._by_key[key] = Stream(self._first(entry.tenant))
        if entry.tenant != OWN:
            self._done.put(self.key_of(entry.tenant, entry.event_id), entry.position)
        if version <= stream.version:
            stream.positions.append(entry.position)
            return 0
        if version != stream.version + 1:
            raise LookupError(
                f"stream {key} is known up to version {stream.version}, and the log goes on with {version}: "
                "what lies between was truncated and no snapshot covers it"
            )
        self._step(stream, entry, None)
        return 1

    def _id_at(self, stream: Stream, index: int) -> int | None:
        """The id of the event at an index among those kept."""
        if not 0 <= index < len(stream.positions):
            return None
        return self._journal.at(stream.positions[index]).event_id

    def _known(self, key: StreamKey, event_id: int) -> int | None:
        """The version that an event id has in a stream, if it is remembered."""
        found = self.done.get(self.key_of(key[0], event_id))
        if found is None:
            return None
        address = self._journal.at(found).address if isinstance(found, int) else found.address
        return version_of(address) if instance_of(address) == key[1] else None

    def _touch(self, key: StreamKey) -> None:
        """Note that a state was used; the one unused for longest goes where there are too many."""
        warm = self._warm
        warm[key] = None
        warm.move_to_end(key)
        assert self._cache is not None
        if len(warm) > self._cache:
            self._forget(next(iter(warm)))

    def _forget(self, key: StreamKey) -> None:
        self._warm.pop(key, None)
        stream = self.by_key[key]
        # An initial state costs nothing, and a closed stream needs no other.
        if stream.state is not self._initial:
            stream.state = None


def answered_of(entry: Entry, key: int) -> Answered:
    """What is remembered of a command when its entry goes."""
    event: Event = entry.event
    denied = event.reason if isinstance(event, Denied) else None
    return Answered(key, entry.address, entry.told, denied)


def _nobody(version: int) -> int | None:
    return None
