"""A member of a shard: a copy of its log that leads, follows, or finds out which.

Whoever may have forgotten acknowledged events (its disk is empty, or its scheme keeps copies in
memory and its process is new) is not whole: it asks the others before anything else, it takes
the log from the leader, and its word counts again in a change of lead once it has caught up.

The lead changes when an operator says so (`Promote`), and a leader that is not alone in holding
what it acknowledges begins a new reign whenever it starts again. Whoever is to lead first hears so
many whole members that one of them must hold whatever was acknowledged, and has them promise to
follow no earlier leader; takes over what the best of them has; and begins a reign. *Forced*, it
does not wait for those it cannot hear.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from models.domain import Domain
from models.store.group.durable import PROMISE
from models.store.group.lineage import Reign, reached
from models.store.group.shipping import Inbound, new_session
from models.store.group.telling import Telling
from models.store.group.words import Fetch, Head, Promote, Promoted, Restore
from models.store.log.entries import Entry
from models.store.options import MemberOptions
from models.store.schemes import Tier
from sim.host import Context, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Member"]

_ATTEMPT: Final = "attempt"


class Member(Telling):
    """One member of one shard; arguments and attributes are those of the copy."""

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        self._joining = False
        self._ordered: tuple[Promote | Restore, Wait] | None = None
        self._inbound = Inbound(held=options.ship.held)

    def start(self) -> Generator[Wait, Any, None]:
        """Recover from the disk, find out who leads, then serve for as long as it lives."""
        self.session = new_session(self.ctx)
        yield from self._recover()
        self._recovered = True
        yield from self._join()
        self._joining = False
        self._begin()
        if self._ordered is not None:
            self._ordered[1].resolve(True)
        yield from self._live()

    def _begin(self) -> None:
        """It knows where it stands."""
        self._inbound = Inbound(self.journal.length, held=self.options.ship.held)
        self.ready = True
        if self.leads:
            self._lead()
        self._advanced()

    @property
    def leads_elsewhere(self) -> Location | None:
        """Where the leader is, if it is another and none has taken its place as far as this member knows."""
        leader = self.leader
        return None if leader == self.options.number or self.promised > self.epoch else self._locations[leader]

    # -- where it stands ---------------------------------------------------------------------

    def _join(self) -> Generator[Wait, Any, None]:
        """Find out who leads; a leader that may have forgotten something begins a new reign."""
        alone = not self.options.peers
        # Of a life that died before its reign began; any other promise is to somebody else, or a fence.
        attempted = max((record for record in self.ctx.disk.read(_ATTEMPT) if record is not TORN), default=0)
        if self.damaged and alone:
            yield self.ctx.wait()  # for ever: better no answer than one from a state that is wrong
        self._joining = True
        while not self.reigns and not alone:
            if (yield from self._found_or_follow()) or (yield from self._obeyed()):
                return
        if not self.reigns:
            yield from self._live_under((Reign(1, self.options.home, 0),))
            yield from self._become_whole()
        elif self.leader == self.options.number and (self.promised in (self.epoch, attempted) or not self.whole):
            yield from self._lead_again()

    def _found_or_follow(self) -> Generator[Wait, Any, bool]:
        """One round of asking, for a member that knows nothing; returns whether it knows now."""
        options = self.options
        heads = yield from self._heads(0)
        # So many that one holds whatever was acknowledged, and one knows of the last promise, whatever this one
        # forgot; where all must hold everything, an earlier leader can do nothing without those who promised.
        holders = options.scheme.holders if options.scheme.holders < options.members else 0
        needed = min(max(options.voters, holders), options.members - 1)
        if len(heads) < needed:
            yield self.ctx.sleep(options.ask_us)
            return False
        known = [head for head in heads if head.reigns]
        founding = (Reign(1, options.home, 0),)
        # Where all are heard and nobody has anything, whoever else has founded it is no further than this one.
        nothing = len(heads) == options.members - 1 and all(head.length == 0 and head.promised <= 1 for head in heads)
        if not known or nothing:
            yield from self._live_under(founding)
            yield from self._become_whole()
            return True
        best = max(known, key=lambda head: head.reigns[-1].epoch)
        self.promised = max(head.promised for head in known)
        yield self.ctx.disk.replace(PROMISE, self.promised)
        if best.reigns[-1].region != options.number:
            yield from self._live_under(founding)  # what all lineages begin with; the leader tells the rest
            return True
        if (yield from self._take_over(self.promised + 1, lonely=options.scheme.holders == 1)):
            return True
        yield self.ctx.sleep(options.ask_us)
        return False

    def _lead_again(self) -> Generator[Wait, Any, None]:
        """The leader starts again: where it alone holds what it acknowledges and forgets nothing, its reign goes on."""
        scheme = self.options.scheme
        if not self.whole or scheme.holders > 1:
            # One that has it all takes over anew too: its disk may have lied about the end of the log, and
            # what it wrote next in the same reign would stand where others hold what was acknowledged.
            while True:
                heads = yield from self._heads(0)
                latest = max((head.reigns[-1].epoch for head in heads if head.reigns), default=0)
                if latest > self.epoch:
                    # Somebody else has led since. Its own reign is over: what it wrote in it now would stand
                    # where entries of that reign stood which it has forgotten, and nobody could tell them apart.
                    yield from self._promise(latest)
                    return
                # Above what anybody promised: one more each time would never reach operators who go on as fast.
                promised = max([self.promised, *(head.promised for head in heads)])
                if (yield from self._take_over(promised + 1, lonely=scheme.holders == 1)):
                    return
                if (yield from self._obeyed()):
                    return
                yield self.ctx.sleep(self.options.ask_us)
        elif scheme.tier is not Tier.DEVICE:
            epoch = self.promised + 1
            yield from self._live_under((*self.reigns, Reign(epoch, self.options.number, self.journal.length)))

    # -- the lead changes --------------------------------------------------------------------

    @handles(Promote)
    def on_promote(self, msg: Promote, sender: Location) -> Promoted | Generator[Wait, Any, Promoted | None] | None:
        """Take the lead."""
        if self._joining and msg.force:
            return self._order(msg)
        if not self.ready:
            return None  # who asked asks again
        if msg.epoch <= self.promised:
            return Promoted(epoch=self.promised, leads=self.leads)
        return self._promoted(msg)

    def _order(self, msg: Promote | Restore) -> Generator[Wait, Any, Promoted | None]:
        """Have the start, which waits for others, go ahead without them; a later order takes an earlier one's place."""
        done = self.ctx.wait()
        self._ordered = (msg, done)
        yield self.ctx.first([done, self.ctx.sleep(4 * self.options.ask_us)])
        return Promoted(epoch=self.epoch) if self.leads else None

    def _obeyed(self) -> Generator[Wait, Any, bool]:
        """Whether an operator ordered one that waits for others to lead without them, and it now does."""
        if self._ordered is None or self._ordered[0].epoch <= self.promised:
            return False
        if not self.reigns:
            yield from self._live_under((Reign(1, self.options.home, 0),))
        order = self._ordered[0]
        if isinstance(order, Restore):
            return (yield from self._stand_anew(order))
        return (yield from self._take_over(order.epoch, forced=True))

    def _promoted(self, msg: Promote | Restore) -> Generator[Wait, Any, Promoted | None]:
        self.ready = False
        if isinstance(msg, Restore):
            leads = yield from self._stand_anew(msg)
        else:
            leads = yield from self._take_over(msg.epoch, forced=msg.force)
        self._begin()
        if not leads:
            return Promoted(epoch=self.promised, leads=False)  # said, and not left to whoever asked to find out
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
        self._promised_to = None  # to itself
        yield self.ctx.disk.replace(_ATTEMPT, epoch)
        yield from self._promise(epoch)
        heads = (yield from self._heads(epoch, self.options.gather_us if forced else None)) if gather else []
        heads = [head for head in heads if head.promised == epoch]
        if self.promised != epoch or not (forced or self._enough(heads, lonely)):
            return False
        every = forced or lonely or self._all_that_is_left(heads)
        counted = [head for head in heads if head.reigns and (head.whole or every)]
        mine = [self._head()] if self.reigns and (self.whole or every) else []
        best = self._best([*mine, *counted])
        if best.number != self.options.number and not (yield from self._catch_up(best)):
            return False
        yield from self._held_all()
        if self.promised != epoch:
            return False
        yield from self._live_under((*best.reigns, Reign(epoch, self.options.number, self.journal.length)))
        yield from self._become_whole()
        return True

    def _best(self, heads: Sequence[Head]) -> Head:
        """Whose log the reign begins with; its own comes first, if it counts."""
        return max(heads, key=_rank)

    def _enough(self, heads: Sequence[Head], lonely: bool) -> bool:
        if lonely or self._all_that_is_left(heads):
            return len(heads) == self.options.members - 1
        # A majority besides: an epoch has one leader only if whoever promised it to the one and to the other meet.
        # Where so few voters do that it is more, so many must hold an event that without it none would be committed.
        majority = len(heads) + 1 > self.options.members // 2
        return majority and sum(head.whole for head in heads) + self.whole >= self.options.voters

    def _all_that_is_left(self, heads: Sequence[Head]) -> bool:
        """Whether all are heard, and too few of them are whole: what the others forgot went with their disks.

        To wait for more would be for ever, since a member becomes whole by a leader alone. Where memory holds what
        counts, people decide: there it takes no more than two crashes.
        """
        whole = sum(head.whole for head in heads) + self.whole
        all_heard = len(heads) == self.options.members - 1
        return self.options.scheme.tier is Tier.DEVICE and all_heard and 0 < whole < self.options.voters

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

    # -- backups -----------------------------------------------------------------------------

    @handles(Restore)
    def on_restore(self, msg: Restore, sender: Location) -> Promoted | Generator[Wait, Any, Promoted | None] | None:
        """Stand behind a backup, and lead from there; also while it waits for others to find out who leads."""
        if self._joining:
            return self._order(msg)
        if not self.ready:
            return None  # who asked asks again
        if msg.epoch <= self.promised:
            return Promoted(epoch=self.promised, leads=self.leads)
        return self._promoted(msg)

    def _stand_anew(self, msg: Restore) -> Generator[Wait, Any, bool]:
        """Begin a reign that contains a backup, and nothing that was written under any reign before."""
        self._promised_to = None  # to itself
        yield from self._promise(msg.epoch)
        yield from self._heads(msg.epoch)  # so that nobody else goes on to acknowledge what will be given up
        yield from self._undisturbed()
        self.journal.dismiss()
        yield from self._install(msg.position, msg.snapshots, msg.window)
        founding = Reign(1, self.options.home, 0)  # what all lineages begin with
        yield from self._live_under((founding, Reign(msg.epoch, self.options.number, 0)))
        yield from self._become_whole()
        self.committed = self.journal.length
        self._gave_up(0)
        return True

    # -- what a subclass adds ----------------------------------------------------------------

    def _lead(self) -> None:
        """The reign begins, or goes on after a start."""

    def _live(self) -> Generator[Wait, Any, None]:
        """What goes on for as long as it lives."""
        yield from ()

    def _take(self, entries: Sequence[Entry]) -> None:
        """Append entries that another member wrote."""


def _rank(head: Head) -> tuple[int, int]:
    """Of two heads, the later reign counts, then the longer log.

    A reign that a member has heard of, and not caught up with, says nothing: the third of three that
    was cut off has all that was acknowledged to the end of the last reign, and one that lags behind
    and has just heard of the next one has not.
    """
    return reached(head.reigns, head.length), head.length
