"""Invariants of a domain: how often one is broken, how deeply, and for how long.

    1 deposit x 100 -> ok
    2 withdraw x 80 -> ok     in one region,
    3 withdraw x 50 -> ok     in another:
                              30 below zero, until a deposit or a compensation mends it

The state of each key is followed from what was answered. Where operations overlap, or have no
answer, they are given the benefit of the doubt: what eases the invariant counts from when it began,
with or without an answer, and what strains it counts once it was acknowledged. So a violation that is
found really happened, whatever the order was. Source: the consistency measures of Yu and Vahdat,
*TACT*, OSDI 2000 (numerical error, staleness), here of an invariant rather than of a replica.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.objects import cut
from sim.checkers.reading import NEVER, Attempt, Key, by_key, given, invalid, judged, named, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History

__all__ = ["InvariantSpec", "Violation", "at_least", "at_most", "invariant", "violations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantSpec:
    """An invariant of each key's state.

    Attributes:
        initial: State of a key before anything is done.
        step: From a state and an operation to the next state.
        depth: How deeply a state violates the invariant; 0 if it holds.
        matters: What the state depends on, by `f`.
        eases: Those of `matters` that never deepen a violation, the others never lessening it; None if
            that cannot be said, and then all count as they are answered.
    """

    initial: Any
    step: Callable[[Any, Attempt], Any]
    depth: Callable[[Any], int]
    matters: frozenset[str]
    eases: frozenset[str] | None = None


class Violation(NamedTuple):
    """A span in which one key violates the invariant.

    Attributes:
        key: The key.
        begin_us: From when.
        end_us: Until when; None if to the end.
        depth: How deeply at its worst.
        broken_by: The operation that began it.
        mended_by: The one that ended it.
    """

    key: Key
    begin_us: int
    end_us: int | None
    depth: int
    broken_by: Attempt
    mended_by: Attempt | None = None


def at_least(low: int, *, up: tuple[str, ...], down: tuple[str, ...], initial: int = 0) -> InvariantSpec:
    """A sum that stays at or above `low`: `up` adds an operation's value to it, `down` takes it away."""
    return InvariantSpec(
        initial=initial,
        step=_summing(up),
        depth=lambda total: max(0, low - total),
        matters=frozenset(up + down),
        eases=frozenset(up),
    )


def at_most(high: int, *, up: tuple[str, ...], down: tuple[str, ...], initial: int = 0) -> InvariantSpec:
    """A sum that stays at or below `high`; arguments as for `at_least`."""
    return InvariantSpec(
        initial=initial,
        step=_summing(up),
        depth=lambda total: max(0, total - high),
        matters=frozenset(up + down),
        eases=frozenset(down),
    )


def _summing(up: tuple[str, ...]) -> Callable[[int, Attempt], int]:
    def step(total: int, attempt: Attempt) -> int:
        # An operation without an amount, such as taking a seat, counts as one.
        amount = attempt.asked if isinstance(attempt.asked, int) else 1
        return total + amount if attempt.f in up else total - amount

    return step


def invariant(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """The invariant holds of every key at every instant; the reason tells count, depth and duration.

    Args:
        history: What the clients recorded.
        spec: An `InvariantSpec`, such as `at_least` and `at_most` make.
        budget: A step is a row.
    """
    rule = given(spec, InvariantSpec)
    until_us = history.rows[-1].t_us if history.rows else 0
    return judged(history, budget, lambda attempts, _: _judge(attempts, rule, until_us))


def _judge(attempts: list[Attempt], rule: InvariantSpec, until_us: int) -> Verdict:
    found = violations(attempts, rule)
    if not found:
        return Verdict(Outcome.VALID)
    lasted_us = sum((until_us if one.end_us is None else one.end_us) - one.begin_us for one in found)
    deepest = max(found, key=lambda one: one.depth)
    left = sum(1 for one in found if one.end_us is None)
    reason = (
        f"{len(found)} violations, {left} of them open at the end, {lasted_us} us together, at most {deepest.depth} "
        f"deep; the first began with {named(found[0].broken_by)} of {found[0].key!r} at {found[0].begin_us} us"
    )
    if rule.eases is None:
        keys = {one.key for one in found}
        doubt = [a for a in attempts if a.key in keys and a.f in rule.matters and a.end == NEVER]
        if doubt:
            return unknown(f"{named(doubt[0])} has no answer and may have prevented this: {reason}", *cut(doubt))
    return invalid(reason, *cut(one.broken_by for one in found))


def violations(attempts: list[Attempt], rule: InvariantSpec) -> tuple[Violation, ...]:
    """Every span in which a key violates the invariant, by beginning."""
    found = [one for key, some in by_key(attempts).items() for one in _of_key(key, some, rule)]
    return tuple(sorted(found, key=lambda one: (one.begin_us, one.broken_by.begin)))


def _of_key(key: Key, attempts: list[Attempt], rule: InvariantSpec) -> list[Violation]:
    state, found = rule.initial, list[Violation]()
    spell: Violation | None = None
    for _, t_us, attempt in _moments(attempts, rule):
        state = rule.step(state, attempt)
        depth = rule.depth(state)
        if depth > 0:
            spell = Violation(key, t_us, None, depth, attempt) if spell is None else spell
            spell = spell._replace(depth=max(depth, spell.depth))
        elif spell is not None:
            found.append(spell._replace(end_us=t_us, mended_by=attempt))
            spell = None
    return found if spell is None else [*found, spell]


def _moments(attempts: list[Attempt], rule: InvariantSpec) -> list[tuple[int, int, Attempt]]:
    """When each operation counts: its row and instant."""
    moments = []
    for attempt in attempts:
        if attempt.f not in rule.matters or attempt.failed:
            continue
        if rule.eases is not None and attempt.f in rule.eases:
            moments.append((attempt.begin, attempt.begin_us, attempt))
        elif attempt.end_us is not None:
            moments.append((attempt.end, attempt.end_us, attempt))
    return sorted(moments, key=lambda moment: moment[0])
