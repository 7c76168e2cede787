"""A bank account: what is on it is never less than nothing, unless a cut lets two sides spend it."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Account", "BankAccount", "Deposit", "Deposited", "Withdraw", "Withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Command):
    """A request to put `amount` (in cents) into the account."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Command):
    """A request to take `amount` (in cents) out of it."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited(Event):
    """Money came in."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(Event):
    """Money went out."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(State):
    """What is on the account, in cents."""

    balance: int


class BankAccount(Domain[Account], name="bank-account", number=16):
    """Accounts that begin with what the bank gives.

    Args:
        opening_balance: Cents.
    """

    def __init__(self, opening_balance: int = 0) -> None:
        if opening_balance < 0:
            raise ValueError(f"{opening_balance=} is negative; open with at least 0")
        self.opening_balance = opening_balance

    def initial(self) -> Account:
        """What the bank gives."""
        return Account(balance=self.opening_balance)

    @decides
    def deposit(self, state: Account, command: Deposit) -> Deposited | Denied:
        """Any amount above nothing is welcome."""
        return Deposited(amount=command.amount) if command.amount > 0 else Denied(reason="amount not positive")

    @decides
    def withdraw(self, state: Account, command: Withdraw) -> Withdrawn | Denied:
        """The money must be there."""
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        if command.amount > state.balance:
            return Denied(reason="insufficient funds")
        return Withdrawn(amount=command.amount)

    @evolves
    def deposited(self, state: Account, event: Deposited) -> Account:
        """More."""
        return Account(balance=state.balance + event.amount)

    @evolves
    def withdrawn(self, state: Account, event: Withdrawn) -> Account:
        """Less."""
        return Account(balance=state.balance - event.amount)

    @invariant
    def never_overdrawn(self, state: Account) -> bool:
        """Nobody spends what is not there."""
        return state.balance >= 0

    def told(self, state: Account) -> int:
        """What is on it, in cents."""
        return state.balance

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Deposited():
                return Deposit(amount=event.amount)
            case Withdrawn():
                return Withdraw(amount=event.amount)
            case _:
                return None
