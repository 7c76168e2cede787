"""Which domains can be split at all, asked before anything is simulated.

Read `splitting` first: a domain, commands that may be asked of either side, and a rule that merges their
events, as `sim.checkers.confluence` wants them. `textbook` holds small systems of which the answer is
known, `shipped` the lab's own domains. `policies` asks the policies of `models.merging` themselves.
"""

from experiments.confluence.policies import SOURCES, Side, split_policy
from experiments.confluence.shipped import DOMAINS, RULES, Trial, trial_of
from experiments.confluence.splitting import Folded, Held, MergeRule, Step, apply_all, replay, split_domain
from experiments.confluence.textbook import TEXTBOOK, Case

__all__ = [
    "DOMAINS",
    "RULES",
    "SOURCES",
    "TEXTBOOK",
    "Case",
    "Folded",
    "Held",
    "MergeRule",
    "Side",
    "Step",
    "Trial",
    "apply_all",
    "replay",
    "split_domain",
    "split_policy",
    "trial_of",
]
