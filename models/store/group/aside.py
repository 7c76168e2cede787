"""What a member acknowledged as a leader and had to give up, kept until somebody has dealt with it.

Where nobody else must hold an event before it is acknowledged, a promotion elsewhere leaves the
last ones behind. They resurface with their host: no longer in the log that counts, acknowledged
all the same. So they are set aside on the disk, an operator submits their commands again
(`models.reconcile`), and what came of each is written down beside them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.addressing import RECONCILIATION, Scope, conflicts, message_type_id
from models.domain import Denied
from models.store.log.entries import Entry, audited
from sim.host import Context, Wait
from sim.message import Message
from sim.storage import TORN

__all__ = ["Aside", "AsideKey", "DivergentEntries", "DivergentQuery", "Reconciled", "ReconciledNoted", "aside_key"]

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


def aside_key(entry: Entry) -> AsideKey:
    """What `Aside.outcomes` knows an entry by."""
    return AsideKey(entry.epoch, entry.position, entry.event_id)


class Aside:
    """The set-aside entries of one member.

    Args:
        ctx: The service that owns them.

    Attributes:
        entries: Accepted here as a leader and given up, oldest first.
        outcomes: Whether it was merged, for those that the operator dealt with.
        conflicts: Set-aside entries whose address now stands for something else.
    """

    def __init__(self, ctx: Context) -> None:
        self.entries: list[Entry] = []
        self.outcomes: dict[AsideKey, bool] = {}
        self.conflicts = 0
        self._ctx = ctx
        self._keys: set[AsideKey] = set()
        self._at: dict[tuple[int, int], tuple[Any, ...]] = {}

    @property
    def unreconciled(self) -> list[Entry]:
        """Set-aside successes that the operator has not dealt with; errors need no one."""
        return [
            entry
            for entry in self.entries
            if entry.event.__class__ is not Denied and aside_key(entry) not in self.outcomes
        ]

    def __contains__(self, key: AsideKey) -> bool:
        return key in self._keys

    def recover(self) -> Generator[Wait, Any, None]:
        """Read the files back after a start."""
        disk = self._ctx.disk
        self._keep(record for record in disk.read(_DIVERGENT) if record is not TORN)
        for record in disk.read(_RECONCILED):
            if record is not TORN:
                self.outcomes[record.key] = record.merged
        # What outlived the process in the page cache is about to be acted on: make it durable.
        for file in (_DIVERGENT, _RECONCILED):
            if disk.read(file):
                yield disk.flush(file)

    def keep(self, entries: Iterable[Entry]) -> Generator[Wait, Any, None]:
        """Set entries aside, durably; what is set aside already is known."""
        known = set(self.entries)
        fresh = [entry for entry in entries if entry not in known]
        for entry in fresh:
            self._ctx.disk.append(_DIVERGENT, entry)
        if fresh:
            yield self._ctx.disk.flush(_DIVERGENT)
        self._keep(fresh)

    def settle(self, key: AsideKey, merged: bool) -> Generator[Wait, Any, bool]:
        """Write down what came of one, durably; returns whether that is news."""
        first = key not in self.outcomes
        if first:
            self.outcomes[key] = merged
            self._ctx.disk.append(_RECONCILED, _Outcome(key, merged))
        yield self._ctx.disk.flush(_RECONCILED)
        return first

    def met(self, entry: Entry) -> None:
        """The log has an entry now; count it if its address stood for something else."""
        if self._at:
            other = self._at.get((entry.tenant, entry.address))
            if other is not None:
                pairs = [(entry.address, audited(entry.event_id, entry.event))]
                self.conflicts += len(conflicts(pairs, {entry.address: other}))

    def _keep(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries.append(entry)
            self._keys.add(aside_key(entry))
            self._at[entry.tenant, entry.address] = audited(entry.event_id, entry.event)
