"""A repeated request is carried out again: nobody looks whether its first attempt took place.

The answer of the first attempt was lost, the client tries again with the same id, and adds twice.

Modelled on etcd#18424 and jetcd#1444: clients that repeat requests which are not idempotent
after an answer that leaves open whether the first took place:
https://github.com/etcd-io/etcd/issues/18424 https://github.com/etcd-io/jetcd/issues/1444
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.solo import Counters


class Amnesiac(Counters):
    """Remembers no operation."""

    def known(self, op: int) -> tuple[bool, int | None] | None:
        return None


def system(site: Site, workload: Any) -> System:
    """The sound family with `Amnesiac` as its server."""
    return lay_out(site, workload, Amnesiac, "counter", retries=True, sessions=3)
