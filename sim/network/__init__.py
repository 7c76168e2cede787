"""The directed network: links, lanes, connections, cuts and the accounts that must balance.

Read `network` first: the path of a message, one heap entry for a datagram on a link that has
nothing unusual about it. What that leaves out has a module each: `lanes` the things a link is
made of, `weather` what effects and slow changes do to it, `transmitter` finite bandwidth with
a queue for each layer, `waiting` what holds and queues keep, `connections` order, retransmission
and reset, `accounts` the counters by link, layer and type, and the law that no message vanishes
uncounted.
"""

from sim.network.accounts import Totals
from sim.network.lanes import (
    CONNECTION_RESET,
    CUT_AT_SEND,
    CUT_IN_FLIGHT,
    HOST_DOWN,
    LOST,
    SENDER_DOWN,
    Lane,
    Link,
    Receive,
)
from sim.network.network import Network
from sim.network.stream import DEFAULT_CONNECTIONS, ConnectionOptions, ConnectionView

__all__ = [
    "CONNECTION_RESET",
    "CUT_AT_SEND",
    "CUT_IN_FLIGHT",
    "DEFAULT_CONNECTIONS",
    "HOST_DOWN",
    "LOST",
    "SENDER_DOWN",
    "ConnectionOptions",
    "ConnectionView",
    "Lane",
    "Link",
    "Network",
    "Receive",
    "Totals",
]
