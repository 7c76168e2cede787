"""SWIM in a world: members that probe one another at random, and who is first to probe one that crashed.

A run has no crash. Whom others probe does not depend on whether somebody crashed, until one of
them has probed it; so every member at every instant of the run is taken as one that crashes just
then, and the wait for the next probe of it is averaged over all of them. A test crashes members
for real and finds that the first to suspect is the first to have probed.
"""

from __future__ import annotations

from math import fsum
from typing import Final, NamedTuple

import numpy as np

from models.detection.arrays.trace import Ints
from models.detection.swim import Member, Order, SwimOptions, members
from sim.host import HostOptions
from sim.latency import uniform
from sim.topology import grid
from sim.world import World

__all__ = ["PERIOD_US", "First", "first_probes", "waits"]

PERIOD_US: Final = 1_000_000
#: Periods after the last instant that counts: the next probe must be seen.
_BEYOND: Final = 18


class First(NamedTuple):
    """What a run found.

    Attributes:
        periods: Mean number of the period in which a crashed member is first probed, from 1.
        probes: How many there were.
        digest: Of the world.
    """

    periods: float
    probes: int
    digest: str


def first_probes(size: int, *, probes: int, seed: int) -> First:
    """Run a group and average the wait for the first probe over its members and all instants."""
    counted = max(4, probes // size - _BEYOND)
    topology = grid(["a"], clusters=1, hosts=size, cores=1, clients=0)
    latency = uniform(["a"], between_regions_rtt_us=1_000, within_cluster_rtt_us=1_000, jitter=0.1)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=seed)
    options = SwimOptions(order=Order.RANDOM, period_us=PERIOD_US)
    for placement in members([host.location for host in topology.hosts], options):
        world.place(placement)
    # The first period is the one in which phases are drawn.
    begin_us, end_us = PERIOD_US, (1 + counted) * PERIOD_US
    world.run(end_us + _BEYOND * PERIOD_US)
    world.check_conservation()
    probed: list[list[int]] = [[] for _ in range(size)]
    for host in topology.hosts:
        member = world.service_named(host.path, "member")
        assert isinstance(member, Member)
        for at_us, subject in member.probes:
            probed[subject].append(at_us)
    found = [waits(np.sort(np.array(at, np.int64)), begin_us, end_us) for at in probed]
    return First(fsum(found) / size / PERIOD_US, sum(map(len, probed)), world.digest())


def waits(probed_us: Ints, begin_us: int, end_us: int) -> float:
    """Mean over all instants of a window of the wait for the next probe, in whole periods begun, times a period.

    Raises:
        ValueError: Nothing is probed after the window, so that some instants have no next probe.
    """
    if not len(probed_us) or probed_us[-1] < end_us:
        raise ValueError(f"no probe after {end_us} us; run longer")
    edges = np.concatenate(([begin_us], probed_us[(probed_us > begin_us) & (probed_us < end_us)], [end_us]))
    following = probed_us[np.searchsorted(probed_us, edges[1:])]
    begun = _periods(following - edges[:-1]) - _periods(following - edges[1:])
    return float(begun.sum()) / (end_us - begin_us)


def _periods(waited_us: Ints) -> Ints:
    """Integral of ceil(wait / period) over waits up to this, times a period."""
    whole, part = np.divmod(waited_us, PERIOD_US)
    found: Ints = PERIOD_US * (PERIOD_US * whole * (whole + 1) // 2 + part * (whole + 1))
    return found
