"""A service that works and asks the tier below: where retries of several layers multiply.

A request waits in the service's own queue (`intake`) for a worker. The worker does the service's own work, which
holds a core, then asks a service of the tier below under the retry policy of this tier, or hedged, and stays occupied
meanwhile, as a thread does. The last tier asks nobody, or brings an effect about outside, under the request's number as
the key. What the request's caller would still do with the answer a service knows only if the caller said how long it
waits.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final

from models.effects.words import Act, Acted
from models.retrying.hedging import HedgeOptions, Hedger
from models.retrying.intake import Intake, IntakeOptions, Job
from models.retrying.policy import Retrier, RetryPolicy
from models.retrying.words import Busy, Done, Execute, Executed, Failed, Request
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location
from sim.wording import Refused

__all__ = ["Tier", "TierOptions"]

#: Own work is waited for however long the host takes; only a crash ends it, and that ends the waiting too.
_FOR_EVER_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TierOptions:
    """What a service of a tier is told.

    Attributes:
        below: Services of the tier below, asked in turns; none for the last tier.
        units: Own work a request, in units of service time.
        policy: Towards the tier below.
        hedge: In the place of the policy; None for none.
        receiver: Who brings about the effect of a request, where no tier is below; None for requests without one.
        intake: How it takes in work.
        deadline_us: From a request's arrival to giving up on the tier below, where the caller does not say.
        propagates: Whether it goes by what callers say of their time, and says so below.
    """

    below: tuple[Location, ...] = ()
    units: int = 1
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    hedge: HedgeOptions | None = None
    receiver: Location | None = None
    intake: IntakeOptions = field(default_factory=IntakeOptions)
    deadline_us: int = 2_000_000
    propagates: bool = False

    def __post_init__(self) -> None:
        wrong = []
        if self.units < 1:
            wrong.append(f"units={self.units} is no work; give at least 1")
        if self.deadline_us < 1:
            wrong.append(f"deadline_us={self.deadline_us} waits for nothing; give at least 1")
        if (self.intake.drops_stale or self.intake.sheds) and not self.propagates:
            wrong.append(
                "drops_stale and sheds go by the deadlines of callers, which nobody says; "
                "set propagates=True or leave them out"
            )
        if wrong:
            raise Refused(wrong)


class Tier(Service):
    """One service of one tier.

    Attributes:
        intake: What waits for its workers.
        executed: Requests whose work it did.
        wasted: Of them those whose caller had given up by then, as far as it was told.
        hedger: What asks the tier below more than once; None if nothing does.
    """

    def __init__(self, ctx: Context, options: TierOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.intake = Intake(options.intake)
        self.executed = 0
        self.wasted = 0
        self._turn = 0
        self.hedger = None if options.hedge is None else Hedger(ctx, options.hedge, good=_is_done)
        self._caller = self.hedger or Retrier(ctx, options.policy, good=_is_done)

    @property
    def attempts_below(self) -> int:
        """Attempts that it made at the tier below."""
        return self._caller.asked.attempts

    @handles(Request)
    def on_request(self, msg: Request, sender: Location) -> Generator[Wait, Any, Message] | Busy:
        """Take it in, or turn it away."""
        now_us = self.ctx.mono_us()
        said = self.options.propagates and msg.left_us is not None
        job = Job(now_us + (msg.left_us or 0) if said else None, self.ctx.wait())
        if not self.intake.offer(job, now_us):
            return Busy(op=msg.op)
        return self._serve(msg, job, now_us)

    @handles(Execute)
    def on_execute(self, msg: Execute, sender: Location) -> Executed:
        """The core was held."""
        return Executed()

    def once(self, op: int) -> int:
        """The idempotency key of a request's effect: the same, whichever copy and whichever service."""
        return op

    def _serve(self, msg: Request, job: Job, arrived_us: int) -> Generator[Wait, Any, Message]:
        ctx = self.ctx
        if not (yield job.turn):
            return Busy(op=msg.op)
        began_us = ctx.mono_us()
        yield ctx.call(ctx.location, Execute(units=self.options.units), _FOR_EVER_US)
        self.executed += 1
        answer: Message = Done(op=msg.op)
        if self.options.below:
            answer = yield from self._ask_below(msg, job, arrived_us)
        elif self.options.receiver is not None:
            answer = yield from self._bring_about(msg, self.options.receiver, self._deadline_us(job, arrived_us))
        now_us = ctx.mono_us()
        self.wasted += job.deadline_us is not None and now_us > job.deadline_us
        self.intake.done(began_us, now_us)
        return answer

    def _ask_below(self, msg: Request, job: Job, arrived_us: int) -> Generator[Wait, Any, Message]:
        below, propagates = self.options.below, self.options.propagates
        self._turn += 1
        first = self._turn
        end = yield from self._caller.call(
            lambda attempt: below[(first + attempt) % len(below)],
            lambda left_us: Request(op=msg.op, left_us=left_us if propagates else None),
            self._deadline_us(job, arrived_us),
        )
        return Done(op=msg.op) if end.good else Failed(op=msg.op, why=end.why)

    def _bring_about(self, msg: Request, receiver: Location, deadline_us: int) -> Generator[Wait, Any, Message]:
        # There is no owner, so no token is later than another.
        left_us = max(1, deadline_us - self.ctx.mono_us())
        answer = yield self.ctx.call(receiver, Act(key=msg.op, once=self.once(msg.op), token=0, amount=1), left_us)
        return Done(op=msg.op) if isinstance(answer, Acted) else Failed(op=msg.op, why="outside")

    def _deadline_us(self, job: Job, arrived_us: int) -> int:
        return arrived_us + self.options.deadline_us if job.deadline_us is None else job.deadline_us


def _is_done(answer: Message) -> bool:
    return isinstance(answer, Done)
