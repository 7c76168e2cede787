"""When to ask again for what must not be done twice: thresholds on time and on the chance that it was done.

Read `rules` first: a ladder of what may be done about silence, and the threshold that costs set. `posterior` is how
likely it is that a silent request was executed, with heartbeats as evidence; `sums` what rules on time alone come to.
`caller` and `payee` put them on hosts (`hearing` is what one heard of the other, `words` what they say);
`climbing` tells which rung settled what.
"""

from models.effects.risk.caller import Caller, CallerOptions, End
from models.effects.risk.hearing import Hearing
from models.effects.risk.payee import Payee
from models.effects.risk.posterior import Route, arrives_yet, executed
from models.effects.risk.rules import (
    RiskRule,
    Rung,
    SilenceIsFailure,
    TimedPolicy,
    on_time,
    retry_instants,
    warn_if_never,
)
from models.effects.risk.sums import Sums, sums_of

__all__ = [
    "Caller",
    "CallerOptions",
    "End",
    "Hearing",
    "Payee",
    "RiskRule",
    "Route",
    "Rung",
    "SilenceIsFailure",
    "Sums",
    "TimedPolicy",
    "arrives_yet",
    "executed",
    "on_time",
    "retry_instants",
    "sums_of",
    "warn_if_never",
]
