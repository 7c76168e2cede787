"""A circuit breaker that has opened never lets a probe through.

Modelled on hermes-agent#13474: once tripped, the breaker stayed open for good, since nothing timed it out into the
half-open position:
https://github.com/NousResearch/hermes-agent/pull/13474
"""

from __future__ import annotations

from models.retrying.breaker import Breaker
from tests.broken.families.services import callers_of


class Stuck(Breaker):
    """Never rests."""

    def _rested(self, now_us: int) -> bool:
        return False


system = callers_of(Stuck)
