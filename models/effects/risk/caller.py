"""A caller that charges: open loop, each charge under a rule that decides about silence.

It keeps what happened to each charge as it saw it. What really happened stands in the payee's book.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from models.effects.retrying import Attempt, Known, Move
from models.effects.risk.hearing import Hearing
from models.effects.risk.rules import TimedPolicy
from models.effects.risk.words import Charge, Charged, ChargeIs, PayeeBeat, WhatOfCharge
from models.retrying.budget import BudgetOptions
from sim.host import Context, Service, Wait, handles
from sim.topology import Location
from sim.wording import Refused

__all__ = ["Caller", "CallerOptions", "End"]

#: A question for the outcome waits for its answer so long.
_ASK_US: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerOptions:
    """Whom a caller charges, how often, and by which rules.

    Attributes:
        payee: Who takes charges.
        rules: Taken in turns; charge n is under rule n modulo their number.
        rate_per_s: Charges a second, at exponential intervals.
        begins_us: From when.
        ends_us: To when, exclusive.
        beat_us: Of the payee's heartbeats.
        budget: What retries of all charges together may come to.
    """

    payee: Location
    rules: tuple[TimedPolicy, ...]
    rate_per_s: float
    begins_us: int
    ends_us: int
    beat_us: int
    budget: BudgetOptions = field(default_factory=BudgetOptions)

    def __post_init__(self) -> None:
        wrong = []
        if not self.rules:
            wrong.append("rules is empty; give one")
        if not self.rate_per_s > 0:
            wrong.append(f"rate_per_s={self.rate_per_s} charges nobody; give more than 0")
        if not 0 <= self.begins_us < self.ends_us:
            wrong.append(f"begins_us={self.begins_us} and ends_us={self.ends_us} are no range; give 0 <= begin < end")
        if self.beat_us < 1:
            wrong.append(f"beat_us={self.beat_us} is no interval; give at least 1")
        if wrong:
            raise Refused(wrong)


@dataclass(slots=True)
class End:
    """One charge, as its caller saw it.

    Attributes:
        key: Which; its rule is this modulo the number of rules.
        sent_us: When it was first sent, by the caller's monotonic clock.
        attempts: How often.
        answered_us: When it was known to be done; None while it is not.
        parked_us: When it was left in doubt; None if it was not.
        refused: How often the budget refused a retry.
        known: What was known when it was parked.
    """

    key: int
    sent_us: int
    attempts: int = 0
    answered_us: int | None = None
    parked_us: int | None = None
    refused: int = 0
    known: Known | None = None


class Caller(Service):
    """Charges, and decides about silence.

    Attributes:
        ends: Every charge, in order.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"parked", "charged-again"})

    def __init__(self, ctx: Context, options: CallerOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self._draws = ctx.rng("charges")
        self._budget = options.budget.make()
        self._hearing = Hearing(options.beat_us, 0)
        self.ends: list[End] = []

    def start(self) -> None:
        """Begin to listen and to charge; one that restarts after the beginning stays idle."""
        now_us = self.ctx.mono_us()
        self._hearing = Hearing(self._options.beat_us, now_us)
        if now_us <= self._options.begins_us:
            self.ctx.set_timer(self._options.begins_us - now_us, self._next)

    @handles(PayeeBeat)
    def on_beat(self, msg: PayeeBeat, sender: Location) -> None:
        """The payee lives."""
        self._hearing.heard(msg.sent_us, self.ctx.now_us())

    def _next(self) -> None:
        self.ctx.set_timer(max(1, round(self._draws.exponential(1_000_000 / self._options.rate_per_s))), self._charge)

    def _charge(self) -> Generator[Wait, Any, None] | None:
        now_us = self.ctx.mono_us()
        if now_us >= self._options.ends_us:
            return None
        self._next()
        end = End(len(self.ends), now_us)
        self.ends.append(end)
        return self._carry_out(end, self._options.rules[end.key % len(self._options.rules)])

    def _carry_out(self, end: End, rule: TimedPolicy) -> Generator[Wait, Any, None]:
        ctx = self.ctx
        sent: list[int] = []
        waits: list[Wait] = []
        token, undone = 0, False
        self._budget.asked(end.sent_us)
        while True:
            known = self._known(sent, undone)
            move = rule.move(known)
            refused = move is Move.ACT and bool(sent) and not self._budget.may_retry(ctx.mono_us(), silent=True)
            if refused:
                end.refused += 1
                move = Move.WAIT
            if move is Move.LEAVE:
                end.parked_us, end.known = ctx.mono_us(), known
                ctx.note("parked", end.key)
                return
            token += 1
            if move is Move.ACT:
                if sent:
                    ctx.note("charged-again", end.key)
                sent.append(ctx.mono_us())
                end.attempts, undone = len(sent), False
                # Patient to the end: a late answer to any attempt ends the matter.
                waits.append(ctx.call(self._options.payee, Charge(key=end.key, token=token, amount=1), 1 << 50))
                known = self._known(sent, undone)
            if move is Move.ASK:
                question = ctx.call(self._options.payee, WhatOfCharge(key=end.key, token=token), _ASK_US)
                done = yield ctx.first([*waits, question, self._after(_ASK_US)])
            else:
                done = yield ctx.first([*waits, self._after(self._options.beat_us if refused else rule.next_us(known))])
            answers = [value for _, value in done if value is not None and value != ()]
            if any(isinstance(one, Charged) or (isinstance(one, ChargeIs) and one.receipt) for one in answers):
                end.answered_us = ctx.mono_us()
                self._budget.succeeded(silent=True if len(sent) > 1 else None)
                return
            undone = undone or any(isinstance(one, ChargeIs) for one in answers)
            # A refusal is an answer too, after which there is nothing to wait for.
            waits = [wait for wait in waits if not wait.done]
            if move is Move.ASK and not undone:
                yield ctx.first([*waits, self._after(self._options.beat_us)])

    def _known(self, sent: list[int], undone: bool) -> Known:
        now_us = self.ctx.mono_us()
        return Known(
            may_have_acted=bool(sent),
            attempts=len(sent),
            silence_us=now_us - sent[-1] if sent else 0,
            undone=undone,
            tries=tuple(Attempt(silence_us=now_us - one, gap=self._hearing.gap(one, now_us)) for one in sent),
            hears=self._hearing.hears(now_us),
        )

    def _after(self, us: int) -> Wait:
        """A wait that ends with a value, as one without never ends what waits for the first."""
        wait = self.ctx.wait()
        self.ctx.set_timer(us, wait.resolve, ())
        return wait
