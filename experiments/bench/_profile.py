"""Where the time of a run goes, by source file."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["place", "time_share_by_file"]

_ROOT: Final = Path(__file__).resolve().parents[2]


def time_share_by_file(run: Callable[[], object]) -> dict[str, float]:
    """Share of the profiler's own time by source file, the largest ten; watching costs more than what is watched."""
    profile = cProfile.Profile()
    profile.runcall(run)
    spent: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[place(file, name)] += own
    total = sum(spent.values())
    return {place: round(own / total, 3) for place, own in spent.most_common(10)}


def place(file: str, name: str = "") -> str:
    """A source file as the report names it: within the lab by its path."""
    path = Path(file)
    if path.is_relative_to(_ROOT) and ".venv" not in path.parts:
        return str(path.relative_to(_ROOT))
    return "heap operations" if "heap" in name else "other built-ins and libraries"
