"""Where the parts of a service are: its control plane, the store of acts, instances, clients.

Of every region the first server keeps the registry (a member of the log of assignments, and a directory), the second
the store of acts; `plane` says where the rest of the control plane is. Instances go to the servers from `reserved` on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from models.clients import BankMix, Client, Workload
from models.groups import Group, group_system
from models.layout import CLIENT, maker
from models.ledger import Ledger
from models.raft.options import RaftOptions
from models.retrying.policy import RetryPolicy
from models.services.client import ServiceClient, ServiceClientOptions
from models.services.holder import Seat
from models.services.instance import Instance, InstanceOptions
from models.services.plane import ControlPlane
from models.system import System
from sim.host import Context, Placement
from sim.topology import Location, Topology

__all__ = ["STORE", "ServiceLayout"]

#: Which server of a region the store of acts is on, modulo how many there are.
STORE: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLayout:
    """What of a service is where.

    Attributes:
        topology: Where.
        workload: What clients do.
        plane: The control plane.
        store: Of acts.
        policy: How clients retry.
    """

    topology: Topology
    workload: Workload
    plane: ControlPlane
    store: Group
    policy: RetryPolicy

    def system(self, raft: RaftOptions, *, begun: int, delays_us: tuple[int, int]) -> System:
        """All of it.

        Args:
            raft: Of both groups.
            begun: Instances that run from the beginning, where the scheduler is about to have them.
            delays_us: Least and most that starting one takes.
        """
        plane = self.plane
        store = tuple(location for _, location in self.store.members)
        instances = InstanceOptions(listeners=plane.listeners, store=store, control=plane.control)

        def make(ctx: Context, seat: Seat) -> Instance:
            return Instance(ctx, seat, instances)

        placed = [*plane.logs(raft, self.store), *plane.services(), *plane.begun(begun, make, Instance)]
        system = group_system(
            self.topology,
            self.workload,
            BankMix(self.workload),
            (plane.registry, self.store),
            placements=placed,
            records="services",
        )
        assert system.ledger is not None
        read, ended = system.ledger, plane.ended(system.ledger)

        def ledger(service_of: Callable[[Location], Any]) -> Ledger:
            return replace(read(service_of), services=ended(service_of))

        return replace(
            system,
            placements=(*(one for one in system.placements if one.kind is not Client), *self._clients()),
            templates=(plane.template(make, Instance, delays_us),),
            ledger=ledger,
        )

    def _clients(self) -> list[Placement]:
        topology = self.topology
        hosts = [host for region in topology.regions for host in topology.clients(region)]
        placed = []
        for index, host in enumerate(hosts):
            options = ServiceClientOptions(
                directories=self.plane.nearest(host.region),
                share=1 / len(hosts),
                first_id=(index + 1) << 40 | 1,
                control=self.plane.control,
                policy=self.policy,
            )
            make: Callable[[Context], ServiceClient] = maker(ServiceClient, self.workload, options)
            placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=ServiceClient))
        return placed
