"""What the verdicts of many runs come to, claim by claim.

*Always* is violated by one invalid run. *Sometimes* is met by one valid run; if there is none, a run that could not be
judged leaves it unknown, and too few seeds leave it open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from experiments.scenario import Mode, PropertyUse
from sim.checkers import Outcome, Verdict

__all__ = ["ENOUGH_SEEDS", "Standing", "Weighed", "weigh", "worst_code"]

#: From so many seeds on a *sometimes* that never was is a violation.
ENOUGH_SEEDS: Final = 3


class Standing(StrEnum):
    """How a claim stands after all runs."""

    HOLDS = "holds"
    VIOLATED = "VIOLATED"
    UNKNOWN = "unknown"
    OPEN = "warning"
    NOT_ASKED = "not asked for"

    @property
    def code(self) -> int:
        """The exit code that it asks for."""
        return {Standing.VIOLATED: 1, Standing.UNKNOWN: 2}.get(self, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A claim after all runs.

    Attributes:
        use: The claim.
        standing: How it stands.
        runs: How many were judged.
        met: In how many it held.
        seed: The first seed that decided against it; None if it holds or is open.
        verdict: On that seed.
    """

    use: PropertyUse
    standing: Standing
    runs: int
    met: int
    seed: int | None = None
    verdict: Verdict | None = None

    @property
    def title(self) -> str:
        """Name and mode."""
        return f"{self.use.name} ({self.use.mode})"

    @property
    def replayable(self) -> bool:
        """Whether one run alone shows what is wrong."""
        return self.seed is not None and (self.use.mode is Mode.ALWAYS or self.standing is Standing.UNKNOWN)

    def told(self) -> str:
        """How it stands, in words."""
        if self.standing is Standing.NOT_ASKED:
            return "not asked for: it says what is right once faults have ended, and these need not"
        if self.standing is Standing.OPEN:
            return f"warning: in none of {self.runs} runs, too few seeds to tell"
        if self.standing is Standing.HOLDS:
            return f"holds in {f'{self.met} of ' if self.use.mode is Mode.SOMETIMES else ''}{self.runs} runs"
        assert self.verdict is not None
        witness = f"; witness {', '.join(map(str, self.verdict.witness))}" if self.verdict.witness else ""
        where = f"under seed {self.seed}"
        if self.use.mode is Mode.SOMETIMES:
            where = f"in none of {self.runs} runs, the first {where}"
        return f"{self.standing} {where}: {self.verdict.reason}{witness}"


def weigh(use: PropertyUse, by_seed: Mapping[int, Verdict], *, enough_seeds: bool) -> Weighed:
    """Weigh one claim.

    Args:
        use: The claim.
        by_seed: The verdicts on it, in order of the seeds; none if it was not asked for.
        enough_seeds: Whether there were enough to expect a *sometimes*.
    """
    met = {outcome: [seed for seed, v in by_seed.items() if v.outcome is outcome] for outcome in Outcome}
    held = len(met[Outcome.VALID])

    def stands(standing: Standing, seed: int | None = None) -> Weighed:
        verdict = None if seed is None else by_seed[seed]
        return Weighed(use=use, standing=standing, runs=len(by_seed), met=held, seed=seed, verdict=verdict)

    if not by_seed:
        return stands(Standing.NOT_ASKED)
    if held == len(by_seed) or (use.mode is Mode.SOMETIMES and held):
        return stands(Standing.HOLDS)
    if use.mode is Mode.ALWAYS and met[Outcome.INVALID]:
        return stands(Standing.VIOLATED, met[Outcome.INVALID][0])
    if met[Outcome.UNKNOWN]:
        return stands(Standing.UNKNOWN, met[Outcome.UNKNOWN][0])
    return stands(Standing.VIOLATED, met[Outcome.INVALID][0]) if enough_seeds else stands(Standing.OPEN)


def worst_code(codes: Iterable[int]) -> int:
    """One exit code of several: 3 over 1 over 2 over 0."""
    return max(codes, key=(0, 2, 1, 3).index, default=0)
