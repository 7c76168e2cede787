"""Schedules drawn from a seed: always valid, healed when they say so, and each family's draws its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.faults import HERE, KINDS, Fault, Marks, Trigger, check_schedule, check_triggers, schedule_to_json
from sim.faults.schedule import resolved
from sim.nemesis import FAMILIES, UNFAIR, Knobs, Mode, Options, draw
from sim.topology import Topology, grid

NAMES = ("a", "b", "c", "d", "e", "f", "g")
END_US = 60_000_000


def world(regions: int, clusters: int, hosts: int, *, clients: int = 1, racks: int = 0) -> Topology:
    return grid(NAMES[:regions], clusters=clusters, hosts=hosts, cores=1, clients=clients, racks=racks)


def marks_for(topology: Topology, *, clients: bool = False) -> dict[str, Marks]:
    some = Marks(points=frozenset({"C1", "C7"}), notes=frozenset({"role=leader", "size"}))
    none = Marks(points=frozenset(), notes=frozenset())
    return {host.path: some if clients or not host.client else none for host in topology.hosts}


def options(mode: Mode = Mode.HEALING, **changes: Any) -> Options:
    return replace(Options(until_us=END_US, ends_us=50_000_000, begins_us=1_000_000, mode=mode), **changes)


WORLD = world(3, 1, 2, racks=2)
MARKS = marks_for(WORLD)


def drawn_by(family: str, count: int, topology: Topology = WORLD, **changes: Any) -> list[Fault]:
    """What one family alone draws over so many seeds."""
    asked = options(families=frozenset({family}), **changes)
    marks = marks_for(topology)
    return [fault for seed in range(count) for fault in draw(topology, marks, seed, asked).faults]


@st.composite
def worlds(draw: st.DrawFn) -> Topology:
    hosts = draw(st.integers(1, 5))
    return world(
        draw(st.integers(1, 7)),
        draw(st.integers(1, 3)),
        hosts,
        clients=draw(st.integers(0, 2)),
        racks=draw(st.integers(0, hosts)),
    )


def ends_us(fault: Fault) -> int | None:
    """By when it has ended for certain."""
    begins_us = fault.at.until_us if isinstance(fault.at, Trigger) else fault.at
    if KINDS[fault.kind].name == "clock-jump":
        return begins_us
    return None if begins_us is None or fault.for_us is None else begins_us + fault.for_us


@given(
    worlds(),
    st.sampled_from(Mode),
    st.integers(0, 1_000_000),
    st.sampled_from([10_000, 999_983, 1_000_003, 20_000_000, 3_600_000_000]),
    st.sampled_from([0, 20_000_000]),
    st.booleans(),
    st.booleans(),
)
def test_every_schedule_is_valid(
    topology: Topology, mode: Mode, seed: int, window_us: int, rest_us: int, unfair: bool, noting_clients: bool
) -> None:
    marks = marks_for(topology, clients=noting_clients)
    ends = window_us + 7
    allow = UNFAIR if unfair else frozenset()
    asked = Options(begins_us=7, ends_us=ends, until_us=ends + rest_us, mode=mode, allow=allow)
    drawn = draw(topology, marks, seed, asked)
    check_schedule(drawn.faults, topology)
    check_triggers(drawn.faults, marks, topology)
    assert drawn.knobs.faults == len(drawn.faults)
    for fault in drawn.faults:
        begins_us = fault.at.since_us if isinstance(fault.at, Trigger) else fault.at
        assert asked.begins_us <= begins_us < asked.ends_us
        if isinstance(fault.at, Trigger):
            assert fault.at.until_us is not None
            assert fault.at.until_us <= asked.ends_us
        elif fault.for_us is not None:
            assert begins_us + fault.for_us <= asked.until_us
        if mode is Mode.HEALING:
            end = ends_us(fault)
            assert end is not None
            assert end <= asked.ends_us


@given(worlds(), st.integers(0, 1_000_000))
def test_from_its_instant_on_nothing_reaches_the_core(topology: Topology, seed: int) -> None:
    """Computed from what live faults do, not by the rule that the drawing itself goes by."""
    drawn = draw(topology, marks_for(topology, clients=True), seed, options(Mode.CORE, allow=UNFAIR))
    core_us = drawn.knobs.core_us
    assert core_us is not None
    core = {index for name in drawn.knobs.core for index in topology.select(name)}
    assert 2 * sum(not topology.hosts[i].client for i in core) > sum(not h.client for h in topology.hosts)
    for fault in drawn.faults:
        end = ends_us(fault)
        if end is not None and end <= core_us:
            continue
        anywhere = isinstance(fault.at, Trigger) and fault.at.host is None and HERE in fault.targets
        assert not anywhere
        if isinstance(fault.at, Trigger) and fault.at.host is not None:
            fault = resolved(fault, topology, topology.host(fault.at.host).index)
        kind = KINDS[fault.kind]
        assert not core & kind.crashed(fault, topology)
        assert not core & set(kind.host_effects(fault, topology))
        instants = {0, (fault.for_us or 2) // 2}
        pairs = [(c.src, c.dst) for t in instants for c in kind.cuts(fault, topology, t)]
        pairs += [(e.src, e.dst) for e in kind.link_effects(fault, topology)]
        assert not any(src & core and dst & core for src, dst in pairs)


def test_faults_go_on_outside_the_core_and_between_it_and_the_rest() -> None:
    late: Counter[str] = Counter()
    for seed in range(30):
        drawn = draw(WORLD, MARKS, seed, options(Mode.CORE))
        core_us = drawn.knobs.core_us or 0
        late.update(f.kind for f in drawn.faults if (end := ends_us(f)) is None or end > core_us)
    assert {"partition-full", "partition-one-way", "power-loss", "host-pause", "region-unreachable"} <= set(late)


def test_a_core_can_be_named() -> None:
    named = options(Mode.CORE, core=("a", "b/c1/h1"), core_us=30_000_000)
    knobs = draw(WORLD, MARKS, 1, named).knobs
    assert (knobs.core, knobs.core_us) == (("a", "b/c1/h1"), 30_000_000)


def test_faults_last_to_the_end_only_where_they_may() -> None:
    def lasting(mode: Mode) -> int:
        faults = [f for seed in range(30) for f in draw(WORLD, MARKS, seed, options(mode)).faults]
        return sum(f.for_us is None for f in faults if f.kind != "clock-jump")

    assert lasting(Mode.HEALING) == 0
    assert lasting(Mode.UNLIMITED) > 0
    assert lasting(Mode.CORE) > 0


def test_every_kind_is_drawn_by_the_families_that_list_it_and_by_no_other() -> None:
    for name, family in FAMILIES.items():
        found = {fault.kind for fault in drawn_by(name, 120, mode=Mode.UNLIMITED, allow=UNFAIR)}
        assert found == set(family.kinds), name
    assert {kind for family in FAMILIES.values() for kind in family.kinds} == set(KINDS)


def test_what_is_unfair_is_drawn_only_where_it_is_allowed() -> None:
    for mode in Mode:
        fair = {f.kind for seed in range(60) for f in draw(WORLD, MARKS, seed, options(mode)).faults}
        assert not fair & UNFAIR
    lies = options(allow=frozenset({"fsync-lies"}))
    assert {f.kind for seed in range(60) for f in draw(WORLD, MARKS, seed, lies).faults} & UNFAIR == {"fsync-lies"}


@pytest.mark.parametrize("topology", [world(3, 1, 2), world(5, 1, 1), world(1, 1, 3), world(2, 2, 2)], ids=repr)
@pytest.mark.parametrize("mode", [Mode.HEALING, Mode.CORE])
def test_where_all_must_come_right_only_a_minority_may_lose_its_disks(topology: Topology, mode: Mode) -> None:
    servers = [host.index for host in topology.hosts if not host.client]
    met = 0
    for seed in range(60):
        drawn = draw(topology, marks_for(topology), seed, options(mode, allow=UNFAIR))
        struck = {i for f in drawn.faults if f.kind in UNFAIR for t in f.targets for i in topology.select(t)}
        struck &= set(servers)
        met += len(struck)
        assert 2 * len(struck) < len(servers)
        assert mode is Mode.CORE or not any(f.kind == "region-destroyed" for f in drawn.faults)
        if len(topology.regions) >= 3:
            regions = {topology.hosts[i].region for i in struck}
            assert 2 * len(regions) < len(topology.regions)
    assert met


# -- each family is what its name says ---------------------------------------------------------


def cut_pairs(fault: Fault, topology: Topology) -> set[tuple[int, int]]:
    cuts = KINDS[fault.kind].cuts(fault, topology)
    return {(a, b) for cut in cuts for a in cut.src for b in cut.dst if a != b}


def reached(host: int, fault: Fault, topology: Topology) -> frozenset[int]:
    """The servers that a server and back reaches, itself among them."""
    cut = cut_pairs(fault, topology)
    servers = [h.index for h in topology.hosts if not h.client]
    return frozenset(s for s in servers if (host, s) not in cut and (s, host) not in cut)


def units_of(fault: Fault, topology: Topology) -> list[frozenset[int]]:
    """All units of the level at which a fault was drawn, as their servers."""
    level = topology.level(next(t for t in fault.targets if t.split("/")[1:2] != ["clients"]))
    found = [frozenset(i for i in topology.select(n) if not topology.hosts[i].client) for n in topology.names(level)]
    return [unit for unit in found if unit]


@pytest.mark.parametrize("topology", [WORLD, world(1, 1, 5), world(5, 2, 1), world(2, 1, 2)], ids=repr)
def test_halves_are_halves(topology: Topology) -> None:
    faults = drawn_by("halves", 30, topology)
    for fault in faults:
        units = units_of(fault, topology)
        inside = {i for t in fault.targets for i in topology.select(t)}
        half = [unit for unit in units if unit <= inside]
        assert len(half) == len(units) // 2
        for unit in units:
            for host in unit:
                mine = [u for u in units if (u in half) == (unit in half)]
                assert reached(host, fault, topology) == frozenset().union(*mine)
    if len(topology.regions) == 1:  # a client that reaches both sides, and one that is on one side
        client = topology.clients("a")[0].index
        sides = {len({b for a, b in cut_pairs(f, topology) if a == client}) for f in faults}
        assert len(sides) > 1
        assert 0 in sides


def test_isolation_takes_one_from_all_or_from_some() -> None:
    levels: Counter[str] = Counter()
    for fault in drawn_by("isolate", 100):
        assert len(fault.targets) == 1
        levels[WORLD.level(fault.targets[0])] += 1
        victim = set(WORLD.select(fault.targets[0]))
        cut = cut_pairs(fault, WORLD)
        assert all((a in victim) != (b in victim) for a, b in cut)
        assert all((b, a) in cut for a, b in cut)
        if fault.kind == "partition-full":
            assert {b for a, b in cut if a in victim} == set(range(len(WORLD.hosts))) - victim
    assert set(levels) == {"region", "cluster", "host"}


@pytest.mark.parametrize("hosts", [4, 5, 6, 7, 9, 12])
def test_in_a_ring_everybody_reaches_a_majority_and_no_two_the_same(hosts: int) -> None:
    topology = world(1, 1, hosts)
    faults = drawn_by("ring", 10, topology)
    assert faults
    for fault in faults:
        seen = [reached(host, fault, topology) for host in range(hosts)]
        assert all(2 * len(majority) > hosts for majority in seen)
        assert all(a != b for a, b in combinations(seen, 2))
        assert all(host in majority for host, majority in enumerate(seen))


def test_a_ring_of_regions_is_one_too() -> None:
    topology = world(5, 1, 2)
    rings = [f for f in drawn_by("ring", 30, topology) if f.targets[0] in NAMES]
    assert rings
    for fault in rings:
        seen = {topology.hosts[h].region: reached(h, fault, topology) for h in range(len(topology.hosts))}
        assert all(2 * len(majority) > 10 for majority in seen.values())
        assert len(set(seen.values())) == 5


def test_a_bridge_alone_reaches_both_halves() -> None:
    for fault in drawn_by("bridge", 60):
        units = units_of(fault, WORLD)
        (bridge,) = fault.params["bridge"]  # type: ignore[misc]
        over = frozenset(i for i in WORLD.select(bridge) if not WORLD.hosts[i].client)
        everybody = frozenset().union(*units)
        seen = [reached(min(unit), fault, WORLD) for unit in units if unit != over]
        assert reached(min(over), fault, WORLD) == everybody
        assert all(over < side < everybody for side in seen)
        left, right = sorted(set(seen), key=len)
        assert left & right == over
        assert len(right) - len(left) <= max(map(len, units))


def test_one_way_is_one_way_and_both_ways_occur() -> None:
    deaf = mute = 0
    for fault in drawn_by("one-way", 100):
        cut = cut_pairs(fault, WORLD)
        assert cut
        assert not any((b, a) in cut for a, b in cut)
        mute += len({a for a, _ in cut}) == 1
        deaf += len({b for _, b in cut}) == 1
    assert deaf
    assert mute


def test_a_flapping_cut_closes_at_least_twice_and_opens_in_between() -> None:
    for fault in drawn_by("flapping", 60):
        kind = KINDS[fault.kind]
        assert kind.next_change is not None
        t_us, closed = 0, []
        while t_us < (fault.for_us or 0):
            closed.append(bool(kind.cuts(fault, WORLD, t_us)))
            t_us = kind.next_change(fault, WORLD, t_us) or 0
        assert closed.count(True) >= 2
        assert all(a != b for a, b in pairwise(closed))


def test_a_swizzle_cuts_up_to_half_of_the_servers_off_in_many_orders() -> None:
    faults = drawn_by("swizzle", 60)
    assert {len(fault.targets) for fault in faults} == {1, 2, 3}
    assert len({fault.params["order"] for fault in faults}) > 30
    for fault in faults:
        assert len({a for a, _ in cut_pairs(fault, WORLD)}) == len(WORLD.hosts)


def test_seekers_strike_where_it_was_noted_whatever_the_services_note() -> None:
    marks = {path: Marks(points=frozenset(), notes=frozenset()) for path in MARKS}
    marks["b/c1/h1"] = Marks(points=frozenset(), notes=frozenset({"primary=yes"}))
    asked = options(families=frozenset({"seeking"}))
    faults = [fault for seed in range(60) for fault in draw(WORLD, marks, seed, asked).faults]
    assert {fault.targets for fault in faults} == {(HERE,)}
    triggers = [fault.at for fault in faults if isinstance(fault.at, Trigger)]
    assert len(triggers) == len(faults)
    assert {trigger.note for trigger in triggers} == {"primary=yes"}
    assert {trigger.host for trigger in triggers} == {None, "b/c1/h1"}
    assert {1, 2, 3} <= {trigger.nth for trigger in triggers}


def test_points_are_all_aimed_at_and_far_occurrences_are_rarer() -> None:
    triggers = [fault.at for fault in drawn_by("points", 150) if isinstance(fault.at, Trigger)]
    assert {trigger.point for trigger in triggers} == {"C1", "C7"}
    by_nth = Counter(trigger.nth for trigger in triggers)
    assert by_nth[1] > by_nth[3] > by_nth[9]


def test_a_clock_that_jumps_is_set_right_again() -> None:
    jumps = [fault for fault in drawn_by("clock", 40) if fault.kind == "clock-jump"]
    by_host: dict[tuple[str, ...], list[str]] = {}
    for fault in jumps:
        by_host.setdefault(fault.targets, []).append(str(fault.params["by"]))
    for shifts in by_host.values():
        assert Counter(s.removeprefix("-") for s in shifts if s.startswith("-")) == Counter(
            s for s in shifts if not s.startswith("-")
        )
    drifts = [int(f.params["ppm"]) for f in drawn_by("clock", 40) if f.kind == "clock-drift"]  # type: ignore[arg-type]
    assert min(drifts) < 0 < max(drifts)
    assert max(map(abs, drifts)) <= 500


@pytest.mark.parametrize("mode", Mode)
def test_nothing_begins_after_the_window_not_even_the_jump_back_of_a_clock(mode: Mode) -> None:
    asked = options(mode, families=frozenset({"clock", "seeking", "points"}))
    marks = marks_for(WORLD)
    for seed in range(200):
        for fault in draw(WORLD, marks, seed, asked).faults:
            latest_us = fault.at if isinstance(fault.at, int) else fault.at.until_us
            assert latest_us is not None
            assert latest_us <= asked.ends_us
            assert isinstance(fault.at, Trigger) or fault.at < asked.ends_us


def test_one_host_is_the_victim_in_about_88_of_100() -> None:
    faults = drawn_by("pause", 300)
    single = sum(len(f.targets) == 1 and WORLD.level(f.targets[0]) == "host" for f in faults)
    # 5 standard deviations of a binomial around it.
    assert abs(single / len(faults) - 0.88) < 5 * (0.88 * 0.12 / len(faults)) ** 0.5


# -- knobs -------------------------------------------------------------------------------------


def test_each_family_is_on_in_about_half_of_the_runs_and_one_always() -> None:
    on: Counter[str] = Counter()
    for seed in range(200):
        knobs = draw(world(4, 1, 1, racks=1), marks_for(world(4, 1, 1)), seed, options()).knobs
        assert knobs.families
        assert set(knobs.families) | set(knobs.off) == set(FAMILIES)
        on.update(knobs.families)
    assert all(65 <= on[name] <= 135 for name in FAMILIES)
    for seed in range(20):
        assert draw(WORLD, MARKS, seed, options(families=frozenset({"crash"}))).knobs.families == ("crash",)


def test_switching_a_family_off_leaves_what_the_others_draw() -> None:
    for mode in Mode:
        for seed in range(8):
            whole = draw(WORLD, MARKS, seed, options(mode))
            for name in whole.knobs.families:
                if len(whole.knobs.families) > 1:
                    rest = draw(WORLD, MARKS, seed, options(mode, families=frozenset(FAMILIES) - {name}))
                    own = [f for f in whole.faults if not f.id.startswith(f"{name}-")]
                    assert list(rest.faults) == own


def test_knobs_tell_everything_and_survive_their_json() -> None:
    knobs = draw(WORLD, MARKS, 3, options(Mode.CORE, allow=UNFAIR)).knobs
    assert Knobs.from_json(knobs.to_json()) == knobs
    lines = knobs.lines()
    assert [line.partition(": ")[0] for line in lines] == list(Knobs.__dataclass_fields__)
    assert "seed: 3" in lines
    assert "mode: core" in lines
    with pytest.raises(ValueError, match="no knobs"):
        Knobs.from_json('{"seed": 1}')


@pytest.mark.parametrize("mode", [Mode.HEALING, Mode.UNLIMITED])
def test_what_is_struck_for_sure_is_in_every_schedule_and_changes_nothing_else(mode: Mode) -> None:
    allowed = frozenset({"disk-loss"})
    for seed in range(30):
        without = draw(WORLD, MARKS, seed, options(mode, allow=allowed)).faults
        drawn = draw(WORLD, MARKS, seed, options(mode, allow=allowed, surely=allowed)).faults
        sure = [fault for fault in drawn if fault.id.startswith("sure-")]
        assert [(fault.kind, fault.for_us is None) for fault in sure] == [("disk-loss", False)] * 2
        assert tuple(fault for fault in drawn if fault not in sure) == without


def test_density_is_heeded_and_differs_from_run_to_run() -> None:
    few = sum(len(draw(WORLD, MARKS, seed, options(density=0.1)).faults) for seed in range(40))
    usual = sum(len(draw(WORLD, MARKS, seed, options()).faults) for seed in range(40))
    many = sum(len(draw(WORLD, MARKS, seed, options(density=5.0)).faults) for seed in range(40))
    assert 0 < few < usual / 4
    assert many > 3 * usual
    knobs = [draw(WORLD, MARKS, seed, options()).knobs for seed in range(40)]
    assert len({k.faults_per_family for k in knobs}) == 40
    assert all(1 <= k.faults_per_family <= 3 for k in knobs)
    assert all(49_000_000 / 48 - 1 <= k.length_us_median <= 49_000_000 / 3 + 1 for k in knobs)


def test_a_seed_gives_the_same_schedule_under_another_hash_seed() -> None:
    code = (
        "from tests.sim.nemesis.test_drawing import *\n"
        "for mode in Mode:\n    print(schedule_to_json(draw(WORLD, MARKS, 5, options(mode, allow=UNFAIR)).faults))"
    )
    root = Path(__file__).resolve().parents[3]
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    here = [schedule_to_json(draw(WORLD, MARKS, 5, options(mode, allow=UNFAIR)).faults) for mode in Mode]
    assert told == {"\n".join(here) + "\n"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ends_us": 1_000_000}, "0 <= begin < end"),
        ({"ends_us": END_US + 1}, "0 <= begin < end"),
        ({"ends_us": 1_005_000}, "no room for faults; give 10 ms"),
        ({"allow": frozenset({"host-pause"})}, "'host-pause' need not be allowed"),
        ({"density": 0.0}, "not above 0"),
        ({"surely": frozenset({"disk-loss"})}, "struck for sure and not allowed; allow it too"),
        ({"surely": frozenset({"rack"})}, "is not struck for sure; choose of disk-loss"),
        ({"core_us": 5_000_000}, "has no core"),
        ({"mode": Mode.CORE, "core_us": 500_000}, "is not between"),
        ({"families": frozenset({"halfs"})}, "did you mean 'halves'?"),
        ({"families": frozenset()}, "name at least one"),
        ({"families": frozenset({"ring"})}, "need more hosts"),
        ({"mode": Mode.CORE, "core": ("z",)}, "'z' names no host here"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], told: str) -> None:
    small = world(1, 1, 2)
    with pytest.raises(ValueError, match=told):
        draw(small, marks_for(small), 1, options(**changes))
