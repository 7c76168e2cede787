"""What hosts run: the CQRS / event-sourcing store in four designs, and its clients.

Read `bank` first (commands, events, one rule), then `eventlog` and `shipping`, on which every
design stands; then the designs: `home`, `failover` (with `monitor` and `reconcile`), `split`
(with `clock` and `merge`). `deployment` lays each over a topology as a `system`, and is what
experiments name; `ledger` is how they read the end of a run. `driver` is the client of small
systems that keep registers, logs or locks instead of accounts.

The store that the designs will be rebuilt on grows beside them: `domain` is how a domain is
written down, `domains` are eight of them, `store` the parts of an event store that know no host.
"""

from models.addressing import EventAddress
from models.clients import Workload
from models.deployment import (
    home_failover,
    home_region,
    majority_fixed_leader,
    region_split,
)
from models.ledger import EventKind, FinalEvent, Ledger, Status
from models.system import Site, System

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
