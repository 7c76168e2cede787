"""Rights that pass from one sub-domain to another: asked for by message, granted by an event, and never twice.

Who may not do something for want of rights asks another sub-domain for them, the one that seems to have most first,
and looks at the command again when they have come. What is granted is an event of the giver's own stream, durable
before it is told of, and goes to everybody like any other: so a message that is lost, late or repeated costs time
and never a right. Rights are the receiver's once it has the event; on the way they are nobody's.

A request says up to where its sender has the giver's stream. If the giver has granted it something of that aggregate
since, that is on its way, and nothing is granted on top; so neither a repeated request nor one that was made anew
after a crash takes twice. Who gives and who is given need no other memory than their logs.

Rights of a sub-domain that is lost are stranded until it is declared lost. From then on nothing counts that it writes,
and where the policy lets go of them one of those left, always the same, takes them over when they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from models.addressing import REPLICATION, Scope, content_hash, message_type_id
from models.domain import Event
from models.merging.policy import RightsRule
from models.merging.rights import Grant, Granted
from models.split import SplitShard
from models.store.requests import Submit
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["AskRights", "GrantingShard", "RightsGiven"]

#: While a grant is awaited that is known to be on its way, how often its receiver looks.
_LOOKS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRights(Message):
    """A sub-domain asks another for rights.

    Attributes:
        taker: Number of who asks.
        tenant: Whose aggregate it is.
        aggregate: Of which.
        amount: How many are missing.
        after: Up to which position it has the giver's stream.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 11)
    taker: int
    tenant: int
    aggregate: int
    amount: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsGiven(Message):
    """What became of a request: the grant's position in the giver's stream, 0 if there was none."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 12)
    position: int


class GrantingShard(SplitShard):
    """A shard of a sub-domain that asks others for the rights that it lacks, and grants them some of its own."""

    NOTES: ClassVar[frozenset[str]] = SplitShard.NOTES | {"granted", "inherited"}

    def __init__(self, ctx: Context, *arguments: Any, **more: Any) -> None:
        super().__init__(ctx, *arguments, **more)
        self._rights = self._policy if isinstance(self._policy, RightsRule) else None
        #: By aggregate, how many have been asked in vain since somebody gave.
        self._turns: dict[int, int] = {}

    # -- asking ------------------------------------------------------------------------------

    def _obtain(self, msg: Submit) -> Generator[Wait, Any, bool]:
        """Take over what is nobody's, or ask one other sub-domain and wait for it no longer than for an answer."""
        self.ctx.note("waiting", msg.command_id)
        rule, own, aggregate = self._rights, self.options.number, msg.aggregate
        if rule is None:
            return False
        missing = rule.wanted(self.merge.held(aggregate), own, msg.command)
        if missing and (yield from self._take_over(msg.tenant, aggregate)):
            return True
        giver = self._giver(aggregate) if missing else None
        if giver is None:
            return False
        life, turn = self.session, self._turns.get(aggregate, 0)
        after = self.merge.received(giver)
        ask = AskRights(taker=own, tenant=msg.tenant, aggregate=aggregate, amount=missing, after=after)
        given = yield self.ctx.call(self._near[giver], ask, self._patience_us)
        if isinstance(given, RightsGiven) and given.position:
            looks = 0
            while self.merge.received(giver) < given.position and looks < _LOOKS:
                yield self.ctx.sleep(self._patience_us // _LOOKS)
                looks += 1
            if self.merge.received(giver) >= given.position and life == self.session:
                self._turns.pop(aggregate, None)
                return True
        # Of several that asked at once, the first passes on to the next.
        if self._turns.get(aggregate, 0) == turn:
            self._turns[aggregate] = turn + 1
        return False

    @property
    def _patience_us(self) -> int:
        return self.options.forward_timeout_us // 3

    def _giver(self, aggregate: int) -> int | None:
        """Who is asked next: who seems to have most first; None where nobody seems to have anything."""
        rule, held, lost = self._rights, self.merge.held(aggregate), self.merge.lost
        assert rule is not None
        have = {number: rule.rights(held, number) for number in self._near if number not in lost}
        if rule.frees and self._heir in have:
            have[self._heir] += sum(rule.rights(held, number) for number in lost)
        ranked = sorted((number for number in have if have[number] > 0), key=lambda number: (-have[number], number))
        return ranked[self._turns.get(aggregate, 0) % len(ranked)] if ranked else None

    # -- granting ----------------------------------------------------------------------------

    @handles(AskRights)
    def on_ask_rights(self, msg: AskRights, sender: Location) -> Generator[Wait, Any, RightsGiven | None]:
        """Grant what may be granted, unless something is on its way; answer once that is durable."""
        position = self._on_its_way(msg)
        if not position:
            yield from self._take_over(msg.tenant, msg.aggregate)
            position = yield from self._pass_on(msg.tenant, msg.aggregate, partial(self._grant, msg))
            position = position or self._on_its_way(msg)
        if not position:
            return RightsGiven(position=0)
        if not (yield from self.log.durable_at(position)):
            return None
        self.ctx.point("C7")
        return RightsGiven(position=position)

    def _on_its_way(self, msg: AskRights) -> int:
        """The position of what was granted beyond what the taker has; 0 if nothing was."""
        stream = self.streams.get((msg.tenant, msg.aggregate)) if self.is_whole else None
        for position in reversed(() if stream is None else stream.positions):
            if position <= msg.after:
                break
            event = self.log.at(position).event
            if isinstance(event, Granted) and event.to == msg.taker:
                return position
        return 0

    def _grant(self, msg: AskRights) -> Event | None:
        """What to write for a request now; None if it gets nothing."""
        rule, own = self._rights, self.options.number
        if rule is None or not self.is_whole or own in self.merge.lost or self._on_its_way(msg):
            return None
        held = self.merge.held(msg.aggregate)
        amount = rule.offered(held, own, msg.amount)
        return rule.decide(held, own, Grant(to=msg.taker, amount=amount)) if amount > 0 else None

    def _pass_on(self, tenant: int, aggregate: int, decide: Callable[[], Event | None]) -> Generator[Wait, Any, int]:
        """Write what is decided at the instant at which it can be written; its position, 0 if it is no grant then."""
        while isinstance(event := decide(), Granted):
            stamp_us = self.clock.stamp()
            if stamp_us is not None:
                # Nobody's request but the sub-domain's own, known by its place.
                event_id = content_hash(("granted", self.options.number, self.log.length + 1))
                self.ctx.note("inherited" if event.of else "granted", aggregate)
                return self._write(tenant, aggregate, event_id, event, stamp_us)
            yield from self.clock.reserve()
        return 0

    # -- what a lost sub-domain had left --------------------------------------------------------

    @property
    def _heir(self) -> int:
        """Who takes over what the lost ones had left: one alone, so that nobody takes it twice."""
        lost = self.merge.lost
        return next((number for number in self._sources if number not in lost), 0)

    def _take_over(self, tenant: int, aggregate: int) -> Generator[Wait, Any, bool]:
        """Take over what the lost ones had left of an aggregate, if that falls to us; whether there was any."""
        found = False
        for number in self.merge.lost:
            position = yield from self._pass_on(tenant, aggregate, partial(self._left, number, aggregate))
            found = found or position > 0
        return found

    def _left(self, number: int, aggregate: int) -> Event | None:
        """What to write to take over what a lost sub-domain had left; None if that is nothing, or not ours."""
        rule, own, merge = self._rights, self.options.number, self.merge
        if rule is None or not rule.frees or own != self._heir or not self.is_whole:
            return None
        if merge.received(number) < merge.lost_at(number):
            return None  # it may have used some of it in what is not here yet
        held = merge.held(aggregate)
        amount = rule.rights(held, number)
        return rule.decide(held, own, Grant(to=own, amount=amount, of=number)) if amount > 0 else None
