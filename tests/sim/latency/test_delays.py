"""Distributions of delays: what they draw has the mean and the shape that they state."""

from __future__ import annotations

import math
import pickle
from statistics import NormalDist

import pytest
from numpy.random import PCG64, Generator

from sim.latency.composed import Empirical, Floored, Mixture, Shifted
from sim.latency.delays import LONGEST_US, Constant, Delay, Exponential, Jittered, Lognormal, Pareto, Shape, Uniform

SHAPES: dict[str, Shape] = {
    "constant": Constant(70),
    "jittered": Jittered(1_000, 300.0),
    "uniform": Uniform(100, 900),
    "exponential": Exponential(500.0),
    "lognormal": Lognormal(400.0, 0.5),
    "pareto": Pareto(235.0, 10.0),
    "empirical": Empirical((10, 20, 20, 700)),
    "mixture": Mixture(((91.22, Pareto(235.0, 10.0)), (8.78, Exponential(602.4)))),
    "shifted": Shifted(5_000, Lognormal(400.0, 0.5)),
    "floored": Floored(450, Exponential(500.0)),
}
DRAWS = 20_000


def drawn(delay: Delay, n: int = DRAWS, seed: int = 5) -> list[int]:
    return delay.draw(Generator(PCG64(seed)), n)


def deviations(values: list[int], mean: float) -> float:
    """How many standard errors the sample's mean is off."""
    average = math.fsum(values) / len(values)
    variance = math.fsum((value - average) ** 2 for value in values) / (len(values) - 1)
    return abs(average - mean) / math.sqrt(variance / len(values)) if variance else abs(average - mean)


@pytest.mark.parametrize("name", SHAPES)
def test_draws_are_whole_and_have_the_stated_mean(name: str) -> None:
    values = drawn(SHAPES[name])
    assert all(us.__class__ is int and us >= 0 for us in values)
    # Ten claims at one fixed seed: 4.5 standard errors would fail one seed in 15,000.
    assert deviations(values, SHAPES[name].mean_us) < 4.5


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("floor_us", [-50, 0, 300, 550, 5_300])
def test_what_lies_beyond_a_floor_has_the_stated_mean(name: str, floor_us: int) -> None:
    shape, points = SHAPES[name], 20_000
    # The mean over the inverse, by midpoints: no chance in it, only the rule's own error.
    beyond = math.fsum(max(shape.at((i + 0.5) / points) - floor_us, 0.0) for i in range(points)) / points
    assert beyond == pytest.approx(shape.excess_us(floor_us), rel=2e-3, abs=0.05)


@pytest.mark.parametrize("name", SHAPES)
def test_a_block_is_what_single_draws_give(name: str) -> None:
    one, other = Generator(PCG64(3)), Generator(PCG64(3))
    assert SHAPES[name].draw(one, 9) == [us for _ in range(9) for us in SHAPES[name].draw(other, 1)]


@pytest.mark.parametrize("name", SHAPES)
def test_equal_delays_compare_equal_and_travel(name: str) -> None:
    copy = pickle.loads(pickle.dumps(SHAPES[name]))
    assert copy == SHAPES[name]
    assert hash(copy) == hash(SHAPES[name])
    assert repr(copy) == repr(SHAPES[name])


@pytest.mark.parametrize(
    ("name", "level", "quantile_us"),
    [
        ("uniform", 0.25, 300.0),
        ("exponential", 0.99, 500 * math.log(100)),
        ("lognormal", 0.9, 400 * math.exp(0.5 * NormalDist().inv_cdf(0.9))),
        ("pareto", 0.99, 235 * 100**0.1),
        ("floored", 0.3, 450.0),
        ("shifted", 0.5, 5_400.0),
    ],
)
def test_quantiles_are_where_the_formula_puts_them(name: str, level: float, quantile_us: float) -> None:
    share = sum(us <= quantile_us for us in drawn(SHAPES[name])) / DRAWS
    # Rounding moves a quantile by half a microsecond; the floor holds more than its quantile.
    error = 4.5 * math.sqrt(level * (1 - level) / DRAWS) + 0.002
    assert share > level - error
    assert name == "floored" or share < level + error
    assert SHAPES[name].at(level) == pytest.approx(quantile_us, abs=1.0)


def test_a_mixture_takes_its_parts_by_weight() -> None:
    mixed = Mixture(((3, Constant(1)), (1, Constant(2)), (4, Uniform(10, 13))))
    values = drawn(mixed, 8_000)
    counts = [values.count(us) for us in (1, 2, 10, 11, 12, 13)]
    assert sum(counts) == 8_000
    for count, share in zip(counts, (3 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8), strict=True):
        assert abs(count - 8_000 * share) < 4.5 * math.sqrt(8_000 * share * (1 - share))


def test_a_mixture_never_leaves_its_parts() -> None:
    mixed = Mixture(((0.1, Exponential(1.0)), (0.2, Uniform(5, 5)), (0.7, Empirical((1, 2, 3)))))
    edges = [0.0, 0.1 / 1.0, 0.3, 0.1, math.nextafter(0.3, 0), math.nextafter(0.3, 1), 1 - 2**-53]
    assert all(math.isfinite(mixed.at(u)) and mixed.at(u) >= 0 for u in edges)


def test_mixtures_nest() -> None:
    inner = Mixture(((1, Constant(1)), (1, Constant(2))))
    assert [Mixture(((1, inner), (1, Constant(3)))).at(u) for u in (0.1, 0.4, 0.9)] == [1, 2, 3]


def test_samples_are_drawn_again_and_nothing_else() -> None:
    assert set(drawn(SHAPES["empirical"], 500)) == {10, 20, 700}
    assert Empirical((3, 1, 2)) == Empirical((1, 2, 3))
    assert Empirical((3, 1, 2)) != Empirical((1, 2, 4))


def test_a_name_of_many_samples_stays_short() -> None:
    # The name of a link's generator holds it.
    assert len(repr(Empirical(tuple(range(10_000))))) < 80


def test_a_tail_without_a_mean_says_so_and_stays_within_31_years() -> None:
    heavy = Pareto(1_000.0, 0.1)
    assert heavy.mean_us == math.inf
    assert max(drawn(heavy, 2_000)) == LONGEST_US


def test_the_smallest_number_is_no_end_of_the_world() -> None:
    assert [math.isfinite(shape.at(0.0)) for shape in SHAPES.values()] == [True] * len(SHAPES)
    assert [math.isfinite(shape.at(1 - 2**-53)) for shape in SHAPES.values()] == [True] * len(SHAPES)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Uniform(5, 4), "self.high_us=4 is below"),
        (lambda: Uniform(-1, 4), "is no delay"),
        (lambda: Exponential(0.0), "mean=0.0 is out of range"),
        (lambda: Exponential(math.inf), "mean=inf is out of range"),
        (lambda: Lognormal(0.0, 1.0), "median_us=0.0"),
        (lambda: Lognormal(1.0, -1.0), "no spread of logarithms"),
        (lambda: Pareto(1.0, 0.05), "no tail exponent"),
        (lambda: Pareto(math.nan, 2.0), "scale_us=nan"),
        (lambda: Empirical(()), "holds no sample"),
        (lambda: Empirical((1, -2)), "is no delay"),
        (lambda: Mixture(()), "mix at least one"),
        (lambda: Mixture(((0.0, Constant(1)),)), "weight=0.0"),
        (lambda: Shifted(-1, Constant(1)), "is no delay"),
        (lambda: Floored(-1, Constant(1)), "is no delay"),
    ],
)
def test_what_is_no_distribution_is_refused(make: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()  # type: ignore[operator]
