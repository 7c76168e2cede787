"""The store itself as a family: a broken variant is `models.stores.store` with one thing of a member overridden.

A variant overrides a member (`Shard`), or one of its parts, of which the member then is made. What
its store is like, and its twin's, is one of the systems at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from models.store.group.aside import Aside
from models.store.log.keeping import Keeper
from models.store.log.streams import Streams
from models.store.shard import Shard
from models.stores import store
from models.system import Site, System

#: What a part is to a member.
_PARTS: Final = ((Keeper, "KEEPER"), (Streams, "STREAMS"), (Aside, "ASIDE"))
_SHORT_LOG: Final = MappingProxyType(
    {"snapshot_every": 2, "segment": 2, "truncate": True, "sweep": True, "keep_every_us": 100_000}
)
_PROMOTES: Final = MappingProxyType({"promote_after_us": 500_000, "operators": "north"})
#: By name, the options of a small store.
STORES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "flushed": {"scheme": "local-persist"},
        "snapshots": {"scheme": "local-persist", "snapshot_every": 2, "keep_every_us": 100_000},
        "memory": {"scheme": "multi-mem:2/3@region", **_PROMOTES},
        "copies": {"scheme": "multi-persist:2/3@region", **_PROMOTES},
        "short_log": {"scheme": "multi-persist:2/3@region", "peer_patience": 2, **_SHORT_LOG, **_PROMOTES},
        "shipped": {
            "scheme": "delayed-ship+500ms",
            "force_after_us": 500_000,
            "promote_after_us": 500_000,
            "operators": "west",
        },
        "two_tenants": {"scheme": "local-persist", "tenants": 2},
    }
)


def store_of(wrong: type[Any], name: str) -> Callable[[Site, Any], System]:
    """A small store whose members are, or are made of, something wrong."""
    kind = wrong
    for part, attribute in _PARTS:
        if issubclass(wrong, part):
            kind = type(wrong.__name__, (Shard,), {attribute: wrong})

    def system(site: Site, workload: Any) -> System:
        return store(site, workload, kind, **STORES[name])

    return system


flushed = store_of(Shard, "flushed")
snapshots = store_of(Shard, "snapshots")
memory = store_of(Shard, "memory")
copies = store_of(Shard, "copies")
short_log = store_of(Shard, "short_log")
shipped = store_of(Shard, "shipped")
two_tenants = store_of(Shard, "two_tenants")
