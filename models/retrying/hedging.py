"""Hedging: a second request before the first has failed, to whoever answers sooner; for idempotent calls alone.

After a delay at which most calls are answered (`delays`), the same request goes out once more, and the first good
answer counts. That cuts the tail and costs as many requests more as are slower than the delay. Every copy may be
carried out, so a call that must not be done twice cannot be hedged at any delay, and is refused.

Source: Dean and Barroso, The Tail at Scale, CACM 2013; delay, number and throttling as in gRPC's proposal A6. Other
copies are not cancelled here: what was sent is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from models.retrying.budget import BudgetOptions
from models.retrying.delays import Delay, Fixed, Observed, Of
from models.retrying.policy import Asked, End
from models.retrying.presets import PRESETS
from sim.host import Context, Wait
from sim.message import Message
from sim.topology import Location
from sim.units import duration_us
from sim.wording import Refused, way_to

__all__ = ["HedgeOptions", "Hedger", "hedge_of"]

#: As gRPC has it.
_MOST: Final = 5
_PARTS: Final = ("most", "window", "least", "of", "budget")


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeOptions:
    """When a call is sent once more.

    Attributes:
        idempotent: Whether carrying it out twice is the same as once; must be said, and be so.
        after_us: From one copy to the next, while none is answered; 0 sends all at once. None where it is `at`.
        at: The share of answers that come sooner than the next copy goes, in (0, 1), as observed; None where it is
            `after_us`.
        of: Whose answers those are.
        window: So many of the latest.
        least: Nothing is hedged before so many.
        most: Copies, the first among them.
        budget: What copies of all calls together may come to.

    Raises:
        ValueError: it is not idempotent, or a part makes no sense; all at once.
    """

    idempotent: bool
    after_us: int | None = None
    at: float | None = None
    of: Of = Of.ALL
    window: int = 100
    least: int = 20
    most: int = 2
    budget: BudgetOptions = field(default_factory=BudgetOptions)

    def __post_init__(self) -> None:
        wrong = []
        if not self.idempotent:
            wrong.append(
                "idempotent=False: every copy may be carried out, so it cannot be hedged; give the call a key that "
                "its receiver dedups by, or decide about silence by models.effects.risk"
            )
        if (self.after_us is None) == (self.at is None):
            wrong.append(f"after_us={self.after_us} and at={self.at} are not one delay; give one of them")
        if self.after_us is not None and self.after_us < 0:
            wrong.append(f"after_us={self.after_us} is negative; give at least 0")
        if self.at is not None and not 0 < self.at < 1:
            wrong.append(f"at={self.at} is no share of answers; give a number in (0, 1)")
        if not 1 <= self.least <= self.window:
            wrong.append(f"least={self.least} of window={self.window} answers: give 1 to {max(1, self.window)}")
        if not 2 <= self.most <= _MOST:
            wrong.append(f"most={self.most} is no number of copies; give 2 to {_MOST}")
        if wrong:
            raise Refused(wrong)

    def delay(self) -> Delay:
        """A new one, which has seen nothing."""
        if self.at is None:
            assert self.after_us is not None
            return Fixed(self.after_us)
        return Observed(self.at, self.of, window=self.window, least=self.least)


class Hedger:
    """One caller's hedging towards some targets.

    Args:
        ctx: The caller's.
        options: When.
        good: Whether an answer is what was asked for; of another kind the next copy does not wait.

    Attributes:
        asked: What it has done.
        won: Calls that another copy than the first answered.
    """

    def __init__(
        self, ctx: Context, options: HedgeOptions, *, good: Callable[[Message], bool] = lambda _: True
    ) -> None:
        self.ctx = ctx
        self.options = options
        self.asked = Asked()
        self.won = 0
        self._good = good
        self._budget = options.budget.make()
        self._delay = options.delay()

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
                pending.append(self._send(target(len(waits)), request(left_us), left_us))
                waits.append(pending[-1])
            elif not pending:
                return End(answer, False, len(waits), False, "budget" if held else "attempts")
            after_us = self._delay.us() if len(waits) < options.most and not held else None
            yield ctx.first([*pending, self._after(left_us if after_us is None else min(after_us, left_us))])
            for number, wait in enumerate(waits):
                if wait.done and wait.value is not None:
                    answer = wait.value
                    if self._good(wait.value):
                        self.won += number > 0
                        self._budget.succeeded(silent=True if number else None)
                        return End(answer, True, len(waits), len(waits) > 1, "")
            for _ in range(sum(wait.done for wait in pending)):
                self._budget.failed()
        return End(answer, False, len(waits), True, "deadline")

    def _send(self, to: Location, message: Message, left_us: int) -> Wait:
        self.asked.attempts += 1
        wait = self.ctx.call(to, message, left_us)
        wait.when_done(partial(self._learn, to, self.ctx.mono_us()))
        return wait

    def _learn(self, to: Location, sent_us: int, answer: Message | None) -> None:
        # A refusal says nothing of how long answers take.
        if answer is None or self._good(answer):
            self._delay.saw(to, self.ctx.mono_us() - sent_us)

    def _after(self, us: int) -> Wait:
        wait = self.ctx.wait()
        self.ctx.set_timer(us, wait.resolve, ())
        return wait


def hedge_of(words: str, *, idempotent: bool) -> HedgeOptions | None:
    """The hedging that some words mean, as in `30ms`, `p95:of=typical` or `30ms:most=3:budget=grpc`; None for "".

    A budget is that of a preset.

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """
    if not words:
        return None
    when, *told = words.split(":")
    problems: list[str] = []
    found: dict[str, Any] = {}
    try:
        if when.startswith("p"):
            found["at"] = float(when[1:]) / 100
        else:
            found["after_us"] = duration_us(when)
    except ValueError:
        problems.append(f"{words!r}: {when!r} is no delay; write a duration or a percentile, such as 30ms or p95")
    for one in told:
        name, _, value = one.partition("=")
        if name in found:
            problems.append(f"{words!r}: {name!r} is given twice; give it once")
            continue
        try:
            found[name] = _part(name, value)
        except ValueError as refused:
            problems.append(f"{words!r}: {refused}")
    if "at" not in found and "after_us" not in found:
        found["after_us"] = 0  # what else is wrong is told as well
    options: HedgeOptions | None = None
    try:
        options = HedgeOptions(idempotent=idempotent, **found)
    except Refused as refused:
        problems += (f"{words!r}: {problem}" for problem in refused.problems)
    if problems:
        raise Refused(problems)
    return options


def _part(name: str, value: str) -> int | Of | BudgetOptions:
    match name:
        case "most" | "window" | "least":
            if not value.isdecimal():
                raise ValueError(f"{name}={value!r} is not a whole number; write one")
            return int(value)
        case "of":
            if value not in list(Of):
                raise ValueError(f"of={value!r}: nobody's answers; {way_to(value, Of)}")
            return Of(value)
        case "budget":
            if value not in PRESETS:
                raise ValueError(f"budget={value!r} is no preset; {way_to(value, PRESETS)}")
            return PRESETS[value].policy.budget
    raise ValueError(f"{name!r} is no part of hedging; {way_to(name, _PARTS)}")
