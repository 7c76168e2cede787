"""Trying a policy's obligations over many seeds, and shrinking what breaks one to a few steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from experiments.hunting.ddmin import ddmin
from experiments.obligations.claims import OBLIGATIONS
from experiments.obligations.writing import Case, Step, draw_steps, write_down
from models.merging.policy import Obligation
from sim.chance import Chance

__all__ = ["Broken", "broken_obligation", "tried"]

_STEPS: Final = 40


class Broken(NamedTuple):
    """An obligation that does not hold, with the fewest steps that show it.

    Attributes:
        obligation: Which.
        seed: Under which it was found.
        steps: What happened.
        reason: What is wrong then.
    """

    obligation: Obligation
    seed: int
    steps: tuple[Step, ...]
    reason: str

    def lines(self) -> tuple[str, ...]:
        """For people."""
        told = f"not {self.obligation} (seed {self.seed}): {self.reason}"
        return (told, *(f"    {step}" for step in self.steps))


def broken_obligation(
    case: Case, seeds: Iterable[int], obligations: Iterable[Obligation] | None = None
) -> Broken | None:
    """The first obligation that breaks, shrunk; None if all hold.

    Args:
        case: A policy and its domain.
        seeds: Tried in order.
        obligations: Which; None for all that the policy promises.
    """
    wanted = [one for one in Obligation if one in (case.policy.promises if obligations is None else set(obligations))]
    for seed in seeds:
        steps = draw_steps(Chance(seed).draws("steps"), case, _STEPS)
        for obligation in wanted:
            if tried(case, obligation, steps, seed):
                return _shrunk(case, obligation, steps, seed)
    return None


def tried(case: Case, obligation: Obligation, steps: Sequence[Step], seed: int) -> str:
    """What is wrong with an obligation after some steps; "" if it holds."""
    return OBLIGATIONS[obligation](case, write_down(case, steps), Chance(seed).draws("arrivals"))


def _shrunk(case: Case, obligation: Obligation, steps: Sequence[Step], seed: int) -> Broken:
    def first(candidates: list[list[Step]]) -> int | None:
        return next((at for at, some in enumerate(candidates) if tried(case, obligation, some, seed)), None)

    least = ddmin(steps, first)
    return Broken(obligation, seed, tuple(least), tried(case, obligation, least, seed))
