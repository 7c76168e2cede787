"""A shard of the store under a persistence scheme: what serves commands, on a log held as the scheme says."""

from __future__ import annotations

from models.store.group.replica import Replica
from models.store.serving import Serving

__all__ = ["Shard"]


class Shard(Serving, Replica):
    """One member of one shard of one domain; arguments as for a replica."""
