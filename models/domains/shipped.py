"""Every shipped domain in one application."""

from __future__ import annotations

from models.domain import Application
from models.domains.bank_account import BankAccount
from models.domains.cart import Cart
from models.domains.counter import Counter
from models.domains.inventory import Inventory
from models.domains.profile import Profile
from models.domains.seats import Seats
from models.domains.transfer import Transfer
from models.domains.username import Username

__all__ = ["shipped"]


def shipped() -> Application:
    """The shop: all eight domains with their usual options."""
    return Application(
        "shop",
        (BankAccount(), Transfer(), Inventory(), Seats(), Cart(), Username(), Counter(), Profile()),
    )
