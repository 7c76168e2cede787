"""The store laid out over a topology: what is refused before a run, and every scheme from end to end."""

from __future__ import annotations

from typing import Any

import pytest

from models.clients import Workload
from models.domains import shipped
from models.store.schemes import Spread
from models.store.words import scheme_of
from models.stores import application, groups_of, store, store_name
from models.system import Site
from sim.history import Kind
from sim.topology import grid
from tests.models.stores import REGIONS, fault, run_store

SITE = Site(grid(["a", "b"], clusters=2, hosts=2, cores=1, racks=1))
LOAD = Workload(rate_per_s=1, ends_us=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scheme": "multi-persist:9"}, "asks for 9 holders, each in another host, and from a/c1/h1 there are 8"),
        ({"scheme": "multi-persist:3@region"}, "asks for 3 holders, each in another region, .* there are 2"),
        ({"scheme": "multi-persist:5@cluster"}, "asks for 5 holders, each in another cluster, .* there are 4"),
        ({"scheme": "multi-persist:5@rack"}, "asks for 5 holders, each in another rack, .* there are 4"),
        ({"scheme": "nothing"}, "'nothing' is no persistence scheme"),
        ({"domain": "bank"}, "domain='bank' is none that is shipped; did you mean .bank-account.\\?"),
        ({"home": "c"}, "home='c' is no region here; known: a, b"),
        ({"shards": 0}, "shards=0 stores nothing"),
        ({"tenants": 0}, "tenants=0 is nobody"),
        ({"window": 0}, "window=0 is none"),
        ({"cache": -1}, "cache=-1 keeps no state"),
        ({"in_doubt": "hope"}, "in_doubt='hope' is no policy; choose one of surface, block, retry"),
        ({"doubt_us": 0}, "doubt_us=0 is none"),
        ({"replay_us": -1}, "replay_us=-1 is negative"),
        ({"segment": 0}, "segment=0 keeps nothing"),
        ({"truncate": True}, "truncate=True drops only what snapshots cover, and none is ever taken"),
        ({"snapshot_every": -1}, "every=-1 is always due"),
        ({"retain_events": -1}, "retain_events=-1 is negative"),
        ({"heartbeat_us": 0}, "heartbeat_us=0 ships nothing"),
        ({"promote_after_us": -1}, "promote_after_us=-1 is no time"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        store(SITE, LOAD, **options)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="segment=0") as refused:
        store(
            SITE,
            LOAD,
            scheme="multi-persist:3/2",
            domain="bank",
            home="c",
            tenants=0,
            segment=0,
            heartbeat_us=0,
            in_doubt="hope",
            window=0,
            promote_after_us=-5,
        )
    told = str(refused.value)
    expected = ["cannot hold", "'bank'", "home='c'", "tenants=0", "heartbeat_us=0", "'hope'", "window=0", "after_us=-5"]
    assert [word for word in expected if word not in told] == []


def test_all_mistakes_of_an_application_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="multi-persist") as refused:
        application(SITE, LOAD, bank_account="multi-persist:9", cart="loco", seats="multi-mem:3@region", home="")

    assert all(word in str(refused.value) for word in ("9 holders", "'loco'", "another region"))


def test_shards_have_their_homes_on_different_servers_and_their_members_where_the_scheme_wants_them() -> None:
    scheme = scheme_of("multi-persist:2/3@cluster")
    domain = shipped().domains["counter"]
    found = groups_of(SITE.topology, domain, scheme, "b", 5, first=1)

    paths = [[SITE.topology.hosts[index].path for index in group.hosts] for group in found]
    assert [path[0] for path in paths] == ["b/c1/h2", "b/c2/h1", "b/c2/h2", "b/c1/h1", "b/c1/h2"]
    assert all(len({path.rpartition("/")[0] for path in members}) == 3 for members in paths)
    assert [number for number, _ in found[0].members] == [index + 1 for index in found[0].hosts]
    assert [store_name(domain.name, group.shard) for group in found][:2] == ["counter-0", "counter-1"]
    assert scheme.spread is Spread.CLUSTER


SMALL = {"ends_s": 5, "until_s": 12, "rate": 40}
EVERY = [
    "local-mem",
    "local-mem+200ms",
    "local-persist",
    "local-persist-periodic+200ms",
    "multi-mem:2/3@region",
    "multi-persist:2/3@region",
    "multi-persist:3@region",
    "delayed-ship:1/3@region+200ms",
    "delayed-ship:1/2@region+0ms",
]
CUTTING = {"segment": 10, "snapshot_every": 5, "truncate": True, "sweep": True, "keep_every_us": 200_000}


@pytest.mark.parametrize("scheme", EVERY)
def test_under_every_scheme_each_command_is_answered_and_what_was_acknowledged_stands(scheme: str) -> None:
    run = run_store(store, scheme=scheme, subscriber=True, archive=True, **CUTTING, **SMALL)

    assert {row.kind for row in run.rows} <= {Kind.INVOKE, Kind.OK, Kind.FAIL}
    assert len(run.accepted()) > 100
    assert run.accepted() == run.effective()
    assert run.regions_agree()


@pytest.mark.parametrize("scheme", ["local-persist", "multi-persist:2/3@region", "delayed-ship:1/3@region+200ms"])
@pytest.mark.parametrize("kind", ["process-crash", "power-loss"])
def test_on_the_device_no_crash_of_the_home_loses_anything(scheme: str, kind: str) -> None:
    params = {"torn": True} if kind == "power-loss" else {}
    crash = fault(kind, f"{REGIONS[0]}/c1/h1", 2.0123, 1, **params)
    run = run_store(store, scheme=scheme, faults=(crash,), cache=3, replay_us=100, **CUTTING, **SMALL)

    assert run.accepted() <= run.effective()
    assert run.regions_agree()


def test_operators_find_another_leader_for_a_home_that_is_cut_off() -> None:
    options: dict[str, Any] = {"scheme": "multi-persist:2/3@region", "promote_after_us": 1_000_000, **SMALL}
    run = run_store(store, faults=(fault("partition-full", REGIONS[0], 2, 60),), home=REGIONS[0], **options)
    assert not run.notes["promoted"], "the operator sits in the home's region, and is cut off with it"
    crash = fault("process-crash", f"{REGIONS[0]}/c1/h1", 2, 60)
    run = run_store(store, faults=(crash,), home=REGIONS[0], **options)

    assert [value for _, _, value in run.notes["promoted"]] == [2]
    assert run.accepted() <= run.effective()
    late = [row for row in run.rows if row.kind is Kind.OK and row.t_us > 4_000_000]
    assert late


def test_tenants_share_hosts_and_nothing_else() -> None:
    run = run_store(store, scheme="local-persist", tenants=3, **SMALL)

    assert run.accepted() == run.effective()


def test_an_application_of_eight_domains_serves_them_all() -> None:
    run = run_store(application, hosts=3, accounts=4, **SMALL)

    assert {row.kind for row in run.rows} <= {Kind.INVOKE, Kind.OK, Kind.FAIL}
    assert len({row.key >> 40 for row in run.rows}) == 8
    assert len(run.accepted()) > 30
    assert run.accepted() == run.effective()


@pytest.mark.parametrize("scheme", ["multi-mem:2/3@region", "multi-persist:2/3@region"])
def test_a_seed_gives_the_same_run(scheme: str) -> None:
    crash = fault("process-crash", f"{REGIONS[0]}/c1/h1", 2.01, 1)
    first, second = (run_store(store, scheme=scheme, faults=(crash,), **CUTTING, **SMALL) for _ in range(2))

    assert first.world.digest() == second.world.digest()
    assert first.ledger == second.ledger
