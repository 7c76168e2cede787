"""How good a failure detector is, and what theory says of it.

Read `quality` first: what a detector's suspicions are worth, in the terms of Chen. `formulas` has
closed forms, `heartbeats` makes traces of networks that they know, `traces` reads a user's own.
`claims` has every row of `detector-theory`, `varied` what its cells vary, and `cells`, `exact` and
`groups` (SWIM in a world) measure them. `changing` has networks that change, as long traces, and `contest` holds
detectors against one another in them (`heartbeat-average`).
"""

from experiments.detection.cells import CELLS
from experiments.detection.claims import CLAIMS, Claim
from experiments.detection.heartbeats import Beats, heartbeats
from experiments.detection.quality import Quality, detection_us, forward_us, judged, survival_quantile
from experiments.detection.traces import read_trace

__all__ = [
    "CELLS",
    "CLAIMS",
    "Beats",
    "Claim",
    "Quality",
    "detection_us",
    "forward_us",
    "heartbeats",
    "judged",
    "read_trace",
    "survival_quantile",
]
