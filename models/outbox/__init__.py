"""The outbox: messages written in the same append as the event that they tell of, and delivered after it.

Read `orders` first, whose events carry messages; then `relay`, which delivers them in order by key, and `consumer`,
which knows what it has. `feed` is how committed events are read, by relays, process managers and performers alike;
`submitting` how those write to the store; `owning` who of several does so, by `tenures`, which `owned` relays go by.
`deployment` lays an outbox out.
"""

from models.outbox.consumer import Consumer
from models.outbox.deployment import OutboxShard, outbox
from models.outbox.feed import FeedOptions, FollowedShard, Follower
from models.outbox.orders import Orders
from models.outbox.owned import OwnedConsumer, OwnedRelay
from models.outbox.owning import Owner, OwnerOptions
from models.outbox.relay import Relay, RelayOptions
from models.outbox.submitting import StoreOptions, Submitter, key_of

__all__ = [
    "Consumer",
    "FeedOptions",
    "FollowedShard",
    "Follower",
    "Orders",
    "OutboxShard",
    "OwnedConsumer",
    "OwnedRelay",
    "Owner",
    "OwnerOptions",
    "Relay",
    "RelayOptions",
    "StoreOptions",
    "Submitter",
    "key_of",
    "outbox",
]
