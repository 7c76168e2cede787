"""Aggregates in a leaderless store, the last writer wins: read a quorum, decide, write the whole aggregate to a quorum.

A node of the client's region coordinates. It takes the version of the highest stamp that R replicas hold, decides
the command on it, and stores what comes of it at W. Two that decide at once, on two sides of a cut or within one
round trip, both store; one version stays, and the event in the other is gone although somebody was told yes. That is
what the name of the design says, and no bug.

A version carries the ids of the latest commands in it, so that a repeated attempt finds that it took place. Each
coordinator puts on its disk what it decided and on which version, without waiting for it: nobody reads that but an
auditor.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain, Event, State
from models.quorum.node import Node
from models.quorum.options import QuorumOptions
from models.quorum.preference import Preference
from models.quorum.versions import Cell, Dot, latest
from models.store.requests import Accepted, Refused, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.message import Message, Value
from sim.storage import TORN
from sim.topology import Location

__all__ = ["AggregateNode", "Decided", "Image"]

#: Ids of the latest commands that a version carries.
_RECENT: Final = 16
_DECIDED: Final = "decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Value):
    """An aggregate as a version says it.

    Attributes:
        state: After all events in it.
        version: How many these are.
        recent: Ids of the latest commands that led to one.
    """

    state: State
    version: int
    recent: tuple[int, ...]


class Decided(NamedTuple):
    """What a coordinator has decided.

    Attributes:
        aggregate: Of which.
        command_id: Whose.
        dot: The version that it made.
        parent: The version that it decided on, None for the first.
        stamp: By which versions are ordered.
        event: What was decided.
        told: What there is to tell after it.
        accepted_us: When.
    """

    aggregate: int
    command_id: int
    dot: Dot
    parent: Dot | None
    stamp: int
    event: Event
    told: int | str | None
    accepted_us: int


class AggregateNode(Node):
    """A replica that also decides commands.

    Args:
        ctx: Its host.
        nodes: The replicas' hosts, in one order for all.
        options: Of the store.
        preference: Which of them hold a key.
        number: Its own.
        domain: What is stored.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"decided"})

    def __init__(
        self,
        ctx: Context,
        nodes: tuple[Location, ...],
        options: QuorumOptions,
        preference: Preference,
        number: int,
        domain: Domain[Any],
    ) -> None:
        super().__init__(ctx, nodes, options, preference, number)
        self.domain = domain
        self.deciding: set[int] = set()

    @property
    def decided(self) -> tuple[Decided, ...]:
        """What it decided, as far as its disk has it."""
        return tuple(one for one in self.ctx.disk.read(_DECIDED) if one is not TORN)

    @handles(Submit)
    def on_submit(self, msg: Submit, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Decide a command; without a quorum to read from nothing happened, without one to write to nobody knows."""
        if msg.command_id in self.deciding:
            return None
        self.deciding.add(msg.command_id)
        answer = yield from self._serve(msg)
        self.deciding.discard(msg.command_id)
        return answer

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Message | None]:
        told = yield from self._gather(msg.aggregate)
        if told is None:
            return Unavailable(command_id=msg.command_id, reason="no quorum to read from")
        before = latest(self._merged(told[0].values()).versions)
        held = self._nothing() if before is None else before.value
        assert isinstance(held, Image)
        domain = self.domain
        if msg.command_id in held.recent:
            return Accepted(command_id=msg.command_id, version=held.version, told=domain.told(held.state))
        event = domain.decide(held.state, msg.command)
        if isinstance(event, Denied):
            return Refused(command_id=msg.command_id, version=held.version, reason=event.reason)
        after = domain.evolve(held.state, event)
        recent = (*held.recent, msg.command_id)[-_RECENT:]
        cell = self._written(msg.aggregate, Image(state=after, version=held.version + 1, recent=recent), told[0])
        made = cell.versions[0]
        parent = None if before is None else before.dot
        tell = domain.told(after)
        decided = Decided(msg.aggregate, msg.command_id, made.dot, parent, made.stamp, event, tell, self.ctx.now_us())
        self.ctx.disk.append(_DECIDED, decided)
        self.ctx.point("decided")
        if not (yield from self._store(msg.aggregate, cell)):
            return None
        return Accepted(command_id=msg.command_id, version=held.version + 1, told=tell)

    def _nothing(self) -> Image:
        return Image(state=self.domain.initial(), version=0, recent=())

    def _written(self, key: int, held: Image, answers: dict[int, Cell]) -> Cell:
        return self._version(key, self._merged(answers.values()), held)
