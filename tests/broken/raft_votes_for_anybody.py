"""A vote is granted to a candidate whose log lacks what a majority has.

Modelled on jgroups-raft#14: votes were granted without a look at the candidate's log:
https://github.com/jgroups-extras/jgroups-raft/issues/14
"""

from __future__ import annotations

from models.raft.core import Raft
from models.raft.messages import VoteRequest
from tests.broken.families.raft import raft_of


class Trusting(Raft):
    """Looks at no log but its own."""

    def _has_enough(self, candidate: VoteRequest) -> bool:
        return True


system = raft_of(Trusting, "bank")
