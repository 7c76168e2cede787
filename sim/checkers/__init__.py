"""Checkers: functions from a history to a verdict. Read `verdict` first, then `catalogue`.

Each is named as the claim that it tests, and is called `check(history, spec=None, budget=DEFAULT_BUDGET)`.
`CLAIMS` lists those that know their vocabulary, by name, with the class of their `spec`:

- `append_only` (StreamSpec): append-only streams, by position; `streams`
- `read_your_writes`, `monotonic_reads`, `monotonic_writes`, `writes_follow_reads` (SessionSpec); `sessions`
- `causal` (CausalSpec): causal consistency and convergence of registers
- `bounded_staleness` (StalenessSpec, needed): in time and in versions; `staleness`
- `converged`, `durable` (AuditSpec): what replicas hold at rest; `replicas`
- `no_lost_updates`, `no_duplicate_effects`, `no_aborted_reads` (UpdateSpec); `updates`
- `conserved` (ConservationSpec): accepted = incorporated + superseded + compensated; `conservation`
- `subscription_ordered`, `_unique`, `_atomic`, `_reliable`, `_resumable`, `_bookmarkable`
  (SubscriptionSpec); `subscriptions`, with its vocabulary in `deliveries`
- `invariant` (InvariantSpec, needed; `at_least`, `at_most` make one): count, depth, duration; `invariants`
- `recovers_after_each_heal` (LivenessSpec, needed): within a bound, in two modes; `liveness`

`linearizable` takes any sequential specification. A checker is trusted once it has accepted a
history that it should accept and rejected one that it should reject (tests/histories/).
"""

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget
from sim.checkers.catalogue import CLAIMS, Claim
from sim.checkers.linearizability import linearizable
from sim.checkers.specifications import SPECIFICATIONS, Specification
from sim.checkers.verdict import Checker, Outcome, Verdict
from sim.checkers.wellformed import every_operation_completes, well_formed

__all__ = [
    "CLAIMS",
    "DEFAULT_BUDGET",
    "SPECIFICATIONS",
    "Budget",
    "Checker",
    "Claim",
    "Meter",
    "Outcome",
    "OverBudget",
    "Specification",
    "Verdict",
    "every_operation_completes",
    "linearizable",
    "well_formed",
]
