"""No message vanishes uncounted, whatever meets whatever: cuts, effects, crashes, both transports, any bandwidth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.effects import Burst, LinkEffect
from sim.message import Layer, Message
from sim.network import ConnectionOptions
from sim.trace import TraceLevel
from tests.sim.small_worlds import (
    Bytes,
    Cut,
    Letter,
    Pair,
    UrgentBytes,
    UrgentLetter,
    effect,
    flat,
    logged,
    one_way,
)

HOSTS = st.integers(0, 2)
MESSAGES: list[type[Bytes]] = [Bytes, UrgentBytes, Letter, UrgentLetter]
EFFECTS: list[dict[str, Any]] = [
    {"loss": 0.5},
    {"loss": 1.0},
    {"burst": Burst(mean_good_us=300, mean_bad_us=300)},
    {"duplicate": 0.7},
    {"reorder": 0.5, "reorder_us": 400},
    {"hold": True},
    {"delay_factor": 3.5, "delay_us": 20},
    {"bandwidth_factor": 0.25},
]
STEP = st.one_of(
    st.tuples(st.just("send"), HOSTS, HOSTS, st.sampled_from(MESSAGES)),
    st.tuples(st.just("send"), HOSTS, HOSTS, st.sampled_from(MESSAGES)),
    st.tuples(st.just("cut"), HOSTS, HOSTS, st.none()),
    st.tuples(st.just("heal"), HOSTS, HOSTS, st.none()),
    st.tuples(st.just("begin"), HOSTS, HOSTS, st.sampled_from(range(len(EFFECTS)))),
    st.tuples(st.just("end"), HOSTS, HOSTS, st.sampled_from(range(len(EFFECTS)))),
    st.tuples(st.just("crash"), HOSTS, st.just(0), st.booleans()),
    st.tuples(st.just("restart"), HOSTS, st.just(0), st.none()),
)
STEPS = st.lists(st.tuples(st.integers(0, 300), STEP), max_size=50)
IMPATIENT = ConnectionOptions(retransmit_us_min=250, retransmit_us_max=1_000, timeout_us=2_000)


class Chaos:
    """Applies steps to a world and keeps what is in force."""

    def __init__(self, world: Pair) -> None:
        self.world = world
        self.cuts: dict[tuple[int, int], Cut] = {}
        self.effects: dict[tuple[int, int, int], LinkEffect] = {}
        self.down: set[int] = set()
        self.sent = 0

    def take(self, verb: str, a: int, b: int, what: Any) -> None:
        network = self.world.network
        if verb == "send" and a not in self.down:
            self.sent += 1
            network.send(a, b, what(n=self.sent))
        elif verb == "cut":
            self.cuts[a, b] = one_way(a, b)
        elif verb == "heal":
            self.cuts.pop((a, b), None)
        elif verb == "begin":
            self.effects[a, b, what] = effect(a, b, **EFFECTS[what])
        elif verb == "end":
            self.effects.pop((a, b, what), None)
        elif verb == "crash":
            self.down.add(a)
            network.attach(a, None, refuses=what)
        elif verb == "restart" and a in self.down:
            self.down.remove(a)
            self.world.attach(a)
        if verb in ("cut", "heal", "begin", "end"):
            network.set_effects(list(self.cuts.values()), list(self.effects.values()))


@pytest.mark.parametrize("bytes_per_s", [None, 1_000_000])
@given(steps=STEPS, level=st.sampled_from([TraceLevel.OFF, TraceLevel.FULL]), heals=st.booleans())
@settings(max_examples=150)
def test_no_message_vanishes_uncounted_whatever_happens(
    bytes_per_s: int | None, steps: list[tuple[int, tuple[str, int, int, Any]]], level: TraceLevel, heals: bool
) -> None:
    caps = {} if bytes_per_s is None else {Layer.REGION: 300_000}
    world = logged(latency=flat(jitter=0.5, bytes_per_s=bytes_per_s, caps=caps), level=level, connections=IMPATIENT)
    chaos, network = Chaos(world), world.network
    for pause, step in steps:
        chaos.take(*step)
        network.check_conservation()
        if pause:
            world.env.run(until=int(world.env.now) + pause)
            network.check_conservation()
    if heals:
        network.set_effects([], [])
    else:
        # What is held is in flight for as long as the hold lasts; everything else comes to an end.
        network.set_effects(list(chaos.cuts.values()), [e for e in chaos.effects.values() if not e.hold])
    world.env.run()
    network.check_conservation()
    totals = network.totals()
    assert totals["in flight"] == 0
    assert totals["sent"] == chaos.sent
    assert totals["sent"] + totals["duplicated"] == totals["delivered"] + sum(world.dropped().values())
    assert totals["delivered"] == len(world.log)
    # Connections that still have something to do come to an end or finish; idle ones stay.
    assert all(view.unacknowledged == view.early == 0 for view in network.connections())
    assert all(view.sender_open for view in network.connections() if view.half_open)


@given(steps=STEPS, seed=st.integers(0, 99))
@settings(max_examples=150)
def test_what_a_connection_delivers_it_delivers_once_and_in_order(
    steps: list[tuple[int, tuple[str, int, int, Any]]], seed: int
) -> None:
    world = logged(jitter=1.0, seed=seed, connections=IMPATIENT)
    chaos = Chaos(world)
    arrived: dict[tuple[int, int, type[Message]], list[int]] = {}
    kinds: dict[int, type[Message]] = {}
    for pause, (verb, a, b, what) in steps:
        what = {Bytes: Letter, UrgentBytes: UrgentLetter}.get(what, what) if verb == "send" else what
        chaos.take(verb, a, b, what)
        if verb == "send":
            kinds.setdefault(chaos.sent, what)
        if pause:
            world.env.run(until=int(world.env.now) + pause)
    world.network.set_effects([], [])
    world.env.run()
    for _, src, dst, n in world.log:
        arrived.setdefault((src, dst, kinds[n]), []).append(n)
    for numbers in arrived.values():
        assert numbers == sorted(set(numbers))
