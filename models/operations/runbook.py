"""The operator at a desk: carries out the steps of a runbook over the network, and writes down what came of them.

It sits on a client host and knows what it is told by messages, so a cut leaves it as helpless as anybody. Each
step is tried again until it has come about or its patience is over; a step that waits for one that was given up is
given up with it, since it counts on what did not come about. What was begun and what was done is on its
disk: a desk that dies goes on where it was, and asks first whether what it had begun has come about. Epochs are
counted there too, above whatever members say they know, so none is given twice.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.losing import declare_lost
from models.operations.membership import Change, Membership
from models.operations.steps import Action, Outcome, Step
from models.store.backup import BackupQuery
from models.store.group.words import Fence, Fenced, Promote, Promoted, Restore, Status, StatusQuery
from sim.host import Context, Service, Wait
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Runbook", "RunbookOptions"]

#: A forced reign has no quorum's promise, so somebody whom it did not reach may count on from the same number and begin
#: another under it. It leaps ahead of whatever others may have counted to by the time that they hear of it.
_LEAP: Final = 2_000
#: Whether a try has brought about what the step is for.
_Try = Generator[Wait, Any, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookOptions:
    """What an operator is told.

    Attributes:
        steps: What to do, ids all different.
        membership: How members change; None if they cannot.
        split: Whether members are parts of a split domain, none of which leads.
        retry_us: Between two tries.
        ask_us: Patience with a question.
        act_us: Patience with an answer to what takes its time, such as a promotion.
    """

    steps: tuple[Step, ...]
    membership: Membership | None = None
    split: bool = False
    retry_us: int = 500_000
    ask_us: int = 500_000
    act_us: int = 3_000_000

    def __post_init__(self) -> None:
        ids = [step.id for step in self.steps]
        for step in self.steps:
            if ids.count(step.id) > 1:
                raise ValueError(f"two steps are called {step.id!r}; rename one")
            if step.after and step.after not in ids[: ids.index(step.id)]:
                raise ValueError(f"step {step.id!r} waits for {step.after!r}, which is no step before it; reorder them")
            if step.action in (Action.ADD_HOST, Action.REMOVE_HOST) and self.membership is None:
                raise ValueError(f"step {step.id!r} changes the members of a design that cannot; leave it out")
        for name in ("retry_us", "ask_us", "act_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")


class Runbook(Service):
    """One operator.

    Attributes:
        outcomes: By step that has come to an end, how.
        epoch: The last one given out.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"operation", "promoted", "forcing", "forced", "restored"})

    def __init__(self, ctx: Context, options: RunbookOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.outcomes: dict[str, Outcome] = {}
        self.epoch = 1
        self._begun: dict[str, int] = {}
        self._ends: dict[str, Wait] = {}

    def start(self) -> None:
        """Recall what was done, then go on with the rest."""
        disk = self.ctx.disk
        self.epoch = max([1, *(record for record in disk.read("epoch") if record is not TORN)])
        for record in disk.read("steps"):
            if record is not TORN:
                step, outcome, epoch = record
                if outcome == Outcome.BEGUN:
                    self._begun[step] = epoch
                else:
                    self.outcomes[step] = Outcome(outcome)
        for one in self.options.steps:
            self._ends[one.id] = self.ctx.wait()
            if one.id in self.outcomes:
                self._ends[one.id].resolve()
            else:
                self.ctx.set_timer(0, self._carry_out, one)

    def _carry_out(self, step: Step) -> Generator[Wait, Any, None]:
        ctx, options = self.ctx, self.options
        if step.id not in self._begun and not (yield from self._comes_due(step)):
            yield from self._write_down(step, Outcome.GAVE_UP, f": it waits for {step.after}, which was given up")
            return
        if step.id not in self._begun:
            yield from self._write_down(step, Outcome.BEGUN)
        gives_up_us = ctx.mono_us() + step.patience_us
        while not (yield from self._try(step)):
            if ctx.mono_us() + options.retry_us >= gives_up_us:
                yield from self._write_down(step, Outcome.GAVE_UP)
                return
            yield ctx.sleep(options.retry_us)
        yield from self._write_down(step, Outcome.DONE)

    def _comes_due(self, step: Step) -> Generator[Wait, Any, bool]:
        """Wait until it is to begin; False if it never is."""
        ctx = self.ctx
        if step.after:
            yield self._ends[step.after]
            if self.outcomes[step.after] is not Outcome.DONE:
                return False
        if step.unled_us:
            yield from self._until_unled(step)
        begins_us = step.at_us if step.after or step.unled_us else step.at_us - ctx.mono_us()
        if begins_us > 0:
            yield ctx.sleep(begins_us)
        return True

    def _until_unled(self, step: Step) -> Generator[Wait, Any, None]:
        since_us: int | None = None
        while True:
            found = yield from self._look(step)
            now_us = self.ctx.mono_us()
            if any(status.leads and status.progress for status in found.values()):
                since_us = None
            else:
                since_us = now_us if since_us is None else since_us
                if now_us - since_us >= step.unled_us:
                    return
            yield self.ctx.sleep(self.options.retry_us)

    def _write_down(self, step: Step, outcome: Outcome, why: str = "") -> Generator[Wait, Any, None]:
        self.ctx.disk.append("steps", (step.id, str(outcome), self.epoch))
        yield self.ctx.disk.flush("steps")
        self.ctx.note("operation", f"{step.id} {outcome}{why}")
        if outcome is Outcome.BEGUN:
            self._begun[step.id] = self.epoch
        else:
            self.outcomes[step.id] = outcome
            self._ends[step.id].resolve()

    # -- what is done ------------------------------------------------------------------------

    def _try(self, step: Step) -> _Try:
        """Do it once; returns whether it has come about."""
        if step.action is Action.PROMOTE:
            return self._promote(step)
        if step.action is Action.FENCE:
            return self._fence(step)
        if step.action is Action.DECLARE_LOST:
            return self._declare_lost(step)
        if step.action is Action.RESTORE:
            return self._restore(step)
        return self._change(step)

    def _promote(self, step: Step) -> _Try:
        (target,) = step.targets
        found = yield from self._look(step)
        if target not in found or not found[target].ready:
            return False
        if found[target].leads:
            return True
        epoch = yield from self._next_epoch(found)
        return (yield from self._leads(target, Promote(epoch=epoch)))

    def _fence(self, step: Step) -> _Try:
        (target,) = step.targets
        found = yield from self._look(step)
        epoch = yield from self._next_epoch(found)
        answer = yield self.ctx.call(target, Fence(epoch=epoch), self.options.ask_us)
        return isinstance(answer, Fenced) and not answer.leads

    def _declare_lost(self, step: Step) -> _Try:
        if self.options.split:
            return (yield from self._give_up(step))
        found = yield from self._look(step)
        left = {at: status for at, status in found.items() if at not in step.targets}
        if any(status.leads and status.progress for status in left.values()):
            return True
        if not left:
            return False
        epoch = yield from self._next_epoch(found, ahead=_LEAP)
        best = max(left, key=lambda at: (left[at].whole, left[at].epoch, left[at].length, -step.members.index(at)))
        self.ctx.note("forcing", epoch)  # whatever comes of it: the answer may be lost
        return (yield from self._leads(best, Promote(epoch=epoch, force=True), forced=True))

    def _give_up(self, step: Step) -> _Try:
        """Have all parts but the lost ones wait for those no more."""
        others = [member for member in step.members if member not in step.targets]
        for target in step.targets:
            begun, ask_us, act_us = f"{step.id} gives up {target}", self.options.ask_us, self.options.act_us
            times = self._begun.get(begun, 0)
            done, self._begun[begun] = yield from declare_lost(self.ctx, others, target, ask_us, act_us, times)
            if not done:
                return False
        return True

    def _restore(self, step: Step) -> _Try:
        (target,) = step.targets
        assert step.backup is not None
        found = yield from self._look(step)
        # What was begun may have come about, unheard; to do it again would lose what was acknowledged since.
        begun = self._begun.get(f"{step.id} restores")
        if target not in found:
            return False
        if begun is not None and found[target].leads and found[target].epoch >= begun:
            return True
        backup = yield self.ctx.call(step.backup, BackupQuery(shard=step.shard), self.options.act_us)
        if backup is None or backup.copy is None:
            return False
        epoch = yield from self._next_epoch(found, ahead=_LEAP)
        self._begun[f"{step.id} restores"] = epoch
        self.ctx.disk.append("steps", (f"{step.id} restores", str(Outcome.BEGUN), epoch))
        yield self.ctx.disk.flush("steps")
        copy = backup.copy
        self.ctx.note("restored", backup.asked_us)  # whatever comes of it: the answer may be lost
        message = Restore(epoch=epoch, position=copy.position, snapshots=copy.snapshots, window=copy.window)
        return (yield from self._leads(target, message))

    def _change(self, step: Step) -> _Try:
        membership = self.options.membership
        assert membership is not None
        change = Change(shard=step.shard, add=step.action is Action.ADD_HOST, host=step.targets[0])
        for member in step.members:
            answer = yield self.ctx.call(member, membership.request(change), self.options.act_us)
            if answer is not None and membership.is_done(change, answer):
                return True
        return False

    def _leads(self, target: Location, message: Message, *, forced: bool = False) -> _Try:
        """Ask a member to lead; returns whether it does."""
        answer = yield self.ctx.call(target, message, self.options.act_us)
        if not isinstance(answer, Promoted) or not answer.leads:
            return False
        self.ctx.note("forced" if forced else "promoted", answer.epoch)
        return True

    def _look(self, step: Step) -> Generator[Wait, Any, dict[Location, Status]]:
        """Ask every member how it is; returns who answered."""
        calls = [self.ctx.call(member, StatusQuery(), self.options.ask_us) for member in step.members]
        answers = yield self.ctx.first(calls, need=len(calls))
        return {step.members[index]: status for index, status in sorted(answers, key=_index) if status is not None}

    def _next_epoch(self, found: dict[Location, Status], ahead: int = 0) -> Generator[Wait, Any, int]:
        self.epoch = epoch = max(self.epoch, *(status.epoch for status in found.values()), 0) + ahead + 1
        yield self.ctx.disk.replace("epoch", epoch)
        return epoch


def _index(answer: tuple[int, Any]) -> int:
    return answer[0]
