"""Claims about the form of a history, which every other checker takes for granted.

A history that breaks them was recorded wrongly: the fault lies with the recording client,
not with the system under study.
"""

from __future__ import annotations

from sim.checkers.budget import DEFAULT_BUDGET, Budget, OverBudget
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History, HistoryRow, Kind

__all__ = ["every_operation_completes", "well_formed"]


def well_formed(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every operation begins once, and ends at most once, later, as the same operation.

    Only the first offence is reported: what follows one is often its consequence.
    """
    try:
        budget.meter().spend(len(history))
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))
    invokes: dict[int, HistoryRow] = {}
    ended: set[int] = set()
    for row in history:
        begin = invokes.get(row.op)
        offence = None
        if row.kind is Kind.INVOKE:
            offence = None if begin is None else f"begins again in row {row.i}"
            invokes[row.op] = row
        elif begin is None:
            offence = f"ends in row {row.i} without having begun"
        elif row.op in ended:
            offence = f"ends again in row {row.i}"
        elif (named := _named(row)) != _named(begin):
            offence = f"begins as {_named(begin)} and ends in row {row.i} as {named}"
        else:
            ended.add(row.op)
        if offence is not None:
            return Verdict(Outcome.INVALID, (row.op,), f"operation {row.op} {offence}")
    return Verdict(Outcome.VALID)


def every_operation_completes(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every operation that began has an ending; `info` is one.

    Holds for clients with a deadline in a run that outlasts the load by that deadline.
    """
    if not (form := well_formed(history, spec, budget)).valid:
        return form
    pending = tuple(begin.op for begin, end in history.pairs() if end is None)
    if not pending:
        return Verdict(Outcome.VALID)
    few = ", ".join(str(op) for op in pending[:5]) + (", ..." if len(pending) > 5 else "")
    noun = "operation" if len(pending) == 1 else "operations"
    return Verdict(Outcome.INVALID, pending, f"{len(pending)} {noun} never ended: {few}")


def _named(row: HistoryRow) -> tuple[str, str, str, int | str]:
    return row.client, row.session, row.f, row.key
