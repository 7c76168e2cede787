"""Delays by directed pair: the measured table, the tiers inside a region, the jitter."""

from dataclasses import replace
from typing import Any

import numpy
import pytest
from numpy.random import PCG64, Generator

from sim.latency import Constant, Empirical, Jittered, LatencyModel, Pareto, Tier, measured, public_cloud, uniform
from sim.latency.composed import Shifted
from sim.message import Layer
from sim.topology import HostSpec, grid

TOPOLOGY = grid(["us-east-1", "us-west-2"], clusters=2, hosts=2, cores=1)


def host(path: str) -> HostSpec:
    return TOPOLOGY.host(path)


# Round trips as measured from the first region and from the second, tenths of a millisecond.
MEASURED = [
    ("us-east-1", "us-west-2", 727, 716),
    ("us-east-1", "eu-west-1", 705, 694),
    ("us-east-1", "eu-central-1", 930, 910),
    ("us-east-1", "ap-northeast-1", 1570, 1548),
    ("us-east-1", "ap-southeast-1", 2279, 2256),
    ("us-east-1", "sa-east-1", 1185, 1169),
    ("us-west-2", "ap-northeast-1", 1011, 1005),
    ("eu-west-1", "eu-central-1", 271, 261),
    ("eu-west-1", "ap-southeast-1", 1822, 1811),
    ("ap-northeast-1", "ap-southeast-1", 785, 783),
    ("us-west-2", "eu-west-1", 1190, 1190),
]


@pytest.mark.parametrize(("a", "b", "there", "back"), MEASURED)
def test_one_way_is_half_of_the_round_trip_measured_from_the_sender(a: str, b: str, there: int, back: int) -> None:
    model = public_cloud()
    assert model.between_regions_us(a, b) == there * 50
    assert model.between_regions_us(b, a) == back * 50


def test_the_table_holds_exactly_the_measured_pairs() -> None:
    pairs = {pair for a, b, _, _ in MEASURED for pair in ((a, b), (b, a))}
    assert set(public_cloud().one_way_us) == pairs


def test_an_unknown_pair_is_named_with_what_is_known() -> None:
    with pytest.raises(ValueError, match=r"'us-west-2' to 'sa-east-1'.*knows ap-northeast-1, eu-west-1, us-east-1"):
        public_cloud().between_regions_us("us-west-2", "sa-east-1")
    with pytest.raises(ValueError, match="'mars' is not in the table"):
        public_cloud().between_regions_us("mars", "us-east-1")
    assert public_cloud().missing(["us-east-1", "us-west-2", "mars"]) == [
        ("us-east-1", "mars"),
        ("us-west-2", "mars"),
        ("mars", "us-east-1"),
        ("mars", "us-west-2"),
    ]


def test_inside_a_region_distance_has_three_tiers() -> None:
    model = public_cloud()
    here = host("us-east-1/c1/h1")
    others = ("us-east-1/c1/h1", "us-east-1/c1/h2", "us-east-1/c2/h1", "us-east-1/clients/client1")
    assert [model.between(here, host(path)) for path in others] == [
        Constant(10),
        Constant(50),
        Constant(750),
        Constant(750),
    ]


def test_equal_names_in_two_regions_are_not_one_host() -> None:
    model = public_cloud()
    assert model.between(host("us-east-1/c1/h1"), host("us-west-2/c1/h1")) == Constant(36_350)


def test_jitter_is_a_share_of_the_propagation() -> None:
    model = public_cloud(jitter=0.05)
    delay = model.between(host("us-east-1/c1/h1"), host("us-west-2/c1/h1"))
    assert delay == Jittered(36_350, 36_350 * 0.05)


def test_a_uniform_map_needs_no_table() -> None:
    model = uniform(["a", "b", "c"], between_regions_rtt_us=80_000)
    assert model.between_regions_us("a", "c") == model.between_regions_us("c", "a") == 40_000
    assert model.missing(["a", "b", "c"]) == []


