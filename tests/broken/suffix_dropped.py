"""A leader that was replaced drops what it had not shipped yet.

Its clients were told yes. It should set these events aside for somebody to deal with; it truncates them and
keeps no record.

Modelled on postgresql-operator#1152: after two primaries the timeline of one is removed with its data directory,
and what was written there is lost:
https://github.com/canonical/postgresql-operator/issues/1152
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from models.store.group.aside import Aside
from models.store.log.entries import Entry
from sim.host import Wait
from tests.broken.families.store import store_of


class Dropped(Aside):
    """Sets nothing aside."""

    def keep(self, entries: Iterable[Entry]) -> Generator[Wait, Any, None]:
        yield from ()


system = store_of(Dropped, "shipped")
