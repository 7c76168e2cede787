"""How a handler comes by the state that it decides on: it waits for the newest, or works on a snapshot meanwhile.

Read `options` first (the strategies), then `handler`, which carries them out and lets nothing leave before the
store has confirmed it. `asking` is what it asks of the store, `images` what it remembers and how it chooses,
`keeper` keeps snapshots near by on a disk, `words` is what they say; `believing` chooses by how likely a snapshot is
the newest, and by what work in vain and waiting cost; `deployment` lays it all over a topology.
"""

from models.loading.deployment import loaded_store
from models.loading.handler import Draft, Handler
from models.loading.keeper import SnapshotKeeper
from models.loading.options import LoadingOptions, Strategy, strategy_of
from models.loading.words import Image

__all__ = [
    "Draft",
    "Handler",
    "Image",
    "LoadingOptions",
    "SnapshotKeeper",
    "Strategy",
    "loaded_store",
    "strategy_of",
]
