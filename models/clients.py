"""The load: open-loop clients in every region, with one retry policy for every design.

Commands arrive by a Poisson process whatever the answers, and are drawn from a generator of
their own, so two designs under one seed meet the same commands at the same instants. A client
stays with its region's entry. It tries until the deadline, always with the same command id,
and then records what it knows: *ok* (accepted), *fail* (denied by the domain, or every attempt
surely without effect), or *info* (some attempt went unanswered, so it may have happened).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from models.bank import BankCommand, Deposit, Withdraw
from models.requests import Accepted, Refused, Submit, Unavailable
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait
from sim.topology import Location

__all__ = ["Client", "Script", "Workload", "zipf_weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the clients of all regions together do.

    Attributes:
        rate_per_s: Commands a second over all regions, split equally over their clients.
        accounts: How many there are, numbered from 0, the most wanted first.
        zipf_exponent: Account k is chosen in proportion to (k + 1) to the minus this.
        deposit_fraction: Chance that a command is a deposit, in [0, 1].
        amount_min: Smallest amount, cents.
        amount_max: Largest; amounts are uniform between the two.
        opening_balance: What every account begins with, cents.
        begins_us: First instant of load.
        ends_us: Load stops before this.
        deadline_us: From the scheduled arrival to giving up.
        attempt_timeout_us: Patience with one attempt.
        backoff_us: Pause after the first failed attempt; doubles for each further one.
        audit_us: When clients read everything at every replica of their region, at rest; None for never.
        only: Ids of the operations that are issued, the others being left out; None for all. What
            an operation is does not depend on those before it, so this cuts a run down to a few.
    """

    rate_per_s: float
    accounts: int = 1_000
    zipf_exponent: float = 0.99
    deposit_fraction: float = 0.5
    amount_min: int = 1
    amount_max: int = 10_000
    opening_balance: int = 20_000
    begins_us: int = 0
    ends_us: int
    deadline_us: int = 2_000_000
    attempt_timeout_us: int = 600_000
    backoff_us: int = 100_000
    audit_us: int | None = None
    only: frozenset[int] | None = None

    def __post_init__(self) -> None:
        for name in ("rate_per_s", "accounts", "deadline_us", "attempt_timeout_us", "amount_min"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} is no load; give more than 0")
        for name in ("zipf_exponent", "opening_balance", "begins_us", "backoff_us"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)} is negative; give at least 0")
        if not 0 <= self.deposit_fraction <= 1:
            raise ValueError(f"{self.deposit_fraction=} is no share; give a number in [0, 1]")
        if self.amount_max < self.amount_min:
            raise ValueError(f"{self.amount_max=} is below {self.amount_min=}; raise it")
        if self.ends_us <= self.begins_us:
            raise ValueError(f"{self.ends_us=} is not after {self.begins_us=}; leave time for load")
        if self.audit_us is not None and self.audit_us < self.ends_us:
            raise ValueError(f"{self.audit_us=} is before {self.ends_us=}; look when the load is over")

    def issues(self, operation: int) -> bool:
        """Whether the operation of this id is issued."""
        return self.only is None or operation in self.only


class Client(Service):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: What all clients together do.
        share: Part of the rate that falls to this one, in (0, 1].
        first_id: Command ids count up from here.
        entries: The region's store for each account.
        cumulative: `zipf_weights` of the workload, shared by all clients.
    """

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        share: float,
        first_id: int,
        entries: Sequence[Location],
        cumulative: Sequence[float],
    ) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._mean_gap_us = 1_000_000 / (workload.rate_per_s * share)
        self._next_id = first_id
        self._entries = entries
        self._cumulative = cumulative
        self._draws = ctx.rng("arrivals")
        self._due_us = float(workload.begins_us)

    def start(self) -> None:
        """Schedule the first arrival; a host that restarts after the beginning stays idle."""
        if self.ctx.mono_us() <= self._workload.begins_us:
            self._schedule()

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._mean_gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            # A host that stood still, or whose clock runs fast, is late already: catch up at once.
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        command = self._draw()
        self._schedule()
        return self._operate(command) if self._workload.issues(command.command_id) else None

    def _draw(self) -> BankCommand:
        """The next command; the same four draws whichever it is, to keep the sequence in step."""
        draws, workload = self._draws, self._workload
        account = draws.pick(self._cumulative)
        kind = Deposit if draws.random() < workload.deposit_fraction else Withdraw
        amount = draws.between(workload.amount_min, workload.amount_max)
        command_id, self._next_id = self._next_id, self._next_id + 1
        return kind(command_id=command_id, account=account, amount=amount)

    def _operate(self, command: BankCommand) -> Generator[Wait, Any, None]:
        ctx, workload = self.ctx, self._workload
        self._record(command, Kind.INVOKE, command.amount if command.__class__ is Deposit else -command.amount)
        deadline_us = ctx.mono_us() + workload.deadline_us
        entry = self._entries[command.account]
        request = Submit(command=command)
        backoff_us = workload.backoff_us
        unanswered, reason = False, ""
        while (left_us := deadline_us - ctx.mono_us()) > 0:
            answer = yield ctx.call(entry, request, min(workload.attempt_timeout_us, left_us))
            if answer.__class__ is Accepted:
                self._record(command, Kind.OK, answer.balance, answer.version)
                return
            if answer.__class__ is Refused:
                self._record(command, Kind.FAIL, f"denied:{answer.reason}", answer.version)
                return
            if isinstance(answer, Unavailable):
                reason = answer.reason
            else:
                unanswered = True
            left_us = deadline_us - ctx.mono_us()
            if left_us > 0:
                yield ctx.sleep(min(backoff_us, left_us))
                backoff_us *= 2
        if unanswered:
            self._record(command, Kind.INFO, None)
        else:
            self._record(command, Kind.FAIL, f"refused:{reason}")

    def _record(self, command: BankCommand, kind: Kind, value: int | str | None, version: int | None = None) -> None:
        f = "deposit" if command.__class__ is Deposit else "withdraw"
        self.ctx.record(Operation(command.command_id, kind, f, command.account, value, version))


class Script(Client):
    """Commands by hand: the given ones at the given instants, with a client's retries and records.

    Args:
        ctx: Its host.
        workload: Deadline, patience and back-off; its rate and accounts are not used.
        entries: The region's store for each account.
        plan: Pairs of instant (microseconds) and command, each command id once.
    """

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        entries: Sequence[Location],
        plan: Sequence[tuple[int, BankCommand]],
    ) -> None:
        super().__init__(ctx, workload, share=1.0, first_id=1, entries=entries, cumulative=(1.0,))
        self._plan = plan

    def start(self) -> None:
        """Schedule what is still to come."""
        now_us = self.ctx.mono_us()
        for at_us, command in self._plan:
            if at_us >= now_us:
                self.ctx.set_timer(at_us - now_us, self._operate, command)


def zipf_weights(accounts: int, exponent: float) -> list[float]:
    """Cumulative weights of accounts 0, 1, ... in proportion to 1, 2^-s, 3^-s, ..."""
    return list(accumulate(float(k) ** -exponent for k in range(1, accounts + 1)))
