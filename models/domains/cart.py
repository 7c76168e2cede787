"""A shopping cart: lines of an article and a quantity, until it is checked out."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Added", "Basket", "Cart", "CheckOut", "CheckedOut", "Put", "Remove", "Removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Command):
    """A request to add `quantity` of an article."""

    article: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Command):
    """A request to take an article out altogether."""

    article: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOut(Command):
    """A request to buy what is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added(Event):
    """So many more of an article."""

    article: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed(Event):
    """None of an article any more."""

    article: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOut(Event):
    """It was bought, and is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket(State):
    """Pairs of article and quantity, in order of article, and whether it is closed."""

    lines: tuple[tuple[int, int], ...] = ()
    closed: bool = False


class Cart(Domain[Basket], name="cart", number=20):
    """Carts that are empty at first."""

    def initial(self) -> Basket:
        """Empty and open."""
        return Basket()

    @decides
    def put(self, state: Basket, command: Put) -> Added | Denied:
        """Some of anything, while it is open."""
        if state.closed:
            return Denied(reason="checked out")
        if command.quantity <= 0:
            return Denied(reason="quantity not positive")
        return Added(article=command.article, quantity=command.quantity)

    @decides
    def remove(self, state: Basket, command: Remove) -> Removed | Denied:
        """What is in it, while it is open."""
        if state.closed:
            return Denied(reason="checked out")
        if command.article not in dict(state.lines):
            return Denied(reason="not in the cart")
        return Removed(article=command.article)

    @decides
    def check_out(self, state: Basket, command: CheckOut) -> CheckedOut | Denied:
        """Something, once."""
        if state.closed:
            return Denied(reason="checked out")
        return CheckedOut() if state.lines else Denied(reason="empty")

    @evolves
    def added(self, state: Basket, event: Added) -> Basket:
        """A longer line."""
        lines = dict(state.lines)
        lines[event.article] = lines.get(event.article, 0) + event.quantity
        return Basket(lines=tuple(sorted(lines.items())), closed=state.closed)

    @evolves
    def removed(self, state: Basket, event: Removed) -> Basket:
        """A line less."""
        return Basket(lines=tuple(pair for pair in state.lines if pair[0] != event.article), closed=state.closed)

    @evolves
    def checked_out(self, state: Basket, event: CheckedOut) -> Basket:
        """Closed."""
        return Basket(lines=state.lines, closed=True)

    @invariant
    def something_of_each(self, state: Basket) -> bool:
        """No line is empty."""
        return all(quantity > 0 for _, quantity in state.lines)

    def told(self, state: Basket) -> int:
        """How many articles are in it, each as often as it is there."""
        return sum(quantity for _, quantity in state.lines)

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Added():
                return Put(article=event.article, quantity=event.quantity)
            case Removed():
                return Remove(article=event.article)
            case CheckedOut():
                return CheckOut()
            case _:
                return None
