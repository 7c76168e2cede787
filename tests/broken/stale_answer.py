"""A rule is decided on what a cache holds, and the answer leaves before anybody confirmed that it is the newest.

Who asks is told no for what is no longer so, and the store knows nothing of it.

Modelled on kubernetes#59848: an API server answers from its watch cache, which may be any time behind etcd, and who
acts on the answer does what the newest state forbids:
https://github.com/kubernetes/kubernetes/issues/59848
"""

from __future__ import annotations

from models.domain import Denied
from models.loading.handler import Draft, Handler
from models.store.requests import Answer, Refused, Submit
from tests.broken.families.loading import handlers_of


class Hasty(Handler):
    """Says no at once."""

    def unconfirmed(self, msg: Submit, draft: Draft) -> Answer | None:
        no = Refused(command_id=msg.command_id, version=draft.image.version, reason="as I remember it")
        return no if isinstance(draft.event, Denied) else None


system = handlers_of(Hasty)
