"""After a conflict a handler goes on with the aggregate as its own refused event left it.

What others wrote comes on top of an event that never was, and so does the second try.

Modelled on Its.Cqrs#80: an aggregate that has applied a command, and whose save met a concurrency exception, was
refreshed with the events of others and kept the effect of its own:
https://github.com/jonsequitur/Its.Cqrs/issues/80
"""

from __future__ import annotations

from dataclasses import replace

from models.loading.handler import Draft, Handler
from models.loading.words import Image
from tests.broken.families.loading import handlers_of


class Clinging(Handler):
    """Keeps the effect of what was refused."""

    def left_of(self, draft: Draft) -> Image:
        return replace(draft.image, state=self.domain.evolve(draft.image.state, draft.event))


system = handlers_of(Clinging)
