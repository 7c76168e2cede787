"""Random fault schedules, drawn from a seed as data.

Read `knobs` for what can be asked for, which faults are fair and how long they last; `drawing` for
how a schedule is drawn; then the families (`cuts`, `links`, `aimed`, `hosts`) and the `hand` that
all of them draw with. A schedule is a tuple of `sim.faults.Fault`: it is shown, kept, shrunk and
replayed like one that somebody wrote.
"""

from sim.nemesis.drawing import FAMILIES, draw
from sim.nemesis.hand import Family, Ground, Hand
from sim.nemesis.knobs import SHORTEST_WINDOW_US, SURE, UNFAIR, Drawn, Knobs, Mode, Options

__all__ = [
    "FAMILIES",
    "SHORTEST_WINDOW_US",
    "SURE",
    "UNFAIR",
    "Drawn",
    "Family",
    "Ground",
    "Hand",
    "Knobs",
    "Mode",
    "Options",
    "draw",
]
