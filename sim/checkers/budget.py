"""How much a checker may spend before it must say that it does not know.

Deciding whether a history is linearizable is NP-complete (Gibbons and Korach, 1997), so every
checker counts what it does and gives up in good order. Steps and bytes are counted by the
checker itself, so that neither the machine nor its load changes a verdict; seconds are for a
person who waits, and need a clock from outside, since nothing in the world reads one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["DEFAULT_BUDGET", "Budget", "Meter", "OverBudget"]

# Between two looks at the clock; a look costs as much as some ten steps.
_STEPS_BETWEEN_LOOKS: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one verdict may cost.

    Attributes:
        states: Steps; a step is a row looked at or a state of the search reached.
        memory_bytes: Bytes held at once, as the checker reckons them; None is no limit.
        seconds: By `clock`; None is no limit.
        clock: Seconds that never go back, such as `time.monotonic`; only with `seconds`.

    Raises:
        ValueError: a limit below 1 state, 1 byte or 0 seconds, or seconds without a clock.
    """

    states: int
    memory_bytes: int | None = None
    seconds: float | None = None
    clock: Callable[[], float] | None = None

    def __post_init__(self) -> None:
        if self.states < 1:
            raise ValueError(f"states={self.states} is below 1; a checker takes at least one step, so raise it")
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise ValueError(f"memory_bytes={self.memory_bytes} is below 1; raise it, or None for no limit")
        if self.seconds is not None and not self.seconds >= 0:
            raise ValueError(f"seconds={self.seconds} is not 0 or more; raise it, or None for no limit")
        if (self.seconds is None) != (self.clock is None):
            raise ValueError(f"{self.seconds=} and {self.clock=} go together; give both or neither")

    def meter(self) -> Meter:
        """Begin to count; the seconds run from here."""
        return Meter(self)


#: What `check` and `hunt` allow: no seconds, so that no verdict depends on speed.
DEFAULT_BUDGET: Final = Budget(states=10_000_000, memory_bytes=500_000_000)


class OverBudget(Exception):
    """A limit was passed; the text says which, and serves as the reason of an *unknown*."""


class Meter:
    """What one check has spent so far.

    Attributes:
        budget: What it may spend.
        states: Steps taken.
    """

    __slots__ = ("_began", "_look_at", "budget", "states")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.states = 0
        self._look_at = 0
        self._began = 0.0 if budget.clock is None else budget.clock()

    def part(self, states: int) -> Meter:
        """A meter for a part of the work: so many steps, if as many are left, and until the same instant."""
        left = max(1, self.budget.states - self.states)
        meter = Meter(replace(self.budget, states=min(states, left)))
        meter._began = self._began
        return meter

    def spend(self, states: int = 1, holding_bytes: int = 0) -> None:
        """Count steps, and what is held now.

        Raises:
            OverBudget: a limit is passed.
        """
        self.states += states
        budget = self.budget
        if self.states > budget.states:
            raise OverBudget(f"more than the budget of {budget.states:,} steps is needed; raise it")
        if budget.memory_bytes is not None and holding_bytes > budget.memory_bytes:
            raise OverBudget(f"more than the budget of {budget.memory_bytes:,} bytes is needed; raise it")
        if budget.clock is not None and self.states >= self._look_at:
            self._look_at = self.states + _STEPS_BETWEEN_LOOKS
            assert budget.seconds is not None
            if budget.clock() - self._began > budget.seconds:
                raise OverBudget(f"more than the budget of {budget.seconds:g} s is needed; raise it")
