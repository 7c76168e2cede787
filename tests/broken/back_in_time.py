"""A subscriber that turns to a member which is behind takes its answer for news, and goes back in time.

The member shows the end of what it has. The subscriber does not look where that begins: it moves its place
back to there, and takes everything since once more.

Modelled on etcd#15271, in which a watch on a member that reconnected, and was handed a snapshot, went back to
revisions that it had been past:
https://github.com/etcd-io/etcd/issues/15271
"""

from __future__ import annotations

from typing import Any

from models.reading.feeds import Batch
from models.reading.owning import Owning
from models.reading.projector import Projector
from models.system import Site, System
from tests.broken.families.reading import lagging


class Trusting(Projector):
    """Takes whatever it is handed."""

    def fits(self, batch: Batch, one: Owning) -> bool:
        return True


def system(site: Site, workload: Any) -> System:
    """The sound family with `Trusting` consumers."""
    return lagging(site, workload, Trusting)
