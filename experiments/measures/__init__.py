"""What a finished run of the bank says about its design.

Read `observation` first: it runs a scenario and gathers what the judges need. `fates` says
what became of each acknowledged command, `availability` who was served on which side of the
cut, `stability` when an event was final everywhere, `overdraft` how long the invariant was
broken. Judges see everything, the fault schedule included; nothing here runs on a host.
"""

from experiments.measures.availability import Service, answered_share, latencies_ms
from experiments.measures.fates import Fate, fates
from experiments.measures.observation import Answer, Observation, Outcome, Window, carry_out, gather, observe
from experiments.measures.overdraft import Overdrafts, overdrafts
from experiments.measures.stability import Stability, stability

__all__ = [
    "Answer",
    "Fate",
    "Observation",
    "Outcome",
    "Overdrafts",
    "Service",
    "Stability",
    "Window",
    "answered_share",
    "carry_out",
    "fates",
    "gather",
    "latencies_ms",
    "observe",
    "overdrafts",
    "stability",
]
