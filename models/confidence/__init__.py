"""Confidence as a spectrum: how likely it is that something is up, slow, unreachable or dead, and what that rests on.

Read `belief` first: what one observer holds of a `tree` of things that can fail together, from `evidence` that it or
others heard at first hand, with `priors` that may be wrong or learnt (`learning`). `nodes` is the way up the tree,
`asking` the way down, `silence` the likelihood at a leaf, `delays` what is believed of delays. An `answer` is a value;
a boolean is a threshold at the edge, and `reach` warns of one that silence never crosses. `observing` puts beliefs on
hosts, which tell each other evidence by layers (`words`), and `deployment` lays those beside a store. `providing` says
who makes a boolean of it: of whom to ask (`routing`), of when a lead moves (`leading`), and more. `closed` and
`unanswered` are the closed forms: crashes, explaining away, freshness, and requests that nobody answered.
"""

from models.confidence.answer import Answer, Blame, Threshold
from models.confidence.belief import Belief
from models.confidence.closed import (
    Bounds,
    crash_posterior,
    explaining_away,
    frechet_all,
    frechet_any,
    freshness,
)
from models.confidence.delays import Delay, Erlang, Lognormal, Pareto, Prompt, Stretched
from models.confidence.deployment import ConfidenceOptions, observers
from models.confidence.evidence import Evidence, together
from models.confidence.learning import Learner, Learning
from models.confidence.priors import Hearing, Level, Priors, own_mtbf_us
from models.confidence.reach import OutOfReach, Reach, reach, warn_if_out_of_reach
from models.confidence.silence import Grid
from models.confidence.tree import Subject, Tree, tree_of
from models.confidence.unanswered import (
    Costs,
    Never,
    Patience,
    Request,
    executed_for_ever,
    executed_if_silent,
    executed_under_cut,
    patience,
)

__all__ = [
    "Answer",
    "Belief",
    "Blame",
    "Bounds",
    "ConfidenceOptions",
    "Costs",
    "Delay",
    "Erlang",
    "Evidence",
    "Grid",
    "Hearing",
    "Learner",
    "Learning",
    "Level",
    "Lognormal",
    "Never",
    "OutOfReach",
    "Pareto",
    "Patience",
    "Priors",
    "Prompt",
    "Reach",
    "Request",
    "Stretched",
    "Subject",
    "Threshold",
    "Tree",
    "crash_posterior",
    "executed_for_ever",
    "executed_if_silent",
    "executed_under_cut",
    "explaining_away",
    "frechet_all",
    "frechet_any",
    "freshness",
    "observers",
    "own_mtbf_us",
    "patience",
    "reach",
    "together",
    "tree_of",
    "warn_if_out_of_reach",
]
