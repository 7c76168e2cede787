"""What a shard does for clients: it decides commands, appends their events, and answers when that is safe.

One command, one event. The leader finds the aggregate's state, decides, appends, and answers once
the event is committed (`models.store.holding`). A request that comes again finds by its id what it
came to the first time, and waits for that to be committed as the first one did. The crash points
C3, C5 and C10 stand where they are passed.
"""

from __future__ import annotations

from collections.abc import Generator
from types import MappingProxyType
from typing import Any, ClassVar, Final

from models.domain import Denied, Event
from models.store.group.aside import AsideKey, DivergentEntries, DivergentQuery, Reconciled, ReconciledNoted
from models.store.holding import COMMITTED, SILENT
from models.store.log.appending import Append as AppendRequest
from models.store.log.appending import Deleted as ClosedStream
from models.store.log.appending import Expect, IdempotentNotReady, Ok, WrongExpectedVersion, decide_append
from models.store.log.entries import OWN, Closed, Deleted, Entry, instance_of, version_of
from models.store.log.journal import Answered
from models.store.log.streams import Stream
from models.store.requests import (
    EXPECT_ANY,
    EXPECT_NO_STREAM,
    EXPECT_STREAM,
    Accepted,
    Answer,
    Append,
    Conflict,
    Delete,
    Forward,
    Gone,
    InDoubt,
    Look,
    Outcome,
    OutcomeQuery,
    ReadStream,
    Refused,
    RolledBack,
    Seen,
    StreamSlice,
    Submit,
    Unavailable,
    answer_of,
)
from models.store.writing import Writer
from sim.host import Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["Serving"]

_EXPECT: Final = MappingProxyType(
    {EXPECT_ANY: Expect.ANY, EXPECT_NO_STREAM: Expect.NO_STREAM, EXPECT_STREAM: Expect.STREAM_EXISTS}
)
#: Why a request is refused whose id another has.
_USED: Final = "its id was used for another aggregate"


