"""A leaderless store after Dynamo: N replicas of a key, of which R answer a read and W a write.

The parts that know no host: `versions` (siblings, or the last writer wins), `merkle` (where two replicas
differ), `preference` (who holds a key), `options` (what may be asked of it, and what cannot be met).

On a host: `coordinator` carries operations out, read it first; `replica` holds versions on its disk;
`node` is both, hands hints over, compares itself with others and drops tombstones; `filling` says when a disk
that was lost is filled. `messages` is what they say, `hints` what they keep for each other, `deployment` lays
all of it over a topology. `aggregates` decides commands on whole aggregates, the last writer wins, and
`aggregate_store` lays that out and reads its end.
"""

from models.quorum.coordinator import Coordinator
from models.quorum.deployment import Coordinators, Holds, lay_out, quorum
from models.quorum.merkle import Merkle
from models.quorum.node import Node
from models.quorum.options import Fanout, QuorumOptions, Repair, Resolve, Stamps
from models.quorum.preference import Preference
from models.quorum.versions import Cell, Dot, Version

__all__ = [
    "Cell",
    "Coordinator",
    "Coordinators",
    "Dot",
    "Fanout",
    "Holds",
    "Merkle",
    "Node",
    "Preference",
    "QuorumOptions",
    "Repair",
    "Resolve",
    "Stamps",
    "Version",
    "lay_out",
    "quorum",
]
