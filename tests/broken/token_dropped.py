"""A query over all parts of a view loses its session's token, so it does not wait for what the session wrote.

By key the token goes along; where a query is divided among all parts, the door asks each of them without. An answer
then lacks the session's own write, and says that it is fresh.

Modelled on azure-sdk-for-rust#4625, in which a session's token was not applied to what it read after its own write:
https://github.com/Azure/azure-sdk-for-rust/issues/4625
"""

from __future__ import annotations

from typing import Any

from models.reading.gateway import Gateway
from models.reading.words import Query, Token
from models.system import Site, System
from tests.broken.families.reading import asked


class Forgetful(Gateway):
    """Waits for nothing where all parts are asked."""

    def token_of(self, msg: Query) -> Token:
        return msg.token if msg.keys else ()


def system(site: Site, workload: Any) -> System:
    """The sound family with `Forgetful` doors."""
    return asked(site, workload, Forgetful)
