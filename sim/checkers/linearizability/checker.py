"""Linearizable: every operation seems to take effect at once, between its beginning and its ending.

Row order is the order of events: an operation that ended in an earlier row than another began
came before it, whatever their times say. Keys are judged apart, which loses nothing (Herlihy
and Wing, ACM TOPLAS 1990, theorem 1: linearizability is local).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget
from sim.checkers.linearizability.calls import Call, Part, Unpaired, parts_of
from sim.checkers.linearizability.search import Effort, Frontier
from sim.checkers.linearizability.witness import STRIDE, fewest_operations
from sim.checkers.linearizability.zones import fewest_of, zones_of
from sim.checkers.reading import AUDIT
from sim.checkers.specifications import Shape, Specification
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.wellformed import well_formed
from sim.history import History, Kind, Operation
from sim.wording import way_to

__all__ = ["Doomed", "doom", "linearizable"]

# What a first try may cost before another way is tried.
_STEPS_AN_EFFORT: Final = 400_000


def linearizable(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Some order of the operations of each key, one at a time, explains every answer and every real-time order.

    A pending operation (`info`, or without an ending) may have taken effect at any time after it began, or never.

    Args:
        history: What the clients recorded.
        spec: A `Specification`; one of `SPECIFICATIONS` or your own.
        budget: What it may spend; the search for a small witness included.

    Returns:
        The witness of an invalid verdict are operations of one key that no order explains, whichever of the others
        happened or did not. An ill-formed history is invalid as `well_formed` has it.

    Raises:
        ValueError: `spec` is no specification, or the history has an operation that the specification lacks.
    """
    if not isinstance(spec, Specification):
        raise ValueError(f"{spec=} is no specification; give one of sim.checkers.SPECIFICATIONS, or your own")
    _refuse_foreign(history, spec)
    meter = budget.meter()
    try:
        meter.spend(len(history))
        if spec.quick is not None and spec.initial is None:
            verdict = spec.quick(_without_audits(history), None, budget)
            if verdict.outcome is not Outcome.UNKNOWN:
                return verdict
        for part in parts_of(history, spec):
            zones = zones_of(part, spec)
            if zones is not None:
                if offenders := zones.offenders():
                    return _invalid(part, fewest_of(part, spec, offenders))
                continue
            found = _settled(part, spec, meter)
            if found is not None:
                return _invalid(part, fewest_operations(part, spec, found.at, found.frontiers, meter))
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))
    except Unpaired:
        return well_formed(history, None, budget)
    return Verdict(Outcome.VALID)


def _without_audits(history: History) -> History:
    public = History()
    for row in history:
        if not row.session.startswith(AUDIT):
            operation = Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
            public.append(row.t_us, row.client, operation)
    return public


class Doomed(NamedTuple):
    """The place of the first event that no configuration survives, and where the search stood on the way."""

    at: int
    frontiers: list[Frontier]


def _settled(part: Part, spec: Specification, meter: Meter) -> Doomed | None:
    """Search a part, at first in ways that settle most histories with many pending operations at little cost."""
    if part.kins:
        for effort in (Effort.ALL, Effort.SOME, Effort.JOINED):
            trial = meter.part(_STEPS_AN_EFFORT)
            try:
                found = doom(part, spec, trial, effort)
            except OverBudget:
                continue
            finally:
                meter.spend(trial.states)
            # That some fail proves nothing, nor that one succeeds that may have used too little.
            if effort is not (Effort.SOME if found else Effort.JOINED):
                return found
    return doom(part, spec, meter, Effort.ALL)


def doom(part: Part, spec: Specification, meter: Meter, effort: Effort) -> Doomed | None:
    """Search a part; None if some configuration survives all of it.

    Raises:
        OverBudget: The meter's limit was passed.
    """
    frontier = Frontier(part, spec, meter, {(spec.init(spec.initial), 0): None}, effort)
    frontiers: list[Frontier] = []
    for start in range(0, len(part.events), STRIDE):
        frontiers.append(frontier.copy(meter))
        at = frontier.run(part.events[start : start + STRIDE])
        if at is not None:
            return Doomed(start + at, frontiers)
    return None


def _invalid(part: Part, calls: tuple[Call, ...]) -> Verdict:
    told = "nothing explains its answer" if len(calls) == 1 else f"no order of {len(calls)} explains their answers"
    ops = {call.op for call in calls}
    witness = tuple(call.op for call in part.calls if call.op in ops)
    return Verdict(Outcome.INVALID, witness, f"key {part.key!r}: {told}")


def _refuse_foreign(history: History, spec: Specification) -> None:
    """Refuse operations that the specification does not know or cannot step, since nothing could be said of them."""
    if spec.shapes and (strange := {row.f for row in history.rows}.difference(spec.shapes)):
        row = next(row for row in history if row.f in strange)
        raise ValueError(f"operation {row.op} is a {row.f!r}, which no {spec.name} has; {way_to(row.f, spec.shapes)}")
    picky = {f: asked for f, (asked, _) in spec.shapes.items() if asked is not Shape.ANY}
    for row in history.rows if picky else ():
        if row.f in picky and row.kind is Kind.INVOKE and not picky[row.f].fits(row.value):
            raise ValueError(
                f"operation {row.op}: {row.f} is asked {picky[row.f]}, not {row.value!r}; mend the history"
            )
