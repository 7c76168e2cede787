"""A tombstone goes when its grace is over, whoever has missed the deletion.

A replica that was cut off until then still holds the value, and repair brings it back everywhere.

Modelled on tombstones that are collected by age alone, scylladb#3560; Cassandra's way out has been to
collect repaired ones only: https://github.com/scylladb/scylladb/issues/3560
"""

from __future__ import annotations

from typing import Any

from models.quorum import Node
from models.system import Site, System
from tests.broken.families.leaderless import tombstones


class Hasty(Node):
    """Asks nobody."""

    def confirmed_by(self, key: int) -> tuple[int, ...]:
        return ()


def system(site: Site, workload: Any) -> System:
    """The sound family with `Hasty` in place of its nodes."""
    return tombstones(site, workload, Hasty)
