"""Properties that a scenario file may claim, by name.

Each judges one finished run and answers valid, invalid with a witness (ids of operations), or
unknown. A scenario lists them as *always* (safety and convergence) or *sometimes* (the fault
met traffic: without it a green run proves nothing). Read `table` first: it lists them all.
`bank` holds what the bank's designs promise, judged by their ledger; `histories` what the clients'
records alone can tell; `flows` that service comes back after each heal, and what subscribers were
promised; `schemes` what a persistence scheme promises, by what befell its hosts;
`cores` what a healed majority owes while faults go on; `runs` what can be said of any run.
"""

from experiments.properties.table import PROPERTIES, find, judge

__all__ = ["PROPERTIES", "find", "judge"]
