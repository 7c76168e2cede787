"""How stale a read of partial quorums is: WARS by Monte Carlo, by closed forms, and by the store itself.

Read `rows` first: every row of the tables and what would do. `published` holds the figures, `legs` the
delays, `wars` the model, `visibility` the two estimators of t, `store` the store beside WARS on the same
legs, and `cells` what one run measures.
"""

from experiments.quorums.cells import CELLS, Measures
from experiments.quorums.rows import CLAIMS, Claim, Kind

__all__ = ["CELLS", "CLAIMS", "Claim", "Kind", "Measures"]
