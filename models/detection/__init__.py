"""Failure detectors: how much a silent peer is suspected, from the heartbeats that arrived.

`detector` is the interface, read it first: a detector *monitors*, and whoever asks it *interprets*
(`interpreting`: a threshold, hysteresis, a guard against the observer's own pauses). `fixed` is the
time-out that every other is measured against; `average` learns from recent intervals, `accrual`
likewise and says phi, `freshness` goes by when each heartbeat was due; `configuring` finds their
parameters for a quality that is wanted. `presets` are published parameters, and `words` how scenario
files name one. `beats` runs them on hosts, `answering` is for who hears from others only when it
asks, `swim` is a membership protocol that needs none, and `arrays` has them all for long traces.
`watching` lays two of them over one site.
"""

from models.detection.accrual import Akka, Cassandra, Exponential, Phi
from models.detection.average import Deviation, Ewma, Mean
from models.detection.detector import Detector, MakeDetector, Plan
from models.detection.fixed import Fixed, FixedTimeout
from models.detection.freshness import Bertier, NfdE, NfdS, NfdU, TwoWindows
from models.detection.interpreting import Interpreter, Rule, Transition
from models.detection.numbered import Newest
from models.detection.recent import Recent

__all__ = [
    "Akka",
    "Bertier",
    "Cassandra",
    "Detector",
    "Deviation",
    "Ewma",
    "Exponential",
    "Fixed",
    "FixedTimeout",
    "Interpreter",
    "MakeDetector",
    "Mean",
    "Newest",
    "NfdE",
    "NfdS",
    "NfdU",
    "Phi",
    "Plan",
    "Recent",
    "Rule",
    "Transition",
    "TwoWindows",
]
