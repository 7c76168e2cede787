"""What a policy must know of a domain's events beside how they evolve: what each writes, and what makes good.

A `Meaning` is data about a domain, not part of it: whoever lays a split domain under a policy may bring another one.
Two concurrent writes that write a part in common conflict; what undoes the harm of a write that counts and should
not have (a seat given twice, money that was not there) is the *repair*. These are the shipped domains'; `readings`
says what a meaning is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from models.domain import Domain, Event
from models.domains.auction import Auction, Awarded, BidPlaced, Closed
from models.domains.bank_account import Account, BankAccount, Deposited, Withdrawn
from models.domains.cart import Added, Basket, Cart, CheckedOut, Removed
from models.domains.counter import Added as Counted
from models.domains.counter import Count, Counter
from models.domains.floored_counter import FlooredCounter
from models.domains.household import Accounts, Evened, Household, Moved, evened
from models.domains.inventory import Cancelled, Inventory, Received, Reserved, Shipped, Stock
from models.domains.profile import Changed, Document, Profile
from models.domains.seats import GivenBack, Hall, Seats, Taken
from models.domains.transfer import Transfer
from models.domains.username import Claimed, Released, Username
from models.merging.readings import WHOLE, Barrier, Leaf, Leaves, Meaning, Observed, Shares, example_of

__all__ = ["WHOLE", "Meaning", "example_of", "meaning_of"]


def meaning_of(domain: Domain[Any]) -> Meaning:
    """What is known of a shipped domain; nothing of any other."""
    return _SHIPPED.get(type(domain), Meaning())


# -- harm made good --------------------------------------------------------------------------------


def _shortfall(state: Any, _: Withdrawn) -> Deposited:
    """The bank puts in what is missing, and bears the loss."""
    return Deposited(amount=-state.balance)


def _evened(state: Any, event: Moved) -> Evened:
    """The household's other accounts put in what is missing."""
    return evened(state, event.source)


def _refill(state: Any, _: Counted) -> Counted:
    """What was given twice is bought in."""
    return Counted(n=-state.total)


# -- what writers had seen -------------------------------------------------------------------------


def _more_of(first: Event, second: Event) -> Event | None:
    if isinstance(first, CheckedOut) and isinstance(second, CheckedOut):
        return first
    if isinstance(first, Added) and isinstance(second, Added) and first.article == second.article:
        return Added(article=first.article, quantity=first.quantity + second.quantity)
    return None


#: A cart as a set with observed removes: of an article that is taken out, what was put in beside that stays.
_OBSERVED_CART: Final = Observed(
    covers=lambda later, earlier: (
        isinstance(later, Removed) and isinstance(earlier, Added) and later.article == earlier.article
    ),
    stays=lambda event: not isinstance(event, Removed),
    comes_to=lambda events: Basket(
        lines=_totals([(event.article, event.quantity) for event in events if isinstance(event, Added)]),
        closed=any(isinstance(event, CheckedOut) for event in events),
    ),
    joined=_more_of,
)
#: A document as a map of registers: of a field, every value that nobody has replaced who had seen it.
_OBSERVED_PROFILE: Final = Observed(
    covers=lambda later, earlier: later.field == earlier.field,
    stays=lambda event: event.value is not None,
    comes_to=lambda events: Document(fields=tuple(sorted({(event.field, event.value) for event in events}))),
    joined=lambda first, second: first if first == second else None,
    rivals=lambda first, second: first.field == second.field and first.value != second.value,
)


