"""How a process across aggregates is written down: a step for each stage of the aggregate that remembers it.

The process is an aggregate like any other: its events say how far it is, and that is all its manager
needs to go on, wherever it is started. A step is what is due at a stage: a command to some other aggregate,
and what is written down when that was accepted, or denied. A step that can be undone names none; one that undoes
another says so, and cannot be denied. What is wrong with a process is told before any run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from models.domain import Command, Domain
from sim.wording import Refused

__all__ = ["Process", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is due at a stage.

    Attributes:
        name: Part of the key of its command.
        stage: Of the process, at which it is due.
        ask: From the state of the process, the aggregate (its domain's number included) and the command to it.
        commands: Kinds of commands that `ask` makes, and that `cancel` is.
        done: What is written down when it was accepted.
        denied: The same when it was denied; None if it cannot be.
        undoes: The step that it takes back; "" if it goes forward.
        patience_us: After so long it is cancelled, and counts as denied unless it had happened; 0 for never.
        cancel: What is asked under the step's key then, and is always denied.
    """

    name: str
    stage: str
    ask: Callable[[Any], tuple[int, Command]]
    commands: tuple[type[Command], ...]
    done: Command
    denied: Command | None = None
    undoes: str = ""
    patience_us: int = 0
    cancel: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process.

    Attributes:
        name: For messages and keys.
        domain: Whose aggregates remember how far each is.
        stage_of: The stage that a state is at.
        steps: In the order in which they go forward, then those that go back.
        final: Stages after which no event follows: a manager forgets a process there.

    Raises:
        Refused: whatever is wrong with it, all at once, each with its place and the way out.
    """

    name: str
    domain: Domain[Any]
    stage_of: Callable[[Any], str]
    steps: tuple[Step, ...]
    final: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        problems = [f"process {self.name!r}, {problem}" for problem in self._problems()]
        if problems:
            raise Refused(problems)

    def due(self, state: Any) -> Step | None:
        """The step that is due in a state; None if there is nothing to do any more."""
        stage = self.stage_of(state)
        return next((step for step in self.steps if step.stage == stage), None)

    def is_over(self, state: Any) -> bool:
        """Whether nothing follows a state any more."""
        return self.stage_of(state) in self.final

    def commands(self) -> Iterator[type[Command]]:
        """Kinds of commands that it sends to others."""
        for step in self.steps:
            yield from step.commands

    def _problems(self) -> Iterator[str]:
        if not self.steps:
            yield "steps: it does nothing; give it at least one"
        for what in ("name", "stage"):
            counts = Counter(getattr(step, what) for step in self.steps)
            for twice in sorted(value for value, count in counts.items() if count > 1):
                yield f"steps: two have the {what} {twice!r}; give each its own"
        forward = [step for step in self.steps if not step.undoes]
        undone = {step.undoes for step in self.steps if step.undoes}
        for place, step in enumerate(forward):
            later = next((other for other in forward[place + 1 :] if other.denied is not None), None)
            if later is not None and step.name not in undone:
                yield (
                    f"step {step.name!r}: step {later.name!r} may be denied after it, and nothing takes it back; "
                    f"add a step with undoes={step.name!r}, or let {later.name!r} never be denied"
                )
        yield from self._steps_that_go_back({step.name for step in forward})
        for step in self.steps:
            yield from self._about(step)
            if step.stage in self.final:
                yield f"step {step.name!r}: stage {step.stage!r} is final, and something is due there; drop one of both"

    def _steps_that_go_back(self, forward: set[str]) -> Iterator[str]:
        for step in self.steps:
            if step.undoes and step.undoes not in forward:
                yield f"step {step.name!r}: undoes={step.undoes!r} is no step that goes forward; name one"
            if step.undoes and step.denied is not None:
                yield f"step {step.name!r}: a compensation that may be denied compensates nothing; leave out `denied`"

    def _about(self, step: Step) -> Iterator[str]:
        """What is wrong with a step taken by itself."""
        if step.patience_us < 0:
            yield f"step {step.name!r}: patience_us={step.patience_us} is no time; give at least 1, or 0 for never"
        if step.patience_us and (step.cancel is None or step.denied is None):
            yield (
                f"step {step.name!r}: it is given up after {step.patience_us} us, and may happen all the same later; "
                "give it `cancel`, which is always denied, and `denied`"
            )
        for command in (step.done, step.denied):
            if command is not None and type(command) not in self.domain.decisions:
                yield (
                    f"step {step.name!r}: {type(command).__name__} is no command of domain {self.domain.name!r}, "
                    "which remembers the process; write down one of its own"
                )
