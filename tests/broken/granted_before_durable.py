"""A sub-domain ships what it wrote before that is on its disk.

After a power loss it knows nothing of rights that it granted and the receiver goes on using, so two spend the same; nor
of what it counted, which the others go on counting. That a peer has more of it than it has itself would tell it so.

Modelled on scylladb#2169, where a node's share of a counter is replicated before the commit log is flushed, and a node
that crashes goes on from an older share than others have:
https://github.com/scylladb/scylladb/issues/2169
"""

from __future__ import annotations

from typing import Any

from models.losing import LosableShard
from models.system import Site, System
from tests.broken.families.shares import split_of


class Hasty(LosableShard):
    """Ships whatever is in its log, and minds nobody who tells it that there was more."""

    def shippable(self) -> int:
        return self.log.length

    def peer_has(self, upto: int) -> None:
        return None


def system(site: Site, workload: Any) -> System:
    """The split in escrow with `Hasty` shards."""
    return split_of(site, workload, Hasty)
