"""What cannot be met is refused before the run: everything at once, with the nearest that can."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.cli import main
from experiments.scenario import load
from models.clients import Workload
from models.keyspace import Stored, key_space
from models.quorum import Fanout, Holds, QuorumOptions, quorum
from models.quorum.options import PLACEMENTS, problems
from models.quorum.preference import Preference
from models.system import Site
from sim.topology import Topology, grid, pack_location

SITE = Site(grid(["a", "b", "c"], clusters=1, hosts=1, cores=1))
LOAD = Workload(rate_per_s=10, ends_us=1_000_000)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 5}, ["n=5 replicas need as many servers, and there are 3", "n=3, r=2, w=2"]),
        ({"n": 0}, ["n=0 replicas hold nothing", "r=2 of n=0 replicas can never", "n=1, r=1, w=1"]),
        (
            {"r": 4, "w": 0},
            ["r=4 of n=3 replicas can never answer a read", "w=0: a write that asks nobody", "r=3, w=1"],
        ),
        ({"r": 0}, ["r=0: a read that asks nobody says nothing", "n=3, r=1, w=2"]),
        ({"grace_us": 1_000_000}, ["hint_window_us=10000000 is above grace_us", "below two operations' patience"]),
        ({"depth": 0, "rounds": 0}, ["rounds=0 is too little; give at least 1", "depth=0 levels of a Merkle tree are"]),
        ({"holds": Holds.SET, "deletes": 0.5}, ['resolve = "siblings"', "whole sets are not deleted here"]),
        ({"placement": "tablets"}, ["placement='tablets' ranks no hosts; "]),
        (
            {"n": 4, "spread": "region"},
            ["n=4 owners, each in another region, are more than the 3", "ask for at most 3", "add 1 region"],
        ),
        (
            {"n": 4, "r": 5, "spread": "region", "deletes": 2.0},
            ["n=4 owners, each in another region", "r=5 of n=4 replicas", "n=3, r=3, w=2", "deletes=2.0 is no share"],
        ),
        ({"spread": "zone", "r": 0}, ["'zone' is no level to spread over", "r=0: a read that asks nobody"]),
        ({"deletes": 1.0}, ["deletes=1.0 is no share of the writes; give 0 to below 1"]),
    ],
)
def test_every_mistake_is_told_at_once_with_the_way_out(options: dict[str, object], told: list[str]) -> None:
    with pytest.raises(ValueError) as refused:
        quorum(SITE, LOAD, **options)  # type: ignore[arg-type]
    assert [part for part in told if part not in str(refused.value)] == []


def test_a_quorum_that_can_be_met_has_no_problems() -> None:
    assert problems(QuorumOptions(n=3, r=1, w=3, fanout=Fanout.QUORUM), 3) == []


WIDE = Site(grid(["a", "b", "c"], clusters=2, hosts=2, cores=1))


def test_a_list_longer_than_the_zones_allow_is_refused_with_the_nearest_level_that_can() -> None:
    with pytest.raises(ValueError, match=r"n=5 owners, each in another region, .* or spread over clusters"):
        quorum(WIDE, LOAD, n=5, spread="region")
    assert quorum(WIDE, LOAD, n=5, spread="cluster").placements


def test_replicas_share_no_failure_domain_of_the_level_though_regions_differ_in_size() -> None:
    zones = [("a", "c1"), ("a", "c2"), ("a", "c3"), ("b", "c1"), ("b", "c1"), ("b", "c1")]
    hosts = [SimpleNamespace(index=at, region=one[0], cluster=one[1], client=False) for at, one in enumerate(zones)]
    # Ranked as by a hash: another host first for each key.
    ranked = lambda stored, key, *, n: [(key + at * 5) % n for at in range(n)]  # noqa: E731
    space: Any = SimpleNamespace(topology=SimpleNamespace(hosts=hosts), holders=ranked)
    apart, near = Preference(space, 4, zones), Preference(space, 4)
    assert {len({zones[number] for number in apart.homes(key)}) for key in range(50)} == {4}
    assert {len({zones[number] for number in near.homes(key)}) for key in range(50)} == {3}


def test_a_scenario_with_a_quorum_that_cannot_be_met_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = load("quorum_strict").text.replace("n = 3", "n = 7").replace("w = 2", "w = 9")
    (tmp_path / "bad.toml").write_text(text)
    assert main(["check", str(tmp_path / "bad.toml"), "--seeds", "1"]) == 2
    told = capsys.readouterr()
    lines = [line for line in (told.out + told.err).splitlines() if "bad.toml: system" in line]
    assert [("n = 7: replicas need" in line, "w = 9: of n=7" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]
    assert all("the nearest that can be met is n=" in line for line in lines)


def test_replicas_stand_in_different_regions_and_move_little_when_a_host_comes() -> None:
    topology = grid("abc", clusters=2, hosts=2, cores=1, clients=0)
    zones = [(host.region, host.cluster) for host in topology.hosts]
    preference = Preference(key_space(topology, placement="rendezvous"), 3)
    for key in range(200):
        homes, others = preference.homes(key), preference.others(key)
        assert sorted(homes + others) == list(range(12))
        assert {zones[number][0] for number in homes} == set("abc")
    new = replace(topology.hosts[0], index=12, path="a/c3/h1", cluster="c3", name="h1", location=pack_location(1, 3, 1))
    more = Preference(key_space(Topology([*topology.hosts, new]), placement="rendezvous"), 3)
    moved = sum(preference.homes(key) != more.homes(key) for key in range(1_000))
    assert 100 < moved < 350, "a fifth of the keys of its region, and no others"


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_whoever_the_key_space_prefers_comes_first_and_zones_are_kept_apart_under_every_placement(
    placement: str,
) -> None:
    topology = grid("abc", clusters=2, hosts=2, cores=1)
    servers = [host for host in topology.hosts if not host.client]
    space = key_space(topology, placement=placement)
    preference = Preference(space, 6)
    for key in range(50):
        homes = [servers[number] for number in preference.homes(key)]
        assert homes[0].index == space.holders(Stored.EVENTS, key, n=1)[0]
        assert len({host.region for host in homes[:3]}) == 3
        assert len({(host.region, host.cluster) for host in homes}) == 6
