"""A request that nobody answered counts as not done, so it is sent again, to a receiver that knows no keys.

Modelled on ComfyUI#16204: any broken connection was retried, though the request had reached a provider that bills every
one it accepts; 426 of 732 such retries in a week were paid for once more:
https://github.com/Comfy-Org/ComfyUI/pull/16204
"""

from __future__ import annotations

from typing import Any

from models.effects.retrying import Known, Move
from models.effects.risk import RiskRule
from models.system import Site, System
from tests.broken.families.deliveries import parking

_MOST = 4


class Hopeful(RiskRule):
    """Takes silence for failure."""

    __slots__ = ()

    def move(self, known: Known) -> Move:
        if known.tries and known.attempts < _MOST:
            return Move.ACT
        return RiskRule.move(self, known)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Hopeful` as its policy."""
    return parking(site, workload, Hopeful)
