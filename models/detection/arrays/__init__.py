"""The detectors once more, over whole arrays of arrivals: hundreds of millions of heartbeats instead of thousands.

This is no host code: no service imports it. It stands beside the detectors and not in
`experiments` because it holds what they hold, their rules, and a change to the one is a change
to the other; a test drives both with the same arrivals and wants the same transitions. It is
as exact as they are: sums of whole microseconds, then the same few operations in the same
order, none of them a transcendental function of numpy.

Read `trace` first: arrivals as arrays, checked. `engine` says at which instant a detector would
suspect after each arrival, `averages`, `expected` and `doubting` do so for each kind, and
`suspicions` makes times of suspicion of those instants.
"""

from models.detection.arrays.engine import crossings, shortest
from models.detection.arrays.suspicions import Suspicions, guarded, held, suspicions
from models.detection.arrays.trace import Trace

__all__ = ["Suspicions", "Trace", "crossings", "guarded", "held", "shortest", "suspicions"]
