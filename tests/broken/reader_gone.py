"""Who gave up waiting does not say so, and whoever brings the answer waits for a reader for ever.

The stage that hands answers over is left blocked, and every request after it behind that.

Modelled on kubernetes#83333: past its time-out the API server's handler returned, and the goroutine that did the work
blocked for ever as it sent its result on a channel that nobody read any more:
https://github.com/kubernetes/kubernetes/pull/83333
"""

from __future__ import annotations

from models.pipeline.server import ApiServer
from models.pipeline.ticket import Ticket
from sim.channel import Cause
from tests.broken.families.pipeline import servers_of


class Forgetful(ApiServer):
    """Goes away without a word."""

    def leave(self, ticket: Ticket, cause: Cause) -> None:
        pass


system = servers_of(Forgetful)