class Serving(Writer):
    """One member of one shard of one domain, as clients see it, however its log is replicated."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"C3", "C5", "C10"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"compensated", "reconciled"})

    def told(self) -> dict[int, int | str | None]:
        """This member's view of every aggregate with a history, whoever its tenant: for small worlds and reports."""
        view = {}
        for tenant, instance in sorted(key for key in self.streams if key[0] != OWN):
            stream = self.streams.by_key[tenant, instance]
            if stream.state is None:
                self.streams.load((tenant, instance), self.snapshots.latest.get((tenant, instance)))
            assert stream.state is not None
            view[instance] = self.domain.told(stream.state)
        return view

    # -- commands ----------------------------------------------------------------------------

    @handles(Submit)
    def on_submit(self, msg: Submit, sender: Location) -> Any:
        """Serve it here, or have the leader serve it."""
        return self._serve(msg) if self.leads else self._elsewhere(msg, msg.command_id)

    @handles(Append)
    def on_append(self, msg: Append, sender: Location) -> Any:
        """As for a command."""
        return self._serve_append(msg, msg.event, msg.expected) if self.leads else self._elsewhere(msg, msg.event_id)

    @handles(Delete)
    def on_delete(self, msg: Delete, sender: Location) -> Any:
        """As for a command."""
        marker = Closed() if msg.for_ever else Deleted()
        return self._serve_append(msg, marker, msg.expected) if self.leads else self._elsewhere(msg, msg.event_id)

    @handles(Forward)
    def on_forward(self, msg: Forward, sender: Location) -> Any:
        """Serve what another member handed on; refuse it if this one does not lead."""
        request = msg.request
        if isinstance(request, Submit):
            if self.leads:
                return self._serve(request)
            return Unavailable(command_id=request.command_id, reason="not the leader")
        if self.leads:
            if isinstance(request, Append):
                return self._serve_append(request, request.event, request.expected)
            if isinstance(request, Delete):
                return self._serve_append(request, Closed() if request.for_ever else Deleted(), request.expected)
        assert isinstance(request, Append | Delete), f"{request} is nothing that is handed on"
        return Unavailable(command_id=request.event_id, reason="not the leader")

    def _elsewhere(self, request: Message, request_id: int) -> Unavailable | Generator[Wait, Any, Any]:
        if not self.ready:
            return Unavailable(command_id=request_id, reason="recovering")
        leader = self.leads_elsewhere
        if leader is None:
            return Unavailable(command_id=request_id, reason="no leader")
        return self._hand_on(request, leader)

    def _certain(self, position: int) -> Generator[Wait, Any, int]:
        """Wait until what was read up to a position is what counts; returns what was learnt.

        To tell of a log is safe once all of it is committed, and if it was still the shard's when it was asked.
        One that led, was deposed and leads again may have read before what others wrote meanwhile.
        """
        epoch = self.epoch
        learnt = yield from self._until_committed(position)
        if learnt:
            return learnt
        return COMMITTED if (yield from self._still_leads()) and self.epoch == epoch else SILENT

    def _hand_on(self, request: Message, leader: Location) -> Generator[Wait, Any, Any]:
        answer = yield self.ctx.call(leader, Forward(request=request), self.options.forward_timeout_us)
        return answer

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Answer | None]:
        self.ctx.point("C3")
        key = self.streams.key_of(msg.tenant, msg.command_id)
        found: int | str | Answered | Gone | Unavailable | None = self.streams.done.get(key)
        if found is None:
            stream = self.streams.of((msg.tenant, msg.aggregate))
            if stream.state is None or self._sequenced:
                found = yield from self._decide_later(msg, key)
            else:
                found = self._decide(msg, stream)
        if isinstance(found, int):
            entry: Entry | Answered = self.journal.at(found)
            learnt = COMMITTED
            if found > self.committed:
                learnt = yield self._commitment(found)
            if learnt:
                return self._in_doubt(learnt, msg.command_id)
        elif isinstance(found, Answered):
            entry = found
        elif isinstance(found, Unavailable):
            return found
        else:
            return (yield from self._deny(msg, found))
        if instance_of(entry.address) != msg.aggregate:
            return Unavailable(command_id=msg.command_id, reason=_USED)
        self.ctx.point("C10")
        return answer_of(entry, msg.command_id)

    def _decide_later(self, msg: Submit, key: int) -> Generator[Wait, Any, Any]:
        """As `_decide`, after what it has to wait for."""
        prepared = yield from self._prepared((msg.tenant, msg.aggregate), msg.command_id)
        if isinstance(prepared, Unavailable):
            return prepared
        number, stream = prepared
        found: Any = self.streams.done.get(key)  # it may have come twice while this one waited
        if found is None:
            found = self._decide(msg, stream, number)
            if isinstance(found, int):
                return found
        self._give_up(number)
        return found

    def _deny(self, msg: Submit, why: str | Gone) -> Generator[Wait, Any, Answer | None]:
        """What is not stored of a command that came to nothing: as true as the state that it was decided on."""
        stream = self.streams.of((msg.tenant, msg.aggregate))
        version = stream.version
        learnt = yield from self._certain(stream.last)
        if learnt:
            return self._in_doubt(learnt, msg.command_id)
        return why if isinstance(why, Gone) else Refused(command_id=msg.command_id, version=version, reason=why)

    def _refusal(self, tenant: int, aggregate: int, request_id: int) -> Unavailable | None:
        """Why this shard has nothing to say of an aggregate, None if it has; asked wherever nothing is waited for."""
        return None

    def _decide(self, msg: Submit, stream: Stream, number: int = 0) -> int | str | Gone | Unavailable:
        """One command, one event, appended; or why it was denied, where denials are not stored."""
        refusal = self._refusal(msg.tenant, msg.aggregate, msg.command_id)
        if refusal is not None:
            return refusal
        if stream.closed:
            return Gone(command_id=msg.command_id)
        domain, state = self.domain, stream.state
        event = domain.decide(state, msg.command)
        if isinstance(event, Denied):
            if not self.options.store_denials:
                return event.reason
            after = state
        else:
            after = domain.evolve(state, event)
        self.ctx.point("C5")
        return self._write(msg.tenant, msg.aggregate, msg.command_id, stream, event, after, number)

    # -- appends -----------------------------------------------------------------------------

    def _serve_append(
        self, msg: Append | Delete, event: Event, expected: int
    ) -> Generator[Wait, Any, Accepted | Conflict | Gone | Unavailable | InDoubt | RolledBack | None]:
        """A writer's own event: `models.store.log.appending` says what becomes of it."""
        self.ctx.point("C3")
        key = (msg.tenant, msg.aggregate)
        prepared = yield from self._prepared(key, msg.event_id)
        if isinstance(prepared, Unavailable):
            return prepared
        number, stream = prepared
        refusal = self._refusal(msg.tenant, msg.aggregate, msg.event_id)
        if refusal is not None:
            self._give_up(number)
            return refusal
        if self._used_elsewhere(msg):
            self._give_up(number)
            return Unavailable(command_id=msg.event_id, reason=_USED)
        head = self.streams.head(key, self.committed)
        decision = decide_append(head, AppendRequest(msg.event_id, _EXPECT.get(expected, expected)))
        if isinstance(decision, Ok):
            position = self._append(msg, event, stream, number)
            if isinstance(position, Unavailable):
                return position
            return (yield from self._appended(msg, decision.version, position))
        self._give_up(number)
        if isinstance(decision, ClosedStream | WrongExpectedVersion):
            # What it was measured against may yet be given up, and then the writer was told what never was.
            learnt = yield from self._certain(stream.last)
            if learnt:
                return self._in_doubt(learnt, msg.event_id)
            if isinstance(decision, ClosedStream):
                return Gone(command_id=msg.event_id)
            return Conflict(command_id=msg.event_id, expected=expected, current=decision.current)
        waits = isinstance(decision, IdempotentNotReady)
        return (yield from self._appended(msg, decision.version, stream.position_of(decision.version) if waits else 0))

    def _append(self, msg: Append | Delete, event: Event, stream: Stream, number: int) -> int | Unavailable:
        """Append a writer's event to a stream; returns its position, or why it cannot be there."""
        if isinstance(event, Deleted | Closed):
            after = self.domain.initial()
        elif event.__class__ is Denied or event.__class__ in self.domain.effects:
            after = self.domain.evolve(stream.state, event)
        else:  # no replay of the log could ever read it
            self._give_up(number)
            reason = f"{type(event).__name__} is no event of domain {self.domain.name!r}"
            return Unavailable(command_id=msg.event_id, reason=reason)
        self.ctx.point("C5")
        return self._write(msg.tenant, msg.aggregate, msg.event_id, stream, event, after, number)

    def _appended(
        self, msg: Append | Delete, version: int, position: int
    ) -> Generator[Wait, Any, Accepted | InDoubt | RolledBack | None]:
        """The answer to a writer once its event counts; the same each time it asks, while the store knows."""
        learnt = yield from self._until_committed(position)
        if learnt:
            return self._in_doubt(learnt, msg.event_id)
        self.ctx.point("C10")
        return Accepted(command_id=msg.event_id, version=version, told=self._told(msg, version))

    def _told(self, msg: Append | Delete, version: int) -> int | str | None:
        """What was told of a version, from its entry or from what is remembered; None once both are gone."""
        kept = self.streams.entries_of((msg.tenant, msg.aggregate), version - 1)
        if kept and version_of(kept[0].address) == version:
            return kept[0].told
        found = self.streams.done.get(self.streams.key_of(msg.tenant, msg.event_id))
        return found.told if isinstance(found, Answered) and version_of(found.address) == version else None

    def _used_elsewhere(self, msg: Append | Delete) -> bool:
        """Whether a writer's id stands for an event of another aggregate: ids are unique within a tenancy."""
        found = self.streams.done.get(self.streams.key_of(msg.tenant, msg.event_id))
        if found is None:
            return False
        address = self.journal.at(found).address if isinstance(found, int) else found.address
        return instance_of(address) != msg.aggregate

    # -- questions ---------------------------------------------------------------------------

    @handles(Look)
    def on_look(self, msg: Look, sender: Location) -> Any:
        """Tell the state of an aggregate, once all that it comes from is committed; only the leader knows.

        Where no election is held, one that was deposed and has not heard of it may still tell what was true
        under its reign.
        """
        return self._look(msg) if self.leads else None

    def _look(self, msg: Look) -> Generator[Wait, Any, Seen | Unavailable | None]:
        key = (msg.tenant, msg.aggregate)
        stream = yield from self._loaded(key)
        if stream is None:
            return None
        refusal = self._refusal(msg.tenant, msg.aggregate, 0)
        if refusal is not None:
            return refusal
        assert stream.state is not None
        told, version, exists = self.domain.told(stream.state), stream.version, not stream.deleted
        if (yield from self._certain(stream.last)):
            return None
        return Seen(aggregate=msg.aggregate, version=version, told=told, exists=exists and version > 0)

    @handles(ReadStream)
    def on_read_stream(self, msg: ReadStream, sender: Location) -> Any:
        """Hand out a stream's events, as far as they are kept and not deleted, once they are committed."""
        if not self.leads:
            return None
        return self._refusal(msg.tenant, msg.aggregate, 0) or self._read_stream(msg)

    def _read_stream(self, msg: ReadStream) -> Generator[Wait, Any, StreamSlice | None]:
        key = (msg.tenant, msg.aggregate)
        stream = self.streams.of(key)
        after = max(msg.after, stream.first - 1) if not stream.deleted else stream.version
        entries = self.streams.entries_of(key, after)
        gone = stream.version - len(stream.positions)
        found = StreamSlice(
            aggregate=msg.aggregate,
            entries=tuple(entries[: msg.limit]),
            first=max(stream.first, gone + 1),
            version=stream.version,
        )
        return None if (yield from self._certain(stream.last)) else found

    @handles(OutcomeQuery)
    def on_outcome_query(self, msg: OutcomeQuery, sender: Location) -> Any:
        """Tell what became of a request."""
        return self._outcome(msg) if self.leads else None

    def _outcome(self, msg: OutcomeQuery) -> Generator[Wait, Any, Outcome | None]:
        found = self.streams.done.get(self.streams.key_of(msg.tenant, msg.event_id))
        if found is not None:
            sure = isinstance(found, Answered) or found <= self.committed
            return Outcome(event_id=msg.event_id, outcome="committed" if sure else "in doubt")
        if not (yield from self._still_leads()):
            return None
        return Outcome(event_id=msg.event_id, outcome="unknown")

    # -- reconciliation ----------------------------------------------------------------------

    @handles(DivergentQuery)
    def on_divergent_query(self, msg: DivergentQuery, sender: Location) -> DivergentEntries | None:
        """Hand the operator what is left."""
        return DivergentEntries(entries=tuple(self.aside.unreconciled[: msg.limit])) if self.ready else None

    @handles(Reconciled)
    def on_reconciled(self, msg: Reconciled, sender: Location) -> Generator[Wait, Any, ReconciledNoted] | None:
        """Write down that an entry has been dealt with; one that is not set aside here is ignored."""
        key = AsideKey(msg.epoch, msg.position, msg.command_id)
        return self._reconciled(msg, key) if self.ready and key in self.aside else None

    def _reconciled(self, msg: Reconciled, key: AsideKey) -> Generator[Wait, Any, ReconciledNoted]:
        if (yield from self.aside.settle(key, msg.merged)):
            self.ctx.note("reconciled" if msg.merged else "compensated", key.command_id)
        return ReconciledNoted(epoch=msg.epoch, position=msg.position)
