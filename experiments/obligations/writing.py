"""Writes for a merge to be tried on: a few sub-domains that decide on what they have merged, and hear of each other.

What happens is data: a list of steps, drawn from a seed and shrunk when it shows something. A step that makes no
sense where it stands (hearing what is not there) does nothing, so that any part of a list is a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from models.addressing import Scope, mint, pack_type
from models.domain import Command, Domain, Event, State
from models.merging.fold import MergeFold, Settled
from models.merging.policy import LocalRule, Policy
from models.merging.writes import Write

__all__ = ["Case", "Draws", "Step", "Written", "draw_steps", "write_down"]

_WRITE: Final = "write"
_HEAR: Final = "hear"
_SETTLE: Final = "settle"
_RESTART: Final = "restart"
#: Where a hybrid clock would be on the wall: so many microseconds a step.
_TICK_US: Final = 10


class Draws(Protocol):
    """Where chance comes from; `sim.chance.Draws` is one."""

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""


class Step(NamedTuple):
    """One thing that happens: a sub-domain writes, hears the next write of another, settles, or restarts."""

    kind: str
    source: int
    other: int = 0
    command: Command | None = None

    def __str__(self) -> str:
        if self.kind == _WRITE:
            return f"{self.source} decides {self.command} of {self.other}"
        return f"{self.source} hears {self.other}" if self.kind == _HEAR else f"{self.source} {self.kind}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is tried.

    Attributes:
        domain: Whose rules hold.
        policy: Under test.
        commands: What may be asked of an aggregate.
        fold: Makes the merge of a place; a negative control brings another one.
        sources: Numbers of the sub-domains.
        instances: Numbers of the aggregates.
        skew_us: By sub-domain, how far its wall clock is off. Hybrid clocks do not mind: they never stamp below what
            they have seen.
        hybrid: Whether clocks are hybrid; a negative control stamps by the wall.
        patient: Whether a sub-domain that has restarted writes nothing until all that it wrote before is in its
            view again; a negative control does not wait.
    """

    domain: Domain[Any]
    policy: Policy
    commands: tuple[Command, ...]
    fold: Callable[[Policy, Sequence[int]], MergeFold] = MergeFold
    sources: tuple[int, ...] = (1, 2, 3)
    instances: tuple[int, ...] = (1, 2)
    skew_us: Mapping[int, int] = field(default_factory=dict)
    hybrid: bool = True
    patient: bool = True

    def asked(self, source: int) -> tuple[Command, ...]:
        """What may be asked of a sub-domain: the domain's commands, and those of a local rule."""
        policy = self.policy
        return (*self.commands, *policy.asks(source)) if isinstance(policy, LocalRule) else self.commands

    def decide(self, fold: MergeFold, source: int, instance: int, command: Command) -> Event | None:
        """What a command leads to at a sub-domain; None where its policy's local rule makes it wait."""
        policy = self.policy
        if isinstance(policy, LocalRule):
            return policy.decide(fold.held(instance), source, command)
        return self.domain.decide(fold.state(instance), command)


class Written(NamedTuple):
    """What a list of steps came to.

    Attributes:
        logs: By sub-domain, its writes in order.
        shown: By sub-domain, each aggregate as it is shown once everything was heard, before the last settling.
        stable: By sub-domain, each aggregate after that.
        records: By sub-domain, what it saved, in order; restarts did not end it.
        refused: Commands that a local rule made wait, or that came before a sub-domain had read its own log again.
        restarts: How many there were.
    """

    logs: Mapping[int, list[Write]]
    shown: Mapping[int, Mapping[int, State]]
    stable: Mapping[int, Mapping[int, State]]
    records: Mapping[int, list[Settled]]
    refused: int
    restarts: int

    def writes(self) -> list[Write]:
        """All of them in canonical order."""
        return sorted(write for log in self.logs.values() for write in log)


def draw_steps(draws: Draws, case: Case, count: int) -> tuple[Step, ...]:
    """So many steps: about half are writes, most others hear."""
    steps = []
    asked = {source: case.asked(source) for source in case.sources}
    for _ in range(count):
        source = case.sources[draws.below(len(case.sources))]
        kind = draws.random()
        if kind < 0.5:
            instance = case.instances[draws.below(len(case.instances))]
            steps.append(Step(_WRITE, source, instance, asked[source][draws.below(len(asked[source]))]))
        elif kind < 0.84:
            others = [number for number in case.sources if number != source]
            steps.append(Step(_HEAR, source, others[draws.below(len(others))]))
        else:
            steps.append(Step(_SETTLE if kind < 0.93 else _RESTART, source))
    return tuple(steps)


