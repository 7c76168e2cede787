"""Hunting for counterexamples, shrinking them, keeping them as bundles, replaying these.

Read `hunt` first: it runs seeds under a nemesis until a claim breaks. `trial` is one run of it,
`hands` carries out many; `shrink` reduces what was found, by `ddmin`, the edits of `simpler` and
`times`, and where that leaves much by small schedules drawn `afresh`; `bundle` writes and `reading` reads
the folder that is kept, told in words by `telling`, drawn by `spacetime`, `diagram` and `labels`;
`replaying` holds it against the code of today, `anew` brings what it says up to that.
"""

from experiments.hunting.anew import record_anew
from experiments.hunting.bundle import Found, is_bundle, write_bundle
from experiments.hunting.hands import Hands, HandsLost
from experiments.hunting.hunt import Caught, Sighting, hunt, judged_of, narrowed, pin_down
from experiments.hunting.reading import Bundle, read_bundle
from experiments.hunting.replaying import Replayed, replay_bundle
from experiments.hunting.shrink import DEFAULT_RUNS, Shrunk, shrink
from experiments.hunting.trial import NO_CRASH, Trial, claims, traceback_of, try_out

__all__ = [
    "DEFAULT_RUNS",
    "NO_CRASH",
    "Bundle",
    "Caught",
    "Found",
    "Hands",
    "HandsLost",
    "Replayed",
    "Shrunk",
    "Sighting",
    "Trial",
    "claims",
    "hunt",
    "is_bundle",
    "judged_of",
    "narrowed",
    "pin_down",
    "read_bundle",
    "record_anew",
    "replay_bundle",
    "shrink",
    "traceback_of",
    "try_out",
    "write_bundle",
]
