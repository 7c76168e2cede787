"""The key space: which nodes own a key, under which version, and what moves when that changes.

**To store something, read `storage`**: `key_space(topology, placement="ring")` makes a `KeySpace`, which says
`holders(Stored.QUEUE, key, n=3)`, the hosts that hold a key of a kind of storage, and `places`, where
their services are; `groups_of` lays out the shards of whatever is built on `models.groups`, by a `placement` or, where
none is named, near a home. All storage is found so: event log, snapshots and remembered commands of a store and of a
Raft group, outboxes, queues, views and the checkpoints in them; leaderless quorums take their preference lists from it.

Below it, `placement` is the interface of the schemes, which are values that know no host: `ring`
(consistent hashing with virtual nodes, weights and zones), `tablets` (ranges of keys, which a `master`
splits, merges and reassigns), `openaddress` (a table of slots; no live membership), and the baselines
`hashing` (modulo, jump) and `rendezvous`, which share a line of hashes (`hashed`); `near` is where storage lies for
which none of them is named. `keys` says what a key is and how it is hashed. `routing` is what clients keep of a
placement and how a server finds it stale; `hotkeys` finds keys that are asked for too often.

A store whose stretches move while traffic flows begins at `deployment`. `directory` says which replication group
holds what, `ranges` what a group's own log says of it; `giving` hands stretches out and `shard` takes them; `server` is
the door on every host; `mastering` is the masters, one of which decides (by `plan` and `loads`), and `decisions` what
that comes to; `client` is whoever asks.
"""

from models.keyspace.hashing import JumpHashing, ModuloHashing
from models.keyspace.hotkeys import SpaceSaving
from models.keyspace.keys import KeyHash, pack_key, unpack_key
from models.keyspace.openaddress import SlotTable
from models.keyspace.placement import Moved, Node, Placement, nodes_of
from models.keyspace.rendezvous import Rendezvous
from models.keyspace.ring import Ring
from models.keyspace.routing import Route, RouteCache, StaleRoute, judge, route_of
from models.keyspace.storage import KeySpace, Stored, groups_in, groups_of, key_of, key_space
from models.keyspace.tablets import Tablet, TabletMap

__all__ = [
    "JumpHashing",
    "KeyHash",
    "KeySpace",
    "ModuloHashing",
    "Moved",
    "Node",
    "Placement",
    "Rendezvous",
    "Ring",
    "Route",
    "RouteCache",
    "SlotTable",
    "SpaceSaving",
    "StaleRoute",
    "Stored",
    "Tablet",
    "TabletMap",
    "groups_in",
    "groups_of",
    "judge",
    "key_of",
    "key_space",
    "nodes_of",
    "pack_key",
    "route_of",
    "unpack_key",
]
