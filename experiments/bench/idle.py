"""What does a message cost that reaches a core of a host, when nothing is done for it?

Two hosts and a service that answers what it is told: calls (a wait, a time-out, a task that goes on, a reply)
and plain sends, each message holding a core for its service time. What the store, quorums, queues and views cost
a message stands on top of this: by the side of the bare send path of `experiments.bench.kernel`, which knows no
hosts, it says how much of the distance is the hosts', and how much the protocols' own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import process_time
from typing import Any, Final

from experiments.bench.kernel import MESSAGES, Ball, phold_network
from experiments.workers import calm_collector
from sim.host import Context, HostOptions, Placement, Service, Task, handles
from sim.latency import public_cloud
from sim.topology import Location, at_service, grid
from sim.world import World

__all__ = ["run"]

_AT_ONCE: Final = 20
_LOAD_US: Final = 1_000_000
_PATIENCE_US: Final = 2_000_000
REPETITIONS: Final = 5


class Echo(Service):
    """Answers with what it was told."""

    @handles(Ball)
    def on_ball(self, msg: Ball, sender: Location) -> Ball:
        """The same again."""
        return msg


class Asker(Service):
    """Calls without end, several at once."""

    def __init__(self, ctx: Context, to: Location) -> None:
        super().__init__(ctx)
        self._to = to

    def start(self) -> None:
        """Begin them one after the other."""
        for number in range(_AT_ONCE):
            self.ctx.set_timer(number, self._ask)

    def _ask(self) -> Task:
        while True:
            yield self.ctx.call(self._to, Ball(), _PATIENCE_US)


class Player(Service):
    """Sends back what it is sent, and begins with several if it is the first."""

    def __init__(self, ctx: Context, to: Location, balls: int) -> None:
        super().__init__(ctx)
        self._to = to
        self._balls = balls

    def start(self) -> None:
        """Serve."""
        for number in range(self._balls):
            self.ctx.send(self._to, Ball(number=number))

    @handles(Ball)
    def on_ball(self, msg: Ball, sender: Location) -> None:
        """Return it."""
        self.ctx.send(sender, msg)


def build(*, calls: bool) -> World:
    """The world to be timed, not yet run."""
    topology = grid(["us-east-1"], clusters=1, hosts=2, clients=0, cores=4)
    one, other = (host.location for host in topology.servers("us-east-1"))
    here, there = at_service(one, "one"), at_service(other, "other")
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=100),
        seed=1,
    )
    if calls:
        world.place(Placement(host=one, name="one", make=lambda ctx: Asker(ctx, there)))
        world.place(Placement(host=other, name="other", make=Echo))
    else:
        world.place(Placement(host=one, name="one", make=lambda ctx: Player(ctx, there, _AT_ONCE)))
        world.place(Placement(host=other, name="other", make=lambda ctx: Player(ctx, here, 0)))
    return world


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions of both; ratios to the send path, and microseconds a message."""
    calm_collector()  # as in the workers of a sweep
    took: dict[str, list[float]] = {"call": [], "send": [], "send_path": []}
    for repetition in range(REPETITIONS + 1):
        progress(f"idle: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        took["call"].append(_us_a_message(build(calls=True)))
        took["send"].append(_us_a_message(build(calls=False)))
        took["send_path"].append(phold_network(MESSAGES) * 1_000_000 / MESSAGES)
    us = {name: statistics.median(timed[1:]) for name, timed in took.items()}
    return {
        "call_message_vs_send_path": round(us["send_path"] / us["call"], 3),
        "send_message_vs_send_path": round(us["send_path"] / us["send"], 3),
        "detail": {"us_per_message": {name: round(one, 2) for name, one in us.items()}},
    }


def _us_a_message(world: World) -> float:
    """CPU microseconds of one message, in a run."""
    begun = process_time()
    world.run(_LOAD_US)
    return (process_time() - begun) * 1_000_000 / world.network.totals()["sent"]
