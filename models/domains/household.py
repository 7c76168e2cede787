"""The accounts of one household in one ledger: money moves between them by one event that takes and gives.

The sum is kept whatever is merged, since no event changes it; that no account is overdrawn is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Accounts", "Even", "Evened", "Household", "Move", "Moved", "evened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Command):
    """A request to move `amount` from one account of the household, from 0, to another."""

    source: int
    target: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Event):
    """It was taken there and given here."""

    source: int
    target: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Even(Command):
    """A request to put on an overdrawn account what is missing, from the others."""

    account: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evened(Event):
    """What was missing on it came from the others: as much as `given` says of each, by account.

    Amounts are told rather than worked out again, so that it comes to the same in whatever order events are laid.
    """

    account: int
    given: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts(State):
    """What is on each account."""

    balances: tuple[int, ...]


def evened(state: Accounts, account: int) -> Evened:
    """What the others give to an overdrawn account, the richest first; together they have it, as the sum is kept."""
    missing = -state.balances[account]
    given = [0] * len(state.balances)
    for place in sorted(range(len(given)), key=lambda place: (-state.balances[place], place)):
        if place != account and missing > 0:
            given[place] = min(max(0, state.balances[place]), missing)
            missing -= given[place]
    return Evened(account=account, given=tuple(given))


class Household(Domain[Accounts], name="household", number=33):
    """Ledgers of a few accounts.

    Args:
        accounts: How many, at least 2.
        opening_balance: What each begins with, at least 0.
    """

    def __init__(self, accounts: int = 4, opening_balance: int = 100) -> None:
        if accounts < 2:
            raise ValueError(f"{accounts=} leaves nothing to move; give at least 2")
        if opening_balance < 0:
            raise ValueError(f"{opening_balance=} is negative; open with at least 0")
        self.accounts = accounts
        self.opening_balance = opening_balance

    def initial(self) -> Accounts:
        """The same on each."""
        return Accounts(balances=(self.opening_balance,) * self.accounts)

    @decides
    def move(self, state: Accounts, command: Move) -> Moved | Denied:
        """Between two of its accounts, and only what is there."""
        if not (0 <= command.source < self.accounts and 0 <= command.target < self.accounts):
            return Denied(reason="no such account")
        if command.source == command.target:
            return Denied(reason="to itself")
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        if command.amount > state.balances[command.source]:
            return Denied(reason="insufficient funds")
        return Moved(source=command.source, target=command.target, amount=command.amount)

    @decides
    def even(self, state: Accounts, command: Even) -> Evened | Denied:
        """Only what is overdrawn."""
        if not 0 <= command.account < self.accounts:
            return Denied(reason="no such account")
        if state.balances[command.account] >= 0:
            return Denied(reason="nothing is missing")
        return evened(state, command.account)

    @evolves
    def moved(self, state: Accounts, event: Moved) -> Accounts:
        """Less there, more here."""
        balances = list(state.balances)
        balances[event.source] -= event.amount
        balances[event.target] += event.amount
        return Accounts(balances=tuple(balances))

    @evolves
    def evened(self, state: Accounts, event: Evened) -> Accounts:
        """More there, less on the others."""
        balances = [balance - given for balance, given in zip(state.balances, event.given, strict=True)]
        balances[event.account] += sum(event.given)
        return Accounts(balances=tuple(balances))

    @invariant
    def sum_is_kept(self, state: Accounts) -> bool:
        """No money is made, none is lost."""
        return sum(state.balances) == self.accounts * self.opening_balance

    @invariant
    def never_overdrawn(self, state: Accounts) -> bool:
        """Nobody spends what is not there."""
        return min(state.balances) >= 0

    def told(self, state: Accounts) -> int:
        """What the poorest account has."""
        return min(state.balances)

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Moved():
                return Move(source=event.source, target=event.target, amount=event.amount)
            case Evened():
                return Even(account=event.account)
            case _:
                return None
