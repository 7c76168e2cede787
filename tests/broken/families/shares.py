"""A split domain in escrow as a family: three regions hold shares of a few counters, and grant each other rights.

A broken variant is the shard of a sub-domain with one decision overridden; merge, policy and all that befalls them are
the twin's.
"""

from __future__ import annotations

from typing import Any

from models.deployment import region_split
from models.losing import LosableShard
from models.system import Site, System

__all__ = ["shares", "split_of"]


def split_of(site: Site, workload: Any, kind: type[LosableShard]) -> System:
    """Counters that never go below nothing, in shares, whose shards are of a kind."""
    return region_split(
        site, workload, kind, domain="floored-counter", merge="escrow", heartbeat_us=200_000, resend_us=400_000
    )


def shares(site: Site, workload: Any) -> System:
    """The sound twin."""
    return split_of(site, workload, LosableShard)
