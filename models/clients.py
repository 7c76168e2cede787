"""The load: open-loop clients in every region, with one retry policy for every design.

Commands arrive by a Poisson process whatever the answers, and are drawn from a generator of
their own, so two designs under one seed meet the same commands at the same instants. A client
has a list of entries to the store, the nearest first, and goes on to the next when one is silent
or cannot serve (with one entry, it stays). It tries until the deadline, always with the same
command id, and then records what it knows: *ok* (accepted), *fail* (denied by the domain, or every
attempt surely without effect), or *info* (some attempt went unanswered, so it may have happened).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple, Protocol

from models.domain import Command
from models.domains.bank_account import Deposit, Withdraw
from models.store.requests import Accepted, Conflict, Gone, InDoubt, Refused, RolledBack, Submit, Unavailable
from models.tenancy import asked_as
from sim.history import Kind, Operation, Value
from sim.host import Context, Service, Wait
from sim.topology import Location

__all__ = ["BankMix", "Client", "Drawn", "Mix", "Route", "Script", "Workload", "zipf_weights"]

#: By aggregate, where a client of a region asks: the entries to try, in order.
Route = Callable[[int], Sequence[Location]]


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
        contended: Whether aggregates of any domain are as unequally wanted as accounts, and commands as often harmless
            as deposits are made (`models.demand`); else all are alike.
        locality: Chance that a client keeps to aggregates whose primary is in its region, in [0, 1].
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
    contended: bool = False
    locality: float = 0.0
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
        if not 0 <= self.locality <= 1:
            raise ValueError(f"{self.locality=} is no chance; give a number in [0, 1]")
        if self.amount_max < self.amount_min:
            raise ValueError(f"{self.amount_max=} is below {self.amount_min=}; raise it")
        if self.ends_us <= self.begins_us:
            raise ValueError(f"{self.ends_us=} is not after {self.begins_us=}; leave time for load")
        if self.audit_us is not None and self.audit_us < self.ends_us:
            raise ValueError(f"{self.audit_us=} is before {self.ends_us=}; look when the load is over")

    def issues(self, operation: int) -> bool:
        """Whether the operation of this id is issued."""
        return self.only is None or operation in self.only


class Drawn(NamedTuple):
    """One command of the load, before anybody was asked.

    Attributes:
        aggregate: To which it is.
        command: What is asked.
        f: What the history calls it.
        value: What the history says of it; for money, the signed amount.
        tenant: Whose aggregate it is, where the client does not ask for several in turns.
    """

    aggregate: int
    command: Command
    f: str
    value: Value
    tenant: int = 0


class Draws(Protocol):
    """This much of a context's randomness."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""
        ...

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""
        ...

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        ...

    def pick(self, cumulative: Sequence[float]) -> int:
        """An index drawn by weight."""
        ...


class Mix(Protocol):
    """What clients ask for; the same number of draws whatever comes out, to keep sequences in step."""

    def draw(self, draws: Draws) -> Drawn:
        """The next command."""
        ...


