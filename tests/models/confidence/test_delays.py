"""Delays as believed: tails, densities and means of each family agree with each other."""

from __future__ import annotations

from math import inf

import pytest

from models.confidence import Delay, Erlang, Lognormal, Pareto, Prompt, Stretched
from models.confidence.delays import Untimed

FAMILIES: tuple[Delay, ...] = (
    Erlang(mean_us=50.0),
    Erlang(mean_us=50.0, stages=4, floor_us=10.0),
    Lognormal(median_us=40.0, sigma=0.5),
    Pareto(least_us=20.0, alpha=3.0),
    Stretched(Erlang(mean_us=5.0, stages=2), 10.0),
)


@pytest.mark.parametrize("delay", FAMILIES, ids=repr)
def test_the_density_is_how_fast_the_tail_falls(delay: Delay) -> None:
    for us in (25.0, 60.0, 150.0):
        slope = (delay.beyond(us - 1e-3) - delay.beyond(us + 1e-3)) / 2e-3
        assert delay.density(us) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("delay", FAMILIES, ids=repr)
def test_the_mean_is_the_area_under_the_tail(delay: Delay) -> None:
    step = 0.25
    area = sum(delay.beyond((number + 0.5) * step) * step for number in range(40_000))
    assert delay.mean_us == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize("delay", [*FAMILIES, Prompt(), Untimed(Erlang(mean_us=50.0))], ids=repr)
def test_nothing_arrives_before_it_is_sent(delay: Delay) -> None:
    assert delay.beyond(-1.0) == 1.0


def test_what_nobody_times_never_tells_slow_from_normal() -> None:
    delay = Untimed(Erlang(mean_us=50.0, stages=4))
    slow = Stretched(delay, 40.0)
    for us in (1.0, 60.0, 1e6):
        assert slow.density(us) == pytest.approx(delay.density(us))
    assert (delay.mean_us, delay.beyond(60.0)) == (50.0, delay.of.beyond(60.0))
    assert slow.beyond(60.0) > delay.beyond(60.0)


def test_a_pareto_without_a_mean_says_so() -> None:
    assert Pareto(least_us=1.0, alpha=1.0).mean_us == inf


@pytest.mark.parametrize(
    "make",
    [
        lambda: Erlang(mean_us=50.0, stages=0),
        lambda: Lognormal(median_us=0.0, sigma=1.0),
        lambda: Pareto(least_us=1.0, alpha=-1.0),
        lambda: Stretched(Prompt(), 0.0),
    ],
)
def test_what_is_no_distribution_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="give"):
        make()
