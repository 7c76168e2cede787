"""A message queue: brokers that lease letters, producers, consumers, and whoever keeps what comes of it.

Read `options` first: what a mode promises, order by key, visibility time-outs, parking, depth. `lanes` is what is
stored, as a domain: a lane of letters for each key, and what parking does to it. `broker` is a shard of the store
that hands letters out (`handing`), so that a queue has every persistence scheme that a store has; `leases` is who
holds what, and `window` which ids are remembered. `words` are the messages. `producer`, `consumer` (with the
receiver) and `desk` ask, by way of `clients`; `deployment` lays it all out over the key space.
"""

from models.queue.broker import Broker
from models.queue.deployment import queue
from models.queue.lanes import Lane, Lanes, Letter, Parking
from models.queue.options import Mode, Overflow, QueueOptions

__all__ = [
    "Broker",
    "Lane",
    "Lanes",
    "Letter",
    "Mode",
    "Overflow",
    "Parking",
    "QueueOptions",
    "queue",
]
