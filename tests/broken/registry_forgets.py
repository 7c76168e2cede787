"""A directory that hears of nobody any more lists nobody, though it is the one that is cut off.

Modelled on a registry without self-preservation, as spring-cloud-netflix#3652 tells of Eureka's: an outage of the
network longer than a lease empties the list, and clients are told that no service runs while all of them do:
https://github.com/spring-cloud/spring-cloud-netflix/issues/3652
"""

from __future__ import annotations

from models.services.directory import Directory
from tests.broken.families.services import service_of


class Forgetful(Directory):
    """Takes its own silence for everybody's death."""

    def keeps(self, overdue: int, known: int) -> bool:
        return False


system = service_of(Forgetful)
