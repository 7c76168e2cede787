"""Answers are matched with requests by their order, and one that was cancelled is left out of it.

The answer to the request that nobody waits for goes to the next, and so on: each client hears what another asked.

Modelled on redis-py#2624: a command that was cancelled between sending and reading left its answer on the
connection, where the next command read it as its own, and every one after that:
https://github.com/redis/redis-py/issues/2624
"""

from __future__ import annotations

from models.pipeline.link import Near
from models.pipeline.ticket import Ticket
from tests.broken.families.pipeline import servers_of


class InTurn(Near):
    """Takes an answer to be to the oldest request."""

    def awaited(self, number: int) -> Ticket | None:
        return self.under_way.pop(min(self.under_way, default=0), None)


system = servers_of(InTurn)
