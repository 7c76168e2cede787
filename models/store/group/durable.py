"""One copy of a shard's log on one host: what lies on the disk, and what is derived from it.

What a member must not forget lies on its disk whatever the scheme: its lineage, the epoch that it
promised to, and whether it is *whole*, that is, has all that it ever acknowledged.

A former leader that hears of a later reign steps down in four durable steps: *mark* that it has begun,
with the new lineage; set aside what it acknowledged alone; truncate; write the lineage. A start
that finds a mark without its lineage finishes the step-down before it serves. Every step may be
done twice. The mark comes first because nothing else keeps a restarted member from leading again:
after the second step alone it would have the operator submit what it set aside to itself, find it
in its own log and call it merged; after the third it would write other entries at the positions
it has just given up. The crash point R3 stands before the third, where there is something to truncate.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain
from models.ordinals import pack_ordinal
from models.store.group.lineage import Reign, common_prefix
from models.store.holding import Holding
from models.store.log.journal import Tip
from models.store.log.snapshots import Snapshot
from models.store.options import MemberOptions
from models.store.schemes import Tier
from sim.host import Context, Wait
from sim.storage import TORN

__all__ = ["PROMISE", "DurableCopy"]

_LINEAGE: Final = "lineage"
#: The file of the promise.
PROMISE: Final = "promise"
_WHOLE: Final = "whole"
_STEP_DOWN: Final = "step-down"
_REMAKE: Final = "remake"


class _StepDown(NamedTuple):
    """The mark of a step-down: the lineage to live under, and what was set aside before it."""

    reigns: tuple[Reign, ...]
    aside_before: int


class DurableCopy(Holding):
    """One copy of a shard's log, and what its keeper must not forget.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: Whose events it keeps.

    Attributes:
        session: Number of this life.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset(
        {
            "applied",
            "role=home",
            "role=copy",
            "divergent",
            "rolled-back",
            "damaged",
        }
    )
    POINTS: ClassVar[frozenset[str]] = frozenset({"C4", "R3"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        self.session = 0
        self._forgets = options.scheme.tier is not Tier.DEVICE and options.scheme.holders > 1

    @property
    def leads(self) -> bool:
        """Whether it decides: it knows where it stands, the last reign is its own, and it promised to follow nobody."""
        reigns = self.reigns
        return self.ready and reigns[-1].region == self.options.number and reigns[-1].epoch == self.promised

    # -- recovery ----------------------------------------------------------------------------

    def _recover(self) -> Generator[Wait, Any, None]:
        disk = self.ctx.disk
        lineages = [record for record in disk.read(_LINEAGE) if record is not TORN]
        self.reigns = lineages[-1] if lineages else ()
        promises = [record for record in disk.read(PROMISE) if record is not TORN]
        self.promised = max([self.epoch, *promises])
        self.whole = bool(self.reigns and disk.read(_WHOLE)) and not self._forgets
        yield from self.aside.recover()
        yield from self.journal.recover()
        yield from self.snapshots.recover()
        self.ctx.point("C4")
        if [record for record in disk.read(_REMAKE) if record is not TORN][-1:] == [1]:
            yield from self._lose_all()
        yield from self._rebuild()
        marks = [record for record in disk.read(_STEP_DOWN) if record is not TORN]
        if marks and marks[-1].reigns[-1].epoch > self.epoch:
            yield from self._step_down(marks[-1])

    def _rebuild(self) -> Generator[Wait, Any, None]:
        """Derive everything held in memory from log and snapshots; where they do not fit, start from nothing."""
        try:
            yield from self._replay()
        except LookupError as damage:
            # A hole that no snapshot covers: this copy is worth nothing, and must be made anew.
            self.ctx.note("damaged", str(damage))
            self.damaged = True
            if self.options.peers:
                yield from self._lose_all()
            self._know_committed()

    def _lose_all(self) -> Generator[Wait, Any, None]:
        """Be as one whose disk is empty; once begun it is finished, by the next life if need be."""
        yield self.ctx.disk.replace(_REMAKE, 1)
        self.whole = False
        self.ctx.disk.truncate(_WHOLE, 0)
        yield self.ctx.disk.flush(_WHOLE)
        yield from self.journal.restart_at(0, ())
        yield from self.snapshots.replace_all(())
        yield self.ctx.disk.replace(_REMAKE, 0)
        self.streams.rebuild(())

    # -- what must not be forgotten ----------------------------------------------------------

    def _live_under(self, reigns: tuple[Reign, ...]) -> Generator[Wait, Any, None]:
        yield self.ctx.disk.replace(_LINEAGE, reigns)
        self.reigns = reigns
        self.promised = max(self.promised, self.epoch)

    def _become_whole(self) -> Generator[Wait, Any, None]:
        self.whole = True
        if not self._forgets:
            yield self.ctx.disk.replace(_WHOLE, 1)

    def _promise(self, epoch: int) -> Generator[Wait, Any, None]:
        # In memory first: from here on it acknowledges nothing to an earlier leader.
        self.promised = max(self.promised, epoch)
        yield self.ctx.disk.replace(PROMISE, self.promised)

    # -- giving up ---------------------------------------------------------------------------

    def _install(
        self, position: int, snapshots: tuple[Snapshot, ...], window: tuple[Any, ...]
    ) -> Generator[Wait, Any, None]:
        """Stand behind a snapshot that was handed over, in place of all that is here."""
        was_whole, self.whole = self.whole, False
        if was_whole and not self._forgets:
            self.ctx.disk.truncate(_WHOLE, 0)
            yield self.ctx.disk.flush(_WHOLE)  # a crash half way must not count as having it all
        # Through nothing: a crash in between leaves an empty log, beyond which no snapshot is believed.
        yield from self.journal.restart_at(0, ())
        yield from self.snapshots.replace_all(snapshots)
        tips = tuple(Tip(one.tenant, one.instance, one.version, one.tip) for one in self.snapshots.latest.values())
        yield from self.journal.restart_at(position, window, tips)
        self.streams.rebuild(self.snapshots.latest.values())
        if was_whole:
            yield from self._become_whole()

    def _adopt(self, reigns: tuple[Reign, ...]) -> Generator[Wait, Any, None]:
        """Give up what the new lineage does not contain, and live under it."""
        yield from self._undisturbed()
        self.journal.dismiss()
        mark = _StepDown(reigns, len(self.aside.entries))
        yield self.ctx.disk.replace(_STEP_DOWN, mark)
        yield from self._step_down(mark)

    def _step_down(self, mark: _StepDown) -> Generator[Wait, Any, None]:
        """Finish, or begin and finish, the step-down that is marked."""
        led = self.leader == self.options.number
        base = self.journal.base.position
        keep = common_prefix(self.reigns, self.journal.length, mark.reigns)
        suffix = self.journal.after(max(keep, base))
        if self.options.scheme.holders == 1:
            # Only what this member accepted itself: the rest is in the files of whoever did.
            yield from self.aside.keep(entry for entry in suffix if entry.origin == self.options.number)
        elif suffix:
            self.ctx.note("rolled-back", len(suffix))  # never acknowledged: its clients were told nothing, or doubt
        if led and suffix:
            self.ctx.point("R3")
        if keep < base or self._uncovered(keep):
            yield from self._lose_all()  # the branch goes back behind what is kept: begin anew
        elif (yield from self.journal.truncate(keep)):
            yield from self.snapshots.keep_up_to(keep)
            self._note_applied()  # back, and still of the old reign
        yield from self._live_under(mark.reigns)
        self.committed = min(self.committed, self.journal.length)
        yield from self._rebuild()
        self._gave_up(self.journal.length)
        if led:
            self.ctx.note("role", "copy")
        given_up = self.aside.entries[mark.aside_before :]
        if given_up:
            self.ctx.note("divergent", sum(entry.event.__class__ is not Denied for entry in given_up))

    def _uncovered(self, keep: int) -> bool:
        """Whether some stream has events that only a snapshot knows, and that snapshot was taken after `keep`."""
        found = ((self.streams.get(key), one.position) for key, one in self.snapshots.latest.items())
        return any(at > keep and stream is not None and stream.version > len(stream.positions) for stream, at in found)

    def _note_applied(self) -> None:
        """Tell how far this copy is, and of which reign (`models.ordinals`)."""
        self.ctx.note("applied", pack_ordinal(self.epoch, self.journal.held))

    def _gave_up(self, length: int) -> None:
        """The log ends at `length` now; who waits for more waits in vain."""
