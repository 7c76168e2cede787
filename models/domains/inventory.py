"""The stock of one article: no more is promised than is there, and nothing is shipped that was not promised."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = [
    "Cancel",
    "Cancelled",
    "Inventory",
    "Receive",
    "Received",
    "Reserve",
    "Reserved",
    "Ship",
    "Shipped",
    "Stock",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive(Command):
    """A request to put `quantity` on the shelf."""

    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve(Command):
    """A request to keep `quantity` for an order."""

    order: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """A request to give back what an order keeps."""

    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship(Command):
    """A request to send what an order keeps."""

    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Event):
    """So many came."""

    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved(Event):
    """So many are kept for an order."""

    order: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Event):
    """What an order kept is free again."""

    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped(Event):
    """What an order kept has left."""

    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock(State):
    """What is on the shelf, and of it what is kept, as pairs of order and quantity in order of number."""

    on_hand: int
    kept: tuple[tuple[int, int], ...] = ()

    @property
    def free(self) -> int:
        """What can still be promised."""
        return self.on_hand - sum(quantity for _, quantity in self.kept)

    def of(self, order: int) -> int:
        """What an order keeps."""
        return next((quantity for number, quantity in self.kept if number == order), 0)

    def without(self, order: int) -> tuple[tuple[int, int], ...]:
        """What all other orders keep."""
        return tuple(pair for pair in self.kept if pair[0] != order)


class Inventory(Domain[Stock], name="inventory", number=18):
    """Articles of which there is none at first."""

    def initial(self) -> Stock:
        """An empty shelf."""
        return Stock(on_hand=0)

    @decides
    def receive(self, state: Stock, command: Receive) -> Received | Denied:
        """Goods are counted in."""
        return Received(quantity=command.quantity) if command.quantity > 0 else Denied(reason="quantity not positive")

    @decides
    def reserve(self, state: Stock, command: Reserve) -> Reserved | Denied:
        """No more than is free, and once for each order."""
        if command.quantity <= 0:
            return Denied(reason="quantity not positive")
        if state.of(command.order):
            return Denied(reason="already reserved")
        if command.quantity > state.free:
            return Denied(reason="out of stock")
        return Reserved(order=command.order, quantity=command.quantity)

    @decides
    def cancel(self, state: Stock, command: Cancel) -> Cancelled | Denied:
        """Only what is kept can be given back."""
        return Cancelled(order=command.order) if state.of(command.order) else Denied(reason="nothing reserved")

    @decides
    def ship(self, state: Stock, command: Ship) -> Shipped | Denied:
        """Only what is kept can be sent."""
        return Shipped(order=command.order) if state.of(command.order) else Denied(reason="nothing reserved")

    @evolves
    def received(self, state: Stock, event: Received) -> Stock:
        """A fuller shelf."""
        return Stock(on_hand=state.on_hand + event.quantity, kept=state.kept)

    @evolves
    def reserved(self, state: Stock, event: Reserved) -> Stock:
        """The same shelf, less of it free."""
        kept = (*state.without(event.order), (event.order, state.of(event.order) + event.quantity))
        return Stock(on_hand=state.on_hand, kept=tuple(sorted(kept)))

    @evolves
    def cancelled(self, state: Stock, event: Cancelled) -> Stock:
        """The same shelf, more of it free."""
        return Stock(on_hand=state.on_hand, kept=state.without(event.order))

    @evolves
    def shipped(self, state: Stock, event: Shipped) -> Stock:
        """An emptier shelf."""
        return Stock(on_hand=state.on_hand - state.of(event.order), kept=state.without(event.order))

    @invariant
    def never_oversold(self, state: Stock) -> bool:
        """What is promised is there."""
        return state.free >= 0

    def told(self, state: Stock) -> int:
        """What is on hand, kept for an order or not."""
        return state.on_hand

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Received():
                return Receive(quantity=event.quantity)
            case Reserved():
                return Reserve(order=event.order, quantity=event.quantity)
            case Cancelled():
                return Cancel(order=event.order)
            case Shipped():
                return Ship(order=event.order)
            case _:
                return None
