"""A stage that ends tells those after it and nobody before it.

Upstream each waits for ever for a request that will not come, or for room that nobody will make.

Modelled on weaviate#12749: where a batch stream ended by the cancellation of its context, the receiving goroutine
stayed blocked for ever as it sent on a channel whose reader had left:
https://github.com/weaviate/weaviate/issues/12749
"""

from __future__ import annotations

from models.pipeline.joining import Generation
from sim.channel import Cause, Channel
from tests.broken.families.pipeline import servers_of


class Downstream(Generation):
    """Closes what it writes alone."""

    def close_back(self, before: Channel, cause: Cause) -> None:
        pass


system = servers_of(Downstream)
