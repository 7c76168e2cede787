"""Failure detectors: how much a silent peer is suspected, from the heartbeats that arrived.

`detector` is the interface, read it first: a detector *monitors*, and whoever asks it *interprets* (a
threshold, a random wait on top). `fixed` is the time-out that every other is measured against.
"""

from models.detection.detector import Detector, MakeDetector
from models.detection.fixed import FixedTimeout

__all__ = ["Detector", "FixedTimeout", "MakeDetector"]
