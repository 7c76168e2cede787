"""A system in place: which services run where, and what may be asked about the run's end.

A factory (`[system] factory` in a scenario) takes a site and a workload and returns one of
these. Only the placements are required: a system that has no ledger is judged by what its
clients recorded, and `records` says what that means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from models.ledger import Ledger
from models.merging_end import Merging
from models.operations.membership import Membership
from sim.history import Value
from sim.host import Placement, Template
from sim.topology import Location, Topology

__all__ = ["BANK_RECORDS", "Site", "System"]

#: What the clients of the bank record: deposits and withdrawals, judged by the ledger.
BANK_RECORDS = "bank"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a system is laid out."""

    topology: Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A design in place.

    Attributes:
        placements: Every service of it, clients included.
        stores: By region, its stores by shard; empty if that is not how it is laid out.
        entry: Where a client of a region sends requests for a key; None if that is not how clients choose.
        ledger: Reads the end of a run, given what finds a service (None if its host is down); None
            for a system that is judged by its clients' history alone.
        templates: Services that may be provisioned while it runs.
        records: What its clients record, as the name of a sequential specification (`register`,
            `append-log`, ...); "" if nothing is said.
        initial: What every key holds at the beginning.
        groups: By name of a replicated shard that operators may act on, its members, the preferred leader first.
        together: Members of which operators may give up either none or all at once.
        backups: By name of a shard, who keeps backups of it.
        membership: How members change; None if they cannot.
        instead: By what operators cannot do in this design, though it has shards that they act on, the way out.
        merging: What its sub-domains are merged by; None where nothing is split.
    """

    placements: tuple[Placement, ...]
    stores: Mapping[str, tuple[Location, ...]] = field(default_factory=lambda: MappingProxyType({}))
    entry: Callable[[str, int], Location] | None = None
    ledger: Callable[[Callable[[Location], Any]], Ledger] | None = None
    templates: tuple[Template, ...] = ()
    records: str = ""
    initial: Value = None
    groups: Mapping[str, tuple[Location, ...]] = field(default_factory=lambda: MappingProxyType({}))
    together: tuple[tuple[Location, ...], ...] = ()
    backups: Mapping[str, Location] = field(default_factory=lambda: MappingProxyType({}))
    membership: Membership | None = None
    instead: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    merging: Merging | None = None
