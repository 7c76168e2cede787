"""Could the answers have come from one copy, one operation at a time? Read `checker` first.

`calls` turns a history into what the search wants, `search` follows every way in which the
operations may have taken effect, `witness` finds the few operations that show why none fits.
"""

from sim.checkers.linearizability.checker import linearizable

__all__ = ["linearizable"]
