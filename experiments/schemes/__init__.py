"""What the question of the persistence schemes is made of.

Read `arms` first: the schemes compared and the failures that they meet. `promises` says what each
may lose and how much theory expects; `runs` carries one run out and counts what became of every
acknowledged command; `frontier` says which schemes no other beats; `claims` holds it all together.
"""

from experiments.schemes.arms import ARMS, CONTROL, FAILURES, LOST_REPLIES, QUICK, SCENARIOS, Failing, scheme_of_arm
from experiments.schemes.claims import check
from experiments.schemes.frontier import Frontier, frontier
from experiments.schemes.promises import Expected, expected, promised
from experiments.schemes.runs import SchemeRow, run_once

__all__ = [
    "ARMS",
    "CONTROL",
    "FAILURES",
    "LOST_REPLIES",
    "QUICK",
    "SCENARIOS",
    "Expected",
    "Failing",
    "Frontier",
    "SchemeRow",
    "check",
    "expected",
    "frontier",
    "promised",
    "run_once",
    "scheme_of_arm",
]
