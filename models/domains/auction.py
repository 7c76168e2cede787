"""An auction of one lot: the highest bid has it once bids are closed.

Split, it needs a barrier: the lot may be given away only when every sub-domain has closed, since until then somewhere a
higher bid may have been accepted (`models.merging.policies.barrier`). Bids commute: the highest is the highest.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Auction", "Award", "Awarded", "Bid", "BidPlaced", "Close", "Closed", "Lot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid(Command):
    """A request of `bidder` to have the lot for `amount`."""

    bidder: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command):
    """A request to take no more bids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Award(Command):
    """A request to give the lot to the highest bidder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BidPlaced(Event):
    """`bidder` would pay `amount`."""

    bidder: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """No more bids are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awarded(Event):
    """`bidder` has the lot, for `amount`."""

    bidder: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot(State):
    """The highest bid, 0 of nobody where there is none, whether bids are closed, and to whom it went for what."""

    amount: int = 0
    bidder: int = 0
    closed: bool = False
    sold: tuple[tuple[int, int], ...] = ()


class Auction(Domain[Lot], name="auction", number=31):
    """Auctions in which any first bid is good, and each further one must be higher."""

    def initial(self) -> Lot:
        """No bid yet."""
        return Lot()

    @decides
    def bid(self, state: Lot, command: Bid) -> BidPlaced | Denied:
        """More than was bid so far, while bids are taken."""
        if state.closed:
            return Denied(reason="closed")
        if command.amount <= state.amount:
            return Denied(reason="too low")
        return BidPlaced(bidder=command.bidder, amount=command.amount)

    @decides
    def close(self, state: Lot, command: Close) -> Closed | Denied:
        """Once."""
        return Denied(reason="closed") if state.closed else Closed()

    @decides
    def award(self, state: Lot, command: Award) -> Awarded | Denied:
        """To the highest bidder, when no more bids are taken, and once."""
        if not state.closed:
            return Denied(reason="bids are taken")
        if state.sold:
            return Denied(reason="sold")
        if not state.amount:
            return Denied(reason="no bid")
        return Awarded(bidder=state.bidder, amount=state.amount)

    @evolves
    def bid_placed(self, state: Lot, event: BidPlaced) -> Lot:
        """The higher one; of equal ones that of the lower number, whichever came first."""
        amount, other = max((state.amount, -state.bidder), (event.amount, -event.bidder))
        return Lot(amount=amount, bidder=-other, closed=state.closed, sold=state.sold)

    @evolves
    def was_closed(self, state: Lot, event: Closed) -> Lot:
        """Closed."""
        return Lot(amount=state.amount, bidder=state.bidder, closed=True, sold=state.sold)

    @evolves
    def awarded(self, state: Lot, event: Awarded) -> Lot:
        """Theirs; two who were told so stay two, so that the invariant sees them."""
        sold = tuple(sorted({*state.sold, (event.bidder, event.amount)}))
        return Lot(amount=state.amount, bidder=state.bidder, closed=state.closed, sold=sold)

    @invariant
    def sold_to_the_highest(self, state: Lot) -> bool:
        """Nobody has it who was outbid, and nobody else has it too."""
        return state.sold in ((), ((state.bidder, state.amount),))

    def told(self, state: Lot) -> int:
        """The highest bid."""
        return state.amount

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case BidPlaced():
                return Bid(bidder=event.bidder, amount=event.amount)
            case Closed():
                return Close()
            case Awarded():
                return Award()
            case _:
                return None
