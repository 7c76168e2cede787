"""What hosts run: the CQRS / event-sourcing store in four designs, and its clients.

Read `bank` first (commands, events, one rule), then `eventlog` and `shipping`, on which every
design stands; then the designs: `home`, `failover` (with `monitor` and `reconcile`), `split`
(with `clock` and `merge`). `deployment` lays each over a topology and is what experiments
name; `ledger` is how they read the end of a run.
"""

from models.addressing import EventAddress
from models.clients import Workload
from models.deployment import (
    Site,
    System,
    home_failover,
    home_region,
    majority_fixed_leader,
    region_split,
)
from models.ledger import EventKind, FinalEvent, Ledger, Status

__all__ = [
    "EventAddress",
    "EventKind",
    "FinalEvent",
    "Ledger",
    "Site",
    "Status",
    "System",
    "Workload",
    "home_failover",
    "home_region",
    "majority_fixed_leader",
    "region_split",
]
