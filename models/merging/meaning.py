"""What a policy must know of a domain's events beside how they evolve: what each writes, and what makes good.

A `Meaning` is data about a domain, not part of it: whoever lays a split domain under a policy may bring another one.
Two concurrent writes that write a part in common conflict; what undoes the harm of a write that counts and should
not have (a seat given twice, money that was not there) is the *repair*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from models.domain import Domain, Event
from models.domains.bank_account import BankAccount, Deposited, Withdrawn
from models.domains.cart import Added, Cart, CheckedOut, Removed
from models.domains.counter import Added as Counted
from models.domains.counter import Counter
from models.domains.inventory import Cancelled, Inventory, Received, Reserved, Shipped
from models.domains.profile import Changed, Profile
from models.domains.seats import GivenBack, Seats, Taken
from models.domains.transfer import Transfer
from models.domains.username import Claimed, Released, Username

__all__ = ["WHOLE", "Meaning", "example_of", "meaning_of"]

#: The part that an event writes which writes the whole aggregate.
WHOLE: Final = "*"

#: What an event writes.
Parts = Callable[[Any], Iterable[str]]
#: The event that makes good, in a state that breaks the invariant, what a write led to; None where nothing can.
Repair = Callable[[Any, Any], Event | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What policies are told of a domain.

    Attributes:
        parts: By event type, what it writes.
        repairs: By event type, how its harm is made good.
        commuting: Event types that may change places with each other, whatever the state.
    """

    parts: Mapping[type[Event], Parts] = field(default_factory=lambda: MappingProxyType({}))
    repairs: Mapping[type[Event], Repair] = field(default_factory=lambda: MappingProxyType({}))
    commuting: frozenset[type[Event]] = frozenset()

    def parts_of(self, event: Event) -> frozenset[str]:
        """What an event writes; the whole aggregate where nothing is said."""
        parts = self.parts.get(event.__class__)
        return frozenset((WHOLE,)) if parts is None else frozenset(parts(event))


def meaning_of(domain: Domain[Any]) -> Meaning:
    """What is known of a shipped domain; nothing of any other."""
    return _SHIPPED.get(type(domain), Meaning())


def _shortfall(state: Any, _: Withdrawn) -> Deposited:
    """The bank puts in what is missing, and bears the loss."""
    return Deposited(amount=-state.balance)


def _shipped() -> Mapping[type[Domain[Any]], Meaning]:
    return MappingProxyType(
        {
            BankAccount: Meaning(
                parts={Deposited: lambda e: ("balance",), Withdrawn: lambda e: ("balance",)},
                repairs={Withdrawn: _shortfall},
                commuting=frozenset({Deposited, Withdrawn}),
            ),
            Counter: Meaning(parts={Counted: lambda e: ("total",)}, commuting=frozenset({Counted})),
            Inventory: Meaning(
                parts={
                    Received: lambda e: ("stock",),
                    Reserved: lambda e: ("stock", f"order {e.order}"),
                    Cancelled: lambda e: (f"order {e.order}",),
                    Shipped: lambda e: (f"order {e.order}",),
                },
                repairs={Reserved: lambda state, e: Cancelled(order=e.order)},
            ),
            Seats: Meaning(
                parts={Taken: lambda e: (f"seat {e.seat}",), GivenBack: lambda e: (f"seat {e.seat}",)},
                repairs={Taken: lambda state, e: GivenBack(seat=e.seat, person=e.person)},
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
            ),
            Profile: Meaning(parts={Changed: lambda e: (f"field {e.field}",)}),
            Transfer: Meaning(),
        }
    )


_SHIPPED: Final = _shipped()


def example_of(kind: type[Event]) -> Event:
    """Some event of a type: for asking what its domain says to such an event, whatever its fields hold."""
    hints = get_type_hints(kind)
    return kind(**{one.name: _example(hints[one.name]) for one in fields(kind) if one.default is MISSING})


def _example(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return _example(next(part for part in get_args(hint) if part is not NoneType))
    if get_origin(hint) in (tuple, frozenset):
        return get_origin(hint)()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return {int: 1, str: "x", bool: False, float: 1.0, bytes: b"x"}.get(hint)
