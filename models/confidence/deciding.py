"""A decision as a value: what may be done, and what each choice costs by the condition that the subject is in.

Who decides holds an answer or a boolean, and knows its own costs. With the answer it takes the choice that costs least
on average; with a boolean it can only map yes and no to two choices, whatever its costs are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite

from models.confidence.answer import Answer
from models.detection.refusals import refuse

__all__ = ["Choice", "Decision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that may be done, and its cost by condition; costs share one unit, which is the caller's.

    Raises:
        ValueError: a cost that is negative or not finite.
    """

    name: str
    up: float
    slow: float
    unreachable: float
    dead: float

    def __post_init__(self) -> None:
        costs = (("up", self.up), ("slow", self.slow), ("unreachable", self.unreachable), ("dead", self.dead))
        refuse(
            [
                None
                if isfinite(value) and value >= 0
                else f"{self.name}: {name}={value!r} is no cost; give a number from 0 up"
                for name, value in costs
            ]
        )

    def expected(self, answer: Answer) -> float:
        """What it costs on average, as far as the answer knows."""
        return fsum(
            (
                self.up * answer.up,
                self.slow * answer.slow,
                self.unreachable * answer.unreachable,
                self.dead * answer.dead,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Choices to decide between; of equals the first is taken, so put what is done without evidence first.

    Raises:
        ValueError: fewer than two choices, two of one name, or costs that are all zero.
    """

    name: str
    choices: tuple[Choice, ...]

    def __post_init__(self) -> None:
        names = [choice.name for choice in self.choices]
        free = all(choice.up == choice.slow == choice.unreachable == choice.dead == 0 for choice in self.choices)
        refuse(
            [
                f"{self.name}: {len(names)} choices leave nothing to decide; give two or more"
                if len(names) < 2
                else None,
                f"{self.name}: choices={names} name one twice; give each its own"
                if len(set(names)) < len(names)
                else None,
                f"{self.name}: all costs are 0, so nothing is to be decided; make one positive" if free else None,
            ]
        )

    def by_answer(self, answer: Answer) -> Choice:
        """The choice that costs least on average."""
        return min(self.choices, key=lambda choice: choice.expected(answer))

    def by_bool(self, down: bool, *, if_down: str, otherwise: str) -> Choice:
        """The choice that a boolean is mapped to.

        Raises:
            ValueError: a name that no choice has.
        """
        return self.named(if_down if down else otherwise)

    def named(self, name: str) -> Choice:
        """The choice of this name.

        Raises:
            ValueError: none has it.
        """
        for choice in self.choices:
            if choice.name == name:
                return choice
        raise ValueError(f"{self.name}: no choice {name!r}; there are {[choice.name for choice in self.choices]}")
