"""Regions, clusters and hosts, and how a place is written as 192 bits.

A *location* names one service on one host: region 32 | cluster 32 | host 64 | service 64
bits, packed into a Python integer so that it can travel in a message. Region, cluster and
host are numbered from 1 in the order of the topology; 0 means "not given", so a location
with service 0 is the host itself. Inside the network a host is its `index`.

Clients stand in the region they use, in a cluster of their own named `clients`. A cut of
the region therefore takes its clients along, which is what a person in that region meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NewType

from sim.wording import way_to

if TYPE_CHECKING:
    import networkx

    from sim.latency import LatencyModel

__all__ = [
    "HostSpec",
    "Location",
    "LocationParts",
    "RegionName",
    "Topology",
    "at_service",
    "grid",
    "host_of",
    "pack_location",
    "service_id",
    "unpack_location",
]

Location = NewType("Location", int)
RegionName = NewType("RegionName", str)

REGION_BITS: Final = 32
CLUSTER_BITS: Final = 32
HOST_BITS: Final = 64
SERVICE_BITS: Final = 64
_SERVICE_MASK: Final = (1 << SERVICE_BITS) - 1
CLIENT_CLUSTER: Final = "clients"


class LocationParts(NamedTuple):
    """The four fields of a location; service 0 is the host itself."""

    region: int
    cluster: int
    host: int
    service: int


def pack_location(region: int, cluster: int, host: int, service: int = 0) -> Location:
    """Pack four numbers into 192 bits, the region highest.

    Raises:
        ValueError: a number is negative or does not fit its field.
    """
    _check_field("region", region, REGION_BITS)
    _check_field("cluster", cluster, CLUSTER_BITS)
    _check_field("host", host, HOST_BITS)
    _check_field("service", service, SERVICE_BITS)
    packed = ((region << CLUSTER_BITS | cluster) << HOST_BITS | host) << SERVICE_BITS | service
    return Location(packed)


def unpack_location(location: Location) -> LocationParts:
    """The four fields of a location.

    Raises:
        ValueError: the number is negative or longer than 192 bits.
    """
    _check_field("location", location, REGION_BITS + CLUSTER_BITS + HOST_BITS + SERVICE_BITS)
    rest, service = location >> SERVICE_BITS, location & _SERVICE_MASK
    rest, host = rest >> HOST_BITS, rest & ((1 << HOST_BITS) - 1)
    return LocationParts(rest >> CLUSTER_BITS, rest & ((1 << CLUSTER_BITS) - 1), host, service)


def service_id(name: str) -> int:
    """64 bits that stand for a service's name, the same on every host; never 0.

    Raises:
        ValueError: the name is empty.
    """
    if not name:
        raise ValueError(f"{name=} is empty; a service needs a name to be addressed by")
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") or 1


def at_service(host: Location, name: str) -> Location:
    """The location of the service `name` on the host at `host`."""
    return Location(host_of(host) | service_id(name))


def host_of(location: Location) -> Location:
    """The location of the host itself: the service bits are zero."""
    return Location(location & ~_SERVICE_MASK)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """One host.

    Attributes:
        index: Its number in the topology, from 0; what the network calls it.
        path: Its full name, such as `us-east-1/c1/h2`.
        region: Name of its region.
        cluster: Name of its cluster, unique within the region.
        name: Its own name, unique within the cluster.
        location: Its packed location, service 0.
        cores: Cores that serve messages; 0 means that nothing ever queues for one.
        client: Whether it holds clients rather than the system under study.
        rack: Name of its rack, unique within the cluster; None where racks are not told apart.
    """

    index: int
    path: str
    region: str
    cluster: str
    name: str
    location: Location
    cores: int
    client: bool
    rack: str | None = None


class Topology:
    """The hosts of a world by region and cluster; immutable.

    Args:
        hosts: In order of index; indices, paths and locations must be unique, and the
            hosts of one region must share its number.

    Raises:
        ValueError: the hosts contradict each other, or there is none.
    """

    __slots__ = ("_by_location", "_by_path", "_groups", "_region_numbers", "hosts", "regions")

    hosts: tuple[HostSpec, ...]
    regions: tuple[str, ...]

    def __init__(self, hosts: Iterable[HostSpec]) -> None:
        self.hosts = tuple(hosts)
        if not self.hosts:
            raise ValueError("a topology needs at least one host; give it a region with one")
        if [host.index for host in self.hosts] != list(range(len(self.hosts))):
            raise ValueError("host indices must count 0, 1, 2, ... in order; number them afresh")
        self._by_path = {host.path: host for host in self.hosts}
        self._by_location = {host.location: host.index for host in self.hosts}
        if not len(self._by_path) == len(self._by_location) == len(self.hosts):
            raise ValueError("two hosts share a path or a location; name each once")
        self.regions = tuple(dict.fromkeys(host.region for host in self.hosts))
        numbers = {(host.region, unpack_location(host.location).region) for host in self.hosts}
        self._region_numbers = dict(numbers)
        if not len(numbers) == len(self.regions) == len({number for _, number in numbers}):
            raise ValueError("each region needs one number of its own in its hosts' locations")
        groups: dict[str, list[int]] = {}
        for host in self.hosts:
            cluster = f"{host.region}/{host.cluster}"
            for name in ("*", host.region, cluster, host.path):
                groups.setdefault(name, []).append(host.index)
            if host.rack is not None:
                rack = f"{cluster}/{host.rack}"
                if rack in self._by_path:
                    raise ValueError(f"{rack} is a host and a rack; name one otherwise")
                groups.setdefault(rack, []).append(host.index)
        self._groups = {name: tuple(indices) for name, indices in groups.items()}

    def __repr__(self) -> str:
        return f"Topology({len(self.hosts)} hosts in {', '.join(self.regions)})"

    def __eq__(self, other: object) -> bool:
        return self.hosts == other.hosts if isinstance(other, Topology) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hosts)

    def host(self, path: str) -> HostSpec:
        """The host named `region/cluster/host`; ValueError names the nearest."""
        found = self._by_path.get(path)
        if found is None:
            raise ValueError(f"{path!r} is no host here; {way_to(path, self._by_path)}")
        return found

    def index_of(self, location: Location) -> int:
        """The index of the host at `location` or of any service on it.

        Raises:
            ValueError: no host of this topology is there.
        """
        index = self._by_location.get(host_of(location))
        if index is None:
            raise ValueError(f"{unpack_location(location)} is no host of {self!r}")
        return index

    def servers(self, region: str) -> tuple[HostSpec, ...]:
        """The hosts of a region that are not clients', in order of index."""
        return tuple(host for host in self._of(region) if not host.client)

    def clients(self, region: str) -> tuple[HostSpec, ...]:
        """The client hosts of a region, in order of index."""
        return tuple(host for host in self._of(region) if host.client)

    def level(self, target: str) -> str:
        """What a selector names: `world`, `region`, `cluster`, `rack` or `host`.

        Raises:
            ValueError: nothing here has this name.
        """
        self.select(target)
        if target == "*":
            return "world"
        if target in self._by_path:
            return "host"
        return ("region", "cluster", "rack")[target.count("/")]

    def names(self, level: str) -> tuple[str, ...]:
        """The selectors of a level, in order of the hosts."""
        return tuple(name for name in self._groups if self.level(name) == level)

    def select(self, target: str) -> tuple[int, ...]:
        """The indices that `region`, `region/cluster`, its racks and hosts, or `*` names.

        Raises:
            ValueError: nothing here has this name; the message gives the nearest that has.
        """
        found = self._groups.get(target)
        if found is None:
            # A slip in a short name should not be answered with a long one.
            depth = target.count("/")
            names = [name for name in self._groups if name.count("/") == depth and name != "*"]
            raise ValueError(f"{target!r} names no host here; {way_to(target, names or self._groups)}")
        return found

    def region_number(self, region: str) -> int:
        """The number of a region in its hosts' locations; 1, 2, ... in a `grid`."""
        return self._region_numbers[self._known(region)]

    def graph(self) -> networkx.Graph[str]:
        """Containment as a tree, world `*` - regions - clusters - hosts, and region-region edges.

        Nodes bear their selectable names and a `level`; edges a `kind`, `holds` or `link`.
        """
        import networkx

        graph: networkx.Graph[str] = networkx.Graph()
        graph.add_node("*", level="world")
        for host in self.hosts:
            cluster = f"{host.region}/{host.cluster}"
            graph.add_node(host.region, level="region")
            graph.add_node(cluster, level="cluster")
            graph.add_node(host.path, level="host", client=host.client)
            for outer, inner in (("*", host.region), (host.region, cluster), (cluster, host.path)):
                graph.add_edge(outer, inner, kind="holds")
        graph.add_edges_from(combinations(self.regions, 2), kind="link")
        return graph

    def draw(self, path: Path, latency: LatencyModel | None = None) -> None:
        """Write a picture of the topology (SVG, or what the suffix says), stable byte for byte.

        Args:
            path: The file; its folder must exist.
            latency: Where given, regions are joined by lines with the one-way delays.
        """
        from sim.drawing import draw_topology

        draw_topology(self, path, latency)

    def _of(self, region: str) -> tuple[HostSpec, ...]:
        return tuple(self.hosts[index] for index in self._groups[self._known(region)])

    def _known(self, region: str) -> str:
        if region not in self._region_numbers:
            raise ValueError(f"{region!r} is no region here; {way_to(region, self.regions)}")
        return region


