"""The closed forms: printed rows to their digits, and the belief from its own evidence on all of them."""

from __future__ import annotations

from math import exp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.confidence import (
    Belief,
    Grid,
    Hearing,
    Level,
    Priors,
    Prompt,
    Subject,
    Tree,
    crash_posterior,
    explaining_away,
    frechet_all,
    frechet_any,
    freshness,
)
from sim.topology import pack_location

S = 1_000_000
HOST, ME = pack_location(1, 1, 1), pack_location(9, 1, 1)
MONTH = 30 * 86_400


def lone(mtbf: float, loss: float, slot_us: int = S) -> Belief:
    """A belief about one host that beats every second."""
    hearing = Hearing(every_us=S, loss=loss, delay=Prompt())
    tree = Tree(subjects=(Subject(name=HOST, level="host", hearing=hearing),))
    priors = Priors(levels={"host": Level(mtbf_us=mtbf * S)})
    return Belief(observer=ME, tree=tree, priors=priors, grid=Grid(slot_us=slot_us, window=64))


@pytest.mark.parametrize(
    ("missed", "printed"), [(1, "3.858e-05"), (2, "0.003881"), (3, "0.2804"), (4, "0.975"), (5, "0.9997")]
)
def test_a_crash_behind_missed_heartbeats_as_printed(missed: int, printed: str) -> None:
    assert f"{crash_posterior(missed, mtbf=MONTH, loss=0.01).posterior:.4g}" == printed


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    missed=st.integers(1, 7),
    mtbf=st.sampled_from([20.0, 1e3, float(MONTH)]),
    loss=st.sampled_from([0.001, 0.01, 0.3]),
    slot_us=st.sampled_from([S // 4, S // 2, S]),
)
def test_the_belief_comes_to_the_same_whatever_its_slots(missed: int, mtbf: float, loss: float, slot_us: int) -> None:
    belief = lone(mtbf, loss, slot_us)
    belief.heard(HOST, 10 * S, 10 * S)
    answer = belief.answer(HOST, (10 + missed) * S)
    wanted = crash_posterior(missed, mtbf=mtbf, loss=loss)
    assert answer.dead == pytest.approx(wanted.posterior, rel=1e-9)
    assert answer.up == pytest.approx(wanted.alive / (wanted.alive + wanted.crashed), rel=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(phase=st.integers(0, S - 1), missed=st.integers(0, 4), rest=st.integers(1, S - 1))
def test_between_slots_and_heartbeats_the_belief_is_the_integral_over_the_onset(
    phase: int, missed: int, rest: int
) -> None:
    mtbf, loss = 50.0, 0.05
    belief = lone(mtbf, loss, S // 2)
    belief.heard(HOST, 10 * S + phase, 10 * S + phase)
    silent = missed + rest / S
    # Onsets in slots are uniform, not exponential: exact as slots become short against the time between failures.
    whole = sum(loss**i * (exp(-i / mtbf) - exp(-(i + 1) / mtbf)) for i in range(missed))
    begun = loss**missed * (exp(-missed / mtbf) - exp(-silent / mtbf))
    alive = loss**missed * exp(-silent / mtbf)
    answer = belief.answer(HOST, round((10 + silent) * S) + phase)
    assert answer.dead == pytest.approx((whole + begun) / (whole + begun + alive), rel=0.02)


@pytest.mark.parametrize(
    ("silent", "region", "host"), [(1, "0.0909", "0.909"), (2, "0.9901", "0.0109"), (3, "1.0000", "0.00101")]
)
def test_explaining_away_as_printed(silent: int, region: str, host: str) -> None:
    found = explaining_away(1e-4, 1e-3, silent)
    assert (f"{found.region:.4f}", f"{found.host:.3g}") == (region, host)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    region=st.floats(1e-6, 0.9),
    host=st.floats(1e-6, 0.9),
    silent=st.integers(1, 30),
    loss=st.sampled_from([0.0, 0.01, 0.5]),
)
def test_the_belief_explains_away_as_the_closed_form(region: float, host: float, silent: int, loss: float) -> None:
    hearing = Hearing(every_us=S, loss=loss, delay=Prompt())
    top = Subject(name=pack_location(1, 0, 0), level="region")
    hosts = tuple(
        Subject(name=pack_location(1, 1, n), level="host", within=top.name, hearing=hearing)
        for n in range(1, silent + 1)
    )
    priors = Priors(levels={"region": Level(cut=region), "host": Level(dead=host)})
    belief = Belief(observer=ME, tree=Tree(subjects=(top, *hosts)), priors=priors, grid=Grid(slot_us=S))
    belief.look(2 * S)
    answer = belief.answer(hosts[0].name, 2 * S)
    wanted = explaining_away(region, host, silent, silent_if_up=loss**2)
    assert answer.blamed(top.name) == pytest.approx(wanted.region, rel=1e-9, abs=1e-13)
    assert answer.blamed(hosts[0].name) == pytest.approx(wanted.host, rel=1e-9, abs=1e-13)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_where_dependence_is_unknown_the_interval_holds_independence_and_both_extremes(chances: list[float]) -> None:
    both, any_of = frechet_all(chances), frechet_any(chances)
    product = 1.0
    for chance in chances:
        product *= chance
    assert both.low - 1e-12 <= product <= both.high + 1e-12
    assert both.high == min(chances)
    assert any_of.low == max(chances)
    assert any_of.low <= any_of.high <= 1


def test_the_frechet_interval_of_two_chances() -> None:
    assert frechet_all([0.9, 0.8]) == pytest.approx((0.7, 0.8))


def test_a_copy_is_fresh_with_the_chance_that_nobody_wrote() -> None:
    assert freshness(2.0, 500_000) == pytest.approx(exp(-1))
    assert freshness(0.0, inf) == 1.0


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: crash_posterior(1, mtbf=0, loss=0.1), "mtbf=0"),
        (lambda: crash_posterior(1, mtbf=5, loss=1.5), "loss=1.5"),
        (lambda: crash_posterior(2, mtbf=inf, loss=0.0), "neither loss nor crash"),
        (lambda: explaining_away(0.0, 1.0, 1), "region=0.0.*host=1.0"),
        (lambda: frechet_all([0.5, 1.2]), "1.2"),
        (lambda: freshness(-1, 0), "writes_per_s=-1"),
    ],
)
def test_bad_numbers_are_refused_with_their_value(call, value: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=value):
        call()
