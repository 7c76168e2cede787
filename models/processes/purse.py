"""A purse: money that can be taken and given, up to a ceiling; and what was taken can always be given back.

It is a participant of processes. A step that its process gives up is *cancelled*: a command that is always denied is
submitted under the step's own key. Of the two the store decides one, and the other gets the same answer, however
late it comes; so a cancelled step never happens afterwards. That rests on stored denials.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Cancel", "Give", "GiveBack", "Given", "GivenBack", "Purse", "PurseState", "Take", "Taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Command):
    """A request to take `amount` out."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Give(Command):
    """A request to put `amount` in."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Command):
    """A request to put back what was taken."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """A request that a step whose key it bears shall not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Event):
    """Money went out."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Event):
    """Money came in."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack(Event):
    """Money came back."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseState(State):
    """What is in it."""

    balance: int


class Purse(Domain[PurseState], name="purse", number=25):
    """Purses that begin alike.

    Args:
        opening_balance: What each begins with.
        ceiling: No more may be given than makes this; what comes back may exceed it. 0 for none: nothing is too much.
    """

    def __init__(self, opening_balance: int = 0, ceiling: int = 1_000_000) -> None:
        if not (0 <= opening_balance <= ceiling or (not ceiling and opening_balance >= 0)):
            raise ValueError(
                f"{opening_balance=} is not between 0 and {ceiling=}; raise the ceiling, or give 0 for none"
            )
        self.opening_balance = opening_balance
        self.ceiling = ceiling

    def initial(self) -> PurseState:
        """As all begin."""
        return PurseState(balance=self.opening_balance)

    @decides
    def take(self, state: PurseState, command: Take) -> Taken | Denied:
        """The money must be there."""
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        return Taken(amount=command.amount) if command.amount <= state.balance else Denied(reason="insufficient funds")

    @decides
    def give(self, state: PurseState, command: Give) -> Given | Denied:
        """There must be room for it."""
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        if self.ceiling and state.balance + command.amount > self.ceiling:
            return Denied(reason="full")
        return Given(amount=command.amount)

    @decides
    def give_back(self, state: PurseState, command: GiveBack) -> GivenBack:
        """Always: a compensation that may be refused compensates nothing."""
        return GivenBack(amount=command.amount)

    @decides
    def cancel(self, state: PurseState, command: Cancel) -> Denied:
        """Never: that it was asked is what counts."""
        return Denied(reason="cancelled")

    @evolves
    def taken(self, state: PurseState, event: Taken) -> PurseState:
        """Less."""
        return PurseState(balance=state.balance - event.amount)

    @evolves
    def given(self, state: PurseState, event: Given) -> PurseState:
        """More."""
        return PurseState(balance=state.balance + event.amount)

    @evolves
    def given_back(self, state: PurseState, event: GivenBack) -> PurseState:
        """As before."""
        return PurseState(balance=state.balance + event.amount)

    @invariant
    def never_overdrawn(self, state: PurseState) -> bool:
        """Nobody takes what is not there."""
        return state.balance >= 0

    def told(self, state: PurseState) -> int:
        """What is in it."""
        return state.balance

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Taken():
                return Take(amount=event.amount)
            case Given():
                return Give(amount=event.amount)
            case GivenBack():
                return GiveBack(amount=event.amount)
            case _:
                return None
