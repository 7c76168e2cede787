"""A host under load: its cores and inboxes, and its disk, with a load that theory knows.

Each function builds a world of one server and clients that send it jobs at random, runs it, and
returns what became of every job. Jobs carry their own core time, so its distribution is the
source's to choose; the host does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from experiments.theory.recursion import Jobs
from sim.chance import Chance
from sim.host import Context, HostOptions, Placement, Service, Task, handles
from sim.latency import LatencyModel
from sim.message import Layer, Message
from sim.topology import Location, at_service, grid
from sim.world import World

__all__ = ["SERVICE_US", "Done", "Load", "Served", "flushes", "served"]

SERVICE_US: Final = 1_000
_INBOX: Final = 10**9
Draw = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Job(Message):
    """A piece of work of the lowest layer."""

    type_id: ClassVar[int] = 0x1000_0F01
    number: int
    core_us: int

    def work(self) -> int:
        """Core time in units of a microsecond."""
        return self.core_us


@dataclass(frozen=True, slots=True)
class UrgentJob(Job):
    """A piece of work of the highest layer."""

    type_id: ClassVar[int] = 0x8000_0F02


@dataclass(frozen=True, slots=True)
class Append(Message):
    """A record to be made durable; it takes no core time."""

    type_id: ClassVar[int] = 0x1000_0F03
    sent_us: int


class Sink(Service):
    """Writes down when each job is done."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.done_us: dict[tuple[type[Job], int], int] = {}

    @handles(Job)
    def on_job(self, job: Job, sender: Location) -> None:
        """Done: the handler runs when the core time is over."""
        self.done_us[Job, job.number] = self.ctx.now_us()

    @handles(UrgentJob)
    def on_urgent(self, job: UrgentJob, sender: Location) -> None:
        """The same."""
        self.done_us[UrgentJob, job.number] = self.ctx.now_us()


class Log(Service):
    """Appends every record and waits for the flush; writes down how long that took."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.took: list[tuple[int, int]] = []

    @handles(Append)
    def on_append(self, record: Append, sender: Location) -> Task:
        self.ctx.disk.append("log", record.sent_us)
        yield self.ctx.disk.flush("log")
        self.took.append((record.sent_us, self.ctx.now_us() - record.sent_us))
        return None


class Source(Service):
    """Sends one message after another, at gaps that it draws; open-loop."""

    def __init__(self, ctx: Context, to: Location, gap_us: Draw, make: Callable[[int], Message], ends_us: int) -> None:
        super().__init__(ctx)
        self._to = to
        self._gap_us = gap_us
        self._make = make
        self._ends_us = ends_us

    def start(self) -> None:
        self.ctx.set_timer(self._gap_us(), self._send)

    def _send(self) -> None:
        now_us = self.ctx.now_us()
        if now_us < self._ends_us:
            self.ctx.send(self._to, self._make(now_us))
            self.ctx.set_timer(self._gap_us(), self._send)


class Load(NamedTuple):
    """One stream of jobs: its arrivals per service time, whether services vary, and its class."""

    rho: float
    exponential: bool = True
    urgent: bool = False


class Done(NamedTuple):
    """One job: when it came, its core time, whether it was urgent, and its wait (-1: turned away)."""

    sent_us: int
    core_us: int
    urgent: bool
    wait_us: int


class Served(NamedTuple):
    """What came of a station: the finished world, and every job in order of arrival."""

    world: World
    done: list[Done]

    def jobs(self) -> Jobs:
        """As the recursions want them."""
        return Jobs(_array([job.sent_us for job in self.done]), _array([job.core_us for job in self.done]))

    def waits(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How long each job waited for a core, whole microseconds; -1 if it was turned away."""
        return _array([job.wait_us for job in self.done])


