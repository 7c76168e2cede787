"""What a checker answers: valid, invalid with a witness, or unknown."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.history import History

__all__ = ["Checker", "Outcome", "Verdict"]


class Outcome(StrEnum):
    """The three answers; *unknown* is no pass."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """An answer with its evidence.

    Attributes:
        outcome: The answer.
        witness: Ids of the operations that show it, in history order; empty if valid.
        reason: One sentence for people; "" if valid.
    """

    outcome: Outcome
    witness: tuple[int, ...] = ()
    reason: str = ""

    @property
    def valid(self) -> bool:
        """Whether the claim held."""
        return self.outcome is Outcome.VALID


class Checker(Protocol):
    """A claim about histories, as a function named after the claim."""

    def __call__(self, history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
        """Judge `history`.

        Args:
            history: What the clients recorded.
            spec: What the recorded things mean, where a claim needs that; else None.
            budget: What it may spend; past that the answer is *unknown*.
        """
        ...
