"""Persistence schemes: what each promises, by the published table and by brute force over holders and failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.store.schemes import (
    SCHEMES,
    Failure,
    Loss,
    Promise,
    Recovery,
    Scheme,
    Spread,
    Struck,
    Tier,
    holders_of,
    lost_by,
    promise_of,
)
from sim.topology import Topology, grid

BY_NAME = {scheme.name: scheme for scheme in SCHEMES}
NOTHING, ALL, SINCE_SNAPSHOT = Loss.NOTHING, Loss.ALL, Loss.SINCE_SNAPSHOT


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("local-mem", [Loss.SINCE_SNAPSHOT, Loss.SINCE_SNAPSHOT, Loss.SINCE_SNAPSHOT, Loss.SINCE_SNAPSHOT, ALL, ALL]),
        ("local-persist", [NOTHING, NOTHING, NOTHING, NOTHING, ALL, ALL]),
        ("local-persist-periodic", [NOTHING, Loss.PERIOD, Loss.PERIOD, Loss.PERIOD, ALL, ALL]),
        ("multi-mem", [NOTHING, NOTHING, Loss.SINCE_SNAPSHOT, Loss.SINCE_SNAPSHOT, NOTHING, ALL]),
        ("multi-persist", [NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, ALL]),
        ("delayed-ship", [NOTHING, NOTHING, NOTHING, NOTHING, Loss.UNSHIPPED, Loss.UNSHIPPED]),
    ],
)
def test_what_one_failure_takes(name: str, lost: list[Loss]) -> None:
    assert [lost_by(BY_NAME[name], failure) for failure in Failure] == lost


def test_k_disks_take_what_k_holders_flushed() -> None:
    scheme = BY_NAME["multi-persist"]
    assert [lost_by(scheme, Failure.DISK_LOSS, times=n) for n in (1, 2, 3)] == [NOTHING, NOTHING, ALL]


def test_what_was_shipped_is_lost_with_the_last_copy() -> None:
    """Shipped, it outlives as many failures as there are copies less one, each elsewhere."""
    scheme = BY_NAME["delayed-ship"]
    for failure in (Failure.DISK_LOSS, Failure.REGION_DESTROYED):
        assert [lost_by(scheme, failure, times=n) for n in (1, 2)] == [Loss.UNSHIPPED, ALL]
        assert lost_by(replace(scheme, copies=3), failure, times=2) is Loss.UNSHIPPED
    for spread in (Spread.HOST, Spread.CLUSTER):
        assert lost_by(replace(scheme, spread=spread), Failure.REGION_DESTROYED) is ALL


def test_a_holder_outside_survives_its_region() -> None:
    assert lost_by(replace(BY_NAME["multi-persist"], spread=Spread.REGION), Failure.REGION_DESTROYED) is NOTHING


CRASH, POWER = Failure.PROCESS_CRASH, Failure.HOST_POWER


def promise(lost: Loss, window_us: int | None = 0, *, served: bool = True) -> Promise:
    return Promise(lost=lost, window_us=window_us, served=served)


@pytest.mark.parametrize(
    ("scheme", "crash", "power", "gone"),
    [
        (
            replace(BY_NAME["local-mem"], flush_every_us=5),
            promise(Loss.SINCE_SNAPSHOT, 5),
            promise(Loss.SINCE_SNAPSHOT, 5),
            promise(ALL, None, served=False),
        ),
        (
            BY_NAME["local-mem"],
            promise(Loss.SINCE_SNAPSHOT, None),
            promise(Loss.SINCE_SNAPSHOT, None),
            promise(ALL, None, served=False),
        ),
        (BY_NAME["local-persist"], promise(NOTHING), promise(NOTHING), promise(ALL, None, served=False)),
        (
            BY_NAME["local-persist-periodic"],
            promise(NOTHING),
            promise(Loss.PERIOD, 1_000_000),
            promise(ALL, None, served=False),
        ),
        (replace(BY_NAME["multi-mem"], holders=2, copies=3), promise(NOTHING), promise(NOTHING), promise(NOTHING)),
        (BY_NAME["multi-persist"], promise(NOTHING), promise(NOTHING), promise(NOTHING, served=False)),
        (BY_NAME["delayed-ship"], promise(NOTHING), promise(NOTHING), promise(Loss.UNSHIPPED, 1_000_000)),
    ],
    ids=lambda value: value.name if isinstance(value, Scheme) else "",
)
def test_what_a_scheme_promises_for_its_leader(scheme: Scheme, crash: Promise, power: Promise, gone: Promise) -> None:
    for recovery in (Recovery.AT_ONCE, Recovery.LATER):
        assert promise_of(scheme, CRASH, recovery) == crash
        assert promise_of(scheme, POWER, recovery) == power
    assert promise_of(scheme, CRASH, Recovery.ELSEWHERE) == gone
    assert promise_of(scheme, POWER, Recovery.ELSEWHERE) == gone


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_whoever_else_is_struck_loses_nothing(scheme: Scheme) -> None:
    enough = scheme.members - 1 >= scheme.holders
    for failure in (CRASH, POWER):
        for recovery in Recovery:
            stays = recovery is not Recovery.ELSEWHERE
            assert promise_of(scheme, failure, recovery, Struck.CLIENT) == promise(NOTHING)
            assert promise_of(scheme, failure, recovery, Struck.FOLLOWER) == promise(NOTHING, served=stays or enough)


def test_a_promise_is_about_one_host_that_goes_down() -> None:
    with pytest.raises(ValueError, match=r"disk loss.* is no crash of one host; give PROCESS_CRASH or HOST_POWER"):
        promise_of(SCHEMES[0], Failure.DISK_LOSS, Recovery.LATER)


SERVERS = grid(["a", "b", "c"], clusters=3, hosts=3, cores=1, racks=3, clients=1)


def struck(topology: Topology, failure: Failure, home: int, times: int) -> Iterable[frozenset[int]]:
    """Every set of hosts that so many failures of a kind may strike, the home's among them."""

    def domain(index: int) -> tuple[object, ...]:
        spec = topology.hosts[index]
        parts: dict[Failure, tuple[object, ...]] = {
            Failure.RACK_POWER: (spec.region, spec.cluster, spec.rack),
            Failure.CLUSTER_POWER: (spec.region, spec.cluster),
            Failure.REGION_DESTROYED: (spec.region,),
        }
        return parts.get(failure, (spec.path,))

    servers = [spec.index for region in topology.regions for spec in topology.servers(region)]
    others = sorted({domain(index) for index in servers} - {domain(home)}, key=str)
    for chosen in combinations(others, times - 1):
        domains = {domain(home), *chosen}
        yield frozenset(index for index in servers if domain(index) in domains)


