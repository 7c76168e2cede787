"""The obligations of merge policies: tried on drawn histories, with a minimal counterexample where one breaks.

Read `writing` first (a few sub-domains that write and hear), then `merges` (the ways in which that reaches a merge) and
`claims`, one function for each obligation; `proving` tries them over seeds and shrinks. `shipped` does so for the
policy of a split domain, `refusing` for whole scenarios, and `everywhere` for every policy on every domain it suits.
"""

from experiments.obligations.claims import OBLIGATIONS
from experiments.obligations.proving import Broken, broken_obligation, exercised, tried
from experiments.obligations.shipped import broken_by, case_of
from experiments.obligations.writing import Case, Step, Written, draw_steps, write_down

__all__ = [
    "OBLIGATIONS",
    "Broken",
    "Case",
    "Step",
    "Written",
    "broken_by",
    "broken_obligation",
    "case_of",
    "draw_steps",
    "exercised",
    "tried",
    "write_down",
]
