"""A step that took too long counts as one that did not happen, so what it did all the same is never taken back.

Modelled on temporal-compensating-transactions#4: compensations were added after the steps that they take back, and
a step that had run and was reported as timed out had none:
https://github.com/temporalio/temporal-compensating-transactions/pull/4
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.processes.definition import Step
from models.processes.manager import Manager
from models.store.requests import Refused
from models.system import Site, System
from sim.host import Wait
from tests.broken.families.deliveries import transfers


class Hopeful(Manager):
    """Takes silence for a no."""

    def give_up(self, aggregate: int, key: int, step: Step) -> Generator[Wait, Any, Refused]:
        yield self.ctx.sleep(1)
        return Refused(command_id=0, version=0, reason="no answer")


def system(site: Site, workload: Any) -> System:
    """The sound family with `Hopeful` as its manager."""
    return transfers(site, workload, Hopeful)