@given(
    st.sampled_from([Tier.HEAP, Tier.DEVICE]),
    st.integers(1, 3).flatmap(lambda copies: st.tuples(st.integers(1, copies), st.just(copies))),
    st.sampled_from([None, 0, 1_000_000]),
    st.sampled_from(Spread),
    st.sampled_from(Failure),
    st.integers(1, 3),
)
def test_the_algebra_agrees_with_counting_copies(
    tier: Tier, copies: tuple[int, int], ship_every_us: int | None, spread: Spread, failure: Failure, times: int
) -> None:
    holders = copies[0] if ship_every_us is None else 1
    scheme = Scheme(name="x", tier=tier, holders=holders, copies=copies[1], ship_every_us=ship_every_us, spread=spread)
    held = holders_of(scheme, SERVERS, 0)
    outlives = {
        Failure.PROCESS_CRASH: Tier.PAGE_CACHE,
        Failure.HOST_POWER: Tier.DEVICE,
        Failure.RACK_POWER: Tier.DEVICE,
        Failure.CLUSTER_POWER: Tier.DEVICE,
    }
    destroyed = tier < outlives.get(failure, Tier.DEVICE + 1)
    most = max(len(set(held) & hosts) for hosts in struck(SERVERS, failure, 0, times)) if destroyed else 0
    gone = ALL if tier is Tier.DEVICE or failure in (Failure.DISK_LOSS, Failure.REGION_DESTROYED) else SINCE_SNAPSHOT
    if most < holders:
        counted = NOTHING
    elif ship_every_us is not None and most < len(held):
        counted = Loss.UNSHIPPED  # a copy is left, and all that was shipped is in it
    else:
        counted = gone
    promised = lost_by(scheme, failure, times=times)
    if failure is Failure.RACK_POWER and spread is Spread.HOST:
        # Hosts of one rack are the worst case, and here each happens to have a rack of its own.
        assert counted in (NOTHING, Loss.UNSHIPPED, promised)
    else:
        assert promised is counted


def test_holders_are_near_and_far_enough_apart() -> None:
    def paths(spread: Spread) -> list[str]:
        scheme = Scheme(name="x", tier=Tier.DEVICE, holders=3, spread=spread)
        return [SERVERS.hosts[index].path for index in holders_of(scheme, SERVERS, 0)]

    assert paths(Spread.HOST) == ["a/c1/h1", "a/c1/h2", "a/c1/h3"]
    assert paths(Spread.CLUSTER) == ["a/c1/h1", "a/c2/h1", "a/c3/h1"]
    assert paths(Spread.REGION) == ["a/c1/h1", "b/c1/h1", "c/c1/h1"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"holders": 0}, "acknowledge nothing; ask for at least 1"),
        ({"flush_every_us": 5}, "is for copies in memory, and those on the device are flushed at once; leave it out"),
        ({"tier": Tier.PAGE_CACHE}, "leaves its page cache unflushed; say how often"),
        ({"ship_every_us": -1}, "ship_every_us=-1 is no period"),
        ({"flush_every_us": 0, "tier": Tier.HEAP}, "flush_every_us=0 is no period"),
        ({"ship_every_us": 0, "holders": 2}, "ships behind the acknowledgement, and 2 holders come before it"),
        ({"holders": 3, "copies": 2}, "self.copies=2 cannot hold what self.holders=3 must"),
    ],
)
def test_a_scheme_that_makes_no_sense_is_refused(options: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Scheme(**{"name": "x", "tier": Tier.DEVICE} | options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("holders", "spread", "told"),
    [
        (28, Spread.HOST, "asks for 28 holders, each in another host, and from a/c1/h1 there are 27"),
        (4, Spread.REGION, "asks for 4 holders, each in another region, and from a/c1/h1 there are 3"),
    ],
)
def test_more_holders_than_there_are_is_refused(holders: int, spread: Spread, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        holders_of(Scheme(name="x", tier=Tier.HEAP, holders=holders, spread=spread), SERVERS, 0)
