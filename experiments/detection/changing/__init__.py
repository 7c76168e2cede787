"""Networks that change, as long traces of heartbeats in arrays.

Read `parts` first: what may change, each part with its numbers. `spells` says when trouble is, `heard` sends
heartbeats through a network and says what a monitor heard of them, `named` has the networks that detectors are
compared in. A user's own trace becomes the same by `heard_of`.
"""

from experiments.detection.changing.heard import Heard, heard, heard_of
from experiments.detection.changing.named import ETA_US, NETWORKS
from experiments.detection.changing.parts import (
    Bursts,
    Changing,
    Congestion,
    Copies,
    Cuts,
    Detour,
    Diurnal,
    Drift,
    Loss,
    Pauses,
    Routes,
    Stalls,
    Step,
    Whose,
)
from experiments.detection.changing.spells import Spells, crashes_within

__all__ = [
    "ETA_US",
    "NETWORKS",
    "Bursts",
    "Changing",
    "Congestion",
    "Copies",
    "Cuts",
    "Detour",
    "Diurnal",
    "Drift",
    "Heard",
    "Loss",
    "Pauses",
    "Routes",
    "Spells",
    "Stalls",
    "Step",
    "Whose",
    "crashes_within",
    "heard",
    "heard_of",
]
