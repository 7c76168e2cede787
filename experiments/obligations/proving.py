"""Trying a policy's obligations over many seeds, and shrinking what breaks one to a few steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from experiments.hunting.ddmin import ddmin
from experiments.obligations.claims import OBLIGATIONS, Trial
from experiments.obligations.writing import Case, Step, draw_steps, write_down
from models.merging.policies import demanded_of
from models.merging.policy import Obligation
from sim.chance import Chance

__all__ = ["Broken", "broken_obligation", "exercised", "tried"]

_STEPS: Final = 40
#: Told of a history that shows something once, and not when it is tried again.
_UNSTEADY: Final = (
    "; tried once more, these steps do not show it: the policy goes by something else than its writes, such as "
    "a clock, chance, or what it did before"
)


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
        obligations: Which; None for all that the policy is held to (`demanded_of`).
    """
    chosen = demanded_of(case.policy) if obligations is None else frozenset(obligations)
    wanted = [one for one in Obligation if one in chosen]
    for seed in seeds:
        steps = draw_steps(Chance(seed).draws("steps"), case, _STEPS)
        for obligation, wrong in _all_tried(case, wanted, steps, seed, Counter()):
            if wrong:
                return _shrunk(case, Broken(obligation, seed, steps, wrong))
    return None


def tried(case: Case, obligation: Obligation, steps: Sequence[Step], seed: int) -> str:
    """What is wrong with an obligation after some steps; "" if it holds."""
    return next(wrong for _, wrong in _all_tried(case, (obligation,), steps, seed, Counter()))


def exercised(case: Case, seeds: Iterable[int]) -> Counter[str]:
    """By name, how often something happened under some seeds that an obligation could have stumbled over."""
    met: Counter[str] = Counter()
    for seed in seeds:
        steps = draw_steps(Chance(seed).draws("steps"), case, _STEPS)
        for _ in _all_tried(case, tuple(Obligation), steps, seed, met):
            pass
    return met


def _all_tried(
    case: Case, obligations: Iterable[Obligation], steps: Sequence[Step], seed: int, met: Counter[str]
) -> Iterator[tuple[Obligation, str]]:
    """What is wrong with each obligation, all on one history; what was met is added at the end."""
    chance = Chance(seed)
    trial: Trial | None = None
    for obligation in obligations:
        try:
            if trial is None:
                trial = Trial(case, write_down(case, steps), chance.draws("rough arrivals"))
            wrong = OBLIGATIONS[obligation](trial, chance.draws(f"arrivals/{obligation}"))
        except KeyboardInterrupt:
            raise
        except BaseException as failed:  # noqa: BLE001 - somebody's policy or fold, which may raise anything, or exit
            wrong = f"it raised {type(failed).__name__}: {failed}"
        yield obligation, wrong
    if trial is not None:
        met.update(trial.met)


def _shrunk(case: Case, found: Broken) -> Broken:
    """The same with the fewest steps, and with the reason that those gave when they were tried."""
    least = found

    def first(candidates: list[list[Step]]) -> int | None:
        nonlocal least
        for at, some in enumerate(candidates):
            if wrong := tried(case, found.obligation, some, found.seed):
                least = found._replace(steps=tuple(some), reason=wrong)
                return at
        return None

    ddmin(found.steps, first)
    if not tried(case, least.obligation, least.steps, least.seed):
        return least._replace(reason=least.reason + _UNSTEADY)
    return least
