"""What clients do in `merge-domains`, which designs suit it, and what of it competes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["COMPETING", "WORKLOADS", "Demand"]

_BASELINES: Final = ("home", "primary", "failover", "majority", "read-only", "quorum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One kind of load.

    Attributes:
        title: For people.
        domain: What is stored.
        endangered: What a cut endangers, in one phrase.
        arms: The designs that suit it, by name, in the order that tables show them.
        quick: Of these, those of the quick size.
        full: Whether it is one of the six that every design is compared on.
    """

    title: str
    domain: str
    endangered: str
    arms: tuple[str, ...]
    quick: tuple[str, ...]
    full: bool = True


#: Commands that two sides of a cut may not both have, by the name that histories have for them.
COMPETING: Final = frozenset({"withdraw", "move", "reserve", "take", "claim", "award", "checkout", "cas", "append"})

WORKLOADS: Final[Mapping[str, Demand]] = MappingProxyType(
    {
        "withdrawal": Demand(
            title="withdrawal",
            domain="bank-account",
            endangered="a balance that is never negative",
            arms=(*_BASELINES, "split", "apologise", "escrow", "lww"),
            quick=(*_BASELINES, "split", "apologise", "escrow", "lww"),
        ),
        "transfer": Demand(
            title="ledger transfer",
            domain="household",
            endangered="a sum that is kept, accounts that are never negative",
            arms=(*_BASELINES, "split", "apologise", "escrow"),
            quick=("home", "majority", "quorum", "split", "escrow"),
        ),
        "inventory": Demand(
            title="inventory",
            domain="inventory",
            endangered="no more is promised than is there",
            arms=(*_BASELINES, "split", "apologise", "escrow"),
            quick=("home", "majority", "split", "escrow"),
        ),
        "seats": Demand(
            title="seat reservation",
            domain="seats",
            endangered="one holder a seat",
            arms=(*_BASELINES, "split", "apologise", "escrow", "first-writer", "priority"),
            quick=("home", "majority", "quorum", "split"),
        ),
        "username": Demand(
            title="unique username",
            domain="username",
            endangered="one owner a name",
            arms=(*_BASELINES, "split", "apologise", "first-writer", "priority"),
            quick=("home", "majority", "split", "priority"),
        ),
        "counter": Demand(
            title="counter",
            domain="counter",
            endangered="nothing: additions commute",
            arms=(*_BASELINES, "commutative", "split", "lww"),
            quick=("home", "majority", "quorum", "commutative"),
        ),
        "cart": Demand(
            title="cart",
            domain="cart",
            endangered="what one side put in and the other did not see",
            arms=("home", "majority", "quorum", "observed", "three-way", "lww"),
            quick=("home", "observed"),
            full=False,
        ),
        "profile": Demand(
            title="profile document",
            domain="profile",
            endangered="two changes of one field",
            arms=("home", "majority", "quorum", "by-field", "observed", "siblings", "three-way", "last-writer"),
            quick=("home", "by-field"),
            full=False,
        ),
        "auction": Demand(
            title="auction",
            domain="auction",
            endangered="one winner, the highest bidder",
            arms=("home", "majority", "barrier", "split"),
            quick=("home", "barrier"),
            full=False,
        ),
        "register": Demand(
            title="register",
            domain="",
            endangered="reads that see the latest write (linearizable baseline)",
            arms=("majority", "quorum"),
            quick=("majority",),
            full=False,
        ),
        "append-log": Demand(
            title="append-log",
            domain="",
            endangered="one order that all agree on (linearizable baseline)",
            arms=("majority",),
            quick=("majority",),
            full=False,
        ),
    }
)
