"""Small worlds under theory: a host is the textbook's queue job by job, and one that is not is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.theory import CELLS, CLAIMS
from experiments.theory.links import LINK_US, burst, model_of, poisson, spread, transmission_us, waits_of
from experiments.theory.priority import priority
from experiments.theory.recursion import lindley, several_servers, with_room
from experiments.theory.stations import SERVICE_US, Load, Served, flushes, served
from sim.life import Incarnation

SPAN_US = 300 * SERVICE_US


def classes(station: Served) -> list[tuple[int, int, int]]:
    return [(job.sent_us, job.core_us, 0 if job.urgent else 1) for job in station.done]


@pytest.mark.parametrize("exponential", [True, False])
def test_a_core_is_lindleys_server(exponential: bool) -> None:
    station = served([Load(0.8, exponential)], seed=1, span_us=SPAN_US)
    assert len(station.done) > 150
    assert station.waits().tolist() == lindley(station.jobs()).tolist()
    assert station.world.machines[0].busy_us == station.jobs().services.sum()


def test_four_cores_are_four_servers() -> None:
    station = served([Load(3.2)], seed=1, span_us=SPAN_US, cores=4)
    assert station.waits().tolist() == several_servers(station.jobs(), 4).tolist()


def test_a_full_inbox_turns_away_whom_theory_turns_away() -> None:
    station = served([Load(1.3)], seed=1, span_us=SPAN_US, inbox=3)
    waits = station.waits()
    assert waits.tolist() == with_room(station.jobs(), 4).tolist()
    assert station.world.machines[0].overflowed == int((waits < 0).sum()) > 20


def test_layers_are_classes() -> None:
    station = served([Load(0.5), Load(0.3, urgent=True)], seed=1, span_us=SPAN_US)
    assert [job.wait_us for job in station.done] == priority(classes(station))


def test_a_host_that_serves_the_lowest_layer_first_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    take_next = Incarnation._take_next

    def upside_down(life: Incarnation) -> None:
        life._inboxes = life._inboxes[::-1]
        take_next(life)
        life._inboxes = life._inboxes[::-1]

    monkeypatch.setattr(Incarnation, "_take_next", upside_down)
    station = served([Load(0.5), Load(0.3, urgent=True)], seed=1, span_us=SPAN_US)
    assert [job.wait_us for job in station.done] != priority(classes(station))


def test_exchanged_runs_exchange_gaps_and_services() -> None:
    one, other = (served([Load(0.5)], seed=1, span_us=SPAN_US, exchanged=exchanged) for exchanged in (False, True))
    gaps = [after.sent_us - before.sent_us for before, after in zip(other.done, other.done[1:], strict=False)]
    services = [job.core_us for job in one.done]
    # A gap at half load is made of the number that makes a service, and is twice as long.
    pairs = list(zip(gaps, services[1:], strict=False))
    assert len(pairs) > 100
    assert all(abs(gap - 2 * service) <= 1 for gap, service in pairs)


def test_appends_wait_one_flush_or_up_to_two() -> None:
    world, took_us = flushes(500, flush_us=2_000, seed=1, span_us=500_000, skip_us=0)
    assert len(took_us) == world.machines[0].handled > 150
    assert min(took_us) == 2_000
    assert 2_000 < max(took_us) <= 4_000


def test_a_link_of_finite_bandwidth_is_lindleys_server() -> None:
    arrived = poisson(rho=0.8, urgent_rho=0.0, seed=1, span_us=SPAN_US)
    waits, jobs = waits_of(arrived)
    assert len(waits) > 150
    assert waits.tolist() == lindley(jobs).tolist()
    assert transmission_us(1_000) == 1_000


def test_what_is_sent_at_once_takes_delays_of_its_own() -> None:
    arrived = burst(model_of(jitter=0.5), seed=1, messages=50)
    assert len(set(arrived.delays_us())) > 40
    assert min(arrived.delays_us()) >= LINK_US


def test_an_effect_of_a_fault_is_on_the_link() -> None:
    arrived = spread(model_of(), seed=1, messages=200, every_us=100, effect={"loss": 0.5})
    assert 60 < len(arrived.arrived) < 140
    assert arrived.sent_us == list(range(0, 20_000, 100))


def test_every_value_that_a_world_measures_is_claimed() -> None:
    measured: dict[str, Any] = {cell: set(run(3).values) for cell, run in CELLS.items()}
    claimed = {cell: {claim.metric for claim in CLAIMS if claim.cell == cell} for cell in CELLS}
    assert measured == claimed
