"""One world: a topology, its network, its hosts, the faults it meets, and what came of it.

Everything random derives from the seed, everything that happens is a function of the
arguments, and two worlds in one process share nothing. `digest` condenses the outcome
(history, final counters, every file of every host) so that two runs can be compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.chance import Chance
from sim.clock import HostClock
from sim.effects import LinkEffect
from sim.faults import (
    KINDS,
    CrashKind,
    Cut,
    Encounter,
    Encounters,
    Fault,
    HostEffect,
    Injector,
    check_triggers,
    exposure,
    marks_of,
)
from sim.history import History
from sim.host import HostOptions, Placement, Template
from sim.kernel import Environment
from sim.latency import LatencyModel
from sim.life import unspent_us
from sim.machine import Machine
from sim.network import DEFAULT_CONNECTIONS, ConnectionOptions, Network
from sim.provision import Provisioner, Tell
from sim.topology import Location, Topology, at_service, host_of, service_id
from sim.trace import Digest, Trace, TraceLevel

__all__ = ["OnNote", "World"]

#: (instant in microseconds, the service that noted it, value)
OnNote = Callable[[int, Location, int | str], None]


class World:
    """A simulated deployment.

    Args:
        topology: Hosts by region and cluster.
        latency: One-way delays.
        hosts: What every server can do.
        seed: Root of all randomness.
        faults: The schedule; checked against the topology here, before anything starts.
        trace: Level of the trace.
        trace_keep: How many of its latest rows are kept; all by default.
        connections: How patient connections are.
    """

    def __init__(
        self,
        *,
        topology: Topology,
        latency: LatencyModel,
        hosts: HostOptions,
        seed: int,
        faults: Sequence[Fault] = (),
        trace: TraceLevel = TraceLevel.OFF,
        trace_keep: int | None = None,
        connections: ConnectionOptions = DEFAULT_CONNECTIONS,
    ) -> None:
        self.topology = topology
        self.seed = seed
        self.env = Environment()
        self.chance = Chance(seed)
        self.trace = Trace(trace, self._now_us, trace_keep)
        #: In a full trace, the row of each fault, and by host that of the last that began or ended there.
        self._begun: dict[str, int] = {}
        self._struck: dict[int, int] = {}
        self.history = History()
        self.network = Network(self.env, topology, latency, self.chance, self.trace, connections)
        self._observers: defaultdict[str, list[OnNote]] = defaultdict(list)
        self._observed: Mapping[str, list[OnNote]] = self._observers
        self.machines = tuple(
            Machine(
                spec,
                hosts,
                self.env,
                self.network,
                topology,
                self.chance,
                self.history,
                self.trace,
                self._note,
                self._provision,
            )
            for spec in topology.hosts
        )
        self._provisioner = Provisioner(self.env, topology, self.network, self.chance, self.machines, self.trace)
        self._encounters = Encounters(topology, self._count, self._now_us)
        self.injector = Injector(
            self.env,
            topology,
            faults,
            chance=self.chance,
            set_network=self._set_network,
            set_host=self._set_host,
            crash=self._crash,
            restart=self._restart,
            log=self._log_fault,
        )
        self._faults = tuple(faults)
        self._expose()
        self._booted = False

    def _expose(self) -> None:
        """Equip just the hosts that a fault may touch; the others pay for nothing."""
        exposed = exposure(self._faults, self.topology)
        for index in exposed.strained:
            self.machines[index].strained = True
        for index in exposed.skewed:
            self.machines[index].clock = HostClock(self.env, self.machines[index].meet)
        if self.trace.full or self.injector.waits_for_points:
            for machine in self.machines:
                machine.on_point = self._point

    # -- building and running --------------------------------------------------------------

    def place(self, placement: Placement) -> None:
        """Put a service on a host; all start together when the world first runs.

        Raises:
            ValueError: the host has a service of that name.
        """
        assert not self._booted, "place services before the world runs"
        self.machines[self.topology.index_of(placement.host)].add(placement)

    def offer(self, template: Template) -> None:
        """Let services provision instances of a template (`ctx.provision`).

        Raises:
            ValueError: there is a template of that name.
        """
        assert not self._booted, "offer templates before the world runs"
        self._provisioner.offer(template)

    def run(self, until_us: int) -> None:
        """Run until `until_us`, exclusive; may be called again with a later time.

        Raises:
            ValueError: a fault waits for a crash point or a note that no placed service marks, or
                the time is no whole number: a fraction would enter every history from then on.
        """
        if until_us.__class__ is not int:
            raise ValueError(f"{until_us=} is no whole number; a world runs in whole microseconds")
        if not self._booted:
            placements = [placement for machine in self.machines for placement in machine.placements]
            marks = marks_of(placements, self.topology, self._provisioner.templates)
            check_triggers(self._faults, marks, self.topology)
            self._booted = True
            for machine in self.machines:
                machine.boot()
        self.env.run(until=until_us)

    def on_note(self, name: str, observer: OnNote) -> None:
        """Call `observer` whenever a service notes `name`."""
        self._observers[name].append(observer)

    # -- results ---------------------------------------------------------------------------

    def service(self, location: Location) -> Any | None:
        """The service object now running at a location; None while its host is down.

        For experiments and tests that judge a finished run, never for models.
        """
        life = self.machines[self.topology.index_of(host_of(location))].life
        if life is None:
            return None
        ctx = life.contexts.get(int(location) & ((1 << 64) - 1))
        return None if ctx is None else ctx.service

    def service_named(self, path: str, name: str) -> Any | None:
        """The service of that name on the host at `path`."""
        assert service_id(name)
        return self.service(at_service(self.topology.host(path).location, name))

    def counters(self) -> dict[str, dict[str, int]]:
        """Final accounts: the network's totals and each host's, by host path."""
        accounts = {m.spec.path: m.counters() for m in self.machines}
        return {"network": self.network.totals(), **accounts}

    def encounters(self) -> tuple[Encounter, ...]:
        """What every fault that began has met so far."""
        return self._encounters.all()

    def utilisation(self) -> dict[str, float]:
        """Share of each server's core time that was spent, by host path, in [0, 1]."""
        now_us = self._now_us()
        heap: list[Any] = self.env._queue
        unspent = unspent_us(heap, {m.life.serving: m.life for m in self.machines if m.life is not None})
        busy_us = {m: m.busy_us - (0 if m.life is None else unspent[m.life]) for m in self.machines if m.spec.cores}
        return {m.spec.path: us / (m.spec.cores * now_us) if now_us else 0.0 for m, us in busy_us.items()}

    def check_conservation(self) -> None:
        """Assert that no message, on the network or in a host, is unaccounted for."""
        self.network.check_conservation()
        for machine in self.machines:
            machine.check_conservation()
            for ctx in () if machine.life is None else machine.life.contexts.values():
                for channel in ctx.channels:
                    channel.check_conservation()

    def digest(self) -> str:
        """BLAKE2b over history, final counters and every file of every host."""
        digest = Digest()
        digest.add("history", self.history.rows)
        for lane in self.network.lanes():
            counts = (lane.sent, lane.duplicated, lane.delivered, sorted(lane.dropped.items()))
            digest.add(f"lane/{lane.link.src}/{lane.link.dst}/{lane.type.__name__}", counts)
        for how, count in sorted(self.network.resets.items()):
            digest.add(f"resets/{how}", count)
        for machine in self.machines:
            digest.add(f"host/{machine.spec.path}", machine.counters())
            for name, records in machine.device.contents():
                digest.add(f"file/{machine.spec.path}/{name}", records)
        return digest.hexdigest()

    # -- what the injector and the hosts call ------------------------------------------------

    def _now_us(self) -> int:
        return self.env._now  # type: ignore[return-value]

    def _note(self, name: str, location: Location, value: int | str) -> None:
        if self.trace.full or self.injector.waits_for_notes:
            host = self.topology.index_of(host_of(location))
            row = self.trace.event("note", host, (name, value))
            self.trace.because(row, self.injector.on_note, self._now_us(), name, value, host)
        for observer in self._observed.get(name, ()):
            observer(self._now_us(), location, value)

    def _point(self, point: str, host: int) -> None:
        row = self.trace.event("point", host, point)
        self.trace.because(row, self.injector.on_point, self._now_us(), point, host)

    def _provision(self, asker: int, location: Location, service: str, config: Any, tell: Tell) -> None:
        self._provisioner.request(asker, location, service, config, tell)

    def _set_network(self, cuts: tuple[Cut, ...], effects: tuple[LinkEffect, ...]) -> None:
        self.network.set_effects(cuts, effects)

    def _set_host(self, host: int, effect: HostEffect) -> None:
        self.trace.because(self._struck.get(host, -1), self.machines[host].set_effect, effect)

    def _crash(self, host: int, kind: CrashKind, torn: bool) -> None:
        self.trace.because(self._struck.get(host, -1), self.machines[host].crash, kind, torn)

    def _restart(self, host: int) -> None:
        self.trace.because(self._struck.get(host, -1), self.machines[host].restart)

    def _log_fault(self, kind: str, fault: Fault) -> None:
        if self.trace.full:
            cause = self.trace.cause if kind == "fault" else self._begun[fault.id]
            row = self._begun[fault.id] = self.trace.event(kind, -1, fault.id, cause)
            rule = KINDS[fault.kind]
            self._struck |= dict.fromkeys(rule.crashed(fault, self.topology), row)
            self._struck |= dict.fromkeys(rule.host_effects(fault, self.topology), row)
        if kind == "fault":
            self._encounters.begin(fault)
        else:
            self._encounters.end(fault)

    def _count(self, strikes: Callable[[int, int], bool], hosts: frozenset[int]) -> Counter[str]:
        """Counters summed over the links that `strikes` says and over `hosts`."""
        sums: Counter[str] = Counter()
        for lane in self.network.lanes():
            if strikes(lane.link.src, lane.link.dst):
                sums["sent"] += lane.sent
                sums["duplicated"] += lane.duplicated
                for reason, count in lane.dropped.items():
                    sums[f"dropped: {reason}"] += count
        for src, dst, met in self.network.met():
            if strikes(src, dst):
                sums.update(met)
        for host in hosts:
            sums.update(self.machines[host].counters())
            sums.update(self.machines[host].met)
        return sums
