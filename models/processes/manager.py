"""A process manager: it follows the events of its processes, and for each stage sends what is due.

It has no memory of its own. How far a process is, its aggregate's events say; what was sent, the store knows by
keys that are made of process and step. So it may die anywhere: started again, here or elsewhere, it reads the events,
sends again what is due, and is answered what it would have been answered before. Time runs from the event that made a
step due, by the wall clock: a timer that would have fired while nobody lived fires at once, and one that fires
twice asks for the same thing under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar

from models.domain import Command
from models.outbox.feed import FeedOptions, Follower
from models.outbox.submitting import StoreOptions, Submitter, key_of
from models.processes.definition import Process, Step
from models.store.log.entries import Entry, instance_of
from models.store.requests import Accepted, Gone, Refused
from sim.host import Context, Wait

__all__ = ["Manager"]

_Sure = Accepted | Refused | Gone


class Manager(Follower):
    """Manages all processes of one kind.

    Args:
        ctx: Its host.
        feed: The shards of its processes.
        store: Where it writes.
        process: What it manages.

    Attributes:
        states: Of each process that is not over, as its events tell.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"M1", "M2", "M3", "M4", "M5"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"compensating", "parked", "timed-out"})

    def __init__(self, ctx: Context, feed: FeedOptions, store: StoreOptions, process: Process) -> None:
        super().__init__(ctx, feed)
        self.submitter = Submitter(ctx, store)
        self.manages(process)

    def manages(self, process: Process) -> None:
        """Know nothing yet of a process."""
        self.process = process
        self.states: dict[int, Any] = {}
        self._due_us: dict[int, int] = {}
        self._begun: dict[int, str] = {}
        self._fresh: dict[int, None] = {}
        self._shard: dict[int, int] = {}
        self._rank: dict[int, int] = {}
        self._ranked = 0

    def start(self) -> None:
        """Read all there is; what is due is sent once that is done."""
        self.follow()

    def taken(self, shard: int, entry: Entry) -> None:
        """A process has come further."""
        key, domain = instance_of(entry.address), self.process.domain
        state = domain.evolve(self.states.get(key, domain.initial()), entry.event)
        if self.process.is_over(state):
            self._forget(key)
            return
        if key not in self.states:
            self._ranked += 1
            self._rank[key] = self._ranked
        self.states[key] = state
        self._due_us[key] = entry.accepted_us
        self._shard[key] = shard
        self._fresh[key] = None

    def begun_again(self, shard: int) -> None:
        """What was derived of a shard may have been taken back; all of it is read again, of the others nothing."""
        for key in [key for key, of in self._shard.items() if of == shard]:
            self._forget(key)

    def advanced(self) -> None:
        """Begin what is due. Not while it replays: a stage that was passed long ago would be gone through again."""
        if not self.live:
            return
        fresh = sorted(self._fresh, key=lambda key: self._rank[key])  # first come, first served
        self._fresh.clear()
        for key in fresh:
            state = self.states[key]
            step = self.process.due(state)
            if step is not None and self._begun.get(key) != step.stage:
                self._begun[key] = step.stage
                self.ctx.set_timer(0, self._carry_out, key, step, state, self._due_us[key])

    def all_again(self) -> None:
        """Take everything that is not over for new, and nothing for begun."""
        self._begun.clear()
        self._fresh = dict.fromkeys(self.states)

    def _forget(self, key: int) -> None:
        for known in (self.states, self._due_us, self._begun, self._fresh, self._shard, self._rank):
            known.pop(key, None)

    def _carry_out(self, key: int, step: Step, state: Any, due_us: int) -> Generator[Wait, Any, None]:
        """One step: send, and write down what came of it."""
        ctx, turn = self.ctx, self.turn()
        if step.undoes:
            ctx.note("compensating", key)
            ctx.point("M5")
        ctx.point("M1")
        aggregate, command = step.ask(state)
        answer = yield from self.ask(aggregate, command, self.key_of(key, step), self._in_time(step, due_us))
        if answer is None and self.turn() == turn:
            ctx.note("timed-out", key)
            ctx.point("M4")
            answer = yield from self.give_up(aggregate, key, step)
        if answer is None:
            return  # another sees to it by now, and asks for the same under the same key
        ctx.point("M2")
        record = step.done if isinstance(answer, Accepted) else step.denied
        if record is None:
            # No domain denies a compensation; but an aggregate may be closed. People must see to that.
            ctx.note("parked", key)
            return
        written = key_of(self.process.name, key, step.name, type(record).__name__)
        yield from self.submitter.submit(key, record, written)
        ctx.point("M3")

    def _in_time(self, step: Step, due_us: int) -> Callable[[], bool]:
        """Whether a step that became due with the latest event may still be tried."""
        if not step.patience_us:
            return lambda: True
        until_us = due_us + step.patience_us
        return lambda: self.ctx.now_us() < until_us

    # -- what it decides ---------------------------------------------------------------------

    def turn(self) -> int:
        """Changes where it is not this manager's turn any more; of one that is alone, never."""
        return 0

    def key_of(self, key: int, step: Step) -> int:
        """The idempotency key of a step's command."""
        return key_of(self.process.name, key, step.name)

    def ask(
        self, aggregate: int, command: Command, key: int, still: Callable[[], bool] = lambda: True
    ) -> Generator[Wait, Any, _Sure | None]:
        """Have the command of a step decided; None if it is not wanted any more, and then it may yet be."""
        answer = yield from self.submitter.submit(aggregate, command, key, still)
        return answer

    def give_up(self, aggregate: int, key: int, step: Step) -> Generator[Wait, Any, _Sure | None]:
        """See to it that a step that took too long never happens; or learn that it has."""
        assert step.cancel is not None
        answer = yield from self.ask(aggregate, step.cancel, self.key_of(key, step))
        return answer
