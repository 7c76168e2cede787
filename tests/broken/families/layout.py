"""How the small systems of the catalogue are laid out: one service on every server, drivers on every client.

A family is a sound service; a broken variant overrides the one decision that the bug got wrong,
and everything else is shared, so that twins differ in a line or two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.driver import drivers
from models.system import Site, System
from sim.host import Context, Placement, Service
from sim.storage import TORN, Disk
from sim.topology import Location, at_service

#: Domain numbers of the families' messages, clear of those in `models`.
QUORUM, CONSENSUS, GOSSIP, READER = 1_901, 1_902, 1_903, 1_904


class Member(Service):
    """One of the equal services of a small system.

    Args:
        ctx: Its host.
        peers: All of them, itself among them, in one order for all.
        number: Its place in that order.
    """

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx)
        self.peers = peers
        self.number = number
        self.others = tuple(peer for peer in peers if peer != peers[number])
        self.majority = len(peers) // 2 + 1


def lay_out(
    site: Site,
    workload: Any,
    kind: type[Member],
    specification: str,
    *,
    roaming: bool = False,
    retries: bool = False,
    sessions: int = 8,
) -> System:
    """One `kind` on every server and drivers on every client host.

    Many sessions, since a request that waits for an answer holds up what its session asks next.
    """
    topology = site.topology
    servers = [host for region in topology.regions for host in topology.servers(region)]
    peers = tuple(at_service(host.location, "member") for host in servers)

    def maker(number: int) -> Callable[[Context], Member]:
        return lambda ctx: kind(ctx, peers, number)

    members = tuple(
        Placement(host=host.location, name="member", make=maker(number), kind=kind)
        for number, host in enumerate(servers)
    )
    clients = drivers(topology, workload, specification, peers, roaming=roaming, retries=retries, sessions=sessions)
    return System(placements=(*members, *clients), records=specification)


def intact(disk: Disk, file: str) -> list[Any]:
    """The records of a file after a restart; what follows a torn one was never acknowledged, and goes."""
    records = disk.read(file)
    if TORN in records:
        disk.truncate(file, records.index(TORN))
        records = disk.read(file)
    return records