def _totals(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """By number, ascending, the sum."""
    totals: dict[int, int] = {}
    for number, quantity in pairs:
        totals[number] = totals.get(number, 0) + quantity
    return tuple(sorted(totals.items()))


# -- shares ----------------------------------------------------------------------------------------


def _parts(amount: int, count: int) -> tuple[int, ...]:
    """A whole amount in parts as equal as can be, the larger ones first."""
    each, rest = divmod(amount, count)
    return tuple(each + (place < rest) for place in range(count))


_SHARED_ACCOUNT: Final = Shares(
    apart=lambda state, count: tuple(Account(balance=part) for part in _parts(state.balance, count)),
    together=lambda shares: Account(balance=sum(share.balance for share in shares)),
    rights=lambda share: share.balance,
    moved=lambda share, rights: Account(balance=share.balance + rights),
)
_SHARED_COUNT: Final = Shares(
    apart=lambda state, count: tuple(Count(total=part) for part in _parts(state.total, count)),
    together=lambda shares: Count(total=sum(share.total for share in shares)),
    rights=lambda share: share.total,
    moved=lambda share, rights: Count(total=share.total + rights),
)
#: An order is kept in the share of the sub-domain that reserved it, and given back or sent there alone.
_SHARED_STOCK: Final = Shares(
    apart=lambda state, count: (state, *(Stock(on_hand=0) for _ in range(count - 1))),
    together=lambda shares: Stock(
        on_hand=sum(share.on_hand for share in shares),
        kept=_totals([pair for share in shares for pair in share.kept]),
    ),
    rights=lambda share: share.free,
    moved=lambda share, rights: Stock(on_hand=share.on_hand + rights, kept=share.kept),
)
#: Every seat belongs to one share for good: nobody may give away half of one, and none is passed on.
_SHARED_HALL: Final = Shares(
    apart=lambda state, count: (state, *(Hall() for _ in range(count - 1))),
    together=lambda shares: Hall(taken=tuple(sorted(pair for share in shares for pair in share.taken))),
    rights=lambda share: 0,
    moved=lambda share, rights: share,
    owner=lambda command, count: (command.seat - 1) % count,
)

#: Of every account each share has a part, and spends from that alone. A right is one unit on every account, since money
#: that is passed on must not change what the accounts have together, each for itself.
_SHARED_HOUSEHOLD: Final = Shares(
    apart=lambda state, count: tuple(
        Accounts(balances=balances)
        for balances in zip(*(_parts(balance, count) for balance in state.balances), strict=True)
    ),
    together=lambda shares: Accounts(balances=tuple(map(sum, zip(*(share.balances for share in shares), strict=True)))),
    rights=lambda share: min(share.balances),
    moved=lambda share, rights: Accounts(balances=tuple(balance + rights for balance in share.balances)),
)


# -- what people change ----------------------------------------------------------------------------

_ACCOUNT_LEAVES: Final = Leaves(
    of=lambda state: {"balance": state.balance},
    state=lambda leaves: Account(balance=_number(leaves, "balance")),
)
_COUNT_LEAVES: Final = Leaves(
    of=lambda state: {"total": state.total},
    state=lambda leaves: Count(total=_number(leaves, "total")),
)
_CART_LEAVES: Final = Leaves(
    of=lambda state: {"closed": state.closed} | {str(article): quantity for article, quantity in state.lines},
    state=lambda leaves: Basket(
        lines=tuple(sorted((int(name), _number(leaves, name)) for name in leaves if name != "closed")),
        closed=bool(leaves.get("closed")),
    ),
)
_PROFILE_LEAVES: Final = Leaves(
    of=lambda state: dict(state.fields),
    state=lambda leaves: Document(fields=tuple(sorted((name, str(value)) for name, value in leaves.items()))),
)


def _number(leaves: Mapping[str, Leaf], name: str) -> int:
    found = leaves.get(name, 0)
    assert isinstance(found, int), f"{name} is {found!r}, which is no number"
    return found


# -- all -------------------------------------------------------------------------------------------


def _shipped() -> Mapping[type[Domain[Any]], Meaning]:
    return MappingProxyType(
        {
            BankAccount: Meaning(
                parts={Deposited: lambda e: ("balance",), Withdrawn: lambda e: ("balance",)},
                repairs={Withdrawn: _shortfall},
                commuting=frozenset({Deposited, Withdrawn}),
                shares=_SHARED_ACCOUNT,
                leaves=_ACCOUNT_LEAVES,
            ),
            Counter: Meaning(
                parts={Counted: lambda e: ("total",)}, commuting=frozenset({Counted}), leaves=_COUNT_LEAVES
            ),
            FlooredCounter: Meaning(
                parts={Counted: lambda e: ("total",)},
                repairs={Counted: _refill},
                commuting=frozenset({Counted}),
                shares=_SHARED_COUNT,
                leaves=_COUNT_LEAVES,
            ),
            Inventory: Meaning(
                parts={
                    Received: lambda e: ("stock",),
                    Reserved: lambda e: ("stock", f"order {e.order}"),
                    Cancelled: lambda e: (f"order {e.order}",),
                    Shipped: lambda e: (f"order {e.order}",),
                },
                repairs={Reserved: lambda state, e: Cancelled(order=e.order)},
                shares=_SHARED_STOCK,
            ),
            Seats: Meaning(
                parts={Taken: lambda e: (f"seat {e.seat}",), GivenBack: lambda e: (f"seat {e.seat}",)},
                repairs={Taken: lambda state, e: GivenBack(seat=e.seat, person=e.person)},
                shares=_SHARED_HALL,
            ),
            Username: Meaning(
                parts={Claimed: lambda e: ("owner",), Released: lambda e: ("owner",)},
                repairs={Claimed: lambda state, e: Released(person=e.person)},
            ),
            Cart: Meaning(
                parts={
                    Added: lambda e: (f"article {e.article}",),
                    Removed: lambda e: (f"article {e.article}",),
                    CheckedOut: lambda e: ("closed",),
                },
                observed=_OBSERVED_CART,
                leaves=_CART_LEAVES,
            ),
            Profile: Meaning(
                parts={Changed: lambda e: (f"field {e.field}",)}, observed=_OBSERVED_PROFILE, leaves=_PROFILE_LEAVES
            ),
            Household: Meaning(
                parts={Moved: lambda e: (f"account {e.source}", f"account {e.target}")},
                repairs={Moved: _evened},
                commuting=frozenset({Moved}),
                shares=_SHARED_HOUSEHOLD,
            ),
            Transfer: Meaning(),
            Auction: Meaning(
                commuting=frozenset({BidPlaced, Closed, Awarded}),
                barrier=Barrier(closed=Closed(), waiting=frozenset({Awarded})),
            ),
        }
    )


_SHIPPED: Final = _shipped()
