"""A decision as a value: what may be done, and what each choice costs by the condition that the subject is in.

Who decides holds an answer or a boolean, and knows its own costs. With the answer it takes the choice that costs least
on average; with a boolean it can only map yes and no to two choices, whatever its costs are.

A `Table` is for what hangs on more than the condition of one subject: costs stand by states of any name, such as those
of several replicas, or of a subject together with whether a copy of it is `fresh_or_stale`. Where only bounds of a
chance are known, as of hosts whose dependence is not, it takes the choice whose worst case is best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, isfinite

from models.confidence.answer import Answer
from models.confidence.closed import Bounds, freshness
from models.detection.refusals import at_least, refuse

__all__ = ["Choice", "Decision", "Option", "Table", "fresh_or_stale"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that may be done, and its cost by state, not to be changed later; states not named cost nothing.

    Raises:
        ValueError: a cost that is negative or not finite.
    """

    name: str
    costs: Mapping[str, float]

    def __post_init__(self) -> None:
        refuse(
            [
                None
                if isfinite(value) and value >= 0
                else f"{self.name}: {state}={value!r} is no cost; give a number from 0 up"
                for state, value in self.costs.items()
            ]
        )

    def expected(self, chances: Mapping[str, float]) -> float:
        """What it costs on average; costs of states of several subjects add up."""
        return fsum(cost * chances[state] for state, cost in self.costs.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Options to decide between; of equals the first is taken, so put what is done without evidence first.

    Raises:
        ValueError: fewer than two options, two of one name, or costs that are all zero.
    """

    name: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        names = [option.name for option in self.options]
        refuse(
            [
                f"{self.name}: {len(names)} options leave nothing to decide; give two or more"
                if len(names) < 2
                else None,
                f"{self.name}: options={names} name one twice; give each its own"
                if len(set(names)) < len(names)
                else None,
                f"{self.name}: all costs are 0, so nothing is to be decided; make one positive"
                if not any(cost for option in self.options for cost in option.costs.values())
                else None,
            ]
        )

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that something costs in, in order of their first mention."""
        return tuple(dict.fromkeys(state for option in self.options for state in option.costs))

    def by_chances(self, chances: Mapping[str, float]) -> Option:
        """The option that costs least on average.

        Raises:
            ValueError: a state without a chance.
        """
        missing = [state for state in self.states if state not in chances]
        refuse(
            [f"{self.name}: {missing} have no chance, and cost something; say how likely each is"] if missing else ()
        )
        return min(self.options, key=lambda option: option.expected(chances))

    def by_bounds(self, state: str, otherwise: str, bounds: Bounds) -> Option:
        """The option whose worst case is best, where of two states only bounds of the first one's chance are known.

        Raises:
            ValueError: the bounds are none, or the table knows other states.
        """
        refuse(
            [
                None
                if 0 <= bounds.low <= bounds.high <= 1
                else f"{bounds} are no bounds of a chance; give 0 <= low <= high <= 1",
                f"{self.name}: costs stand by {self.states}, not just by {state!r} and {otherwise!r}; weigh chances"
                if set(self.states) - {state, otherwise}
                else None,
            ]
        )

        def worst(option: Option) -> float:
            ends = [{state: chance, otherwise: 1 - chance} for chance in bounds]
            return max(option.expected(chances) for chances in ends)

        return min(self.options, key=worst)


def fresh_or_stale(
    answer: Answer, *, writes_per_s: float, lag_us: float, slow_lag_us: float | None = None
) -> Mapping[str, float]:
    """Chances of a subject's condition together with whether a copy of what it writes has its latest, `up/fresh` etc.

    Who is dead writes no more, and who is merely cut off goes on writing: so what silence means for a copy hangs on why
    there is silence. Nothing reaches the copy since the last that was heard was sent.

    Args:
        answer: Of who writes.
        writes_per_s: How often, Poisson.
        lag_us: From a write to the copy, while all is well.
        slow_lag_us: The same while something is slow; 10 times as long if not given.

    Raises:
        ValueError: a rate or a lag below 0.
    """
    slow_us = 10 * lag_us if slow_lag_us is None else slow_lag_us
    refuse(
        (at_least("writes_per_s", writes_per_s, 0), at_least("lag_us", lag_us, 0), at_least("slow_lag_us", slow_us, 0))
    )
    silent_us = lag_us + (answer.at_us if answer.age_us is None else answer.age_us)
    found: dict[str, float] = {}
    for name, chance, us in (
        ("up", answer.up, lag_us),
        ("slow", answer.slow, slow_us),
        ("unreachable", answer.unreachable, silent_us),
        ("dead", answer.dead, lag_us),
    ):
        fresh = freshness(writes_per_s, us)
        found[f"{name}/fresh"] = chance * fresh
        found[f"{name}/stale"] = chance * (1 - fresh)
    return found
