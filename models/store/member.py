"""A member of a shard: one copy of its log, which leads, follows, or finds out which.

What a member must not forget lies on its disk whatever the scheme: its lineage, the epoch that it
promised to, and whether it is *whole*, that is, has all that it ever acknowledged. Whoever may
have forgotten acknowledged events (its disk is empty, or its scheme keeps copies in memory and
its process is new) is not whole: it asks the others before anything else, it takes the log from
the leader, and its word counts again in a change of lead once it has caught up.

The lead changes when an operator says so (`Promote`), or when the leader itself is not whole.
Whoever is to lead first hears so many whole members that one of them must hold whatever was
acknowledged, and has them promise to follow no earlier leader; takes over what the best of them
has; and begins a reign. *Forced*, it does not wait for those it cannot hear.

A former leader that hears of a later reign steps down in four durable steps: *mark* that it has begun,
with the new lineage; set aside what it acknowledged alone; truncate; write the lineage. A start
that finds a mark without its lineage finishes the step-down before it serves. Every step may be
done twice. The mark comes first because nothing else keeps a restarted member from leading again:
after the second step alone it would have the operator submit what it set aside to itself, find it
in its own log and call it merged; after the third it would write other entries at the positions
it has just given up.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain
from models.ordinals import pack_ordinal
from models.store.aside import Aside
from models.store.group import Fetch, Fetched, Head, HeadQuery, Promote, Promoted, Status, StatusQuery
from models.store.image import Image
from models.store.journal import Journal
from models.store.lineage import Reign, common_prefix
from models.store.options import MemberOptions
from models.store.schemes import Tier
from models.store.shipping import Inbound, new_session
from models.store.snapshots import Snapshot, Snapshots
from models.store.streams import Streams
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Member"]

_LINEAGE: Final = "lineage"
_PROMISE: Final = "promise"
_WHOLE: Final = "whole"
_STEP_DOWN: Final = "step-down"


class _StepDown(NamedTuple):
    """The mark of a step-down: the lineage to live under, and what was set aside before it."""

    reigns: tuple[Reign, ...]
    aside_before: int


class Member(Service):
    """One copy of a shard's log.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: Whose events it keeps.

    Attributes:
        ready: Whether it knows where it stands; before that, and while that changes, it refuses.
        whole: Whether it has all that it ever acknowledged.
        reigns: Its lineage; the last reign says who leads. Empty if it knows nothing yet.
        promised: It follows no leader of an earlier epoch.
        session: Number of this life.
        journal: Its log.
        snapshots: Its snapshots.
        streams: What the log comes to.
        aside: What it had to give up.
        committed: Up to which position the log is as safe as the scheme promises, as far as it knows.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset(
        {"applied", "role=home", "role=copy", "divergent", "compensated", "reconciled", "rolled-back", "damaged"}
    )

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.options = options
        self.domain = domain
        self.ready = False
        self.whole = False
        self.reigns: tuple[Reign, ...] = ()
        self.promised = 0
        self.session = 0
        scheme = options.scheme
        self.journal = Journal(ctx, tier=scheme.tier, segment=options.log.segment)
        self.snapshots = Snapshots(ctx, self._bears_out)
        self.streams = Streams(domain, self.journal, window=options.window, cache=options.cache)
        self.aside = Aside(ctx)
        self.committed = 0
        self._forgets = scheme.tier is not Tier.DEVICE and scheme.holders > 1
        self._recovered = False
        self._damaged = False
        self._locations = dict(options.peers)
        self._inbound = Inbound(held=options.ship.held)

    @property
    def epoch(self) -> int:
        """The reign that it lives under; 0 if it knows none."""
        return self.reigns[-1].epoch if self.reigns else 0

    @property
    def leader(self) -> int:
        """Who leads, as far as it knows."""
        return self.reigns[-1].region if self.reigns else self.options.home

    @property
    def leads(self) -> bool:
        """Whether it decides: it knows where it stands, the last reign is its own, and it promised to follow nobody."""
        reigns = self.reigns
        return self.ready and reigns[-1].region == self.options.number and reigns[-1].epoch == self.promised

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Generator[Wait, Any, None]:
        """Recover from the disk, find out who leads, then serve for as long as it lives."""
        self.session = new_session(self.ctx)
        yield from self._recover()
        self._recovered = True
        yield from self._join()
        self._begin()
        yield from self._live()

    def _begin(self) -> None:
        """It knows where it stands."""
        self._inbound = Inbound(self.journal.length, held=self.options.ship.held)
        self.ready = True
        if self.leads:
            self._lead()
        self._advanced()

    def _recover(self) -> Generator[Wait, Any, None]:
        disk = self.ctx.disk
        lineages = [record for record in disk.read(_LINEAGE) if record is not TORN]
        self.reigns = lineages[-1] if lineages else ()
        promises = [record for record in disk.read(_PROMISE) if record is not TORN]
        self.promised = max([self.epoch, *promises])
        self.whole = bool(self.reigns and disk.read(_WHOLE)) and not self._forgets
        yield from self.aside.recover()
        yield from self.journal.recover()
        yield from self.snapshots.recover()
        self.ctx.point("C4")
        yield from self._rebuild()
        marks = [record for record in disk.read(_STEP_DOWN) if record is not TORN]
        if marks and marks[-1].reigns[-1].epoch > self.epoch:
            yield from self._step_down(marks[-1])

    def _bears_out(self, snapshot: Snapshot) -> bool:
        """Whether the log, and this code, agree with a snapshot."""
        position = snapshot.position
        if snapshot.schema != self.domain.STATE_SCHEMA or position > self.journal.length:
            return False
        if position <= self.journal.base.position:
            return True
        entry = self.journal.at(position)
        return entry.tip == snapshot.tip and entry.address == snapshot.address

    def _rebuild(self) -> Generator[Wait, Any, None]:
        """Derive everything held in memory from log and snapshots; where they do not fit, start from nothing."""
        try:
            replayed = self.streams.rebuild(self.snapshots.latest.values())
        except LookupError as damage:
            # A hole that no snapshot covers: this copy is worth nothing, and must be made anew.
            self.ctx.note("damaged", str(damage))
            self._damaged, replayed = True, 0
            if self.options.peers:
                yield from self._lose_all()
        self.committed = min(self.committed, self.journal.length)
        if replayed and self.options.replay_us:
            yield self.ctx.sleep(replayed * self.options.replay_us)

    def _lose_all(self) -> Generator[Wait, Any, None]:
        """Be as one whose disk is empty."""
        self.whole = False
        self.ctx.disk.truncate(_WHOLE, 0)
        yield self.ctx.disk.flush(_WHOLE)
        yield from self.snapshots.replace_all(())
        yield from self.journal.restart_at(0, ())
        self.streams.rebuild(())

    # -- where it stands ---------------------------------------------------------------------

    def _join(self) -> Generator[Wait, Any, None]:
        """Find out who leads; a leader that may have forgotten something begins a new reign."""
        alone = not self.options.peers
        if self._damaged and alone:
            yield self.ctx.wait()  # for ever: better no answer than one from a state that is wrong
        while not self.reigns and not alone:
            if (yield from self._found_or_follow()):
                return
        if not self.reigns:
            yield from self._live_under((Reign(1, self.options.home, 0),))
            yield from self._become_whole()
        elif self.leader == self.options.number and self.promised == self.epoch:
            yield from self._lead_again()

    def _found_or_follow(self) -> Generator[Wait, Any, bool]:
        """One round of asking, for a member that knows nothing; returns whether it knows now."""
        options = self.options
        heads = yield from self._heads(0)
        needed = options.members - 1 if options.scheme.holders == 1 else min(options.voters, options.members - 1)
        if len(heads) < needed:
            yield self.ctx.sleep(options.ask_us)
            return False
        known = [head for head in heads if head.reigns]
        founding = (Reign(1, options.home, 0),)
        if not known:
            yield from self._live_under(founding)
            yield from self._become_whole()
            return True
        best = max(known, key=_rank)
        self.promised = max(head.promised for head in known)
        yield self.ctx.disk.replace(_PROMISE, self.promised)
        if best.reigns[-1].region != options.number:
            yield from self._live_under(founding)  # what all lineages begin with; the leader tells the rest
            return True
        return (yield from self._take_over(self.promised + 1, lonely=options.scheme.holders == 1))

    def _lead_again(self) -> Generator[Wait, Any, None]:
        """The leader starts again: on its word, or, where it may have forgotten something, with a reign of its own."""
        scheme = self.options.scheme
        if not self.whole:
            while True:
                heads = yield from self._heads(0)
                if any(head.reigns and head.reigns[-1].epoch > self.epoch for head in heads):
                    return  # somebody else has led since
                if (yield from self._take_over(self.promised + 1, lonely=scheme.holders == 1)):
                    return
                yield self.ctx.sleep(self.options.ask_us)
        elif scheme.tier is not Tier.DEVICE:
            epoch = self.promised + 1
            yield from self._live_under((*self.reigns, Reign(epoch, self.options.number, self.journal.length)))

    def _heads(self, epoch: int) -> Generator[Wait, Any, list[Head]]:
        """Ask all others where they are, once, and wait for whoever answers."""
        if not self._locations:
            return []
        asked = [self.ctx.call(peer, HeadQuery(epoch=epoch), self.options.ask_us) for peer in self._locations.values()]
        answers = yield self.ctx.first(asked, need=len(asked))
        return [head for _, head in sorted(answers, key=_by_index) if head is not None]

    def _live_under(self, reigns: tuple[Reign, ...]) -> Generator[Wait, Any, None]:
        yield self.ctx.disk.replace(_LINEAGE, reigns)
        self.reigns = reigns
        self.promised = max(self.promised, self.epoch)

    def _become_whole(self) -> Generator[Wait, Any, None]:
        self.whole = True
        if not self._forgets:
            yield self.ctx.disk.replace(_WHOLE, 1)

    # -- the lead changes --------------------------------------------------------------------

    @handles(StatusQuery)
    def on_status_query(self, msg: StatusQuery, sender: Location) -> Status:
        """Tell the operator how it is."""
        return Status(
            number=self.options.number,
            epoch=max(self.epoch, self.promised),
            leads=self.leads,
            progress=self._progress(),
            length=self.journal.length,
            whole=self.whole,
        )

    @handles(HeadQuery)
    def on_head_query(self, msg: HeadQuery, sender: Location) -> Head | Generator[Wait, Any, Head] | None:
        """Say where it is; with an epoch, after promising to follow no earlier leader."""
        if not self._recovered:
            return None  # it does not know yet what it has
        if msg.epoch > self.promised:
            return self._promise_and_tell(msg.epoch) if self.ready else None
        return self._head()

    def _promise_and_tell(self, epoch: int) -> Generator[Wait, Any, Head]:
        yield from self._promise(epoch)
        return self._head()

    def _promise(self, epoch: int) -> Generator[Wait, Any, None]:
        # In memory first: from here on it acknowledges nothing to an earlier leader.
        self.promised = max(self.promised, epoch)
        yield self.ctx.disk.replace(_PROMISE, self.promised)

    def _head(self) -> Head:
        return Head(
            number=self.options.number,
            promised=self.promised,
            reigns=self.reigns,
            length=self.journal.held,
            whole=self.whole,
        )

    @handles(Promote)
    def on_promote(self, msg: Promote, sender: Location) -> Promoted | Generator[Wait, Any, Promoted | None] | None:
        """Take the lead."""
        if not self.ready:
            return None  # who asked asks again
        if msg.epoch <= self.promised:
            return Promoted(epoch=self.promised, leads=self.leads)
        return self._promoted(msg)

    def _promoted(self, msg: Promote) -> Generator[Wait, Any, Promoted | None]:
        self.ready = False
        leads = yield from self._take_over(msg.epoch, forced=msg.force)
        self._begin()
        if not leads:
            return None
        self.ctx.note("role", "home")
        return Promoted(epoch=self.epoch)

    def _take_over(self, epoch: int, *, forced: bool = False, lonely: bool = False) -> Generator[Wait, Any, bool]:
        """Try to begin a reign; returns whether it did.

        Args:
            epoch: Of the reign, above all promises.
            forced: Go ahead with whoever answers.
            lonely: Need the answers of all others instead of whole ones: nobody but the leader holds
                what was acknowledged, so what they have is all that is left.
        """
        gather = not forced or self.options.gather_us > 0
        # Nobody should promise for nothing: a promise stops whoever leads.
        if not forced and not self._enough((yield from self._heads(0)), lonely):
            return False
        if epoch <= self.promised:
            return False
        yield from self._promise(epoch)
        heads = (yield from self._heads(epoch)) if gather else []
        heads = [head for head in heads if head.promised == epoch]
        if self.promised != epoch or not (forced or self._enough(heads, lonely)):
            return False
        counted = [head for head in heads if head.reigns and (head.whole or forced or lonely)]
        mine = [self._head()] if self.reigns and (self.whole or forced or lonely) else []
        best = max([*mine, *counted], key=_rank)
        if best.number != self.options.number and not (yield from self._catch_up(best)):
            return False
        yield from self._held_all()
        if self.promised != epoch:
            return False
        yield from self._live_under((*best.reigns, Reign(epoch, self.options.number, self.journal.length)))
        yield from self._become_whole()
        return True

    def _enough(self, heads: Sequence[Head], lonely: bool) -> bool:
        if lonely:
            return len(heads) == self.options.members - 1
        return sum(head.whole for head in heads) + self.whole >= self.options.voters

    def _catch_up(self, best: Head) -> Generator[Wait, Any, bool]:
        """Have what another member has; returns whether that came about."""
        if self.reigns:
            yield from self._adopt(best.reigns)
        else:
            yield from self._live_under(best.reigns)
        peer = self._locations[best.number]
        while self.journal.length < best.length:
            request = Fetch(after=self.journal.length, limit=self.options.ship.batch)
            found = yield self.ctx.call(peer, request, self.options.ask_us)
            if found is None:
                return False
            if found.position:
                yield from self._install(found.position, found.snapshots, found.window)
            else:
                self._take(found.entries)
        return True

    @handles(Fetch)
    def on_fetch(self, msg: Fetch, sender: Location) -> Fetched | None:
        """Hand out entries; or what they came to, where they are gone."""
        if not self.ready or msg.after > self.journal.length:
            return None
        if msg.after < self.journal.base.position:
            image = self._image()
            return Fetched(first=0, entries=(), position=image.position, snapshots=image.snapshots, window=image.window)
        return Fetched(first=msg.after + 1, entries=tuple(self.journal.after(msg.after, msg.limit)))

    def _install(
        self, position: int, snapshots: tuple[Snapshot, ...], window: tuple[Any, ...]
    ) -> Generator[Wait, Any, None]:
        """Stand behind a snapshot that was handed over, in place of all that is here."""
        was_whole, self.whole = self.whole, False
        if was_whole and not self._forgets:
            self.ctx.disk.truncate(_WHOLE, 0)
            yield self.ctx.disk.flush(_WHOLE)  # a crash half way must not count as having it all
        yield from self.snapshots.replace_all(snapshots)
        yield from self.journal.restart_at(position, window)
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
        if keep < base:
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

    def _note_applied(self) -> None:
        """Tell how far this copy is, and of which reign (`models.ordinals`)."""
        self.ctx.note("applied", pack_ordinal(self.epoch, self.journal.held))

    # -- what a subclass adds ----------------------------------------------------------------

    def _lead(self) -> None:
        """The reign begins, or goes on after a start."""

    def _live(self) -> Generator[Wait, Any, None]:
        """What goes on for as long as it lives."""
        yield from ()

    def _advanced(self) -> None:
        """The log may lie further where the scheme wants it."""

    def _progress(self) -> bool:
        """Whether all in the log counts, or something came to count since this was last asked."""
        return True

    def _take(self, entries: Sequence[Any]) -> None:
        """Append entries that another member wrote."""

    def _held_all(self) -> Generator[Wait, Any, None]:
        """Wait until the whole log lies where the scheme wants it."""
        yield from ()

    def _undisturbed(self) -> Generator[Wait, Any, None]:
        """Wait until nothing else is cutting the log."""
        yield from ()

    def _image(self) -> Image:
        """Everything committed, as what it came to."""
        raise NotImplementedError

    def _gave_up(self, length: int) -> None:
        """The log ends at `length` now; who waits for more waits in vain."""


def _rank(head: Head) -> tuple[int, int]:
    """Of two heads, the later reign counts, then the longer log."""
    return head.reigns[-1].epoch, head.length


def _by_index(answer: tuple[int, Any]) -> int:
    return answer[0]
