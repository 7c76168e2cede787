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

The order of a step-down is: set aside, flush; truncate, flush; then write the new lineage. A
crash in between finds the old lineage and does it again; the other order would leave entries of
a dead reign in a log that claims the new one.
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
    "DivergentEntries",
    "DivergentQuery",
    "FailoverShard",
    "Reconciled",
    "ReconciledNoted",
    "common_prefix",
]

_LINEAGE: Final = "lineage"
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
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledNoted(Message):
    """The store has that in its files."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RECONCILIATION, 4)
    epoch: int
    position: int


class _Outcome(NamedTuple):
    """A line of the file of reconciled entries."""

    epoch: int
    position: int
    merged: bool


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
        outcomes: (epoch, position) to whether it was merged, for those the operator dealt with.
        conflicts: Set-aside entries whose address now stands for something else.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"role=home", "role=copy", "divergent", "compensated", "reconciled"})

    def __init__(self, ctx: Context, options: ShardOptions, *, home: int) -> None:
        super().__init__(ctx, options, home=home)
        self.reigns: tuple[Reign, ...] = (Reign(1, home, 0),)
        self.set_aside: list[Entry] = []
        self.outcomes: dict[tuple[int, int], bool] = {}
        self.conflicts = 0
        self._set_aside_at: dict[int, object] = {}

    @property
    def unreconciled(self) -> list[Entry]:
        """Set-aside successes that the operator has not dealt with; errors need no one."""
        return [
            entry
            for entry in self.set_aside
            if entry.event.__class__ is not Denied and (entry.epoch, entry.position) not in self.outcomes
        ]

    # -- life --------------------------------------------------------------------------------

    def _recover(self) -> Generator[Wait, Any, None]:
        lineages = [record for record in self.ctx.disk.read(_LINEAGE) if record is not TORN]
        if lineages:
            self._live_under(lineages[-1])
        self._keep_aside(record for record in self.ctx.disk.read(_DIVERGENT) if record is not TORN)
        for record in self.ctx.disk.read(_RECONCILED):
            if record is not TORN:
                self.outcomes[record.epoch, record.position] = record.merged
        yield from super()._recover()

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
        self.log.dismiss()  # what was not answered by now is answered by the new home, or by nobody
        was_home = self.is_home
        keep = common_prefix(self.reigns, len(self.log.entries), reigns)
        # Only what this region accepted itself: the rest is in the files of whoever did.
        mine = [entry for entry in self.log.entries[keep:] if entry.region == self.options.region]
        known = set(self.set_aside)
        fresh = [entry for entry in mine if entry not in known]
        for entry in fresh:
            self.ctx.disk.append(_DIVERGENT, entry)
        if fresh:
            yield self.ctx.disk.flush(_DIVERGENT)
        self._keep_aside(fresh)
        removed = yield from self.log.truncate(keep)
        yield self.ctx.disk.replace(_LINEAGE, reigns)
        self._live_under(reigns)
        self._outbound = {}
        self._rebuild()
        self.ready = True
        if was_home:
            self.ctx.note("role", "copy")
        if fresh:
            self.ctx.note("divergent", sum(entry.event.__class__ is not Denied for entry in fresh))
        if removed:
            self._on_durable()  # tells how far it goes now: back

    def _keep_aside(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.set_aside.append(entry)
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
        """Write down that an entry has been dealt with."""
        return self._reconciled(msg) if self.ready else None

    def _reconciled(self, msg: Reconciled) -> Generator[Wait, Any, ReconciledNoted]:
        key = (msg.epoch, msg.position)
        first = key not in self.outcomes
        if first:
            self.outcomes[key] = msg.merged
            self.ctx.disk.append(_RECONCILED, _Outcome(msg.epoch, msg.position, msg.merged))
        yield self.ctx.disk.flush(_RECONCILED)
        if first:
            entry = next(e for e in self.set_aside if (e.epoch, e.position) == key)
            self.ctx.note("reconciled" if msg.merged else "compensated", entry.event.command_id)
        return ReconciledNoted(epoch=msg.epoch, position=msg.position)
