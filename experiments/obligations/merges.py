"""The ways in which the same writes reach a merge: in canonical order, and in any other, roughly handled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from experiments.obligations.writing import Case, Draws, Written
from models.domain import State
from models.merging.fold import MergeFold, Settled
from models.merging.writes import Output, Write

__all__ = ["Look", "Merge", "arriving", "in_order"]

#: Chances at each arrival: out of turn, once more, the cut advances, the merge restarts.
_OUT_OF_TURN: Final = 0.25
_AGAIN: Final = 0.3
_ADVANCE: Final = 0.3
_RESTART: Final = 0.1

#: Called whenever a merge shows something new: after each arrival, and after each advance of the cut.
Look = Callable[[MergeFold], None]


class Merge(NamedTuple):
    """A merge of everything.

    Attributes:
        states: By aggregate, at the end.
        records: What was saved, in order.
    """

    states: Mapping[int, State]
    records: tuple[Settled, ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What came out, in order."""
        return tuple(output for record in self.records for output in record.outputs)


def in_order(case: Case, written: Written, look: Look | None = None) -> Merge:
    """Every write in canonical order, each settled before the next comes."""
    fold = case.fold(case.policy, case.sources)
    records = []
    for write in written.writes():
        # Those of equal times are settled together: no cut lies between them.
        if settled := fold.settle(write.stamp_us - 1):
            records.append(settled)
            if look is not None:
                look(fold)
        fold.ingest(write)
    return _ended(case, written, fold, records, look)


def arriving(
    case: Case, written: Written, draws: Draws, met: Counter[str], *, rough: bool, look: Look | None = None
) -> Merge:
    """The streams in some order of arrival, some writes out of turn, settled at some moments and many at a time.

    Args:
        case: A policy and its domain.
        written: What arrives.
        draws: What is drawn.
        met: Is added to, by name: what happened on the way.
        rough: Whether writes also come again, and the merge restarts from what it saved.
        look: Told of each change.
    """
    fold = case.fold(case.policy, case.sources)
    records: list[Settled] = []
    due = {source: list(log) for source, log in written.logs.items()}
    while waiting := [source for source in case.sources if due[source]]:
        source = waiting[draws.below(len(waiting))]
        queue, turn = due[source], 0
        if draws.random() < _OUT_OF_TURN:
            turn = draws.below(min(3, len(queue)))
        met["held behind a gap"] += not fold.ingest(queue.pop(turn))
        if rough and draws.random() < _AGAIN:
            log = written.logs[source]
            again = log[draws.below(len(log))]
            if again not in queue:
                fold.ingest(again)
        if look is not None:
            look(fold)
        if draws.random() < _ADVANCE and (settled := fold.settle(_cut(due, draws))):
            records.append(settled)
            met["several settled at once"] += len(settled.outputs) > 1
            if look is not None:
                look(fold)
        if rough and draws.random() < _RESTART:
            met["came again"] += fold.repeated
            met["restarts"] += 1
            fold = case.fold(case.policy, case.sources)
            fold.restore(records)
            # Streams are fetched again from the vector on; that they begin earlier does no harm.
            vector = fold.vector()
            due = {one: log[draws.below(vector[one] + 1) :] for one, log in written.logs.items()}
    met["came again"] += fold.repeated
    return _ended(case, written, fold, records, look)


def _ended(case: Case, written: Written, fold: MergeFold, records: list[Settled], look: Look | None) -> Merge:
    if settled := fold.settle(max((log[-1].stamp_us for log in written.logs.values() if log), default=0)):
        records.append(settled)
        if look is not None:
            look(fold)
    return Merge({number: fold.stable(number) for number in case.instances}, tuple(records))


def _cut(due: Mapping[int, list[Write]], draws: Draws) -> int:
    """Nothing at or below it is still to arrive; as far as that allows, or less."""
    heads = [min(write.stamp_us for write in queue) for queue in due.values() if queue]
    last_us = min(heads, default=1) - 1
    return last_us if draws.random() < 0.7 else last_us - draws.below(60)
