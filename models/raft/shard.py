"""A shard of the store on Raft: what serves commands, on a log whose leader is elected."""

from __future__ import annotations

from models.raft.member import RaftMember
from models.store.serving import Serving

__all__ = ["RaftShard"]


class RaftShard(Serving, RaftMember):
    """One member of one shard of one domain; arguments as for a member."""
