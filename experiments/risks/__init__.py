"""Charges that must not be made twice, under rules that decide about silence, in worlds whose truth is known.

Read `arms` first: the rules, and what they believe. `worlds` puts a caller and a payee on hosts with losses or cuts
between them, `runs` holds what the caller saw against the payee's book, `claims` holds the rows against closed forms.
"""

from experiments.risks.arms import ARMS, CUT, SCENARIOS, STREAM, RiskRow
from experiments.risks.claims import check, forms, judged
from experiments.risks.runs import run_once
from experiments.risks.sizes import FULL, QUICK

__all__ = ["ARMS", "CUT", "FULL", "QUICK", "SCENARIOS", "STREAM", "RiskRow", "check", "forms", "judged", "run_once"]
