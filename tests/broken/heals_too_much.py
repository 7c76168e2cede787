"""One heal settles every cut: a replica that is reached again stands for the one that still is not.

The record of who lacks what is cleared as a whole when anybody confirms, so whoever is still cut
off then is not told afterwards.

Modelled on what akka-core#23273 notes of its table of reachability: that records of an observer may be
thrown away in a merge, and that unknown is taken for reachable:
https://github.com/akka/akka-core/issues/23273
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.gossip import Replica
from tests.broken.families.layout import lay_out


class HealingAll(Replica):
    """Takes the confirmation of one for that of all."""

    def settled_by(self, number: int) -> tuple[int, ...]:
        return tuple(self.sent)


def system(site: Site, workload: Any) -> System:
    """The sound family with `HealingAll` in place of its replicas."""
    return lay_out(site, workload, HealingAll, "register", retries=True)
