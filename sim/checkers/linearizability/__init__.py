"""Could the answers have come from one copy, one operation at a time? Read `checker` first.

`calls` turns a history into what the search wants, `search` follows every way in which the
operations may have taken effect, `witness` finds the few operations that show why none fits.
`zones` does without a search where every value of a register was written once.
"""

from sim.checkers.linearizability.checker import linearizable

__all__ = ["linearizable"]