def write_down(case: Case, steps: Sequence[Step]) -> Written:
    """Carry out steps, then let everybody hear everything."""
    running = _Running(case)
    for number, step in enumerate(steps, 1):
        running.carry_out(step, number)
    return running.end()


class _Running:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._logs: dict[int, list[Write]] = {number: [] for number in case.sources}
        self._folds = {number: case.fold(case.policy, case.sources) for number in case.sources}
        self._records: dict[int, list[Settled]] = {number: [] for number in case.sources}
        #: How far each has heard each, and the highest stamp it knows of.
        self._heard: dict[tuple[int, int], int] = {}
        self._clocks = dict.fromkeys(case.sources, 0)
        self._refused = self._restarts = 0

    def carry_out(self, step: Step, number: int) -> None:
        if step.kind == _WRITE:
            assert step.command is not None
            self._write(step.source, step.other, step.command, number)
        elif step.kind == _HEAR:
            self._hear(step.source, step.other)
        elif step.kind == _SETTLE:
            self._settle(step.source)
        else:
            self._restart(step.source)

    def end(self) -> Written:
        case, folds = self._case, self._folds
        for source in case.sources:
            for other in case.sources:
                while other != source and self._hear(source, other):
                    pass
        shown = {source: {one: folds[source].state(one) for one in case.instances} for source in case.sources}
        last_us = max((log[-1].stamp_us for log in self._logs.values() if log), default=0)
        for source in case.sources:
            self._settle_at(source, last_us)
        stable = {source: {one: folds[source].stable(one) for one in case.instances} for source in case.sources}
        return Written(self._logs, shown, stable, self._records, self._refused, self._restarts)

    def _write(self, source: int, instance: int, command: Command, number: int) -> None:
        case, fold, log = self._case, self._folds[source], self._logs[source]
        event = None
        # What it wrote before a restart may still wait for what it had seen: what is not in view, nobody can decide on.
        if not case.patient or fold.received(source) == len(log):
            event = case.decide(fold, source, instance, command)
        if event is None:
            self._refused += 1
            return
        wall_us = max(1, number * _TICK_US + case.skew_us.get(source, 0))
        own = log[-1].stamp_us if log else 0
        stamp_us = max(wall_us, (self._clocks[source] if case.hybrid else own) + 1)
        self._clocks[source] = max(stamp_us, self._clocks[source])
        version = 1 + sum(write.instance == instance for write in log)
        type_id = pack_type(Scope.SERVICE, command=False, domain=case.domain.number, incarnation=source)
        address = mint(type_id, instance, version)
        write = Write(stamp_us, source, len(log) + 1, address, event, number, fold.seen(source))
        log.append(write)
        fold.ingest(write)

    def _hear(self, source: int, other: int) -> bool:
        at = self._heard.get((source, other), 0)
        if source == other or at >= len(self._logs[other]):
            return False
        write = self._logs[other][at]
        self._heard[source, other] = at + 1
        self._clocks[source] = max(self._clocks[source], write.stamp_us)
        self._folds[source].ingest(write)
        return True

    def _settle(self, source: int) -> None:
        """Nobody will write at or below what was heard of it last."""
        own = self._logs[source]
        cut_us = self._clocks[source] if self._case.hybrid else own[-1].stamp_us if own else 0
        for other in self._case.sources:
            if other != source:
                at = self._heard.get((source, other), 0)
                cut_us = min(cut_us, self._logs[other][at - 1].stamp_us if at else 0)
        self._settle_at(source, cut_us)

    def _settle_at(self, source: int, cut_us: int) -> None:
        settled = self._folds[source].settle(cut_us)
        if settled is not None:
            self._records[source].append(settled)

    def _restart(self, source: int) -> None:
        """What was saved is taken up again; of the rest it has its own log, and must hear the others once more."""
        case = self._case
        fold = self._folds[source] = case.fold(case.policy, case.sources)
        fold.restore(self._records[source])
        self._restarts += 1
        vector = fold.vector()
        for other in case.sources:
            self._heard[source, other] = vector[other]
        for write in self._logs[source][vector[source] :]:
            fold.ingest(write)
