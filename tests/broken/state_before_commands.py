"""A process is written down as further than its commands are: one that got no answer is taken for done.

Modelled on NServiceBus#4943: a saga is completed and its data removed though what it sent has failed, and no retry
finds it any more:
https://github.com/Particular/NServiceBus/issues/4943
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from models.domain import Command
from models.processes.manager import Manager
from models.store.requests import Accepted
from models.system import Site, System
from sim.host import Wait
from tests.broken.families.deliveries import transfers


class Ahead(Manager):
    """Sends a command once and goes on."""

    def ask(
        self, aggregate: int, command: Command, key: int, still: Callable[[], bool] = lambda: True
    ) -> Generator[Wait, Any, Any]:
        answer = yield from super().ask(aggregate, command, key, iter((True, False)).__next__)
        return answer or Accepted(command_id=key, version=0, told=None)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Ahead` as its manager."""
    return transfers(site, workload, Ahead)
