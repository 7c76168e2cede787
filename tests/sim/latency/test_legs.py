"""Delays by message class: each leg of an exchange has its own, on any link, with faults on top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sim.chance import Chance
from sim.effects import LinkEffect
from sim.kernel import Environment
from sim.latency import Constant, uniform
from sim.message import Message
from sim.network import Network
from sim.topology import grid
from sim.trace import Trace, TraceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Message):
    """One way."""

    type_id: ClassVar[int] = 0x1000_0011


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Message):
    """The other way."""

    type_id: ClassVar[int] = 0x1000_0012


def _arrivals(sends: list[tuple[int, int, Message]], **effect: Any) -> list[tuple[int, str]]:
    env, topology = Environment(), grid(["a", "b"], clusters=1, hosts=1, cores=0, clients=0)
    model = uniform(["a", "b"], between_regions_rtt_us=2_000, same_host_rtt_us=20)
    model = replace(model, legs={"Question": Constant(70)})
    network = Network(env, topology, model, Chance(1), Trace(TraceLevel.OFF, lambda: 0))
    log: list[tuple[int, str]] = []
    for host in (0, 1):
        network.attach(host, lambda src, message, meta, row: log.append((int(env.now), type(message).__name__)))
    if effect:
        network.set_effects([], [LinkEffect(src=frozenset({0}), dst=frozenset({1}), **effect)])
    for src, dst, message in sends:
        network.send(src, dst, message)
    env.run()
    network.check_conservation()
    return log


def test_a_leg_has_its_own_delay_on_top_of_propagation_and_the_way_back_another() -> None:
    assert _arrivals([(0, 1, Question()), (1, 0, Answered())]) == [(1_000, "Answered"), (1_070, "Question")]


def test_within_a_host_there_are_no_legs() -> None:
    assert _arrivals([(0, 0, Question())]) == [(10, "Question")]


def test_a_slow_link_slows_a_leg() -> None:
    assert _arrivals([(0, 1, Question()), (0, 1, Answered())], delay_factor=2.0) == [
        (2_000, "Answered"),
        (2_140, "Question"),
    ]
