"""The merge domain: what the sub-domains of a split domain wrote, made one history again.

Read `writes` first (what goes in and comes out), then `policy` (a pure fold over the writes of one aggregate, and what
it may promise) and `fold`, the merge of one shard's sub-domains under a policy; `policies` are the shipped ones, and
`meaning` is what a policy must know of a domain's events, `readings` what that is made of. Where a sub-domain
may not decide by the domain's rules alone, the policy has a `LocalRule` too, which whoever decides must ask; where
that is about rights to be used up, a `RightsRule`, and sub-domains grant each other some. The merge runs beside each
shard of `models.split`, which asks.
"""

from models.merging.fold import MergeFold, Settled
from models.merging.meaning import Meaning, meaning_of
from models.merging.policy import LocalRule, Obligation, OwnReading, Policy, RightsRule, Step, UnfitPolicy, fit
from models.merging.rights import Grant, Granted
from models.merging.writes import Compensated, Merged, Opened, Resolved, Superseded, Write

__all__ = [
    "Compensated",
    "Grant",
    "Granted",
    "LocalRule",
    "Meaning",
    "MergeFold",
    "Merged",
    "Obligation",
    "Opened",
    "OwnReading",
    "Policy",
    "Resolved",
    "RightsRule",
    "Settled",
    "Step",
    "Superseded",
    "UnfitPolicy",
    "Write",
    "fit",
    "meaning_of",
]
