"""Merging what two sides of a cut decided alone, as pure functions: which domains can be split at all?

Read `splitting` first: a domain, commands that may be asked of either side, and a rule that merges their
events, as `sim.checkers.confluence` wants them. `textbook` holds small systems of which the answer is
known, `shipped` the lab's own domains.

`policy` says what a merge policy is, `policies` are the shipped ones, `writes` what goes in and comes out, `fold`
the merge of one shard's sub-domains under one of them; `meaning` is what a policy must know of a domain's events.
The merge domain that runs on hosts is `models.merge`.
"""

from models.merging.fold import MergeFold, Settled
from models.merging.meaning import Meaning, meaning_of
from models.merging.policy import Obligation, Policy, UnfitPolicy, fit
from models.merging.shipped import DOMAINS, RULES, Trial
from models.merging.splitting import Folded, Held, MergeRule, Step, apply_all, last_write, replay, split_domain
from models.merging.textbook import TEXTBOOK, Case
from models.merging.writes import Write

__all__ = [
    "DOMAINS",
    "RULES",
    "TEXTBOOK",
    "Case",
    "Folded",
    "Held",
    "Meaning",
    "MergeFold",
    "MergeRule",
    "Obligation",
    "Policy",
    "Settled",
    "Step",
    "Trial",
    "UnfitPolicy",
    "Write",
    "apply_all",
    "fit",
    "last_write",
    "meaning_of",
    "replay",
    "split_domain",
]
