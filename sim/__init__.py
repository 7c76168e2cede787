"""The world: an event loop, a network that is cut, hosts that crash, and what they leave on record.

Read `world` first: it puts the pieces together. Then the path of a message: `kernel` (one heap
for processes, timers and deliveries), `network` (links, lanes, cuts), `machine` (cores, inboxes,
crash and restart) and `host`, which is all that a model sees. `topology` and `latency` say where
hosts are and how far apart, `faults` what goes wrong and when, `storage` what a crash leaves,
`channel` how the stages of one service are joined, `chance` where randomness comes from, `history`
and `checkers` what clients saw and whether that was right, `trace` what happened and the digest of
it, `inspection` what a host holds at an instant. Nothing here knows what a store is.
"""

from sim.chance import Chance, Draws
from sim.faults import Fault
from sim.history import History, Operation
from sim.host import Context, HostOptions, Placement, Service, Wait, handles
from sim.kernel import Environment
from sim.latency import LatencyModel
from sim.message import Message
from sim.topology import Location, Topology
from sim.trace import TraceLevel
from sim.world import World

__all__ = [
    "Chance",
    "Context",
    "Draws",
    "Environment",
    "Fault",
    "History",
    "HostOptions",
    "LatencyModel",
    "Location",
    "Message",
    "Operation",
    "Placement",
    "Service",
    "Topology",
    "TraceLevel",
    "Wait",
    "World",
    "handles",
]
