"""The store itself in a small world whose legs are given, operation by operation beside WARS on the very same legs.

Whoever probes writes a key of its own, waits, and reads it, one operation after the other. The world draws
delays from generators with names, so they can be drawn again here, and the recursion of WARS run
over them: latency by latency and read by read the store must come to the same.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from experiments.quorums.legs import Floats, Legs
from experiments.quorums.wars import Quorum
from models.driver import Ask, Reply
from models.keyspace.storage import key_space
from models.quorum.deployment import COORDINATOR, coordinator_placements, node_placements
from models.quorum.options import Fanout, QuorumOptions, Repair, Stamps
from models.quorum.preference import Preference
from sim.chance import Chance
from sim.host import Context, HostOptions, Placement, Service, Wait
from sim.latency import Constant, uniform
from sim.latency.composed import Shifted
from sim.latency.delays import Delay
from sim.topology import Topology, at_service, grid
from sim.world import World

__all__ = ["Seen", "Versions", "probe", "recursion", "versions"]

_BEGIN_US: Final = 1_000_000
_PATIENCE_US: Final = 600_000_000
_BLOCK: Final = 8
_LARGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """What the operations came to; microseconds, and whether each read found its write.

    Attributes:
        read: Latencies.
        write: Latencies.
        fresh: By read.
        digest: Of the world; empty for the recursion.
    """

    read: Floats
    write: Floats
    fresh: Floats
    digest: str = ""


class _Prober(Service):
    """Writes each key `writes` times, pauses, reads it."""

    def __init__(self, ctx: Context, pauses: Sequence[int], keys: int, writes: int, log: list[list[int]]) -> None:
        super().__init__(ctx)
        self._pauses, self._keys, self._writes, self._log = pauses, keys, writes, log

    def start(self) -> Generator[Wait, Any, None]:
        coordinator = at_service(self.ctx.location, COORDINATOR)
        yield self.ctx.sleep(_BEGIN_US)
        op = 0
        for key in range(self._keys):
            begun = self.ctx.mono_us()
            for number in range(self._writes):
                op += 1
                yield self.ctx.call(coordinator, Ask(op=op, f="write", key=key, value=number + 1), _PATIENCE_US)
            written = self.ctx.mono_us()
            yield self.ctx.sleep(self._pauses[key % len(self._pauses)])
            asked, op = self.ctx.mono_us(), op + 1
            told = yield self.ctx.call(coordinator, Ask(op=op, f="read", key=key), _PATIENCE_US)
            value = told.value if isinstance(told, Reply) and isinstance(told.value, int) else 0
            self._log.append([self.ctx.mono_us() - asked, written - begun, value])


def probe(seed: int, legs: Legs, quorum: Quorum, pauses: Sequence[int], count: int) -> Seen:
    """`count` writes through the store, each with a read after one of the pauses (microseconds) in turn."""
    log, world = _run(seed, legs, quorum, pauses, count, 1, Fanout.ALL)
    read, write, value = np.array(log, dtype=float).T
    return Seen(read, write, value, world.digest())


def recursion(seed: int, legs: Legs, quorum: Quorum, pauses: Sequence[int], count: int) -> Seen:
    """The same by WARS: its inequality over the legs that the world drew."""
    topology = _topology(quorum)
    preference = Preference(key_space(topology, placement="rendezvous"), quorum.n)
    homes = [preference.homes(key) for key in range(count)]
    client = next(host.path for host in topology.hosts if host.client)
    chance = Chance(seed)
    there, back = _Legs(chance, "Store", client, legs.w), _per_node(chance, topology, "Stored", legs.a)
    ask, answer = _Legs(chance, "Query", client, legs.r), _per_node(chance, topology, "Held", legs.s)
    stored = np.array([[there.next() for _ in range(quorum.n)] for _ in range(count)])
    asked = np.array([[ask.next() for _ in range(quorum.n)] for _ in range(count)])
    # A replica's answers take its delays in the order in which requests reach it, and a slow one may
    # reach it during a later operation: so operations are placed in time, and answers drawn, until neither moves.
    acks, held = np.zeros_like(stored), np.zeros_like(asked)
    while True:
        write = np.sort(stored + acks, axis=1)[:, quorum.w - 1]
        read = np.sort(asked + held, axis=1)[:, quorum.r - 1]
        waits = np.array([pauses[key % len(pauses)] for key in range(count)])
        begun = _BEGIN_US + np.concatenate([[0], np.cumsum(write + waits + read)[:-1]])
        again = (
            _answers(begun[:, None] + stored, homes, back),
            _answers((begun + write + waits)[:, None] + asked, homes, answer),
        )
        if (again[0] == acks).all() and (again[1] == held).all():
            break
        acks, held = again
    # Of two answers at one instant the one that set out first counts.
    order = np.lexsort((asked, asked + held), axis=1)[:, : quorum.r]
    behind = np.take_along_axis(stored - asked, order, axis=1).min(axis=1)
    return Seen(read.astype(float), write.astype(float), (write + waits >= behind).astype(float))


@dataclass(frozen=True, slots=True)
class Versions:
    """How many of the last versions each read missed, in the store and by the choices of quorums that it drew."""

    missed: Floats
    expected: Floats
    digest: str


def versions(seed: int, quorum: Quorum, writes: int, count: int) -> Versions:
    """Quorums that do not grow: each write goes to W replicas at random and each read to R."""
    same = Constant(1_000)
    legs = Legs(w=same, a=same, r=same, s=same)
    log, world = _run(seed, legs, quorum, (0,), count, writes, Fanout.QUORUM)
    topology = _topology(quorum)
    preference = Preference(key_space(topology, placement="rendezvous"), quorum.n)
    client = next(host.path for host in topology.hosts if host.client)
    draws = Chance(seed).draws(f"service/{client}/{COORDINATOR}/fanout")

    def chosen(key: int, need: int) -> set[int]:
        left = list(preference.homes(key))
        return {left.pop(draws.below(len(left))) for _ in range(need)}

    expected = []
    for key in range(count):
        quorums = [chosen(key, quorum.w) for _ in range(writes)]
        reading = chosen(key, quorum.r)
        expected.append(next((missed for missed, at in enumerate(reversed(quorums)) if at & reading), writes))
    return Versions(writes - np.array(log, dtype=float)[:, 2], np.array(expected, dtype=float), world.digest())


def _run(
    seed: int, legs: Legs, quorum: Quorum, pauses: Sequence[int], keys: int, writes: int, fanout: Fanout
) -> tuple[list[list[int]], World]:
    topology = _topology(quorum)
    delays = {"Store": legs.w, "Stored": legs.a, "Query": legs.r, "Held": legs.s}
    model = uniform(["r"], between_regions_rtt_us=0, same_host_rtt_us=0, within_cluster_rtt_us=0)
    model = replace(model, between_clusters_us=0, legs=delays)
    hosts = HostOptions(flush_us_min=0, flush_us_max=0)
    world = World(topology=topology, latency=model, hosts=hosts, seed=seed)
    options = QuorumOptions(
        n=quorum.n,
        r=quorum.r,
        w=quorum.w,
        stamps=Stamps.CLOCK,
        fanout=fanout,
        repair=Repair.OFF,
        patience_us=_PATIENCE_US,
        rounds=1,
        hints_max=0,
        anti_entropy_every_us=0,
        grace_us=10**13,
    )
    log: list[list[int]] = []
    for placement in (*node_placements(topology, options), *coordinator_placements(topology, options)):
        world.place(placement)
    client = next(host for host in topology.hosts if host.client)
    made = Placement(host=client.location, name="prober", make=lambda ctx: _Prober(ctx, pauses, keys, writes, log))
    world.place(made)
    until = _BEGIN_US
    while len(log) < keys:
        until += 3_600_000_000
        world.run(until)
    return log, world


def _topology(quorum: Quorum) -> Topology:
    return grid(["r"], clusters=1, hosts=quorum.n, cores=0, clients=1)


class _Legs:
    """The delays of one message class from one host, in the order in which the world draws them."""

    def __init__(self, chance: Chance, message: str, path: str, leg: Any) -> None:
        self._delay: Delay = Shifted(0, leg)
        self._generator = chance.afresh(f"leg/{message}/{path}/{self._delay!r}")
        self._block = _BLOCK
        self._drawn: list[int] = []
        self._at = 0

    def next(self) -> int:
        """The next one, microseconds."""
        self._at += 1
        return self.get(self._at - 1)

    def get(self, number: int) -> int:
        """The one of that number, from 0."""
        while number >= len(self._drawn):
            self._drawn += self._delay.draw(self._generator, self._block)
            self._block = min(2 * self._block, _LARGEST)
        return self._drawn[number]


def _per_node(chance: Chance, topology: Topology, message: str, leg: Any) -> list[_Legs]:
    return [_Legs(chance, message, host.path, leg) for host in topology.hosts if not host.client]


def _answers(arrivals: Any, homes: Sequence[tuple[int, ...]], legs: Sequence[_Legs]) -> Any:
    """The delay of each answer: a replica gives its delays out in the order in which requests arrive."""
    found = np.zeros_like(arrivals)
    by_node: dict[int, list[tuple[int, int, int]]] = {}
    for key, (row, nodes) in enumerate(zip(arrivals.tolist(), homes, strict=True)):
        for place, (at, node) in enumerate(zip(row, nodes, strict=True)):
            by_node.setdefault(node, []).append((at, key, place))
    for node, requests in by_node.items():
        for number, (_, key, place) in enumerate(sorted(requests)):
            found[key, place] = legs[node].get(number)
    return found
