"""A domain as the confluence checker wants it: what two sides decide alone, and a rule that merges their events.

Each side decides commands on its own state, as a sub-domain does during a cut. After the heal the events
of both come in one canonical order, by their place within their side and then by side, and a rule folds
them into the last common state.

Two rules are here that no policy of `models.merging` can stand in for. `apply_all` is `commutative` without its
refusal of what does not commute: here one is to see what would come of it. `replay` takes nothing back where what
was promised holds already, so that two who change a field alike owe nobody; `canonical-replay` compares events,
not what they come to, and owes. Where a policy gives the answer, it is asked itself (`policies`): `last-writer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from models.domain import Command, Denied, Domain, Event, State
from sim.checkers.confluence import SplitSystem

__all__ = ["Folded", "Held", "MergeRule", "Step", "apply_all", "replay", "split_domain"]

StateT = TypeVar("StateT", bound=State)


class Step(NamedTuple):
    """A command that a side accepted during the cut.

    Attributes:
        number: Its place among those of its side, from 1.
        side: 0 or 1.
        command: What was asked.
        event: What it led to there.
    """

    number: int
    side: int
    command: Command
    event: Event


class Held(NamedTuple, Generic[StateT]):
    """What a side has: its state, and what it accepted since the last common one."""

    state: StateT
    since: tuple[Step, ...] = ()


class Folded(NamedTuple, Generic[StateT]):
    """What a rule makes of both sides: the state, and what it takes back."""

    state: StateT
    undone: tuple[Step, ...] = ()


#: Folds steps in canonical order into the last common state.
MergeRule = Callable[[Domain[Any], Any, Sequence[Step]], Folded[Any]]


def apply_all(domain: Domain[StateT], base: StateT, steps: Sequence[Step]) -> Folded[StateT]:
    """Every event counts, whatever the state it meets: right where events commute and no invariant needs both sides."""
    for step in steps:
        base = domain.evolve(base, step.event)
    return Folded(base)


def replay(domain: Domain[StateT], base: StateT, steps: Sequence[Step]) -> Folded[StateT]:
    """Every command is decided again, in canonical order; what is denied now, or leads to another event, is taken back.

    Not where its event would change nothing: what was promised holds already.
    """
    undone: list[Step] = []
    for step in steps:
        event = domain.decide(base, step.command)
        if event != step.event and domain.evolve(base, step.event) != base:
            undone.append(step)
        base = domain.evolve(base, event)
    return Folded(base, tuple(undone))


def split_domain(
    domain: Domain[StateT], commands: Sequence[Command], rule: MergeRule
) -> SplitSystem[Held[StateT], Command]:
    """Two sides of one aggregate of a domain that may be asked any of some commands.

    Args:
        domain: Whose rules and invariants hold.
        commands: What somebody may ask of either side, at any time.
        rule: How their events are merged.

    Raises:
        ValueError: no commands.
    """
    if not commands:
        raise ValueError("no commands are given, so that nothing can go wrong; give those that somebody may ask")

    def apply(held: Held[StateT], command: Command, side: int) -> Held[StateT] | None:
        event = domain.decide(held.state, command)
        if event.__class__ is Denied:
            return None
        step = Step(len(held.since) + 1, side, command, event)
        return Held(domain.evolve(held.state, event), (*held.since, step))

    def folded(base: Held[StateT], left: Held[StateT], right: Held[StateT]) -> Folded[StateT]:
        return rule(domain, base.state, sorted((*left.since, *right.since), key=lambda step: step[:2]))

    def owed(base: Held[StateT], left: tuple[Command, ...], right: tuple[Command, ...], merged: Held[StateT]) -> str:
        sides = [base, base]
        for side, commands in enumerate((left, right)):
            for command in commands:
                after = apply(sides[side], command, side)
                assert after is not None, f"{command} was accepted before"
                sides[side] = after
        undone = folded(base, *sides).undone
        return ", ".join(f"side {step.side} was told yes to {step.command}" for step in undone)

    return SplitSystem(
        initial=Held(domain.initial()),
        offers=lambda held, side: commands,
        apply=apply,
        merge=lambda base, left, right: Held(folded(base, left, right).state),
        invariant=lambda held: all(getattr(domain, name)(held.state) for name in domain.invariants),
        owed=owed,
    )
