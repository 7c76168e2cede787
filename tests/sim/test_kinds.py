"""What each kind of fault contributes, against oracles that know nothing of sets or phases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.effects import Burst, LinkEffect
from sim.faults import KINDS, Cut, Fault, HostEffect, ParamValue, check_schedule
from sim.faults.host_effect import NO_EFFECT, combined
from sim.topology import Topology, grid

# Five regions of one server each: the index of a host is that of its letter.
ABCDE = grid(list("abcde"), clusters=1, hosts=1, cores=1, clients=0)
RACKS = grid(["east", "west"], clusters=2, hosts=3, cores=1, clients=1, racks=2)


def fault(kind: str, *targets: str, at: int = 0, for_us: int | None = 1_000_000, **params: ParamValue) -> Fault:
    return Fault(id="f", kind=kind, targets=targets, at=at, for_us=for_us, params=params)


def closed(made: Fault, topology: Topology = ABCDE, after_us: int = 0) -> set[str]:
    """The closed links as texts such as `ab`: what a sends to b is lost."""
    assert KINDS[made.kind].validate(made, topology) == []
    return pairs(KINDS[made.kind].cuts(made, topology, after_us))


def pairs(cuts: tuple[Cut, ...]) -> set[str]:
    return {"abcde"[a] + "abcde"[b] for cut in cuts for a in cut.src for b in cut.dst}


def both(*links: str) -> set[str]:
    return {*links, *(link[::-1] for link in links)}


def test_a_bridge_reaches_both_sides() -> None:
    assert closed(fault("partition-bridge", "a", "b", bridge=("c",))) == both("ad", "ae", "bd", "be")
    assert closed(fault("partition-bridge", "a", "b", bridge=("b",))) == both("ac", "ad", "ae")


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("count", [4, 5])
def test_in_a_ring_everybody_reaches_just_the_neighbours(count: int, reach: int) -> None:
    members = "abcde"[:count]
    made = fault("partition-ring", *members, reach=reach)
    if count < 2 * reach + 2:
        assert "everybody reaches everybody" in str(KINDS["partition-ring"].validate(made, ABCDE)[0])
        return
    expected = {
        members[i] + members[j]
        for i in range(count)
        for j in range(count)
        if i != j and min((i - j) % count, (j - i) % count) > reach
    }
    assert closed(made) == expected


def test_a_ring_leaves_third_parties_alone() -> None:
    assert closed(fault("partition-ring", "a", "b", "c", "d")) == both("ac", "bd")


def test_a_flapping_cut_is_closed_for_its_share_of_every_period() -> None:
    made = fault("partition-flapping", "a", against=("b",), period="10us", duty=0.3)
    assert [bool(closed(made, after_us=t)) for t in range(20)] == [t % 10 < 3 for t in range(20)]


@given(st.integers(2, 50), st.floats(0.01, 0.99), st.integers(0, 500))
def test_a_flapping_cut_says_when_it_changes_next(period: int, duty: float, after_us: int) -> None:
    made = fault("partition-flapping", "a", against=("b",), period=f"{period}us", duty=duty)
    if KINDS[made.kind].validate(made, ABCDE):
        return
    says = KINDS[made.kind].next_change
    assert says is not None
    now = bool(closed(made, after_us=after_us))
    seen = next(t for t in range(after_us + 1, after_us + period + 1) if bool(closed(made, after_us=t)) != now)
    assert says(made, ABCDE, after_us) == seen


def reverse(n: int) -> tuple[int, ...]:
    return tuple(reversed(range(n)))


def test_a_swizzled_cut_heals_link_by_link_in_its_order() -> None:
    made = fault("partition-swizzled", "a", for_us=100, against=("b", "c"), heal="40us")
    kind = KINDS[made.kind]
    assert kind.validate(made, ABCDE) == []
    left = {t: sorted(pairs(kind.cuts(made, ABCDE, t, reverse))) for t in (0, 69, 70, 79, 80, 90, 99, 100)}
    assert left == {
        0: ["ab", "ac", "ba", "ca"],
        69: ["ab", "ac", "ba", "ca"],
        70: ["ab", "ac", "ba"],
        79: ["ab", "ac", "ba"],
        80: ["ab", "ac"],
        90: ["ab"],
        99: ["ab"],
        100: [],
    }


@given(st.integers(8, 300), st.integers(0, 300), st.integers(0, 700))
def test_a_swizzled_cut_says_when_it_changes_next(heal: int, before: int, after_us: int) -> None:
    made = fault("partition-swizzled", "a", for_us=heal + before, heal=f"{heal}us")
    kind = KINDS[made.kind]
    assert kind.next_change is not None
    now = pairs(kind.cuts(made, ABCDE, after_us, reverse))
    times = (t for t in range(after_us + 1, heal + before + 1) if pairs(kind.cuts(made, ABCDE, t, reverse)) != now)
    assert kind.next_change(made, ABCDE, after_us) == next(times, None)


def test_a_link_fault_works_both_ways_unless_it_says_one_way() -> None:
    a, rest = frozenset({0}), frozenset({1, 2, 3, 4})
    slow = fault("link-slow", "a", factor=2, delay="5ms", bandwidth=0.1)
    there = LinkEffect(src=a, dst=rest, delay_factor=2, delay_us=5_000, bandwidth_factor=0.1)
    back = LinkEffect(src=rest, dst=a, delay_factor=2, delay_us=5_000, bandwidth_factor=0.1)
    assert KINDS["link-slow"].link_effects(slow, ABCDE) == (there, back)
    one_way = fault("link-lossy", "a", to=("b",), one_way=True, loss=0.5)
    assert KINDS["link-lossy"].link_effects(one_way, ABCDE) == (LinkEffect(src=a, dst=frozenset({1}), loss=0.5),)


def test_equal_ends_are_struck_once() -> None:
    made = fault("link-duplicating", "*", to=("*",), chance=0.1)
    everyone = frozenset(range(5))
    assert KINDS[made.kind].validate(made, ABCDE) == []
    effect = LinkEffect(src=everyone, dst=everyone, duplicate=0.1)
    assert KINDS[made.kind].link_effects(made, ABCDE) == (effect,)


@pytest.mark.parametrize(
    ("kind", "params", "effect"),
    [
        (
            "link-bursty",
            {"mean_good": "1s", "mean_bad": "100ms", "loss_good": 0.01},
            {"burst": Burst(mean_good_us=1_000_000, mean_bad_us=100_000, loss_good=0.01, loss_bad=1.0)},
        ),
        ("link-reordering", {"chance": 0.2, "within": "3ms"}, {"reorder": 0.2, "reorder_us": 3_000}),
        ("link-held", {}, {"hold": True}),
    ],
)
def test_what_a_link_fault_asks_of_the_network(
    kind: str, params: dict[str, ParamValue], effect: dict[str, object]
) -> None:
    made = fault(kind, "a", to=("b",), one_way=True, **params)
    assert KINDS[kind].validate(made, ABCDE) == []
    expected = LinkEffect(src=frozenset({0}), dst=frozenset({1}), **effect)  # type: ignore[arg-type]
    assert KINDS[kind].link_effects(made, ABCDE) == (expected,)


@pytest.mark.parametrize(
    ("kind", "params", "effect"),
    [
        ("host-slow", {"factor": 3}, HostEffect(slow_factor=3.0)),
        ("host-pause", {}, HostEffect(paused=True)),
        ("disk-loss", {}, HostEffect(disk_lost=True)),
        ("disk-slow", {"factor": 2.5}, HostEffect(disk_slow_factor=2.5)),
        ("fsync-lies", {}, HostEffect(fsync_lies=True)),
        ("disk-full", {}, HostEffect(disk_full=True)),
        ("clock-offset", {"offset": "-1s"}, HostEffect(clock_offset_us=-1_000_000)),
        ("clock-drift", {"ppm": -200}, HostEffect(clock_drift_ppm=-200)),
    ],
)
def test_what_a_host_fault_does_to_its_targets(kind: str, params: dict[str, ParamValue], effect: HostEffect) -> None:
    made = fault(kind, "a", "c", **params)
    assert KINDS[kind].validate(made, ABCDE) == []
    assert KINDS[kind].host_effects(made, ABCDE) == {0: effect, 2: effect}


def test_live_effects_on_a_host_compose() -> None:
    parts = [
        HostEffect(slow_factor=2.0, clock_offset_us=5, clock_drift_ppm=100_000),
        HostEffect(slow_factor=3.0, disk_slow_factor=4.0, fsync_lies=True, clock_offset_us=-7),
        HostEffect(paused=True, disk_full=True, disk_lost=True, clock_drift_ppm=-100_000),
    ]
    assert combined(parts) == HostEffect(
        slow_factor=6.0,
        paused=True,
        disk_slow_factor=4.0,
        fsync_lies=True,
        disk_full=True,
        disk_lost=True,
        clock_offset_us=-2,
        clock_drift_ppm=-10_000,
    )
    assert combined([]) is NO_EFFECT
    assert combined([HostEffect(clock_drift_ppm=-100_000)] * 500).clock_drift_ppm > -1_000_000


def test_failure_domains_strike_what_stands_in_them() -> None:
    # East: c1 h1-h3 = 0-2, c2 = 3-5, its client 6; racks r1 = h1, h3 and r2 = h2 of each cluster.
    def down(kind: str, target: str) -> set[int]:
        made = fault(kind, target, for_us=None)
        assert KINDS[kind].validate(made, RACKS) == []
        return set(KINDS[kind].crashed(made, RACKS))

    assert down("rack", "east/c1/r1") == {0, 2}
    assert down("rack", "east/c2/r2") == {4}
    assert down("cluster-power", "east/c2") == {3, 4, 5}
    assert down("region-destroyed", "east") == {0, 1, 2, 3, 4, 5}
    assert set(KINDS["region-destroyed"].host_effects(fault("region-destroyed", "east"), RACKS)) == {0, 1, 2, 3, 4, 5}
    (out, back) = KINDS["region-unreachable"].cuts(fault("region-unreachable", "east"), RACKS)
    assert (out.src, out.dst) == (back.dst, back.src) == (frozenset(range(7)), frozenset(range(7, 14)))


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (fault("rack", "east/c1"), "targets = \"east/c1\": a cluster, not a rack; name one, as in 'east/c1/r1'"),
        (fault("cluster-power", "east"), "targets = \"east\": a region, not a cluster; name one, as in 'east/c1'"),
        (fault("region-unreachable", "*"), "targets = \"*\": a world, not a region; name one, as in 'east'"),
        (fault("region-destroyed", "east"), 'for = "1 s": region-destroyed has no end; leave it out'),
        (fault("clock-jump", "east", by="1s"), 'for = "1 s": clock-jump has no end; leave it out'),
        (
            fault("partition-swizzled", "east", for_us=None, heal="1s"),
            "for = (nothing): partition-swizzled needs an end; add it",
        ),
        (fault("partition-swizzled", "east", heal="2s"), 'params.heal = "2s": is longer than the fault itself, 1 s;'),
        (fault("partition-swizzled", "east", heal="9us"), 'params.heal = "9us": too short for 98 links to heal one by'),
        (fault("partition-flapping", "east", period="3s"), 'for = "1 s": lasts one period of 3 s or less, so it never'),
        (
            fault("partition-flapping", "east", period="1us"),
            'params.period = "1us": a period of 1 us is too short for a share of it; give a longer one',
        ),
        (
            fault("partition-flapping", "east", period="0s"),
            'params.period = "0s": no time at all; give a longer one',
        ),
        (fault("partition-flapping", "east", period="1ms", duty=1), "params.duty = 1: not a share between 0 and 1;"),
        (
            fault("partition-bridge", "east/c1/h1", bridge=("east",)),
            'params.bridge = ["east"]: the bridge holds all the targets, so nothing is cut; name fewer hosts',
        ),
        (
            fault("partition-ring", "east", "east/c1", "west/c1", "west/c2"),
            'targets = ["east", "east/c1", "west/c1", "west/c2"]: a host has two places in the ring; name it once',
        ),
        (fault("link-slow", "east"), "params = (nothing): slower in no way; give `factor`, `delay` or `bandwidth`"),
        (fault("link-slow", "*", delay="1ms"), 'targets = ["*"]: nobody is at the other end; name fewer targets'),
        (
            fault("link-held", "east/c1/h1", to=("east/c1/h1",)),
            'targets = ["east/c1/h1"]: east/c1/h1 has no link to itself; name another end',
        ),
        (
            fault("link-held", "east/c1", to=("east/c1/h1", "west")),
            'targets = ["east/c1"]: east/c1/h1 is at both ends, and others are not; name equal ends',
        ),
        (fault("link-lossy", "east", loss=0), "params.loss = 0: not a chance above 0 and at most 1; give one"),
        (fault("link-lossy", "east", loss=True), "params.loss = true: not a chance above 0 and at most 1; give one"),
        (fault("link-lossy", "east", loss=float("nan")), "params.loss = nan: not a chance above 0 and at most 1;"),
        (fault("link-reordering", "east", chance=0.5, within=3), "params.within = 3: is a duration without a unit;"),
        (fault("host-slow", "east", factor=1), "params.factor = 1: not a factor above 1 and at most 1,000,000;"),
        (fault("host-slow", "east"), "params.factor = (nothing): host-slow needs it: how many times as long it takes"),
        (fault("clock-drift", "east", ppm=2.5), "params.ppm = 2.5: not a whole number of parts in a million, other"),
        (fault("clock-drift", "east", ppm=0), "params.ppm = 0: not a whole number of parts in a million, other"),
        (fault("clock-offset", "east", offset="-0s"), 'params.offset = "-0s": no time at all; give a longer one'),
        (fault("clock-offset", "east", offset="soon"), 'params.offset = "soon": is not a duration; write a number'),
    ],
)
def test_a_fault_that_makes_no_sense_is_explained(made: Fault, problem: str) -> None:
    found = [str(one) for one in KINDS[made.kind].validate(made, RACKS)]
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_all_mistakes_of_one_fault_are_told_at_once() -> None:
    made = fault("link-bursty", "esat", mean_good="1", loss_bad=2, spell="1s")
    with pytest.raises(ValueError, match="esat") as refused:
        check_schedule([made], RACKS)
    assert [line.partition(": ")[2].partition(" = ")[0] for line in str(refused.value).splitlines()] == [
        "targets",
        "params.mean_good",
        "params.loss_bad",
        "params.spell",
        "params.mean_bad",
    ]


def test_a_cut_of_too_many_links_cannot_be_swizzled() -> None:
    large = grid(["a", "b"], clusters=1, hosts=40, cores=1, clients=0)
    made = fault("partition-swizzled", "a", heal="1s")
    assert "more than 2,000" in str(KINDS[made.kind].validate(made, large)[0])
