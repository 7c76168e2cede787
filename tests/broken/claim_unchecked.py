"""A view takes what anybody saves who once owned its segment.

A consumer that stood still for longer than its heartbeats are waited for goes on where it was, while another
has its segment; both believe that they own it, and each writes over what the other has made.

Modelled on AxonFramework#422, in which extending a claim did not check whose it was:
https://github.com/AxonIQ/AxonFramework/issues/422
"""

from __future__ import annotations

from typing import Any

from models.reading.views import Extend, Release, Save, View, Views
from models.system import Site, System
from tests.broken.families.reading import views


class Unfenced(Views, name="view", number=26):
    """Checks neither token nor turn."""

    def refused(self, state: View, command: Extend | Release | Save) -> str:
        return ""


def system(site: Site, workload: Any) -> System:
    """The sound family with `Unfenced` as the rules of its views."""
    return views(site, workload, rules=Unfenced)
