"""Reads that wait to hear whether their leader still leads are answered when it learns that it does not.

Modelled on etcd#20418: a leader that had stood still was deposed, and answered the linearizable reads that
waited for a quorum with what it had: https://github.com/etcd-io/etcd/issues/20418
"""

from __future__ import annotations

from collections.abc import Sequence

from models.raft.core import Raft
from models.raft.effects import ReadReady
from tests.broken.families.raft import raft_of


class Obliging(Raft):
    """Answers reads although the reign is over."""

    def _refuse(self, reads: Sequence[int]) -> None:
        self._effects += [ReadReady(token, self.committed) for token in reads]


system = raft_of(Obliging, "asked")
