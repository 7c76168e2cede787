"""A leader takes an entry of an earlier term for committed as soon as a majority has it.

The next leader may be one that never saw it, and puts its own in that place (dissertation, figure 3.7; figure 8 of
the paper).

Modelled on logcabin#44, where entries of prior terms were committed by counting:
https://github.com/logcabin/logcabin/issues/44
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Counting(Raft):
    """Asks for nothing of its own term."""

    def _commit(self, now_us: int) -> None:
        self._reign_start = 0
        super()._commit(now_us)


system = raft_of(Counting, "singly")
