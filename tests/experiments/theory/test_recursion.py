"""The textbook's queues: small cases by hand, each other, and theory."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from experiments.theory import formulas as f
from experiments.theory.priority import priority, priority_long, priority_waits
from experiments.theory.recursion import (
    Jobs,
    averages,
    controlled,
    lindley,
    lindley_long,
    parallel_long,
    several_servers,
    with_room,
)


def jobs(*pairs: tuple[int, int]) -> Jobs:
    arrivals, services = zip(*pairs, strict=True)
    return Jobs(np.array(arrivals), np.array(services))


def drawn(count: int = 400, seed: int = 2) -> Jobs:
    rng = Generator(PCG64(seed))
    return Jobs(np.cumsum(rng.integers(1, 20, count)), rng.integers(1, 20, count))


def test_a_job_waits_for_what_was_left() -> None:
    assert lindley(jobs((0, 5), (3, 5), (4, 1), (30, 2))).tolist() == [0, 2, 6, 0]


def test_two_servers_share_a_queue() -> None:
    made = jobs((0, 5), (1, 9), (2, 1), (3, 1), (20, 1))
    assert several_servers(made, 2).tolist() == [0, 0, 3, 3, 0]


def test_one_server_is_one_server_whoever_counts() -> None:
    made = drawn()
    assert several_servers(made, 1).tolist() == lindley(made).tolist()
    assert with_room(made, 10_000).tolist() == lindley(made).tolist()
    alike = [(int(at), int(us), 3) for at, us in zip(*made, strict=True)]
    assert priority(alike) == lindley(made).tolist()


def test_who_finds_no_room_is_turned_away() -> None:
    made = jobs((0, 10), (1, 10), (2, 10), (10, 10), (11, 10))
    # Two places: the third comes while two are inside; the fourth as the first leaves.
    assert with_room(made, 2).tolist() == [0, 9, -1, 10, -1]


def test_the_higher_class_goes_first_and_interrupts_nobody() -> None:
    made = [(0, 10, 1), (1, 4, 1), (2, 4, 0), (3, 4, 0), (10, 5, 0)]
    # At 10 the two urgent jobs go, one after the other, then the one that came at 10, then the low one.
    assert priority(made) == [0, 22, 8, 11, 8]


def test_streams_side_by_side_are_streams_one_by_one() -> None:
    one, two = drawn(seed=3), drawn(seed=4)
    both = Jobs(np.stack([one.arrivals, two.arrivals], axis=1), np.stack([one.services, two.services], axis=1))
    for recursion in (lambda made: several_servers(made, 3), lambda made: with_room(made, 4)):
        assert recursion(both).T.tolist() == [recursion(one).tolist(), recursion(two).tolist()]


def test_averages_count_stays_and_losses() -> None:
    made = jobs((2, 5), (3, 5), (10, 1))
    assert averages(made, np.array([0, 4, 0]), 1) == {
        "utilisation": 1.1,
        "number": 1.5,
        "wait_us": pytest.approx(4 / 3),
        "beyond": pytest.approx(1 / 3),
        "lost": 0.0,
    }
    lost = averages(made, np.array([0, -1, 2]), 1)
    assert (lost["lost"], lost["wait_us"], lost["beyond"]) == (pytest.approx(1 / 3), 1.0, 0.5)
    assert lost["number"] == pytest.approx(0.8)


def test_a_control_leaves_what_the_world_does_otherwise() -> None:
    assert controlled({"x": 7.0}, {"x": 5.0}, {"x": 100.0}) == {"x": 102.0}


@pytest.mark.parametrize("exponential", [True, False])
def test_long_passes_come_near_the_closed_form(exponential: bool) -> None:
    found = lindley_long(
        Generator(PCG64(1)), rho=0.5, service_us=1_000, exponential=exponential, jobs=300_000, beyond_us=500
    )
    formula = f.mm1_wait if exponential else f.md1_wait
    # A standard error is below one per cent; intervals are the experiment's matter.
    assert found["wait_us"] == pytest.approx(formula(0.5, 1_000), rel=0.05)
    assert found["number"] == pytest.approx(0.5 + formula(0.5, 0.5), rel=0.05)
    assert found["utilisation"] == pytest.approx(0.5, rel=0.02)


def test_blocks_join_as_if_there_were_none() -> None:
    rng, other = Generator(PCG64(9)), Generator(PCG64(9))
    found = lindley_long(rng, rho=0.8, service_us=1_000, exponential=False, jobs=50_000, beyond_us=500)
    gaps = np.concatenate([other.standard_exponential(25_000) for _ in range(3)])
    arrivals = np.cumsum(np.rint(gaps * 1_250).astype(np.int64))
    whole = Jobs(arrivals, np.full(75_000, 1_000))
    late = Jobs(whole.arrivals[25_000:], whole.services[25_000:])
    assert found == averages(late, lindley(whole)[25_000:], 500, int(whole.arrivals[24_999]))


def test_parallel_streams_come_near_the_closed_form() -> None:
    found = parallel_long(
        Generator(PCG64(1)),
        lambda made: several_servers(made, 2),
        rho=1.0,
        service_us=1_000,
        streams=200,
        jobs=300,
        skip=60,
    )
    assert found["beyond"] == pytest.approx(f.erlang_c(2, 1.0), rel=0.05)


@pytest.mark.parametrize("exponential", [True, False])
def test_waits_of_two_classes_come_near_the_closed_form(exponential: bool) -> None:
    rhos, services = (0.3, 0.4), (500, 1_000)
    found = priority_long(
        Generator(PCG64(1)),
        rhos=rhos,
        services_us=services,
        exponential=exponential,
        jobs=60_000,
        long_jobs=200_000,
    )
    squares = [us * us * (2 if exponential else 1) for us in services]
    classes = [(rho / us, us, square) for rho, us, square in zip(rhos, services, squares, strict=True)]
    assert [found["urgent_wait_us"], found["wait_us"]] == pytest.approx(f.cobham_waits(classes), rel=0.05)


def test_waits_of_two_classes_without_a_loop_are_those_of_the_loop() -> None:
    rng = Generator(PCG64(4))
    # Long times, so that hardly two things happen at one instant.
    high, low = (
        Jobs(np.cumsum(rng.integers(1, 2_000_000, count)), rng.integers(1, 900_000, count)) for count in (400, 500)
    )
    made = [(int(at), int(us), kind) for kind, one in enumerate((high, low)) for at, us in zip(*one, strict=True)]
    waits = dict(zip(sorted(made), priority(sorted(made)), strict=True))
    urgent, other, _ = priority_waits(high, low)
    assert [waits[job] for job in made] == [*urgent.tolist(), *other.tolist()]
    assert max(other) > 1_000_000
