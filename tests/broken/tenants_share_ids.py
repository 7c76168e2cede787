"""Command ids are remembered without the tenant.

A tenant whose command bears the id of another tenant's is told what that one came to, and its own is never
done.

Modelled on nestjs-agentic#126: keys of repeated requests are looked up as the caller gives them, so that a
tenant gets the result of another:
https://github.com/irzix/nestjs-agentic/issues/126
"""

from __future__ import annotations

from models.store.log.streams import Streams, command_key
from tests.broken.families.store import store_of


class Shared(Streams):
    """Knows commands by their ids alone."""

    def key_of(self, tenant: int, event_id: int) -> int:
        return command_key(0, event_id)


system = store_of(Shared, "two_tenants")
