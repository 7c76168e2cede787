"""What theory says of queues, losses and delays, and worlds small enough to hold to it.

Read `claims` first: every row of the table, with its closed form. `formulas` holds those;
`stations` measures a host's cores and disk, `links` the network; `recursion` is the textbook's
own queue, against which a host is compared job by job.
"""

from experiments.theory.cells import CELLS
from experiments.theory.claims import CLAIMS, Claim
from experiments.theory.measured import Measures

__all__ = ["CELLS", "CLAIMS", "Claim", "Measures"]