def grid(
    regions: Sequence[str], *, clusters: int, hosts: int, cores: int, clients: int = 1, racks: int = 0
) -> Topology:
    """Equal regions of `clusters` x `hosts` servers, and `clients` client hosts in each.

    Clusters are c1, c2, ...; hosts h1, h2, ... in each; client hosts client1, client2, ... in
    the cluster `clients`, whose cores never run short. Servers precede clients in a region.
    With `racks`, a cluster's servers stand in racks r1, r2, ... in turn; with 0 in none.

    Raises:
        ValueError: a number is out of range, or a region's name is empty, repeated or has
            a character that selectors use.
    """
    _check_grid(regions, clusters=clusters, hosts=hosts, cores=cores, clients=clients, racks=racks)
    specs: list[HostSpec] = []
    for region_number, region in enumerate(regions, 1):
        rooms = [(f"c{number}", number, "h", hosts) for number in range(1, clusters + 1)]
        rooms.append((CLIENT_CLUSTER, clusters + 1, "client", clients))
        for cluster, cluster_number, prefix, count in rooms:
            for number in range(1, count + 1):
                name = f"{prefix}{number}"
                client = cluster == CLIENT_CLUSTER
                spec = HostSpec(
                    index=len(specs),
                    path=f"{region}/{cluster}/{name}",
                    region=region,
                    cluster=cluster,
                    name=name,
                    location=pack_location(region_number, cluster_number, number),
                    cores=0 if client else cores,
                    client=client,
                    rack=f"r{(number - 1) % racks + 1}" if racks and not client else None,
                )
                specs.append(spec)
    return Topology(specs)


def _check_grid(regions: Sequence[str], *, clusters: int, hosts: int, cores: int, clients: int, racks: int) -> None:
    if not regions:
        raise ValueError("regions is empty; name at least one")
    for region in regions:
        if not region or region == "*" or "/" in region:
            raise ValueError(f"{region!r} cannot name a region: it is empty or uses '/' or '*'")
    if len(set(regions)) != len(regions):
        raise ValueError(f"{list(regions)} repeats a region; name each once")
    for name, value, least in (
        ("clusters", clusters, 1),
        ("hosts", hosts, 1),
        ("cores", cores, 0),
        ("clients", clients, 0),
        ("racks", racks, 0),
    ):
        if value < least:
            raise ValueError(f"{name}={value} is below {least}; raise it")
    if racks > hosts:
        raise ValueError(f"{racks=} are more than the {hosts} hosts of a cluster; a rack without hosts cannot fail")


def _check_field(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name}={value} does not fit {bits} bits; give 0 to 2**{bits} - 1")
