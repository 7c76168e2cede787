"""Observed: a cart as a set with observed removes, a document as a map of registers of several values."""

import pytest

from models.addressing import Scope, mint, pack_type
from models.domain import Domain, Event, State
from models.domains.bank_account import BankAccount
from models.domains.cart import Added, Basket, Cart, CheckedOut, Removed
from models.domains.profile import Changed, Document, Profile
from models.merging import Merged, Opened, Resolved, UnfitPolicy, Write, fit, meaning_of
from models.merging.policies import ObservedWrites
from models.merging.policies.observed import Standing
from models.merging.writes import Output

WEST, EAST = 1, 2


def write(origin: int, position: int, event: Event, *, seen: int = 0) -> Write:
    """Of one of two sub-domains, whose writer had seen so many of the other's; time is the position."""
    type_id = pack_type(Scope.SERVICE, command=False, domain=1, incarnation=origin)
    return Write(position, origin, position, mint(type_id, 7, position), event, seen=((3 - origin, seen),))


def folded(domain: Domain[State], *writes: Write) -> tuple[Standing, ObservedWrites, list[Output]]:
    policy = ObservedWrites(domain, meaning_of(domain))
    held, outputs = policy.begin(), list[Output]()
    for one in sorted(writes):
        held, more = policy.step(held, one)
        outputs += more
    assert policy.comes_to(sorted(writes), {one.address for one in writes}) == policy.state(held)
    return held, policy, outputs


def state(domain: Domain[State], *writes: Write) -> State:
    held, policy, _ = folded(domain, *writes)
    return policy.state(held)


PUT = write(WEST, 1, Added(article=5, quantity=1))


def test_a_removal_takes_what_its_writer_had_seen() -> None:
    assert state(Cart(), PUT, write(EAST, 2, Removed(article=5), seen=1)) == Basket()


def test_what_was_put_in_beside_a_removal_stays() -> None:
    more = write(WEST, 2, Added(article=5, quantity=2))
    assert state(Cart(), PUT, more, write(EAST, 3, Removed(article=5), seen=1)) == Basket(lines=((5, 2),))


def test_a_removal_takes_nothing_of_another_article() -> None:
    removed = write(EAST, 2, Removed(article=6), seen=1)
    assert state(Cart(), PUT, removed) == Basket(lines=((5, 1),))


def test_a_cart_that_was_bought_stays_so() -> None:
    bought = write(EAST, 2, CheckedOut(), seen=1)
    assert state(Cart(), PUT, bought, write(WEST, 3, CheckedOut())) == Basket(lines=((5, 1),), closed=True)


ANN = write(WEST, 1, Changed(field="name", value="Ann"))
BEN = write(EAST, 1, Changed(field="name", value="Ben"))


def test_two_values_stand_side_by_side_and_the_conflict_is_open() -> None:
    held, policy, outputs = folded(Profile(), ANN, BEN)
    assert policy.state(held) == Document(fields=(("name", "Ann"), ("name", "Ben")))
    assert [type(one) for one in outputs] == [Merged, Merged, Opened]


def test_who_has_seen_both_ends_the_conflict() -> None:
    held, policy, outputs = folded(Profile(), ANN, BEN, write(WEST, 2, Changed(field="name", value="Cem"), seen=1))
    assert policy.state(held) == Document(fields=(("name", "Cem"),))
    opened, resolved = (next(one for one in outputs if isinstance(one, kind)) for kind in (Opened, Resolved))
    assert isinstance(opened, Opened)
    assert isinstance(resolved, Resolved)
    assert opened.key == resolved.key


@pytest.mark.parametrize(
    "event", [Changed(field="name", value="Ann"), Changed(field="mail", value="b@c"), Changed(field="name", value=None)]
)
def test_the_same_value_another_field_and_none_are_no_conflict(event: Event) -> None:
    _, _, outputs = folded(Profile(), ANN, write(EAST, 1, event))
    assert [type(one) for one in outputs] == [Merged, Merged]


def test_what_everybody_has_seen_is_joined_and_removed_as_before() -> None:
    held, policy, _ = folded(Cart(), PUT, write(EAST, 1, Added(article=5, quantity=2)))
    known = policy.forget(held, ((WEST, 1), (EAST, 1)))
    assert [one.event for one in known.events] == [Added(article=5, quantity=3)]
    assert policy.state(known) == policy.state(held)
    after = policy.step(known, write(EAST, 2, Removed(article=5), seen=1)).held
    assert policy.state(after) == Basket()


def test_a_domain_of_which_nothing_is_said_is_refused() -> None:
    bank = BankAccount()
    with pytest.raises(UnfitPolicy, match="give its meaning observed"):
        fit(ObservedWrites(bank, meaning_of(bank)), bank)
