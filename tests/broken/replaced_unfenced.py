"""A replacement is started while the old instance may still run, and nothing fences that off.

Modelled on kubernetes#31762: a pod of a set with identities that is replaced while its node is only cut off goes on
acting on the same volume, since no epoch stands between them:
https://github.com/kubernetes/kubernetes/issues/31762
"""

from __future__ import annotations

from models.services.acts import Acts, Term
from tests.broken.families.services import service_of


class Trusting(Acts, name="acts", number=51):
    """Whoever was given a slot once may act for it."""

    def fenced(self, state: Term, epoch: int, instance: int) -> bool:
        return False


system = service_of(Trusting)
