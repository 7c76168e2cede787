"""Hedging: a second request before the first has failed, to whoever answers sooner; for idempotent calls alone.

After a delay at which most calls are answered, the same request goes out once more, and the first good answer counts.
That cuts the tail and costs as many requests more as are slower than the delay. Every copy may be carried out, so a
call that must not be done twice cannot be hedged at any delay, and is refused.

Source: Dean and Barroso, The Tail at Scale, CACM 2013; delay, number and throttling as in gRPC's proposal A6. Other
copies are not cancelled here: what was sent is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

from models.retrying.budget import BudgetOptions
from models.retrying.policy import Asked, End
from sim.host import Context, Wait
from sim.message import Message
from sim.topology import Location
from sim.wording import Refused

__all__ = ["HedgeOptions", "Hedger"]

#: As gRPC has it.
_MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeOptions:
    """When a call is sent once more.

    Attributes:
        idempotent: Whether carrying it out twice is the same as once; must be said, and be so.
        after_us: From one copy to the next, while none is answered; 0 sends all at once.
        most: Copies, the first among them.
        budget: What copies of all calls together may come to.

    Raises:
        ValueError: it is not idempotent, or a part makes no sense; all at once.
    """

    idempotent: bool
    after_us: int
    most: int = 2
    budget: BudgetOptions = field(default_factory=BudgetOptions)

    def __post_init__(self) -> None:
        wrong = []
        if not self.idempotent:
            wrong.append(
                "idempotent=False: every copy may be carried out, so it cannot be hedged; give the call a key that "
                "its receiver dedups by, or decide about silence by models.effects.risk"
            )
        if self.after_us < 0:
            wrong.append(f"after_us={self.after_us} is negative; give at least 0")
        if not 2 <= self.most <= _MOST:
            wrong.append(f"most={self.most} is no number of copies; give 2 to {_MOST}")
        if wrong:
            raise Refused(wrong)


class Hedger:
    """One caller's hedging towards some targets.

    Args:
        ctx: The caller's.
        options: When.
        good: Whether an answer is what was asked for; of another kind the next copy does not wait.

    Attributes:
        asked: What it has done.
    """

    def __init__(
        self, ctx: Context, options: HedgeOptions, *, good: Callable[[Message], bool] = lambda _: True
    ) -> None:
        self.ctx = ctx
        self.options = options
        self.asked = Asked()
        self._good = good
        self._budget = options.budget.make()

    def call(
        self, target: Callable[[int], Location], request: Callable[[int], Message], deadline_us: int
    ) -> Generator[Wait, Any, End]:
        """Ask until there is a good answer or the deadline; arguments as of `Retrier.call`."""
        ctx, options = self.ctx, self.options
        self.asked.requests += 1
        self._budget.asked(ctx.mono_us())
        waits: list[Wait] = []
        answer: Message | None = None
        held = False
        while (left_us := deadline_us - ctx.mono_us()) > 0:
            pending = [wait for wait in waits if not wait.done]
            if len(waits) < options.most and not held:
                if waits and not self._budget.may_retry(ctx.mono_us(), silent=bool(pending)):
                    self.asked.refused_by_budget += 1
                    held = True
                    continue
                self.asked.attempts += 1
                waits.append(ctx.call(target(len(waits)), request(left_us), left_us))
                pending.append(waits[-1])
            elif not pending:
                return End(answer, False, len(waits), False, "budget" if held else "attempts")
            more = len(waits) < options.most and not held
            yield ctx.first([*pending, self._after(min(options.after_us, left_us) if more else left_us)])
            for number, wait in enumerate(waits):
                if wait.done and wait.value is not None:
                    answer = wait.value
                    if self._good(wait.value):
                        self._budget.succeeded(silent=True if number else None)
                        return End(answer, True, len(waits), len(waits) > 1, "")
            if any(wait.done for wait in pending):
                self._budget.failed()
        return End(answer, False, len(waits), True, "deadline")

    def _after(self, us: int) -> Wait:
        wait = self.ctx.wait()
        self.ctx.set_timer(us, wait.resolve, ())
        return wait
