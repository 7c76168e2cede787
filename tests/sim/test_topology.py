"""Locations as bits, the grid, selectors, and a picture that does not change by itself."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.latency import uniform
from sim.topology import (
    HostSpec,
    Topology,
    at_service,
    grid,
    host_of,
    pack_location,
    service_id,
    unpack_location,
)

REGIONS = ("us-east-1", "us-west-2")


def small() -> Topology:
    return grid(REGIONS, clusters=2, hosts=2, cores=4, clients=1)


def test_a_location_is_region_32_cluster_32_host_64_service_64_bits() -> None:
    assert pack_location(1, 0, 0) == 1 << 160
    assert pack_location(0, 1, 0) == 1 << 128
    assert pack_location(0, 0, 1) == 1 << 64
    assert pack_location(0, 0, 0, 1) == 1
    full = pack_location(2**32 - 1, 2**32 - 1, 2**64 - 1, 2**64 - 1)
    assert full == 2**192 - 1


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)
def test_packing_loses_nothing(region: int, cluster: int, host: int, service: int) -> None:
    location = pack_location(region, cluster, host, service)
    assert unpack_location(location) == (region, cluster, host, service)
    assert host_of(location) == pack_location(region, cluster, host)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ((2**32, 0, 0, 0), "region"),
        ((0, 2**32, 0, 0), "cluster"),
        ((0, 0, 2**64, 0), "host"),
        ((0, 0, 0, 2**64), "service"),
        ((-1, 0, 0, 0), "region"),
    ],
)
def test_a_number_that_does_not_fit_its_field_is_refused(parts: tuple[int, int, int, int], field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}=.*does not fit"):
        pack_location(*parts)


def test_more_than_192_bits_are_no_location() -> None:
    with pytest.raises(ValueError, match="does not fit 192 bits"):
        unpack_location(2**192)  # type: ignore[arg-type]


def test_a_service_is_named_by_64_bits_of_its_name() -> None:
    host = pack_location(1, 2, 3)
    assert unpack_location(at_service(host, "store")) == (1, 2, 3, service_id("store"))
    assert at_service(at_service(host, "store"), "monitor") == at_service(host, "monitor")
    assert 0 < service_id("store") < 2**64
    with pytest.raises(ValueError, match="needs a name"):
        service_id("")


def test_a_service_id_does_not_depend_on_the_hash_seed() -> None:
    code = "from sim.topology import service_id; print(service_id('store'))"
    ids = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert ids == {f"{service_id('store')}\n"}


def test_a_grid_numbers_from_one_and_puts_clients_last_in_their_region() -> None:
    hosts = [(host.path, *unpack_location(host.location)[:3], host.cores) for host in small().hosts]
    assert hosts[:5] == [
        ("us-east-1/c1/h1", 1, 1, 1, 4),
        ("us-east-1/c1/h2", 1, 1, 2, 4),
        ("us-east-1/c2/h1", 1, 2, 1, 4),
        ("us-east-1/c2/h2", 1, 2, 2, 4),
        ("us-east-1/clients/client1", 1, 3, 1, 0),
    ]
    assert hosts[5] == ("us-west-2/c1/h1", 2, 1, 1, 4)


def test_servers_and_clients_of_a_region_are_told_apart() -> None:
    topology = small()
    assert [host.index for host in topology.servers("us-west-2")] == [5, 6, 7, 8]
    assert [host.index for host in topology.clients("us-west-2")] == [9]
    assert topology.region_number("us-west-2") == 2


def test_a_location_leads_to_its_host_whatever_the_service() -> None:
    topology = small()
    host = topology.host("us-west-2/c2/h1")
    assert topology.index_of(host.location) == host.index == 7
    assert topology.index_of(at_service(host.location, "store")) == 7
    with pytest.raises(ValueError, match="is no host of"):
        topology.index_of(pack_location(9, 9, 9))


@pytest.mark.parametrize(
    ("target", "indices"),
    [
        ("us-east-1", (0, 1, 2, 3, 4)),
        ("us-east-1/c2", (2, 3)),
        ("us-east-1/clients", (4,)),
        ("us-west-2/c1/h2", (6,)),
        ("*", tuple(range(10))),
    ],
)
def test_a_selector_names_a_region_a_cluster_a_host_or_all(target: str, indices: tuple[int, ...]) -> None:
    assert small().select(target) == indices


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("us-east1", "'us-east-1'"),
        ("us-east-1/c3", "'us-east-1/c[12]'"),
        ("us-east-1/c1/h9", "'us-east-1/c1/h[12]'"),
        ("mars", "known: us-east-1, us-west-2"),
    ],
)
def test_an_unknown_selector_is_answered_with_the_nearest(target: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=nearest):
        small().select(target)


def test_unknown_regions_and_hosts_are_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'us-west-2'"):
        small().servers("us-west2")
    with pytest.raises(ValueError, match="did you mean"):
        small().host("us-west-2/c1/h7")


@pytest.mark.parametrize(
    ("regions", "numbers", "rule"),
    [
        ([], {}, "regions is empty"),
        (["a", "a"], {}, "repeats a region"),
        (["a/b"], {}, "cannot name a region"),
        (["*"], {}, "cannot name a region"),
        (["a"], {"clusters": 0}, "clusters=0 is below 1"),
        (["a"], {"hosts": 0}, "hosts=0 is below 1"),
        (["a"], {"cores": -1}, "cores=-1 is below 0"),
        (["a"], {"clients": -1}, "clients=-1 is below 0"),
    ],
)
def test_an_impossible_grid_is_refused(regions: list[str], numbers: dict[str, int], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        grid(regions, **{"clusters": 1, "hosts": 1, "cores": 1} | numbers)


def spec(index: int, path: str, location: tuple[int, int, int]) -> HostSpec:
    region, cluster, name = path.split("/")
    return HostSpec(
        index=index,
        path=path,
        region=region,
        cluster=cluster,
        name=name,
        location=pack_location(*location),
        cores=1,
        client=False,
    )


@pytest.mark.parametrize(
    ("hosts", "rule"),
    [
        ([], "at least one host"),
        ([spec(1, "a/c/h", (1, 1, 1))], "indices must count"),
        ([spec(0, "a/c/h", (1, 1, 1)), spec(1, "a/c/h", (1, 1, 2))], "share a path or a location"),
        ([spec(0, "a/c/h", (1, 1, 1)), spec(1, "a/c/g", (1, 1, 1))], "share a path or a location"),
        ([spec(0, "a/c/h", (1, 1, 1)), spec(1, "a/c/g", (2, 1, 1))], "one number of its own"),
        ([spec(0, "a/c/h", (1, 1, 1)), spec(1, "b/c/h", (1, 1, 2))], "one number of its own"),
    ],
)
def test_hosts_that_contradict_each_other_are_refused(hosts: list[HostSpec], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Topology(hosts)


def test_the_graph_holds_the_tree_and_joins_the_regions() -> None:
    graph = small().graph()
    links = [{a, b} for a, b, kind in graph.edges(data="kind") if kind == "link"]
    assert links == [{"us-east-1", "us-west-2"}]
    assert sorted(graph.neighbors("us-east-1/c1")) == ["us-east-1", "us-east-1/c1/h1", "us-east-1/c1/h2"]
    assert sum(level == "host" for _, level in graph.nodes(data="level")) == 10


def test_a_drawing_is_the_same_bytes_twice_and_shows_every_name(tmp_path: Path) -> None:
    topology = small()
    latency = uniform(REGIONS, between_regions_rtt_us=70_000)
    topology.draw(tmp_path / "a.svg", latency)
    topology.draw(tmp_path / "b.svg", latency)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert all(name in text for name in ("us-east-1", "us-west-2", "c2", "clients", "→ 35 ms"))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_regions_can_be_drawn(count: int, tmp_path: Path) -> None:
    path = tmp_path / "t.svg"
    grid([f"r{number}" for number in range(count)], clusters=1, hosts=1, cores=1).draw(path)
    assert path.stat().st_size > 0


def test_servers_stand_in_racks_in_turn_and_racks_can_be_selected() -> None:
    made = grid(["east"], clusters=2, hosts=3, cores=1, clients=1, racks=2)
    assert [host.rack for host in made.hosts] == ["r1", "r2", "r1", "r1", "r2", "r1", None]
    assert (made.select("east/c1/r1"), made.select("east/c2/r2")) == ((0, 2), (4,))
    assert [made.level(name) for name in ("*", "east", "east/c1", "east/c1/r1", "east/c1/h1")] == [
        "world",
        "region",
        "cluster",
        "rack",
        "host",
    ]
    assert made.names("rack") == ("east/c1/r1", "east/c1/r2", "east/c2/r1", "east/c2/r2")
    with pytest.raises(ValueError, match="did you mean 'east/c1/r"):
        made.select("east/c1/r3")


def test_a_rack_without_hosts_is_refused() -> None:
    with pytest.raises(ValueError, match="a rack without hosts cannot fail"):
        grid(["east"], clusters=1, hosts=1, cores=1, racks=2)
