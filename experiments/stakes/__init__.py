"""What decisions by belief cost a store that acts on them: who leads, and how a handler loads, by who decides.

Read `arms` first: who decides, the troubles, the ratios of costs, what a run measures. `oracles` know the present of
the world that they decide in; `runs` carries a run out, `costs` sums it up at a ratio, `claims` says what must hold.
`experiments.confidence_in_the_store` asks the question.
"""

from experiments.stakes.arms import ARMS, DECIDES, QUICK, SCENARIOS, StakeRow
from experiments.stakes.claims import check
from experiments.stakes.runs import run_once, scenario_of

__all__ = ["ARMS", "DECIDES", "QUICK", "SCENARIOS", "StakeRow", "check", "run_once", "scenario_of"]
