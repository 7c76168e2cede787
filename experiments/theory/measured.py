"""What a small world is asked for: its measures by name, and how much went through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["JOBS", "Measures", "without"]

#: Jobs that the world serves in a run; those after them go through the recursion alone.
JOBS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What one run measured.

    Attributes:
        values: By metric.
        count: Jobs or messages that the world was given.
        digest: Of the world.
        error_us: Largest difference from the recursion over all single jobs; None if not compared.
    """

    values: Mapping[str, float]
    count: int
    digest: str
    error_us: int | None = None


def without(values: Mapping[str, float], *metrics: str) -> Mapping[str, float]:
    """The measures but for some."""
    return {name: value for name, value in values.items() if name not in metrics}
