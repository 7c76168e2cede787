"""How fast is the send path, against textbook SimPy and against a bare heap?

All contestants run PHOLD: 64 hosts, 256 messages in flight; whoever receives a message
sends one on to a host drawn at random. Equal destinations, equal kind of delay draw
(base plus exponential, drawn in blocks).

- `network`: the lab's real send path, unlimited bandwidth, trace off: delay draw, live-cut
  check at send and in flight, counters by lane, a port for each host;
- `simpy_textbook`: a process a message (it waits the delay, then puts) and a Store and a
  receiving process a host, on SimPy's own environment;
- `heapq`: a loop over `heappush` and `heappop` and nothing else.

`process_vs_simpy` compares 256 processes looping on time-outs on our kernel and SimPy's;
`commands_per_cpu_second` is the whole store's, see `split`; what the network's other parts
cost stands under `detail`, see `network`.
"""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Any, ClassVar, Final

import numpy as np
import simpy

from experiments.bench import network, split
from experiments.workers import calm_collector
from sim.chance import Chance
from sim.kernel import Environment
from sim.latency import LatencyModel, uniform
from sim.message import Message
from sim.network import Network, Receive
from sim.topology import grid
from sim.trace import Trace, TraceLevel

HOSTS: Final = 64
IN_FLIGHT: Final = 256
BASE_US: Final = 10_000
JITTER_US: Final = 1_000
MESSAGES: Final = 100_000
REPETITIONS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball(Message):
    """The message that PHOLD passes around."""

    type_id: ClassVar[int] = 0x1000_0001
    number: int = 0


def _destinations() -> list[int]:
    return [int(host) for host in np.random.Generator(np.random.PCG64(1)).integers(0, HOSTS, 8191)]


def _latency() -> LatencyModel:
    return uniform(
        ["r"],
        between_regions_rtt_us=0,
        within_cluster_rtt_us=2 * BASE_US,
        same_host_rtt_us=2 * BASE_US,
        jitter=JITTER_US / BASE_US,
    )


def phold_network(messages: int) -> float:
    """CPU seconds for `messages` deliveries through `sim.network`."""
    env = Environment()
    topology = grid(["r"], clusters=1, hosts=HOSTS, cores=1, clients=0)
    trace = Trace(TraceLevel.OFF, lambda: 0)
    network = Network(env, topology, _latency(), Chance(1), trace)
    destinations = _destinations()
    left = messages
    at = 0
    send = network.send

    def receiver(host: int) -> Receive:
        def receive(src: int, message: Message, meta: Any, row: int) -> None:
            nonlocal left, at
            left -= 1
            if left <= 0:
                env.schedule(done)
            at += 1
            if at == 8191:
                at = 0
            send(host, destinations[at], message)

        return receive

    for host in range(HOSTS):
        network.attach(host, receiver(host))
    done = env.event()
    done._ok, done._value = True, None
    for number in range(IN_FLIGHT):
        send(number % HOSTS, destinations[number], Ball(number=number))
    # Links and their first blocks are made at first use; that is set-up, not sending.
    warm = env.now + 40 * BASE_US
    env.run(until=warm)
    left = messages
    begun = process_time()
    env.run(until=done)
    took = process_time() - begun
    network.check_conservation()
    return took


def phold_textbook(messages: int) -> float:
    """CPU seconds for the same with a process a message and a Store a host."""
    env = simpy.Environment()
    stores = [simpy.Store(env) for _ in range(HOSTS)]
    destinations = _destinations()
    delays = _delays()
    done = env.event()
    left = messages
    at = 0

    def fly(store: simpy.Store, delay: int, ball: Ball) -> Any:
        yield env.timeout(delay)
        store.put(ball)

    def send(ball: Ball) -> None:
        nonlocal at
        at += 1
        if at == 8191:
            at = 0
        env.process(fly(stores[destinations[at]], delays[at], ball))

    def host(store: simpy.Store) -> Any:
        nonlocal left
        while True:
            ball = yield store.get()
            left -= 1
            if left == 0:
                done.succeed()
            send(ball)

    for store in stores:
        env.process(host(store))
    for number in range(IN_FLIGHT):
        send(Ball(number=number))
    begun = process_time()
    env.run(until=done)
    return process_time() - begun


def phold_heapq(messages: int) -> float:
    """CPU seconds for the same with a heap and nothing around it."""
    destinations, delays = _destinations(), _delays()
    queue: list[tuple[int, int, int, Ball]] = []
    push, pop = heapq.heappush, heapq.heappop
    ids = iter(range(10 * messages))
    for number in range(IN_FLIGHT):
        push(queue, (delays[number], next(ids), destinations[number], Ball(number=number)))
    received = [0] * HOSTS
    at = 0
    begun = process_time()
    for _ in range(messages):
        now, _, host, ball = pop(queue)
        received[host] += 1
        at += 1
        if at == 8191:
            at = 0
        push(queue, (now + delays[at], next(ids), destinations[at], ball))
    return process_time() - begun


def _delays() -> list[int]:
    draws = np.random.Generator(np.random.PCG64(2)).exponential(JITTER_US, 8191)
    return [BASE_US + int(d) for d in draws]


def looping_processes(env: simpy.Environment, timeouts: int) -> float:
    """CPU seconds for 256 processes that loop on time-outs, `timeouts` of them in all."""

    def loop(delay: int) -> Any:
        while True:
            yield env.timeout(delay)

    for number in range(256):
        env.process(loop(50 + number % 7))
    begun = process_time()
    env.run(until=timeouts * 53 // 256)
    return process_time() - begun


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure all ratios; absolutes under `detail`, in messages a CPU second."""
    calm_collector()  # as in the workers of a sweep
    seconds: dict[str, list[float]] = {}

    def measure(name: str, took: float) -> None:
        seconds.setdefault(name, []).append(took)

    for repetition in range(REPETITIONS + 1):
        progress(f"kernel: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        if repetition == 1:
            seconds.clear()
        measure("network", phold_network(MESSAGES))
        measure("simpy_textbook", phold_textbook(MESSAGES // 4) * 4)
        measure("heapq", phold_heapq(MESSAGES))
        measure("process", looping_processes(Environment(), MESSAGES))
        measure("process_simpy", looping_processes(simpy.Environment(), MESSAGES))

    def ratio(slow: str, fast: str) -> float:
        pairs = zip(seconds[slow], seconds[fast], strict=True)
        return round(statistics.median(a / b for a, b in pairs), 3)

    store = split.run(progress)
    parts = network.run(progress)
    return {
        "network_vs_simpy_textbook": ratio("simpy_textbook", "network"),
        "network_vs_heapq": ratio("heapq", "network"),
        "process_vs_simpy": ratio("process_simpy", "process"),
        "commands_per_cpu_second": store["commands_per_cpu_second"],
        "detail": {
            "region_split": store["detail"],
            "network": {name: value for name, value in parts.items() if name != "detail"},
            "messages": MESSAGES,
            "repetitions": REPETITIONS,
            "per_cpu_second": {name: round(MESSAGES / statistics.median(took)) for name, took in seconds.items()},
        },
    }
