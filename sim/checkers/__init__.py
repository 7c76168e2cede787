"""Checkers: functions from a history to a verdict. Read `verdict` first.

Each is named as the claim that it tests. A checker is trusted once it has accepted a
history that it should accept and rejected one that it should reject (tests/histories/).
"""

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget
from sim.checkers.linearizability import linearizable
from sim.checkers.specifications import SPECIFICATIONS, Specification
from sim.checkers.verdict import Checker, Outcome, Verdict
from sim.checkers.wellformed import every_operation_completes, well_formed

__all__ = [
    "DEFAULT_BUDGET",
    "SPECIFICATIONS",
    "Budget",
    "Checker",
    "Meter",
    "Outcome",
    "OverBudget",
    "Specification",
    "Verdict",
    "every_operation_completes",
    "linearizable",
    "well_formed",
]
