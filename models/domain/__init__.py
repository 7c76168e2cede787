"""How a domain is written down: commands, events, `decide`, `evolve`, invariants, and nothing else.

Read `kit` first, then any of `models.domains`, which reads like the domain it is about. `words`
are what a definition is made of, and `rules` reads and checks one; `forms` turns events into
what a log keeps, hashes and reads back, old schemas included; `application` composes domains
behind one API.
"""

from models.domain.application import Application
from models.domain.forms import StoredEvent
from models.domain.kit import Domain
from models.domain.words import (
    Command,
    Denied,
    DomainFailed,
    Event,
    Neutral,
    State,
    decides,
    evolves,
    invariant,
    upcasts,
)

__all__ = [
    "Application",
    "Command",
    "Denied",
    "Domain",
    "DomainFailed",
    "Event",
    "Neutral",
    "State",
    "StoredEvent",
    "decides",
    "evolves",
    "invariant",
    "upcasts",
]