def test_jittered_delays_are_whole_at_least_the_floor_and_right_on_average() -> None:
    delay = Jittered(1_000, 50.0)
    drawn = delay.draw(Generator(PCG64(7)), 40_000)
    assert all(us.__class__ is int and us >= 1_000 for us in drawn)
    # Standard error 0.25: five of them, so one seed in a million fails, and this one is fixed.
    assert abs(float(numpy.mean(drawn)) - delay.mean_us) < 1.25


def test_a_constant_delay_draws_nothing() -> None:
    rng = Generator(PCG64(7))
    assert Constant(5).draw(rng, 3) == [5, 5, 5]
    assert rng.random() == Generator(PCG64(7)).random()


def test_draws_in_blocks_are_the_draws_one_by_one() -> None:
    one, other = Generator(PCG64(3)), Generator(PCG64(3))
    delay = Jittered(10, 5.0)
    assert delay.draw(one, 6) == [us for _ in range(6) for us in delay.draw(other, 1)]


@pytest.mark.parametrize("make", [lambda: Constant(-1), lambda: Constant(1.5), lambda: Jittered(-1, 0.0)])
def test_a_delay_is_a_whole_number_from_zero_on(make: object) -> None:
    with pytest.raises(ValueError, match="is no delay"):
        make()  # type: ignore[operator]


def test_a_jitter_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="is no mean"):
        Jittered(1, float("nan"))
    with pytest.raises(ValueError, match="not a share"):
        LatencyModel(one_way_us={}, jitter=1.5)


def test_noise_replaces_the_jitter_of_its_tier() -> None:
    noise = {Tier.BETWEEN_REGIONS: Pareto(500.0, 2.5)}
    model = replace(public_cloud(jitter=0.05), noise=noise)
    here = host("us-east-1/c1/h1")
    assert model.between(here, host("us-west-2/c1/h1")) == Shifted(36_350, Pareto(500.0, 2.5))
    assert model.between(here, host("us-east-1/c1/h2")) == Jittered(50, 2.5)


def test_samples_replace_propagation_and_noise_of_their_pair() -> None:
    samples = {("us-east-1", "us-west-2"): Empirical((40_000, 30_000))}
    model = replace(public_cloud(jitter=0.05), samples=samples)
    there, back = host("us-east-1/c1/h1"), host("us-west-2/c1/h1")
    assert model.between(there, back) == Empirical((30_000, 40_000))
    assert model.between(back, there) == Jittered(35_800, 35_800 * 0.05)
    assert model.between_regions_us("us-east-1", "us-west-2") == 30_000


def test_samples_alone_make_a_pair_known() -> None:
    model = LatencyModel(one_way_us={}, samples={("x", "y"): Empirical((5,))})
    assert model.missing(["x", "y"]) == [("y", "x")]


def test_bandwidth_goes_by_tier_and_is_unlimited_where_none_is_given() -> None:
    model = replace(public_cloud(), bytes_per_s={Tier.BETWEEN_REGIONS: 1_000_000})
    here = host("us-east-1/c1/h1")
    assert model.bandwidth(here, host("us-west-2/c1/h1")) == 1_000_000
    assert model.bandwidth(here, host("us-east-1/c1/h2")) is None
    assert public_cloud().bandwidth(here, host("us-west-2/c1/h1")) is None


def test_a_round_trip_measured_from_one_side_serves_both() -> None:
    model = measured({("x", "y"): 81_001})
    assert model.between_regions_us("x", "y") == model.between_regions_us("y", "x") == 40_500


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"bytes_per_s": {Tier.SAME_HOST: 5}}, "cross no link"),
        ({"bytes_per_s": {Tier.BETWEEN_REGIONS: 0}}, "BETWEEN_REGIONS: 0 is no rate"),
        ({"layer_caps": {Layer.SERVICE: 5}}, "takes what the others leave"),
        ({"layer_caps": {Layer.REGION: 2.5}}, "REGION: 2.5 is no rate"),
    ],
)
def test_a_rate_that_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        LatencyModel(one_way_us={}, **wrong)
