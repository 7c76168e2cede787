"""A strict quorum counts what other hosts keep for a silent replica.

The write is acknowledged and one replica lacks it, so a read that asks only that one goes back in time.

Modelled on sloppy quorums taken for strict ones, as in Jepsen's analysis of Riak:
https://aphyr.com/posts/285-call-me-maybe-riak
"""

from __future__ import annotations

from typing import Any

from models.quorum import Coordinator
from models.system import Site, System
from tests.broken.families.leaderless import registers


class Counting(Coordinator):
    """Takes a hint for a replica."""

    def counts_hints(self) -> bool:
        return True


def system(site: Site, workload: Any) -> System:
    """The sound family with `Counting` in place of its coordinators."""
    return registers(site, workload, Counting)
