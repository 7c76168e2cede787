"""A closing barrier: where an auction takes bids, and when its lot may be given away."""

import pytest

from models.addressing import Scope, mint, pack_type
from models.domain import Command, Denied, Event
from models.domains.auction import Auction, Award, Awarded, Bid, BidPlaced, Close, Closed, Lot
from models.domains.counter import Counter
from models.merging import UnfitPolicy, Write, fit, meaning_of
from models.merging.policies import ClosingBarrier
from models.merging.policies.barrier import Gathered

WEST, EAST = 1, 2


class Sold:
    """An auction of two sub-domains, and what it came to."""

    def __init__(self) -> None:
        auction = Auction()
        self.policy = ClosingBarrier(auction, meaning_of(auction), (WEST, EAST))
        self.held: Gathered = self.policy.begin()
        self.writes: list[Write] = []

    def ask(self, origin: int, command: Command) -> Event | None:
        event = self.policy.decide(self.held, origin, command)
        if event is not None:
            position = 1 + len(self.writes)
            address = mint(pack_type(Scope.SERVICE, command=False, domain=1, incarnation=origin), 7, position)
            self.writes.append(Write(position, origin, position, address, event))
            self.held = self.policy.step(self.held, self.writes[-1]).held
        return event


def test_a_sub_domain_that_has_closed_takes_no_bids_and_the_other_does() -> None:
    sold = Sold()
    assert sold.ask(WEST, Close()) == Closed()
    assert sold.ask(WEST, Bid(bidder=1, amount=5)) == Denied(reason="closed")
    assert sold.ask(EAST, Bid(bidder=1, amount=5)) == BidPlaced(bidder=1, amount=5)


def test_nobody_wins_before_all_have_closed() -> None:
    sold = Sold()
    sold.ask(WEST, Bid(bidder=1, amount=5))
    assert sold.ask(WEST, Award()) == Denied(reason="bids are taken")
    sold.ask(WEST, Close())
    assert sold.ask(WEST, Award()) is None
    sold.ask(EAST, Bid(bidder=2, amount=6))
    sold.ask(EAST, Close())
    assert sold.ask(WEST, Award()) == Awarded(bidder=2, amount=6)
    assert sold.ask(EAST, Award()) == Denied(reason="sold")
    state = sold.policy.state(sold.held)
    assert state == Lot(amount=6, bidder=2, closed=True, sold=((2, 6),))
    assert sold.policy.comes_to(sold.writes, {write.address for write in sold.writes}) == state


def test_of_equal_bids_the_lower_number_leads_whichever_came_first() -> None:
    auction = Auction()
    bids = BidPlaced(bidder=2, amount=5), BidPlaced(bidder=1, amount=5)
    assert auction.replay(bids) == auction.replay(reversed(bids)) == Lot(amount=5, bidder=1)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((Bid(bidder=1, amount=0),), "too low"),
        ((Bid(bidder=1, amount=3), Bid(bidder=2, amount=3)), "too low"),
        ((Close(), Close()), "closed"),
        ((Close(), Award()), "no bid"),
    ],
)
def test_what_makes_no_sense_is_denied(asked: tuple[Command, ...], reason: str) -> None:
    auction = Auction()
    state, event = auction.initial(), None
    for command in asked:
        event = auction.decide(state, command)
        state = auction.evolve(state, event)
    assert event == Denied(reason=reason)


def test_two_who_were_told_that_they_have_it_break_the_invariant() -> None:
    auction = Auction()
    state = auction.replay((BidPlaced(bidder=1, amount=2), Awarded(bidder=1, amount=2), Awarded(bidder=2, amount=1)))
    assert auction.violated(state) == ("sold_to_the_highest",)


def test_a_domain_that_nothing_closes_is_refused() -> None:
    counter = Counter()
    with pytest.raises(UnfitPolicy, match="give its meaning barrier"):
        fit(ClosingBarrier(counter, meaning_of(counter), (WEST, EAST)), counter, asked=True)


def test_sub_domains_are_named_once() -> None:
    with pytest.raises(ValueError, match="give each once"):
        ClosingBarrier(Auction(), meaning_of(Auction()), (WEST, WEST))
