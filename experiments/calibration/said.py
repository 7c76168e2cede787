"""Chances that were said in one run, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

__all__ = ["Said", "silent_longer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said in one run; a sample is a chance and whether that for which it stands was so.

    Attributes:
        chances: In [0, 1].
        outcomes: As many.
        silences: How long, in intervals between heartbeats, the subject had been silent; empty where nobody counts.
    """

    chances: Sequence[float]
    outcomes: Sequence[bool]
    silences: Sequence[float] = ()

    def __post_init__(self) -> None:
        if len(self.chances) != len(self.outcomes) or len(self.silences) not in (0, len(self.chances)):
            raise ValueError(
                f"{len(self.chances)} chances, {len(self.outcomes)} outcomes and {len(self.silences)} silences do not "
                f"go together; give one of each a sample"
            )
        wrong = [chance for chance in self.chances if isnan(chance) or not 0 <= chance <= 1]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no chance; give numbers from 0 to 1")


def silent_longer(runs: Iterable[Said], intervals: float = 1.0) -> list[Said]:
    """Only what was said of subjects that had been silent for longer: of the others everybody says the same.

    Raises:
        ValueError: nobody counted silences in a run that has samples.
    """
    found = []
    for run in runs:
        if run.chances and not run.silences:
            raise ValueError("a run has no silences; count them where chances are said")
        kept = [i for i, silence in enumerate(run.silences) if silence > intervals]
        found.append(
            Said(
                chances=[run.chances[i] for i in kept],
                outcomes=[run.outcomes[i] for i in kept],
                silences=[run.silences[i] for i in kept],
            )
        )
    return found
