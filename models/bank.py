"""The bank account: the domain that the designs are compared on.

Commands and events are data. `decide` is the command handler: it looks at the state and
yields exactly one event, a success or an error, and the error is stored like any other.
`evolve` is the event handler: state comes from events and nothing else, and it holds all that
`decide` needs, including the commands already handled, so that a command sent twice finds its
recorded outcome. The invariant that a cut endangers: a balance is never negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "AccountState",
    "BankCommand",
    "BankEvent",
    "Denied",
    "Deposit",
    "Deposited",
    "Outcomes",
    "Withdraw",
    "Withdrawn",
    "decide",
    "evolve",
    "judge",
    "replay",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A request to put `amount` (in cents) into an account; `command_id` is the idempotency key."""

    command_id: int
    account: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """A request to take `amount` (in cents) out of an account."""

    command_id: int
    account: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """Money came in."""

    command_id: int
    account: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """Money went out."""

    command_id: int
    account: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A command was refused by a rule of the domain; `amount` is what it asked for, unsigned."""

    command_id: int
    account: int
    amount: int
    reason: str


BankCommand = Deposit | Withdraw
BankEvent = Deposited | Withdrawn | Denied


class Outcomes:
    """What each command led to, as an immutable map that grows in constant time.

    All versions share one dictionary and each sees only its first `count` insertions. To add
    to the newest version is O(1); to add to an older one copies, so either way the version
    that was added to is unchanged, and `evolve` stays a pure function.
    """

    __slots__ = ("_count", "_shared")

    def __init__(self) -> None:
        self._shared: dict[int, tuple[int, BankEvent]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcomes) and self._seen() == other._seen()

    def __hash__(self) -> int:
        raise TypeError("Outcomes is compared, never hashed")

    def get(self, command_id: int) -> BankEvent | None:
        """The event that a command led to, None if it was never handled."""
        found = self._shared.get(command_id)
        return found[1] if found is not None and found[0] < self._count else None

    def with_event(self, event: BankEvent) -> Outcomes:
        """This map and the outcome of one more command; an outcome once recorded stays."""
        if self.get(event.command_id) is not None:
            return self
        grown = Outcomes()
        if len(self._shared) == self._count:
            grown._shared = self._shared
        else:
            kept = list(self._shared.items())[: self._count]
            grown._shared = dict(kept)
        grown._shared[event.command_id] = (self._count, event)
        grown._count = self._count + 1
        return grown

    def _seen(self) -> list[tuple[int, BankEvent]]:
        return [value for value in self._shared.values() if value[0] < self._count]


class AccountState(NamedTuple):
    """An account as its events left it; `version` counts them, errors included."""

    balance: int
    version: int
    outcomes: Outcomes

    @staticmethod
    def opened(balance: int) -> AccountState:
        """An account without history that holds the opening balance."""
        return AccountState(balance, 0, Outcomes())


def decide(state: AccountState, command: BankCommand) -> BankEvent:
    """The one event that a command leads to in a state; a refusal is an event, never an exception.

    A command handled before yields the event recorded then, which is not to be stored again.
    """
    recorded = state.outcomes.get(command.command_id)
    return judge(state.balance, command) if recorded is None else recorded


def judge(balance: int, command: BankCommand) -> BankEvent:
    """The rule itself, for a command not handled before: money is there or the answer is no."""
    command_id, account, amount = command.command_id, command.account, command.amount
    if amount <= 0:
        return Denied(command_id=command_id, account=account, amount=amount, reason="amount not positive")
    if command.__class__ is Deposit:
        return Deposited(command_id=command_id, account=account, amount=amount)
    if amount > balance:
        return Denied(command_id=command_id, account=account, amount=amount, reason="insufficient funds")
    return Withdrawn(command_id=command_id, account=account, amount=amount)


def evolve(state: AccountState, event: BankEvent) -> AccountState:
    """The state after an event; pure, and total over the events of the account."""
    balance = state.balance + effect(event)
    return AccountState(balance, state.version + 1, state.outcomes.with_event(event))


def effect(event: BankEvent) -> int:
    """What an event adds to the balance."""
    if event.__class__ is Deposited:
        return event.amount
    return -event.amount if event.__class__ is Withdrawn else 0


def replay(opening_balance: int, events: Iterable[BankEvent]) -> AccountState:
    """The state that a stream of events leads to."""
    state = AccountState.opened(opening_balance)
    for event in events:
        state = evolve(state, event)
    return state
