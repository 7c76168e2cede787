"""Merging what two sides of a cut decided alone, as pure functions: which domains can be split at all?

Read `splitting` first: a domain, commands that may be asked of either side, and a rule that merges their
events, as `sim.checkers.confluence` wants them. `textbook` holds small systems of which the answer is
known, `shipped` the lab's own domains. The merge domain that runs on hosts is `models.merge`.
"""

from models.merging.shipped import DOMAINS, RULES, Trial
from models.merging.splitting import Folded, Held, MergeRule, Step, apply_all, last_write, replay, split_domain
from models.merging.textbook import TEXTBOOK, Case

__all__ = [
    "DOMAINS",
    "RULES",
    "TEXTBOOK",
    "Case",
    "Folded",
    "Held",
    "MergeRule",
    "Step",
    "Trial",
    "apply_all",
    "last_write",
    "replay",
    "split_domain",
]
