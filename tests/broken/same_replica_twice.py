"""A quorum that counts answers instead of those who gave them.

A coordinator that asks again counts the second answer of a replica beside its first, and takes
one copy for a majority.

Modelled on ai-memory-mcp#341, where a duplicated acknowledgement of one peer counted twice
towards the quorum: https://github.com/alphaonedev/ai-memory-mcp/issues/341
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from sim.message import Message
from tests.broken.families.layout import lay_out
from tests.broken.families.quorum import Replica


class Counting(Replica):
    """Counts answers."""

    def enough(self, answers: list[tuple[int, Message]]) -> bool:
        return len(answers) >= self.majority


def system(site: Site, workload: Any) -> System:
    """The sound family with `Counting` in place of its replicas."""
    return lay_out(site, workload, Counting, "register", retries=True)