def served(
    loads: Sequence[Load],
    *,
    seed: int,
    span_us: int,
    cores: int = 1,
    inbox: int = _INBOX,
    exchanged: bool = False,
    cap: float | None = None,
) -> Served:
    """Run a server of `cores` under Poisson loads for `span_us`, and on until all is done.

    With `exchanged`, gaps are made of the numbers that services are otherwise made of, and
    services of those of gaps: a second run that is idle where the first was busy. `cap` is the
    share of the cores that urgent jobs may use.
    """
    gaps, services = ("services", "gaps") if exchanged else ("gaps", "services")
    chance = Chance(seed)
    caps = () if cap is None else ((Layer.REGION, cap),)
    options = HostOptions(inbox_limit=inbox, service_us=(("Job", 1), ("UrgentJob", 1)), layer_caps=caps)
    world, to = _world(seed, options, cores, len(loads))
    world.place(Placement(host=world.topology.host("a/c1/h1").location, name="sink", make=Sink))
    sent: list[tuple[int, Job]] = []
    for number, load in enumerate(loads, 1):
        gap_us = _rounded(chance, f"{gaps}/{number}", SERVICE_US / load.rho)
        core_us = _rounded(chance, f"{services}/{number}", SERVICE_US) if load.exponential else _fixed
        make = partial(_job, UrgentJob if load.urgent else Job, core_us, sent)
        _place_source(world, number, to, gap_us, make, span_us)
    world.run(span_us + 10_000 * SERVICE_US)
    world.check_conservation()
    sink = world.service_named("a/c1/h1", "sink")
    assert isinstance(sink, Sink)
    done: list[Done] = []
    for sent_us, job in sent:
        at_us = sink.done_us.get((job.__class__, job.number))
        wait_us = -1 if at_us is None else at_us - sent_us - job.core_us
        done.append(Done(sent_us, job.core_us, job.__class__ is UrgentJob, wait_us))
    return Served(world, done)


def flushes(rate_per_s: int, *, flush_us: int, seed: int, span_us: int, skip_us: int) -> tuple[World, list[int]]:
    """Latencies of durable appends that share flushes of fixed length, those after `skip_us`."""
    options = HostOptions(flush_us_min=flush_us, flush_us_max=flush_us)
    world, to = _world(seed, options, 1, 1)
    world.place(Placement(host=world.topology.host("a/c1/h1").location, name="sink", make=Log))
    gap_us = _rounded(Chance(seed), "gaps/1", 1_000_000 / rate_per_s)
    _place_source(world, 1, to, gap_us, Append, span_us)
    world.run(span_us + 10 * flush_us)
    world.check_conservation()
    log = world.service_named("a/c1/h1", "sink")
    assert isinstance(log, Log)
    return world, [took_us for sent_us, took_us in log.took if sent_us >= skip_us]


def _world(seed: int, options: HostOptions, cores: int, clients: int) -> tuple[World, Location]:
    """A server and clients at no distance, so that a job is received when it is sent."""
    nowhere = LatencyModel(one_way_us={}, same_host_us=0, within_cluster_us=0, between_clusters_us=0)
    topology = grid(["a"], clusters=1, hosts=1, cores=cores, clients=clients)
    world = World(topology=topology, latency=nowhere, hosts=options, seed=seed)
    return world, at_service(topology.host("a/c1/h1").location, "sink")


def _place_source(
    world: World, number: int, to: Location, gap_us: Draw, make: Callable[[int], Message], ends_us: int
) -> None:
    host = world.topology.host(f"a/clients/client{number}").location

    def source(ctx: Context) -> Any:
        return Source(ctx, to, gap_us, make, ends_us)

    world.place(Placement(host=host, name="source", make=source))


def _rounded(chance: Chance, name: str, mean_us: float) -> Draw:
    exponential = chance.draws(name).exponential
    return lambda: max(1, int(exponential(mean_us) + 0.5))


def _fixed() -> int:
    return SERVICE_US


def _job(kind: type[Job], core_us: Draw, sent: list[tuple[int, Job]], now_us: int) -> Job:
    job = kind(len(sent), core_us())
    sent.append((now_us, job))
    return job


def _array(values: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)
