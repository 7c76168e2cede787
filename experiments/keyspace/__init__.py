"""The key space measured: schemes laid over nodes, and the closed forms that they are held to.

Read `arms` first: which schemes there are and how each is asked for many keys at once. `runs` measures one
under a seed, `stores` runs the store that it places, `formulas` says what to expect, `claims` holds the one against
the other.
"""

from experiments.keyspace.arms import ARMS, SIZES
from experiments.keyspace.claims import CLAIMS, Judged, check, judge
from experiments.keyspace.runs import KeySpaceRow, run_once
from experiments.keyspace.stores import QUICK, STORE

__all__ = ["ARMS", "CLAIMS", "QUICK", "SIZES", "STORE", "Judged", "KeySpaceRow", "check", "judge", "run_once"]
