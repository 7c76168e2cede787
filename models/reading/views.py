"""Views: what a projection has made of the log, kept as a domain of its own.

An aggregate is one *segment* of the key space in one version of a projection: its rows, how far each
shard's log went into them, and who may write. So views are stored as all else is: by the log, under a
persistence scheme, on hosts that the key space names, and every write is one event, all of it or nothing.

*Fencing* is a rule of the domain (`refused`): a claim gets a token, one higher than any before, and whoever saves
or extends must name the token that counts now, and say which of its saves this is. An owner that stood still while
another took its segment is refused, wherever it goes on, and so is a save of its own that it had given up on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from models.domain import Command, Denied, Domain, State, decides, evolves
from models.domain import Event as Fact
from models.reading.projections import Row
from models.store.group.lineage import Reign

__all__ = [
    "Claim",
    "Extend",
    "Owed",
    "Parked",
    "Place",
    "Release",
    "Save",
    "Switch",
    "View",
    "Views",
    "head_of",
    "view_of",
]

_SEGMENT_BITS: Final = 16


def view_of(version: int, segment: int) -> int:
    """The aggregate of a segment in a version of the projection, from 1."""
    return version << _SEGMENT_BITS | segment


def head_of(segment: int) -> int:
    """The aggregate that says which version of a segment is shown."""
    return segment


class Parked(NamedTuple):
    """An event that could not be projected, or that has to wait for another of its key: its place and the reason."""

    shard: int
    position: int
    key: int
    version: int
    event_id: int
    reason: str


class Owed(NamedTuple):
    """Something to be announced: of which event, of which aggregate."""

    event_id: int
    key: int


class Place(NamedTuple):
    """How far a shard's log went in, under which lineage; of a global sequence there is one, of no lineage."""

    position: int
    reigns: tuple[Reign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View(State):
    """One segment.

    Attributes:
        owner: Who writes; 0 for nobody.
        token: Of the last claim.
        serial: Saves under it.
        places: By shard, how far its log went in.
        heard_us: Wall clock of the owner when it last knew that it had all there was.
        rows: By key, in the order in which they came.
        parked: In order.
        owed: What is still to be announced, in order.
        stopped: Why the projection stands still; empty if it does not.
        shown: In a segment's head, the version that is shown.
    """

    owner: int = 0
    token: int = 0
    serial: int = 0
    places: tuple[Place, ...] = ()
    heard_us: int = 0
    rows: tuple[Row, ...] = ()
    parked: tuple[Parked, ...] = ()
    owed: tuple[Owed, ...] = ()
    stopped: str = ""
    shown: int = 1

    def place(self, shard: int) -> Place:
        """How far a shard's log went in."""
        return self.places[shard] if shard < len(self.places) else Place(0, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Command):
    """A request to own a segment, by one who has seen `token` as the last."""

    owner: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Command):
    """A request of the owner to stay it; `heard_us` as in a view."""

    owner: int
    token: int
    serial: int
    heard_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Command):
    """A request of the owner to be it no longer."""

    owner: int
    token: int
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Command):
    """A request of the owner to write: rows, how far a log went into them, or both.

    Attributes:
        owner: Who asks.
        token: Of its claim.
        serial: Which of its saves this is, from 1.
        rows: In place of those of their keys.
        shard: Whose place changes; -1 for none.
        position: To where.
        reigns: Under which lineage.
        parked: Events that are put aside.
        settled: (shard, position) of those that are not any more.
        owed: What is to be announced.
        paid: Events of which that was done, or that are gone.
        stopped: Why the projection stands still.
        heard_us: As in a view; 0 for no news.
    """

    owner: int
    token: int
    serial: int
    rows: tuple[Row, ...] = ()
    shard: int = -1
    position: int = 0
    reigns: tuple[Reign, ...] = ()
    parked: tuple[Parked, ...] = ()
    settled: frozenset[tuple[int, int]] = frozenset()
    owed: tuple[Owed, ...] = ()
    paid: frozenset[int] = frozenset()
    stopped: str = ""
    heard_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Command):
    """A request to show another version of a segment."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Fact):
    """A segment has an owner."""

    owner: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended(Fact):
    """Its owner is still there."""

    serial: int
    heard_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Fact):
    """It has none."""

    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Fact):
    """What a save asked for; fields as there."""

    serial: int
    rows: tuple[Row, ...]
    shard: int
    position: int
    reigns: tuple[Reign, ...]
    parked: tuple[Parked, ...]
    settled: frozenset[tuple[int, int]]
    owed: tuple[Owed, ...]
    paid: frozenset[int]
    stopped: str
    heard_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched(Fact):
    """Another version is shown."""

    version: int


class Views(Domain[View], name="view", number=29):
    """Segments of projections."""

    def initial(self) -> View:
        """Nobody's, and empty."""
        return View()

    def refused(self, state: View, command: Extend | Release | Save) -> str:
        """Why who asks may not write; empty if it may."""
        if (command.owner, command.token) != (state.owner, state.token):
            return f"fenced off: {state.owner} owns it by token {state.token}, not {command.owner} by {command.token}"
        if command.serial != state.serial + 1:
            return f"out of turn: the next save is {state.serial + 1}, not {command.serial}"
        return ""

    @decides
    def claim(self, state: View, command: Claim) -> Claimed | Denied:
        """Of two who saw the same token, the first has it."""
        if command.token != state.token:
            return Denied(reason=f"token {command.token} is not the last, {state.token} is")
        return Claimed(owner=command.owner, token=state.token + 1)

    @decides
    def extend(self, state: View, command: Extend) -> Extended | Denied:
        """Only its owner can."""
        why = self.refused(state, command)
        return Denied(reason=why) if why else Extended(serial=command.serial, heard_us=command.heard_us)

    @decides
    def release(self, state: View, command: Release) -> Released | Denied:
        """Only its owner can."""
        why = self.refused(state, command)
        return Denied(reason=why) if why else Released(serial=command.serial)

    @decides
    def save(self, state: View, command: Save) -> Saved | Denied:
        """Only its owner can, each save once."""
        why = self.refused(state, command)
        if why:
            return Denied(reason=why)
        return Saved(
            serial=command.serial,
            rows=command.rows,
            shard=command.shard,
            position=command.position,
            reigns=command.reigns,
            parked=command.parked,
            settled=command.settled,
            owed=command.owed,
            paid=command.paid,
            stopped=command.stopped,
            heard_us=command.heard_us,
        )

    @decides
    def switch(self, state: View, command: Switch) -> Switched | Denied:
        """Versions go up."""
        if command.version <= state.shown:
            return Denied(reason=f"version {state.shown} is shown already")
        return Switched(version=command.version)

    @evolves
    def claimed(self, state: View, event: Claimed) -> View:
        """Saves are counted anew."""
        return replace(state, owner=event.owner, token=event.token, serial=0)

    @evolves
    def extended(self, state: View, event: Extended) -> View:
        """What was heard."""
        return replace(state, serial=event.serial, heard_us=max(state.heard_us, event.heard_us))

    @evolves
    def released(self, state: View, event: Released) -> View:
        """The token stays, so that the next is higher."""
        return replace(state, owner=0, serial=event.serial)

    @evolves
    def saved(self, state: View, event: Saved) -> View:
        """Rows and places that were given, the others as they were."""
        rows, places, parked = state.rows, state.places, state.parked
        if event.rows:
            by_key = {row.key: row for row in rows}
            by_key.update({row.key: row for row in event.rows})
            rows = tuple(by_key.values())
        if event.shard >= 0:
            listed = [state.place(shard) for shard in range(max(len(places), event.shard + 1))]
            listed[event.shard] = Place(event.position, event.reigns)
            places = tuple(listed)
        if event.settled or event.parked:
            known = {(one.shard, one.position) for one in parked} - event.settled
            parked = tuple(one for one in parked if (one.shard, one.position) in known)
            # Where a place is kept after what it covers, the same event is put aside again after a crash.
            parked += tuple(one for one in event.parked if (one.shard, one.position) not in known)
        owed = state.owed
        if event.owed or event.paid:
            owed = (*(one for one in owed if one.event_id not in event.paid), *event.owed)
        return replace(
            state,
            serial=event.serial,
            owed=owed,
            rows=rows,
            places=places,
            parked=parked,
            stopped=event.stopped,
            heard_us=max(state.heard_us, event.heard_us),
        )

    @evolves
    def switched(self, state: View, event: Switched) -> View:
        """The version."""
        return replace(state, shown=event.version)

    def told(self, state: View) -> int:
        """The token, which is what a claimant has to know."""
        return state.token
