"""One world: a topology, its network, its hosts, the faults it meets, and what came of it.

Everything random derives from the seed, everything that happens is a function of the
arguments, and two worlds in one process share nothing. `digest` condenses the outcome
(history, final counters, every file of every host) so that two runs can be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.chance import Chance
from sim.faults import CrashKind, Cut, Fault, Injector
from sim.history import History
from sim.host import HostOptions, Placement
from sim.kernel import Environment
from sim.latency import LatencyModel
from sim.machine import Machine
from sim.network import Network
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
    ) -> None:
        self.topology = topology
        self.seed = seed
        self.env = Environment()
        self.chance = Chance(seed)
        self.trace = Trace(trace, self._now_us)
        self.history = History()
        self.network = Network(self.env, topology, latency, self.chance, self.trace)
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
            )
            for spec in topology.hosts
        )
        self.injector = Injector(
            self.env,
            topology,
            faults,
            set_cuts=self._set_cuts,
            crash=self._crash,
            restart=self._restart,
            log=self._log_fault,
        )
        self._booted = False

    # -- building and running --------------------------------------------------------------

    def place(self, placement: Placement) -> None:
        """Put a service on a host; all start together when the world first runs.

        Raises:
            ValueError: the host has a service of that name.
        """
        assert not self._booted, "place services before the world runs"
        machine = self.machines[self.topology.index_of(placement.host)]
        if any(placed.name == placement.name for placed in machine.placements):
            raise ValueError(f"{machine.spec.path} has a service {placement.name!r} already; name it otherwise")
        machine.placements.append(placement)

    def run(self, until_us: int) -> None:
        """Run until `until_us`, exclusive; may be called again with a later time."""
        if not self._booted:
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

    def utilisation(self) -> dict[str, float]:
        """Share of each server's core time that was spent, by host path, in [0, 1]."""
        now_us = self._now_us()
        return {
            m.spec.path: m.busy_us / (m.spec.cores * now_us) if now_us else 0.0 for m in self.machines if m.spec.cores
        }

    def check_conservation(self) -> None:
        """Assert that no message, on the network or in a host, is unaccounted for."""
        self.network.check_conservation()
        for machine in self.machines:
            machine.check_conservation()

    def digest(self) -> str:
        """BLAKE2b over history, final counters and every file of every host."""
        digest = Digest()
        digest.add("history", self.history.rows)
        for lane in self.network.lanes():
            counts = (lane.sent, lane.duplicated, lane.delivered, sorted(lane.dropped.items()))
            digest.add(f"lane/{lane.link.src}/{lane.link.dst}/{lane.type.__name__}", counts)
        for machine in self.machines:
            digest.add(f"host/{machine.spec.path}", machine.counters())
            for name, records in machine.device.contents():
                digest.add(f"file/{machine.spec.path}/{name}", records)
        return digest.hexdigest()

    # -- what the injector and the hosts call ------------------------------------------------

    def _now_us(self) -> int:
        return self.env._now  # type: ignore[return-value]

    def _note(self, name: str, location: Location, value: int | str) -> None:
        if self.trace.full:
            host = self.topology.index_of(host_of(location))
            self.trace.event("note", host, (name, value))
        for observer in self._observed.get(name, ()):
            observer(self._now_us(), location, value)

    def _set_cuts(self, cuts: tuple[Cut, ...]) -> None:
        self.network.set_cuts(cuts)

    def _crash(self, host: int, kind: CrashKind, torn: bool) -> None:
        self.machines[host].crash(kind, torn)

    def _restart(self, host: int) -> None:
        self.machines[host].restart()

    def _log_fault(self, kind: str, fault: Fault) -> None:
        self.trace.event(kind, -1, fault.id)
