"""How a domain is written down: commands, events, `decide`, `evolve`, invariants, and nothing else.

Read `kit` first, then any of `models.domains`, which reads like the domain it is about. `forms`
turns events into what a log keeps and back, old schemas included; `application` composes
domains behind one API.
"""

from models.domain.application import Application
from models.domain.forms import StoredEvent
from models.domain.kit import Denied, Domain, DomainFailed, Payload, decides, evolves, invariant, upcasts

__all__ = [
    "Application",
    "Denied",
    "Domain",
    "DomainFailed",
    "Payload",
    "StoredEvent",
    "decides",
    "evolves",
    "invariant",
    "upcasts",
]
