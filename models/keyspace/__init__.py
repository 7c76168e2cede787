"""The key space: which nodes own a key, under which version, and what moves when that changes.

Read `placement` first: the interface that all storage goes through. Its schemes are values that know
no host: `ring` (consistent hashing with virtual nodes, weights and zones), `tablets` (ranges of keys,
which a `master` splits, merges and reassigns), `openaddress` (a table of slots; no live membership),
and the baselines `hashing` (modulo, jump) and `rendezvous`. `keys` says what a key is and how it is
hashed. `routing` is what clients keep of a placement and how a server finds it stale; `hotkeys`
finds keys that are asked for too often.

A store that is placed so begins at `deployment`. `directory` says which replication group holds what,
`ranges` what a group's own log says of it, `shard` hands stretches over, `server` is the door on every
host, `mastering` the master that decides (by `plan` and `loads`), `client` whoever asks.
"""

from models.keyspace.hashing import JumpHashing, ModuloHashing
from models.keyspace.hotkeys import SpaceSaving
from models.keyspace.keys import KeyHash, pack_key, unpack_key
from models.keyspace.openaddress import SlotTable
from models.keyspace.placement import Moved, Node, Placement, nodes_of
from models.keyspace.rendezvous import Rendezvous
from models.keyspace.ring import Ring
from models.keyspace.routing import Route, RouteCache, StaleRoute, judge, route_of
from models.keyspace.tablets import Tablet, TabletMap

__all__ = [
    "JumpHashing",
    "KeyHash",
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
    "Tablet",
    "TabletMap",
    "judge",
    "nodes_of",
    "pack_key",
    "route_of",
    "unpack_key",
]
