"""What hosts run: the CQRS / event-sourcing store in four designs, and its clients.

Read `domain` first (how commands, events and their rules are written down) and one of `domains`;
then `store`, the event store that every design runs: its log, its schemes, its members. The
designs are that store laid out and led differently: one home region, a majority, `failover` by
`monitor` and `reconcile`, or `split` into sub-domains with `clock` and `merging`. `lines` lays a split out along
regions or clusters with a `relay` between, `settling` says where writes become final, `losing` what a lost part is,
`losing_regions` what a lost region of a tree is.
`deployment` lays each over a topology as a `system`, and is what experiments name; `stores` does so for one domain or
a whole application under any persistence scheme. `clients` are the load, `ledger` is how the end
of a run is read, and `driver` the client of small systems that keep registers, logs or locks.

Before a store stand `pipeline`, an API server whose stages close both ways, and `loading`, handlers that decide
by themselves. `services` are provisioned, watched and scaled by services; `retrying` is what any caller does about
failures; `detection` says who is taken for dead, and `confidence` how likely that is.
"""

from models.addressing import EventAddress
from models.clients import Workload
from models.deployment import (
    home_failover,
    home_region,
    majority,
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
    "majority",
    "region_split",
]
