"""Conservation: what was accepted is incorporated, superseded with a record, or compensated; nothing else is.

    1 accept x order-1 -> ok          two regions accept, cut off from each other;
    2 accept x order-2 -> ok          when they are joined again,
    3 incorporate x order-1 -> ok     one of the two is carried over,
                                      and of the other nothing is ever said: it is lost

Each thing is named by its value and belongs to its key. `accept` (or what `ConservationSpec.accepts`
names) takes it on. Its fates, recorded by whoever decides them: `incorporate` thing; `supersede`
(thing, record), where the record says by what, so that its owner can be told; `compensate` thing, or
(thing, record). What was incorporated may be superseded or compensated later, which takes it out
again; otherwise fates exclude each other. So accepted = incorporated + superseded + compensated.
Source: compensation as in sagas, Garcia-Molina and Salem, SIGMOD 1987; no failure *without a trace* as
in Helland and Campbell, *Building on Quicksand*, CIDR 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.reading import Attempt, Key, given, invalid, judged, named, shown, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History, Value

__all__ = ["ConservationSpec", "conserved"]

_FATES: Final = ("incorporate", "supersede", "compensate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConservationSpec:
    """What takes things on, and until when each must have a fate.

    Attributes:
        accepts: Operations that take on the thing that is their value.
        at_rest: Whether every thing must have its fate by the end of the history.
    """

    accepts: tuple[str, ...] = ("accept",)
    at_rest: bool = True


def conserved(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every accepted thing has exactly one fate in the end, and nothing else has any.

    A thing whose acceptance has no answer may have a fate or none. A fate without an answer may have
    befallen: where only that could account for a thing, the answer is *unknown*.

    Args:
        history: With acceptances and fates.
        spec: A `ConservationSpec`; None takes `accept`, at rest.
        budget: A step is a row.
    """
    options = given(spec, ConservationSpec, ConservationSpec())
    return judged(history, budget, lambda attempts, _: _judge(attempts, options))


@dataclass(slots=True)
class _Thing:
    """What is told of one thing."""

    key: Key
    name: Value
    accepted: list[Attempt] = field(default_factory=list)
    fates: dict[str, list[Attempt]] = field(default_factory=lambda: {fate: [] for fate in _FATES})
    doubtful: list[Attempt] = field(default_factory=list)


def _judge(attempts: list[Attempt], options: ConservationSpec) -> Verdict:
    things: dict[tuple[Key, Value], _Thing] = {}
    for attempt in attempts:
        if attempt.f not in options.accepts and attempt.f not in _FATES:
            continue
        name, record = _named(attempt, options)
        thing = things.setdefault((attempt.key, name), _Thing(attempt.key, name))
        if attempt.f in options.accepts:
            thing.accepted.append(attempt)
        elif attempt.ok:
            if attempt.f == "supersede" and record is None:
                return invalid(
                    f"{named(attempt)}: {shown(name)} of {attempt.key!r} is superseded without a record", attempt
                )
            thing.fates[attempt.f].append(attempt)
        elif not attempt.failed:
            thing.doubtful.append(attempt)
    verdicts = [verdict for thing in things.values() for verdict in _of(thing, options)]
    wrong = [verdict for verdict in verdicts if verdict.outcome is Outcome.INVALID]
    return (wrong or verdicts or [Verdict(Outcome.VALID)])[0]


def _named(attempt: Attempt, options: ConservationSpec) -> tuple[Value, Value]:
    """The thing, and the record of what became of it."""
    value = attempt.asked
    if attempt.f not in options.accepts and attempt.f != "incorporate" and isinstance(value, tuple) and len(value) == 2:
        return value[0], value[1]
    return value, None


def _of(thing: _Thing, options: ConservationSpec) -> Iterator[Verdict]:
    """What is wrong with one thing's accounts, or not known of them."""
    fates, what = thing.fates, f"{shown(thing.name)} of {thing.key!r}"
    befallen = [attempt for fate in _FATES for attempt in fates[fate]]
    accepted = [a for a in thing.accepted if not a.failed]
    if befallen and not accepted:
        why = "was refused" if thing.accepted else "nobody accepted"
        yield invalid(f"{named(befallen[0])}: {what}, which {why}, has a fate", *thing.accepted, befallen[0])
    for fate in _FATES:
        if len(fates[fate]) > 1:
            yield invalid(f"{what} has the fate {fate} {len(fates[fate])} times", *fates[fate][:2])
    if fates["supersede"] and fates["compensate"]:
        yield invalid(f"{what} is accounted for twice", fates["supersede"][0], fates["compensate"][0])
    for late in fates["incorporate"]:
        for end in (*fates["supersede"], *fates["compensate"]):
            if end.precedes(late):
                yield invalid(f"{what} is incorporated after {named(end)} had taken it out", end, late)
    sure = [a for a in thing.accepted if a.ok]
    if sure and not befallen and options.at_rest:
        if thing.doubtful:
            yield unknown(f"whether {named(thing.doubtful[0])} gave {what} its fate is not known", thing.doubtful[0])
        else:
            yield invalid(f"{what} was accepted, and is neither incorporated, superseded nor compensated", sure[0])
