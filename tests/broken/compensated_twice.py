"""A compensation has no key of its own, so whoever takes a rollback up again does it again.

Modelled on saga-lara-flow#64: a stale resume runs the whole rollback once more, and every compensation is executed
twice:
https://github.com/discovery-ukraine/saga-lara-flow/issues/64
"""

from __future__ import annotations

from typing import Any

from models.processes.definition import Step
from models.processes.manager import Manager
from models.system import Site, System
from tests.broken.families.deliveries import transfers


class Repeating(Manager):
    """Gives a compensation another key each time."""

    def key_of(self, key: int, step: Step) -> int:
        return super().key_of(key, step) + (self.ctx.now_us() if step.undoes else 0)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Repeating` as its manager."""
    return transfers(site, workload, Repeating)
