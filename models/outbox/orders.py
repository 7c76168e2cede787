"""A customer's orders: each is an event that carries the messages to be handed on, so that both are one append.

Messages are numbered by customer, over all topics: that is the order in which consumers are to get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant
from models.outbox.words import Outgoing

__all__ = ["Customer", "Orders", "Place", "Placed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Command):
    """A request to order for `amount`."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Event):
    """An order was placed; `outbox` is what others are to hear of it."""

    amount: int
    outbox: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(State):
    """What a customer has ordered, and how many messages that has led to."""

    total: int = 0
    messages: int = 0


class Orders(Domain[Customer], name="orders", number=28):
    """Orders, of which billing and shipping are to hear."""

    #: Topics of the messages that its events carry.
    TOPICS: ClassVar[tuple[str, ...]] = ("billing", "shipping")

    def initial(self) -> Customer:
        """Nothing yet."""
        return Customer()

    @decides
    def place(self, state: Customer, command: Place) -> Placed | Denied:
        """Any amount above nothing; billing hears first, then shipping."""
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        outbox = tuple(
            Outgoing(topic=topic, number=state.messages + place, body=command.amount)
            for place, topic in enumerate(self.TOPICS, 1)
        )
        return Placed(amount=command.amount, outbox=outbox)

    @evolves
    def placed(self, state: Customer, event: Placed) -> Customer:
        """More."""
        return Customer(total=state.total + event.amount, messages=state.messages + len(event.outbox))

    @invariant
    def every_order_is_told(self, state: Customer) -> bool:
        """Nothing is ordered of which nobody hears."""
        return (state.total > 0) == (state.messages > 0)

    def told(self, state: Customer) -> int:
        """How many messages there were."""
        return state.messages

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        return Place(amount=event.amount) if isinstance(event, Placed) else None
