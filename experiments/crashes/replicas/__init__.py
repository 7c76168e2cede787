"""The crash table of replication: points R1 to R6, struck by crashes and cuts, under every scheme that replicates.

Read `cells` for what there is to run and what each point needs, `runs` for how a cell is run, `promises` for what
it is held to, `tables` for the whole of it and how it is told, `claims` for what experiments
claim of it.
"""

from experiments.crashes.replicas.cells import POINTS, SCHEMES
from experiments.crashes.replicas.claims import finding_of
from experiments.crashes.replicas.tables import ReplicaResult, summary, table, to_html

__all__ = ["POINTS", "SCHEMES", "ReplicaResult", "finding_of", "summary", "table", "to_html"]
