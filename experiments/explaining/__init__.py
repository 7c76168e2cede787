"""Regions of which some hosts, or all, fall silent: worlds whose faults are drawn from known rates, and who says what.

Read `tellers` first: the belief with right, wrong and learnt priors, and those without a tree. `worlds` draws the
faults and runs the hosts, `runs` asks every teller at given instants and holds it against the truth, `claims` says
what must hold of the rows; `forms` is the closed form, which needs no world.
"""

from experiments.explaining.claims import check
from experiments.explaining.forms import FormRow, forms
from experiments.explaining.runs import ExplainingRow, run_once
from experiments.explaining.tellers import ARMS
from experiments.explaining.worlds import BEFORE, CALM, SCENARIOS, SINCE

__all__ = ["ARMS", "BEFORE", "CALM", "SCENARIOS", "SINCE", "ExplainingRow", "FormRow", "check", "forms", "run_once"]
