"""How many heartbeats does a CPU second take through each detector, over arrays and arrival by arrival?

One trace of 4 million heartbeats: 1 s apart, one in a hundred lost, delays of 20 ms on average. Its
generation is not timed; arrays go in and transitions come out. `..._heartbeats_per_cpu_second` is
the median of repetitions; the event-driven engine takes the begin of the same trace, and its rate and
the ratio stand under `detail`. `swim_1000_members_seconds`: a thousand members with memberlist's
defaults for a local network, ten simulated minutes, in one of which ten of them are dead.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import process_time
from typing import Any, Final

from experiments.detection import Beats, heartbeats
from experiments.detection.heartbeats import exponential_us
from experiments.workers import calm_collector
from models.detection import (
    Akka,
    Bertier,
    Cassandra,
    Deviation,
    Ewma,
    Exponential,
    Fixed,
    Interpreter,
    Mean,
    NfdE,
    NfdS,
    NfdU,
    Phi,
    Plan,
    Recent,
    Rule,
    TwoWindows,
)
from models.detection.arrays import crossings, suspicions
from models.detection.swim import MEMBERLIST_LAN, members
from sim.chance import Chance
from sim.faults import Fault
from sim.host import HostOptions
from sim.latency import uniform
from sim.topology import grid
from sim.world import World

__all__ = ["run"]

ETA_US: Final = 1_000_000
BEATS: Final = 4_000_000
ONE_BY_ONE: Final = 40_000
REPETITIONS: Final = 5
MEMBERS: Final = 1_000
MINUTES: Final = 10
CRASH_US: Final = 300_000_000
PLANS: Final[tuple[tuple[str, Plan], ...]] = (
    ("fixed", Fixed(timeout_us=2_000_000)),
    ("mean", Mean(eta_us=ETA_US, factor=1.9, recent=Recent(100))),
    ("deviation", Deviation(eta_us=ETA_US, deviations=6.0, recent=Recent(100))),
    ("ewma", Ewma(eta_us=ETA_US, factor=1.9)),
    ("nfd_s", NfdS(eta_us=ETA_US, delta_us=500_000)),
    ("nfd_u", NfdU(eta_us=ETA_US, alpha_us=480_000, expected_us=20_000)),
    ("nfd_e", NfdE(eta_us=ETA_US, alpha_us=480_000, window=32)),
    ("two_windows", TwoWindows(eta_us=ETA_US, margin_us=480_000)),
    ("bertier", Bertier(eta_us=ETA_US)),
    ("phi", Phi(eta_us=ETA_US)),
    ("exponential", Exponential(eta_us=ETA_US)),
    ("akka", Akka(pause_us=1_000_000)),
    ("cassandra", Cassandra()),
)


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure; the other engine, ratios and the group under `detail`."""
    calm_collector()
    beats = heartbeats(
        Chance(1).generator("bench"), count=BEATS, eta_us=ETA_US, loss=0.01, delay=exponential_us(20_000)
    )
    numbers: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    for name, plan in PLANS:
        progress(f"detectors: {name}")
        rate, mistakes = _over_arrays(plan, beats)
        slow = _one_by_one(plan, beats)
        numbers[f"{name}_heartbeats_per_cpu_second"] = round(rate)
        detail[name] = {
            "event_driven_heartbeats_per_cpu_second": round(slow),
            "ratio": round(rate / slow, 1),
            "mistakes": mistakes,
        }
    progress(f"detectors: SWIM with {MEMBERS} members")
    seconds, group = _group()
    numbers["swim_1000_members_seconds"] = round(seconds, 1)
    return {**numbers, "detail": {**detail, "swim": group, "heartbeats": BEATS, "repetitions": REPETITIONS}}


def _over_arrays(plan: Plan, beats: Beats) -> tuple[float, int]:
    """Heartbeats a CPU second, and mistakes found."""
    rates = []
    for _ in range(REPETITIONS + 1):  # the first is the warm-up
        begun = process_time()
        found = suspicions(beats.trace.arrivals_us, crossings(plan, beats.trace), beats.span_us)
        rates.append(len(beats.trace) / (process_time() - begun))
    return statistics.median(rates[1:]), len(found.starts_us)


def _one_by_one(plan: Plan, beats: Beats) -> float:
    arrived = list(
        zip(beats.trace.sequences[:ONE_BY_ONE].tolist(), beats.trace.arrivals_us[:ONE_BY_ONE].tolist(), strict=True)
    )
    rates = []
    for _ in range(REPETITIONS):
        interpreter = Interpreter(plan.make(), Rule())
        changes = []
        begun = process_time()
        for number, at_us in arrived:
            changes += interpreter.arrived(number, at_us)
        rates.append(len(arrived) / (process_time() - begun))
    return statistics.median(rates)


def _group() -> tuple[float, dict[str, Any]]:
    """CPU seconds of a large group, and what became of those that died for a while."""
    topology = grid(["a"], clusters=1, hosts=MEMBERS, cores=1, clients=0)
    latency = uniform(["a"], between_regions_rtt_us=1_000, within_cluster_rtt_us=1_000, jitter=0.1)
    dead = tuple(host.path for host in topology.hosts[:10])
    crash = Fault(id="some", kind="process-crash", targets=dead, at=CRASH_US, for_us=60_000_000)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=1, faults=(crash,))
    for placement in members([host.location for host in topology.hosts], MEMBERLIST_LAN):
        world.place(placement)
    begun = process_time()
    world.run(MINUTES * 60 * 1_000_000)
    seconds = process_time() - begun
    witnesses = [world.service_named(host.path, "member") for host in topology.hosts[10:]]
    convicted = [
        change.t_us for member in witnesses if member is not None for change in member.transitions if change.suspected
    ]
    totals = world.network.totals()
    return seconds, {
        "messages": totals["sent"],
        "messages_per_member_second": round(totals["sent"] / MEMBERS / (MINUTES * 60), 2),
        "convictions_of_the_dead_share": round(len(convicted) / (len(witnesses) * len(dead)), 4),
        "median_conviction_seconds": round((statistics.median(convicted) - CRASH_US) / 1e6, 2) if convicted else 0,
    }
