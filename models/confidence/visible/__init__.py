"""Confidence on what a client sees: a read that may be stale, a command nobody answered, a tentative acceptance.

Read `values` first: what is told, with all chances that there are. `rates` learns how often keys are written to, which
is how fast a copy grows old, `glimpses` the same by looks now and then; `outcomes` is the posterior of a command
without an answer; `surviving` that of what one side of a cut accepted, with `hazards` for how soon the others write,
and `past` for what each of them knew. On hosts: `models.reading.telling` says it of views, `sharing` of acceptances,
`seeing` is a client that keeps what it is told, and `deployment` what scenario files say of it. Without `states = true`
nothing of it is there.
"""

from models.confidence.visible.hazards import Hazards
from models.confidence.visible.outcomes import Attempt, Line, outcome
from models.confidence.visible.rates import Gamma, Mixed, Rates
from models.confidence.visible.surviving import Beta, Conflicts, Unheard, survives
from models.confidence.visible.values import Freshness, Outcome, Stated, Survival

__all__ = [
    "Attempt",
    "Beta",
    "Conflicts",
    "Freshness",
    "Gamma",
    "Hazards",
    "Line",
    "Mixed",
    "Outcome",
    "Rates",
    "Stated",
    "Survival",
    "Unheard",
    "outcome",
    "survives",
]