class BankMix:
    """Deposits and withdrawals on accounts of a Zipf popularity, as the workload says."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._cumulative = zipf_weights(workload.accounts, workload.zipf_exponent)

    def draw(self, draws: Draws) -> Drawn:
        """Four draws."""
        workload = self._workload
        account = draws.pick(self._cumulative)
        deposit = draws.random() < workload.deposit_fraction
        amount = draws.between(workload.amount_min, workload.amount_max)
        if deposit:
            return Drawn(account, Deposit(amount=amount), "deposit", amount)
        return Drawn(account, Withdraw(amount=amount), "withdraw", -amount)


class Client(Service):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: What all clients together do.
        share: Part of the rate that falls to this one, in (0, 1].
        first_id: Command ids count up from here.
        route: Where it asks.
        mix: What it asks for, shared by all clients: it holds no state.
        tenants: For whom it asks, in turns; each counts its commands for itself, so their ids are equal.
    """

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        share: float,
        first_id: int,
        route: Route,
        mix: Mix,
        tenants: int = 1,
    ) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._mean_gap_us = 1_000_000 / (workload.rate_per_s * share)
        self._next_id = first_id
        self._route = route
        self._mix = mix
        self._tenants = tenants
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
        drawn = self._mix.draw(self._draws)
        command_id, self._next_id = self._next_id, self._next_id + 1
        self._schedule()
        return self._operate(command_id, drawn) if self._workload.issues(command_id) else None

    def _operate(self, command_id: int, drawn: Drawn) -> Generator[Wait, Any, None]:
        ctx, workload = self.ctx, self._workload
        self._record(command_id, drawn, Kind.INVOKE, drawn.value)
        deadline_us = ctx.mono_us() + workload.deadline_us
        tenant, asked_id = asked_as(command_id, self._tenants) if self._tenants > 1 else (drawn.tenant, command_id)
        request = Submit(command_id=asked_id, aggregate=drawn.aggregate, command=drawn.command, tenant=tenant)
        backoff_us = workload.backoff_us
        attempts, unanswered, reason = 0, False, ""
        while (left_us := deadline_us - ctx.mono_us()) > 0:
            answer = yield from self._ask(request, attempts, min(workload.attempt_timeout_us, left_us))
            attempts += 1
            if answer.__class__ is Accepted:
                self._record(command_id, drawn, Kind.OK, answer.told, answer.version)
                return
            if answer.__class__ is Refused:
                self._record(command_id, drawn, Kind.FAIL, f"denied:{answer.reason}", answer.version)
                return
            if isinstance(answer, Conflict | Gone):
                self._record(command_id, drawn, Kind.FAIL, f"refused:{type(answer).__name__.lower()}")
                return
            if isinstance(answer, InDoubt):
                self._record(command_id, drawn, Kind.INFO, None)
                return
            if isinstance(answer, Unavailable):
                reason = answer.reason
            elif isinstance(answer, RolledBack):
                reason = "rolled back"
            else:
                unanswered = True
            left_us = deadline_us - ctx.mono_us()
            if left_us > 0:
                yield ctx.sleep(min(backoff_us, left_us))
                backoff_us *= 2
        if unanswered:
            self._record(command_id, drawn, Kind.INFO, None)
        else:
            self._record(command_id, drawn, Kind.FAIL, f"refused:{reason}")

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """What an attempt is answered, None for nothing."""
        entries = self._route(request.aggregate)
        answer = yield self.ctx.call(entries[attempt % len(entries)], request, patience_us)
        return answer

    def _record(self, command_id: int, drawn: Drawn, kind: Kind, value: Value, version: int | None = None) -> None:
        self.ctx.record(Operation(command_id, kind, drawn.f, drawn.aggregate, value, version))


class Script(Client):
    """Commands by hand: the given ones at the given instants, with a client's retries and records.

    A program that comes back after a crash does not know what was answered, nor even what was sent. Told to
    repeat, it issues all that was due before once more, under the same ids: the store knows what is done.

    Args:
        ctx: Its host.
        workload: Deadline, patience and back-off; its rate and accounts are not used.
        route: Where it asks.
        plan: Triples of instant (microseconds), command id and command, each id once.
        repeats: Whether one that starts late issues what was due before too, at once.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"C1", "C2", "C13", "C14"})

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        route: Route,
        plan: Sequence[tuple[int, int, Drawn]],
        repeats: bool = False,
    ) -> None:
        super().__init__(ctx, workload, share=1.0, first_id=1, route=route, mix=BankMix(workload))
        self._plan = plan
        self._repeats = repeats

    def start(self) -> None:
        """Schedule what is still to come, and what has to be repeated."""
        now_us = self.ctx.mono_us()
        for at_us, command_id, drawn in self._plan:
            if at_us >= now_us or self._repeats:
                self.ctx.set_timer(max(0, at_us - now_us), self._operate, command_id, drawn)

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """As others do, past crash points: of a load that dies nothing would follow for the store, so only scripts."""
        entries = self._route(request.aggregate)
        self.ctx.point("C14" if attempt else "C1")
        asked = self.ctx.call(entries[attempt % len(entries)], request, patience_us)
        self.ctx.point("C2")
        answer = yield asked
        if answer is not None:
            self.ctx.point("C13")
        return answer


def zipf_weights(accounts: int, exponent: float) -> list[float]:
    """Cumulative weights of accounts 0, 1, ... in proportion to 1, 2^-s, 3^-s, ..."""
    return list(accumulate(float(k) ** -exponent for k in range(1, accounts + 1)))
