"""One transfer between two accounts, step by step: what it has done and still owes.

The accounts are aggregates of their own; this one is the memory of whoever moves the money.
Either both steps are done, or what was taken is given back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = [
    "Abandon",
    "Abandoned",
    "Credited",
    "Debited",
    "Order",
    "Ordered",
    "RecordCredit",
    "RecordDebit",
    "RecordRefund",
    "Refunded",
    "Step",
    "Transfer",
    "TransferState",
]


class Step(StrEnum):
    """How far a transfer is."""

    NEW = "new"
    ORDERED = "ordered"
    DEBITED = "debited"
    DONE = "done"
    OWED = "owed"  # taken, could not be given, to be given back
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Command):
    """A request to move `amount` from one account to another."""

    source: int
    target: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDebit(Command):
    """The source account has been debited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCredit(Command):
    """The target account has been credited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefund(Command):
    """The source account has been given back what was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon(Command):
    """A step was refused; go back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Event):
    """Money is to move."""

    source: int
    target: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Debited(Event):
    """It was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited(Event):
    """It was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded(Event):
    """It was given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned(Event):
    """It will not be given; `owed` says whether it was taken."""

    owed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferState(State):
    """What is known of a transfer; `taken` and `given` count, so that a step done twice is seen."""

    step: Step = Step.NEW
    source: int = 0
    target: int = 0
    amount: int = 0
    taken: int = 0
    given: int = 0


class Transfer(Domain[TransferState], name="transfer", number=17):
    """Transfers, each of which happens once or not at all."""

    def initial(self) -> TransferState:
        """Not ordered yet."""
        return TransferState()

    @decides
    def order(self, state: TransferState, command: Order) -> Ordered | Denied:
        """Some amount, between two accounts, once."""
        if state.step is not Step.NEW:
            return Denied(reason="ordered before")
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        if command.source == command.target:
            return Denied(reason="to itself")
        return Ordered(source=command.source, target=command.target, amount=command.amount)

    @decides
    def record_debit(self, state: TransferState, command: RecordDebit) -> Debited | Denied:
        """Only an ordered one is debited."""
        return Debited() if state.step is Step.ORDERED else Denied(reason=f"is {state.step}")

    @decides
    def record_credit(self, state: TransferState, command: RecordCredit) -> Credited | Denied:
        """Only a debited one is credited."""
        return Credited() if state.step is Step.DEBITED else Denied(reason=f"is {state.step}")

    @decides
    def record_refund(self, state: TransferState, command: RecordRefund) -> Refunded | Denied:
        """Only what is owed is given back."""
        return Refunded() if state.step is Step.OWED else Denied(reason=f"is {state.step}")

    @decides
    def abandon(self, state: TransferState, command: Abandon) -> Abandoned | Denied:
        """Until it is done."""
        if state.step not in (Step.ORDERED, Step.DEBITED):
            return Denied(reason=f"is {state.step}")
        return Abandoned(owed=state.step is Step.DEBITED)

    @evolves
    def ordered(self, state: TransferState, event: Ordered) -> TransferState:
        """What is to move."""
        return TransferState(step=Step.ORDERED, source=event.source, target=event.target, amount=event.amount)

    @evolves
    def debited(self, state: TransferState, event: Debited) -> TransferState:
        """Half way."""
        return replace(state, step=Step.DEBITED, taken=state.taken + 1)

    @evolves
    def credited(self, state: TransferState, event: Credited) -> TransferState:
        """There."""
        return replace(state, step=Step.DONE, given=state.given + 1)

    @evolves
    def refunded(self, state: TransferState, event: Refunded) -> TransferState:
        """Back."""
        return replace(state, step=Step.ABANDONED, given=state.given + 1)

    @evolves
    def abandoned(self, state: TransferState, event: Abandoned) -> TransferState:
        """Not there, and perhaps not back yet."""
        return replace(state, step=Step.OWED if event.owed else Step.ABANDONED)

    @invariant
    def once_each(self, state: TransferState) -> bool:
        """Nothing is taken or given twice, and nothing is given that was not taken."""
        return 0 <= state.given <= state.taken <= 1

    @invariant
    def finished_means_even(self, state: TransferState) -> bool:
        """A transfer that is over has given as often as it took."""
        return state.step not in (Step.DONE, Step.ABANDONED) or state.given == state.taken

    def told(self, state: TransferState) -> str:
        """How far it is."""
        return state.step.value

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Ordered():
                return Order(source=event.source, target=event.target, amount=event.amount)
            case Debited():
                return RecordDebit()
            case Credited():
                return RecordCredit()
            case Refunded():
                return RecordRefund()
            case Abandoned():
                return Abandon()
            case _:
                return None
