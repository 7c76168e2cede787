"""The crash table: every crash point, with every kind of crash and recovery, under every persistence scheme.

Read `cells` for what there is to run, `place` for what a cell is, `world` for how it is run, `judge` for what it
is held to, `tables` for the whole of it, `results` for how it is told. `merges` is the table of the merge domain
of a split, at its own points.
"""

from experiments.crashes.cells import POINTS, SCHEMES
from experiments.crashes.merges import MERGE_POINTS, merge_table
from experiments.crashes.results import CellResult, summary, to_html, to_text
from experiments.crashes.tables import table

__all__ = ["MERGE_POINTS", "POINTS", "SCHEMES", "CellResult", "merge_table", "summary", "table", "to_html", "to_text"]
