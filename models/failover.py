"""A home with automatic failover over asynchronous replication.

The home's log is shipped behind its answers, so when the monitors (`models.monitor`) promote
another region, that region continues from the prefix it happens to have. The old home, cut off,
keeps accepting. After the heal it hears of the later epoch, sets aside what lies beyond the
common prefix (*divergent* entries: acknowledged, and not in the log that counts), truncates to
that prefix and follows. An operator then submits the set-aside commands to the new home
(`models.reconcile`).

Which prefix is common follows from the *lineages*: the list of reigns, each with the position
it began at. Two logs agree up to where the first reign that they do not share began, or where
the last shared one ended in the shorter (Kafka's leader epochs, KIP-101 and KIP-279).

A step-down has four durable steps: *mark* that it has begun, with the new lineage; set aside;
truncate; write the lineage. A start that finds a mark without its lineage finishes the step-down
before it serves. Every step may be done twice: the old lineage and the mark give the same common
prefix, since a log that nobody serves does not grow, and what is set aside already is known.

The mark comes first because nothing else keeps a restarted store from being the old home again.
After the second step alone it would have the operator submit what it set aside to itself, find it
in its own log, call it merged, and truncate it at the next step-down. After the third it would
write other entries at the positions it has just given up.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.addressing import RECONCILIATION, Scope, conflicts, message_type_id
from models.bank import Denied
from models.eventlog import Entry
from models.home import HomeShard, ShardOptions
from models.monitor import Promote, Promoted
from models.shipping import Outbound, Reign, Ship
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = [
    "AsideKey",
    "DivergentEntries",
    "DivergentQuery",
    "FailoverShard",
    "Reconciled",
    "ReconciledNoted",
    "aside_key",
    "common_prefix",
]

_LINEAGE: Final = "lineage"
_STEP_DOWN: Final = "step-down"
_DIVERGENT: Final = "divergent"
_RECONCILED: Final = "reconciled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergentQuery(Message):
    """The operator asks a store for set-aside entries that are not reconciled yet."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RECONCILIATION, 1, command=True)
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergentEntries(Message):
    """The first of them, in the order of the lost log."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RECONCILIATION, 2)
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Message):
    """The operator has dealt with one: accepted again (`merged`), or denied and so reversed."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RECONCILIATION, 3, command=True)
    epoch: int
    position: int
    command_id: int
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledNoted(Message):
    """The store has that in its files."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RECONCILIATION, 4)
    epoch: int
    position: int


class AsideKey(NamedTuple):
    """Names one set-aside entry of a shard.

    The command alone would not do: accepted again, shipped to nobody and set aside once more, it
    is owed a second time. Nor would its place: what a power loss took off the log's end leaves
    its position to another command.
    """

    epoch: int
    position: int
    command_id: int


class _Outcome(NamedTuple):
    """A line of the file of reconciled entries."""

    key: AsideKey
    merged: bool


class _StepDown(NamedTuple):
    """The mark of a step-down: the lineage to live under, and what was set aside before it."""

    reigns: tuple[Reign, ...]
    aside_before: int


def aside_key(entry: Entry) -> AsideKey:
    """What `FailoverShard.outcomes` knows an entry by."""
    return AsideKey(entry.epoch, entry.position, entry.event.command_id)


def common_prefix(ours: Sequence[Reign], length: int, theirs: Sequence[Reign]) -> int:
    """How many entries of our log theirs is sure to begin with.

    Args:
        ours: Our lineage, at least one reign.
        length: Length of our log.
        theirs: A lineage that shares at least the first reign.
    """
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared] == theirs[shared]:
        shared += 1
    assert shared, f"{ours} and {theirs} share no reign, so they are not logs of one shard"
    ends = [length]
    if shared < len(ours):
        ends.append(ours[shared].start)
    if shared < len(theirs):
        ends.append(theirs[shared].start)
    return min(ends)


class FailoverShard(HomeShard):
    """One shard in one region; any of the regions may be, or stop being, the home.

    Attributes:
        reigns: Its lineage; the last reign says who is the home.
        set_aside: Entries this shard accepted as a home and had to give up, oldest first.
        outcomes: Whether it was merged, for those of them that the operator dealt with.
        conflicts: Set-aside entries whose address now stands for something else.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"role=home", "role=copy", "divergent", "compensated", "reconciled"})

    def __init__(self, ctx: Context, options: ShardOptions, *, home: int) -> None:
        super().__init__(ctx, options, home=home)
        self.reigns: tuple[Reign, ...] = (Reign(1, home, 0),)
        self.set_aside: list[Entry] = []
        self.outcomes: dict[AsideKey, bool] = {}
        self.conflicts = 0
        self._aside_keys: set[AsideKey] = set()
        self._set_aside_at: dict[int, object] = {}

    @property
    def unreconciled(self) -> list[Entry]:
        """Set-aside successes that the operator has not dealt with; errors need no one."""
        return [
            entry
            for entry in self.set_aside
            if entry.event.__class__ is not Denied and aside_key(entry) not in self.outcomes
        ]

    # -- life --------------------------------------------------------------------------------

    def _recover(self) -> Generator[Wait, Any, None]:
        lineages = [record for record in self.ctx.disk.read(_LINEAGE) if record is not TORN]
        if lineages:
            self._live_under(lineages[-1])
        self._keep_aside(record for record in self.ctx.disk.read(_DIVERGENT) if record is not TORN)
        for record in self.ctx.disk.read(_RECONCILED):
            if record is not TORN:
                self.outcomes[record.key] = record.merged
        # What outlived the process in the page cache is about to be acted on: make it durable.
        for file in (_DIVERGENT, _RECONCILED):
            if self.ctx.disk.read(file):
                yield self.ctx.disk.flush(file)
        yield from super()._recover()
        marks = [record for record in self.ctx.disk.read(_STEP_DOWN) if record is not TORN]
        if marks and marks[-1].reigns[-1].epoch > self.epoch:
            yield from self._step_down(marks[-1])

    def _live_under(self, reigns: tuple[Reign, ...]) -> None:
        self.reigns = reigns
        self.epoch = reigns[-1].epoch
        self.home = reigns[-1].region

    def _line_to(self, region: int) -> Outbound:
        line = super()._line_to(region)
        line.reigns = self.reigns
        return line

    # -- changes of reign --------------------------------------------------------------------

    @handles(Promote)
    def on_promote(self, msg: Promote, sender: Location) -> Promoted | Generator[Wait, Any, Promoted | None] | None:
        """Become the home from the prefix that is here."""
        if not self.ready:
            return None  # the monitor asks again
        if msg.epoch <= self.epoch:
            return Promoted(epoch=self.epoch)
        return self._promote(msg.epoch)

    def _promote(self, epoch: int) -> Generator[Wait, Any, Promoted | None]:
        self.ready = False
        yield from self.log.durable_at(len(self.log.entries))
        reigns = (*self.reigns, Reign(epoch, self.options.region, len(self.log.entries)))
        yield self.ctx.disk.replace(_LINEAGE, reigns)
        self._live_under(reigns)
        self._outbound = self._lines()
        self.ready = True
        self._on_durable()
        self.ctx.note("role", "home")
        self.ctx.set_timer(0, self._reign)
        return Promoted(epoch=epoch)

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> Generator[Wait, Any, None] | None:
        """Follow the home of the latest reign; a batch of an earlier one is stale."""
        if not self.ready:
            return None
        theirs = msg.reigns[-1].epoch
        if theirs > self.epoch:
            return self._adopt_and_follow(msg, sender)
        if theirs < self.epoch or self.is_home:
            return None
        return self._follow(msg, sender)

    def _adopt_and_follow(self, ship: Ship, sender: Location) -> Generator[Wait, Any, None]:
        yield from self._adopt(ship.reigns)
        yield from self._follow(ship, sender)

    def _adopt(self, reigns: tuple[Reign, ...]) -> Generator[Wait, Any, None]:
        """Give up what the new lineage does not contain, and live under it."""
        self.ready = False
        self._outbound = {}
        self.log.dismiss()  # what was not answered by now is answered by the new home, or by nobody
        mark = _StepDown(reigns, len(self.set_aside))
        yield self.ctx.disk.replace(_STEP_DOWN, mark)
        yield from self._step_down(mark)
        self.ready = True
        self._on_durable()

    def _step_down(self, mark: _StepDown) -> Generator[Wait, Any, None]:
        """Finish, or begin and finish, the step-down that is marked."""
        was_home = self.is_home
        keep = common_prefix(self.reigns, len(self.log.entries), mark.reigns)
        # Only what this region accepted itself: the rest is in the files of whoever did.
        mine = [entry for entry in self.log.entries[keep:] if entry.region == self.options.region]
        known = set(self.set_aside)
        fresh = [entry for entry in mine if entry not in known]
        for entry in fresh:
            self.ctx.disk.append(_DIVERGENT, entry)
        if fresh:
            yield self.ctx.disk.flush(_DIVERGENT)
        self._keep_aside(fresh)
        if (yield from self.log.truncate(keep)):
            self._note_applied()  # back, and still of the old reign
        yield self.ctx.disk.replace(_LINEAGE, mark.reigns)
        self._live_under(mark.reigns)
        self._rebuild()
        if was_home:
            self.ctx.note("role", "copy")
        given_up = self.set_aside[mark.aside_before :]
        if given_up:
            self.ctx.note("divergent", sum(entry.event.__class__ is not Denied for entry in given_up))

    def _keep_aside(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.set_aside.append(entry)
            self._aside_keys.add(aside_key(entry))
            self._set_aside_at[entry.address] = entry.event

    def _append(self, entry: Entry, version: int) -> None:
        super()._append(entry, version)
        if entry.address in self._set_aside_at:
            self.conflicts += len(conflicts([(entry.address, entry.event)], self._set_aside_at))

    # -- reconciliation ----------------------------------------------------------------------

    @handles(DivergentQuery)
    def on_divergent_query(self, msg: DivergentQuery, sender: Location) -> DivergentEntries | None:
        """Hand the operator what is left."""
        if not self.ready:
            return None
        return DivergentEntries(entries=tuple(self.unreconciled[: msg.limit]))

    @handles(Reconciled)
    def on_reconciled(self, msg: Reconciled, sender: Location) -> Generator[Wait, Any, ReconciledNoted] | None:
        """Write down that an entry has been dealt with; one that is not set aside here is ignored."""
        key = AsideKey(msg.epoch, msg.position, msg.command_id)
        if not self.ready or key not in self._aside_keys:
            return None
        return self._reconciled(msg, key)

    def _reconciled(self, msg: Reconciled, key: AsideKey) -> Generator[Wait, Any, ReconciledNoted]:
        first = key not in self.outcomes
        if first:
            self.outcomes[key] = msg.merged
            self.ctx.disk.append(_RECONCILED, _Outcome(key, msg.merged))
        yield self.ctx.disk.flush(_RECONCILED)
        if first:
            self.ctx.note("reconciled" if msg.merged else "compensated", key.command_id)
        return ReconciledNoted(epoch=msg.epoch, position=msg.position)
