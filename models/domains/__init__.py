"""The domains that the lab stores, each a bounded context around one kind of aggregate.

Each is small and endangers something else when the network is cut: a sum (bank account), a
name that only one may have (username), a seat that only one may sit on, stock that is not
there twice (inventory), a step done twice (transfer), a set that two people edit (cart,
profile), and nothing at all (counter, whose events commute). `shipped` is all of these in one
application. Beside them stand a counter with a floor, the plainest thing that rights can be held in, an
auction, which nobody may win before everybody has closed, the ledger of a household, whose sum no merge can break, and
a log that is appended to.
"""

from models.domains.append_log import AppendLog
from models.domains.auction import Auction
from models.domains.bank_account import BankAccount
from models.domains.cart import Cart
from models.domains.counter import Counter
from models.domains.floored_counter import FlooredCounter
from models.domains.household import Household
from models.domains.inventory import Inventory
from models.domains.profile import Profile
from models.domains.seats import Seats
from models.domains.shipped import shipped
from models.domains.transfer import Transfer
from models.domains.username import Username

__all__ = [
    "AppendLog",
    "Auction",
    "BankAccount",
    "Cart",
    "Counter",
    "FlooredCounter",
    "Household",
    "Inventory",
    "Profile",
    "Seats",
    "Transfer",
    "Username",
    "shipped",
]
