"""Linearizable: every operation seems to take effect at once, between its beginning and its ending.

Row order is the order of events: an operation that ended in an earlier row than another began
came before it, whatever their times say. Keys are judged apart, which loses nothing (Herlihy
and Wing, ACM TOPLAS 1990, theorem 1: linearizability is local).
"""

from __future__ import annotations

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget
from sim.checkers.linearizability.calls import Call, Part, Unpaired, parts_of
from sim.checkers.linearizability.search import Frontier
from sim.checkers.linearizability.witness import STRIDE, fewest_operations
from sim.checkers.linearizability.zones import fewest_of, zones_of
from sim.checkers.specifications import Specification
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.wellformed import well_formed
from sim.history import History
from sim.wording import way_to

__all__ = ["linearizable"]


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
    meter = budget.meter()
    try:
        meter.spend(len(history))
        for part in parts_of(history, spec):
            _refuse_foreign(part, spec)
            zones = zones_of(part, spec)
            if zones is not None:
                if offenders := zones.offenders():
                    return _invalid(part, fewest_of(part, spec, offenders))
                continue
            frontiers: list[Frontier] = []
            at = _first_beyond(part, spec, meter, frontiers)
            if at is not None:
                return _invalid(part, fewest_operations(part, spec, at, frontiers, meter))
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))
    except Unpaired:
        return well_formed(history, None, budget)
    return Verdict(Outcome.VALID)


def _first_beyond(part: Part, spec: Specification, meter: Meter, frontiers: list[Frontier]) -> int | None:
    """The place of the first event that no configuration survives; keeps `frontiers` on the way."""
    frontier = Frontier(part, spec, meter, {(spec.init(spec.initial), 0): None})
    for start in range(0, len(part.events), STRIDE):
        frontiers.append(frontier.copy(meter))
        at = frontier.run(part.events[start : start + STRIDE])
        if at is not None:
            return start + at
    return None


def _invalid(part: Part, calls: tuple[Call, ...]) -> Verdict:
    told = "nothing explains its answer" if len(calls) == 1 else f"no order of {len(calls)} explains their answers"
    ops = {call.op for call in calls}
    witness = tuple(call.op for call in part.calls if call.op in ops)
    return Verdict(Outcome.INVALID, witness, f"key {part.key!r}: {told}")


def _refuse_foreign(part: Part, spec: Specification) -> None:
    if spec.shapes:
        for call in part.calls:
            if call.f not in spec.shapes:
                raise ValueError(
                    f"operation {call.op} is a {call.f!r}, which no {spec.name} has; {way_to(call.f, spec.shapes)}"
                )
