"""A read side whose crash table must turn red: whatever it is told, it saves its place after its rows."""

from __future__ import annotations

from typing import Any

from models.reading import reading
from models.system import Site, System


def system(site: Site, workload: Any, *, checkpoint: str = "atomic") -> System:
    """The read side of the crash table with one way to save."""
    assert checkpoint == "atomic", "the only promise that it is held to"
    return reading(
        site,
        workload,
        checkpoint="after",
        idempotent=False,
        segments=2,
        reads=0.0,
        selects=0.0,
        tokens=False,
        poll_us=60_000,
        promote_after_us=500_000,
    )
