"""SWIM and Lifeguard: members of a group probe one another at random and tell each other what they find.

Read `options` first: parameters and published sets of them. `member` is the service that every
host of the group runs. Its parts: `roster` is what a member holds to be true of the others, and
which word overrides which; `rumours` is what it still has to tell; `suspicion` is how long a
suspect has to refute; `words` are the messages.

Sources: Das, Gupta and Motivala, SWIM, DSN 2002; Dadgar, Phillips and Currey, Lifeguard, arXiv:1707.00788, as
hashicorp/memberlist has it. Departures: members are configured, so nobody joins by address or leaves on
purpose, and the dead keep their place; what a message carries is bounded by count, not by bytes.
"""

from models.detection.swim.member import Member
from models.detection.swim.options import MEMBERLIST_LAN, MEMBERLIST_LOCAL, MEMBERLIST_WAN, SWIM, Order, SwimOptions
from models.detection.swim.placing import members
from models.detection.swim.suspicion import first_detection, least_us, most_told, remaining_us

__all__ = [
    "MEMBERLIST_LAN",
    "MEMBERLIST_LOCAL",
    "MEMBERLIST_WAN",
    "SWIM",
    "Member",
    "Order",
    "SwimOptions",
    "first_detection",
    "least_us",
    "members",
    "most_told",
    "remaining_us",
]
