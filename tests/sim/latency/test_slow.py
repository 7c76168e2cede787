"""What changes with time: a function of seed, link and time, and of nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from sim.chance import Chance
from sim.effects import Burst
from sim.latency import LatencyModel, SlowRule, Tier, uniform
from sim.latency.courses import Bursts, Diurnal, Kind, Loss, RouteChanges, Stalls, Step, Steps
from sim.latency.slow import Shared, Slow
from sim.latency.timeline import Timeline
from sim.topology import HostSpec, grid

TOPOLOGY = grid(["a", "b"], clusters=2, hosts=2, cores=1)
SECOND = 1_000_000
STALLS = Stalls(every_us_mean=SECOND)
BURST = Burst(mean_good_us=900_000, mean_bad_us=100_000, loss_good=0.01, loss_bad=0.5)
DRAWN: dict[str, Kind] = {
    "routes": RouteChanges(every_us_mean=SECOND, delay_us_max=9_000),
    "stalls": STALLS,
    "bursts": Bursts(BURST),
}


def host(path: str) -> HostSpec:
    return TOPOLOGY.host(path)


def model(*rules: SlowRule) -> LatencyModel:
    base = uniform(["a", "b"], between_regions_rtt_us=80_000)
    return LatencyModel(one_way_us=base.one_way_us, slow_rules=rules)


def course(kind: Kind, *, seed: int = 1, src: str = "a/c1/h1", dst: str = "b/c1/h1", **rule: object) -> Slow:
    found = model(SlowRule(name="it", what=kind, **rule)).slow(host(src), host(dst), Chance(seed))  # type: ignore[arg-type]
    assert found is not None
    return found


def path_of(slow: Slow, until_us: int = 60 * SECOND, every_us: int = 50_000) -> list[tuple[int, float]]:
    return [(slow.delay_us(t), slow.loss(t)) for t in range(0, until_us, every_us)]


def test_steps_hold_from_their_instant_to_the_next() -> None:
    slow = course(Steps((Step(at_us=10, delay_us=5), Step(at_us=30, delay_us=7, loss=0.25), Step(at_us=40))))
    seen = {t: (slow.delay_us(t), slow.loss(t)) for t in (0, 9, 10, 29, 30, 39, 40, 10**15)}
    assert seen == {
        0: (0, 0.0),
        9: (0, 0.0),
        10: (5, 0.0),
        29: (5, 0.0),
        30: (7, 0.25),
        39: (7, 0.25),
        40: (0, 0.0),
        10**15: (0, 0.0),
    }


def test_a_step_at_the_begin_is_there_from_the_begin() -> None:
    assert course(Steps((Step(at_us=0, delay_us=5),))).delay_us(0) == 5


def test_a_day_is_worst_at_its_peak_and_free_half_a_day_later() -> None:
    day = Diurnal(period_us=24 * 3_600 * SECOND, peak_us=14 * 3_600 * SECOND, delay_us=10_000, loss=0.2)
    slow = course(day)
    hours = {hour: (slow.delay_us(hour * 3_600 * SECOND), slow.loss(hour * 3_600 * SECOND)) for hour in (2, 8, 14, 38)}
    assert hours[14] == hours[38] == (10_000, 0.2)
    assert hours[2] == (0, 0.0)
    assert hours[8] == (5_000, pytest.approx(0.1))


def test_a_stall_ends_for_all_its_messages_at_once() -> None:
    slow = course(STALLS)
    waits = [(t, slow.delay_us(t)) for t in range(0, 60 * SECOND, 1_000)]
    ends = {t + wait for t, wait in waits if wait}
    assert 20 < len(ends) < 120, "about one a second"
    longest = max(wait for _, wait in waits)
    assert 100_000 < longest <= 250_000
    # Nothing sent later arrives earlier: a stall holds up, it does not reorder.
    assert all(t + wait <= u + later for (t, wait), (u, later) in pairwise(waits))


def test_stalls_are_between_their_bounds() -> None:
    slow = course(Stalls(every_us_mean=1_000, length_us_min=20, length_us_max=30))
    begins = [t for t in range(1, 200_000) if slow.delay_us(t) and not slow.delay_us(t - 1)]
    assert {slow.delay_us(t) for t in begins} == set(range(20, 31))


def test_routes_differ_and_stay_for_a_while() -> None:
    levels = [slow for slow, _ in path_of(course(DRAWN["routes"]))]
    changes = sum(before != after for before, after in pairwise(levels))
    assert 30 < changes < 100, "about one a second, in a minute"
    assert 0 <= min(levels) < 1_500
    assert 7_500 < max(levels) <= 9_000


def test_bursts_spend_the_stated_share_of_time_in_the_bad_state() -> None:
    slow = course(Bursts(BURST), seed=3)
    # Exact lengths, read off as a step function; about 2,000 spells of each kind.
    bad = sum(slow.loss(t) == 0.5 for t in range(0, 2_000 * SECOND, 10_000)) / 200_000
    share = BURST.bad_share
    # The share over n cycles of exponential spells has variance 2 p^2 (1 - p)^2 / n.
    assert abs(bad - share) < 4.5 * math.sqrt(2 * share**2 * (1 - share) ** 2 / 2_000)
    assert {slow.loss(t) for t in range(0, 100 * SECOND, 10_000)} == {0.01, 0.5}


def test_bursts_may_begin_in_the_bad_state() -> None:
    begins = [course(Bursts(BURST), seed=seed).loss(0) for seed in range(400)]
    assert 15 < begins.count(0.5) < 70, "one run in ten"


def test_losses_compose_as_independent_chances() -> None:
    rules = (SlowRule(name="x", what=Loss(0.5)), SlowRule(name="y", what=Loss(0.2)))
    slow = model(*rules).slow(host("a/c1/h1"), host("b/c1/h1"), Chance(1))
    assert slow is not None
    assert slow.loss(0) == pytest.approx(0.6)


def test_delays_add() -> None:
    one, two = Steps((Step(at_us=0, delay_us=5),)), Steps((Step(at_us=10, delay_us=7),))
    slow = model(SlowRule(name="x", what=one), SlowRule(name="y", what=two)).slow(
        host("a/c1/h1"), host("b/c1/h1"), Chance(1)
    )
    assert slow is not None
    assert [slow.delay_us(t) for t in (0, 10)] == [5, 12]


@pytest.mark.parametrize("name", DRAWN)
def test_it_does_not_matter_who_asks_when_and_how_often(name: str) -> None:
    kind = DRAWN[name]
    often = path_of(course(kind))
    chance, fresh = Chance(1), model(SlowRule(name="it", what=kind))
    chance.draws("slow/it/a/c1/h1>b/c1/h1").random()  # whoever else draws under the same name
    slow = fresh.slow(host("a/c1/h1"), host("b/c1/h1"), chance)
    assert slow is not None
    late_first = [(slow.delay_us(t), slow.loss(t)) for t in (59_950_000, 30_000_000, 0)]
    assert late_first == [often[t // 50_000] for t in (59_950_000, 30_000_000, 0)]
    assert path_of(slow) == often


@pytest.mark.parametrize("name", DRAWN)
def test_it_differs_between_seeds_and_links(name: str) -> None:
    kind = DRAWN[name]
    paths = [
        path_of(course(kind)),
        path_of(course(kind, seed=2)),
        path_of(course(kind, dst="b/c1/h2")),
        path_of(course(kind, src="b/c1/h1", dst="a/c1/h1")),
    ]
    assert all(one != other for i, one in enumerate(paths) for other in paths[:i])


def test_a_course_may_be_shared() -> None:
    kind = DRAWN["routes"]
    of_regions = [
        path_of(course(kind, src=src, dst="b/c2/h1", shared=Shared.REGIONS)) for src in ("a/c1/h1", "a/c2/h2")
    ]
    assert of_regions[0] == of_regions[1]
    of_source = [path_of(course(kind, dst=dst, shared=Shared.SOURCE)) for dst in ("b/c1/h1", "b/c2/h2")]
    assert of_source[0] == of_source[1]
    assert of_source[0] != path_of(course(kind, src="a/c1/h2", shared=Shared.SOURCE))


def test_a_rule_is_about_its_links_and_no_others() -> None:
    def covered(**rule: object) -> set[tuple[str, str]]:
        it = SlowRule(name="it", what=Loss(0.1), **rule)  # type: ignore[arg-type]
        return {(s.path, d.path) for s in TOPOLOGY.hosts for d in TOPOLOGY.hosts if it.covers(s, d)}

    assert all(s[0] != d[0] for s, d in covered())
    assert len(covered()) == 2 * 5 * 5
    assert {s[0] + d[0] for s, d in covered(src="a")} == {"ab"}
    assert {s[0] + d[0] for s, d in covered(src="a", both_ways=True)} == {"ab", "ba"}
    near = covered(src="a/c1/h1", tiers=frozenset({Tier.WITHIN_CLUSTER, Tier.BETWEEN_CLUSTERS}))
    assert near == {("a/c1/h1", d) for d in ("a/c1/h2", "a/c2/h1", "a/c2/h2", "a/clients/client1")}
    assert covered(src="a/c1/h", dst="b") == set(), "a name is whole"


def test_a_link_without_a_rule_has_no_slow_component() -> None:
    assert model().slow(host("a/c1/h1"), host("b/c1/h1"), Chance(1)) is None
    far = model(SlowRule(name="x", what=Loss(0.5)))
    assert far.slow(host("a/c1/h1"), host("a/c1/h2"), Chance(1)) is None


def test_a_timeline_answers_for_any_instant_in_any_order() -> None:
    segments = iter([(5, "x"), (1, "y"), (10, "z")])
    line = Timeline(lambda: next(segments))
    assert [line.at(t) for t in (5, 0, 4, 15, 6, 5)] == [(6, "y"), (5, "x"), (5, "x"), (16, "z"), (16, "z"), (6, "y")]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Steps(()), "steps is empty"),
        (lambda: Steps((Step(at_us=5), Step(at_us=5))), "put them in order"),
        (lambda: Step(at_us=-1), "at_us=-1 is no time"),
        (lambda: Step(at_us=0, delay_us=1.5), "delay_us=1.5 is no time"),  # type: ignore[arg-type]
        (lambda: Step(at_us=0, loss=1.5), "loss=1.5 is no chance"),
        (lambda: Diurnal(period_us=0), "period_us=0 is no time"),
        (lambda: RouteChanges(every_us_mean=0, delay_us_max=1), "every_us_mean=0"),
        (lambda: Stalls(every_us_mean=1, length_us_min=5, length_us_max=4), "raise it"),
        (lambda: Loss(-0.1), "is no chance"),
        (lambda: SlowRule(name="", what=Loss(0)), "cannot name a rule"),
        (lambda: SlowRule(name="x", what=Loss(0), tiers=frozenset()), "leave same_host out"),
        (lambda: model(SlowRule(name="x", what=Loss(0)), SlowRule(name="x", what=Loss(0))), "two slow rules"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()  # type: ignore[operator]
