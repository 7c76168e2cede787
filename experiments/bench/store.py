"""How many commands does a CPU second carry through the store, and what does a command leave behind?

One shard of bank accounts on hosts of one cluster (the copy of *delayed ship* is in another region), no fault,
trace off: client, network, cores, log, group commit, hash chain, dedup, shipping, history. Schemes take
turns, so that what else the machine does falls on all alike. The busier a store, the more commands share a flush
and a message; `by_rate` under `detail` says how much of the speed is that.

Consensus and leaderless quorums stand beside the schemes: a shard on Raft under the same load, and the registers of
`experiments.bench.quorum`; so do the message queue of `experiments.bench.queue`, in messages that had their effect,
and the read side of `experiments.bench.projection`. For all, what a message costs against the bare send path;
`COUNTED` says what counts. A store's message takes a core, a handler and its share of decisions, logs, flushes,
clients and history, where the send path has a delay and an empty receiver; `idle` is what hosts alone make of that
distance (`experiments.bench.idle`), and no store can come nearer to the send path than it does.

Why a quarter of the send path is not reached by a message that carries one command: a client that is told *yes* by
an empty server (two messages, no log) takes half of the Python calls that a command on Raft takes: it arrives
(a timer, five draws), is written into the history twice, and each message is sent, lands, waits for a core, is
handled and wakes a task. The other half is the command's own, on the leader alone: its window of ids, decision,
state, hash, entry, record on the disk, wait and answer. What can be shared is shared: flushes, replication,
a follower's log, the answers of a flush. A quarter would be some five microseconds a message, about fifteen calls.

Beside it: how fast events are replayed (each stream's at its load; a whole shard's memory at recovery), and what
memory grows by, with the log kept whole and with its head cut behind snapshots. The client history grows with
commands by design and is told apart.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from time import process_time
from types import MappingProxyType
from typing import Any, Final

from experiments.bench import idle, projection, queue, quorum
from experiments.bench._memory import growth
from experiments.bench._profile import time_share_by_file
from experiments.bench._timing import cpu_seconds
from experiments.bench.kernel import MESSAGES, phold_network
from experiments.workers import calm_collector
from models.clients import Workload
from models.raft.deployment import raft
from models.store.shard import Shard
from models.stores import store
from models.system import Site
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

__all__ = ["run"]

#: By the name in the results, the scheme as scenario files write it.
SCHEMES: Final = MappingProxyType(
    {
        "local_mem": "local-mem",
        "local_persist": "local-persist",
        "local_persist_periodic": "local-persist-periodic",
        "multi_mem": "multi-mem:3/3",
        "multi_persist": "multi-persist:3/3",
        "delayed_ship": "delayed-ship",
    }
)
RATE_PER_S: Final = 5_000
COMMANDS: Final = 10_000
REPETITIONS: Final = 7
#: What `build` takes for a shard that elects its leader.
RAFT: Final = "raft"
#: At which rates the dearest scheme is timed besides.
RATES: Final = (500, 2_000)
#: What stands behind every `message_vs_send_path`.
COUNTED: Final = (
    "messages: all that hosts gave to the network in the run (of a projection, while it caught up): requests, replies, "
    "replication, acknowledgements, heartbeats and anti-entropy, each once, also within one host; there is no fault, "
    "so no copies or retransmissions. time: all CPU time of the run, clients, disks, timers and history included. "
    "a ratio: messages a CPU second over those of the bare send path, timed in turns with it. "
    "heap entries: numbers given out; a call that is answered has one for its time-out and does not reach the heap"
)
_DRAIN_US: Final = 1_000_000
#: A log that is cut often, a short memory for commands, and accounts that all have a history soon: live state is
#: small and stays as it is, so what still grows would grow for ever.
_CUT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "accounts": 100,
        "snapshot_every": 20,
        "truncate": True,
        "sweep": True,
        "segment": 100,
        "window": 1_000,
        "keep_every_us": 100_000,
    }
)


def build(
    scheme: str, *, rate_per_s: int = RATE_PER_S, commands: int = COMMANDS, accounts: int = 1_000, **options: Any
) -> World:
    """The world to be timed, not yet run."""
    regions = ["us-east-1", "eu-west-1"] if scheme.startswith("delayed") else ["us-east-1"]
    topology = grid(regions, clusters=1, hosts=3, cores=4)
    workload = Workload(rate_per_s=rate_per_s, accounts=accounts, ends_us=commands * 1_000_000 // rate_per_s)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=200),
        seed=1,
    )
    site = Site(topology)
    system = raft(site, workload, **options) if scheme == RAFT else store(site, workload, scheme=scheme, **options)
    for placement in system.placements:
        world.place(placement)
    return world


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions of the same runs; profiles and counts under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates: dict[str, list[float]] = {name: [] for name in SCHEMES}
    elected: list[float] = []
    sends: list[float] = []
    by_rate: dict[int, list[float]] = {rate: [] for rate in RATES}
    replays: list[float] = []
    recoveries: list[float] = []
    for repetition in range(REPETITIONS + 1):
        progress(f"store: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        if repetition == 1:
            for timed in (*rates.values(), *by_rate.values(), elected, sends, replays, recoveries):
                timed.clear()
        for name, scheme in SCHEMES.items():
            world = build(scheme)
            rates[name].append(_timed(world, RATE_PER_S))
        elected.append(_timed(build(RAFT), RATE_PER_S))
        sends.append(MESSAGES / phold_network(MESSAGES))
        for rate in RATES:
            by_rate[rate].append(_timed(build(SCHEMES["multi_persist"], rate_per_s=rate), rate))
        replayed, recovered = _replays(_leader(world))
        replays.append(replayed)
        recoveries.append(recovered)
    memory, detail = _memory(progress)
    leaderless, letters, followed = quorum.run(progress), queue.run(progress), projection.run(progress)
    progress("store: counts and profiles")
    on_raft, commands, sent = _counts(RAFT), statistics.median(elected), statistics.median(sends)
    on_raft["message_vs_send_path"] = round(commands * on_raft["messages_per_command"] / sent, 3)
    return {
        **{f"commands_per_cpu_second_{name}": round(statistics.median(timed)) for name, timed in rates.items()},
        "raft_commands_per_cpu_second": round(commands),
        "quorum_commands_per_cpu_second": leaderless["quorum_commands_per_cpu_second"],
        "queue_messages_per_cpu_second": letters["queue_messages_per_cpu_second"],
        "projection_events_per_cpu_second": followed["projection_events_per_cpu_second"],
        "load_events_per_second": round(statistics.median(replays)),
        "recovery_events_per_second": round(statistics.median(recoveries)),
        **memory,
        "detail": {
            "rate_per_s": RATE_PER_S,
            "commands": COMMANDS,
            "fastest": {name: round(max(timed)) for name, timed in rates.items()},
            "multi_persist_by_rate": {str(rate): round(statistics.median(timed)) for rate, timed in by_rate.items()},
            "memory": detail,
            "counted": COUNTED,
            "idle": idle.run(progress),
            "raft": {"fastest": round(max(elected)), **on_raft},
            "quorum": {"message_vs_send_path": leaderless["quorum_message_vs_send_path"], **leaderless["detail"]},
            "queue": {"message_vs_send_path": letters["queue_message_vs_send_path"], **letters["detail"]},
            "projection": {"event_vs_send_path": followed["projection_event_vs_send_path"], **followed["detail"]},
            "schemes": {name: _counts(scheme) for name, scheme in SCHEMES.items()},
        },
    }


def _timed(world: World, rate_per_s: int) -> float:
    """Commands a CPU second of one run."""
    took = cpu_seconds(partial(world.run, _until_us(rate_per_s)))
    return _commands(world) / took


def _until_us(rate_per_s: int) -> int:
    return COMMANDS * 1_000_000 // rate_per_s + _DRAIN_US


def _commands(world: World) -> int:
    return len({row.op for row in world.history.rows})


def _leader(world: World) -> Shard:
    found = world.service_named("us-east-1/c1/h1", "bank-account-0")
    assert isinstance(found, Shard)
    return found


def _replays(shard: Shard) -> tuple[float, float]:
    """Events a CPU second: of every stream loaded from its first event on, and of all memory derived again."""
    streams = shard.streams
    begun = process_time()
    loaded = sum(streams.load(key, None) for key in streams)
    load_s = process_time() - begun
    begun = process_time()
    recovered = streams.rebuild(())
    recovery_s = process_time() - begun
    assert loaded == recovered == shard.journal.length
    return loaded / load_s, recovered / recovery_s


def _memory(progress: Callable[[str], None]) -> tuple[dict[str, float], dict[str, Any]]:
    """What grows with commands, whole logs and cut ones."""
    scheme = SCHEMES["multi_persist"]
    found = {}
    runs: tuple[tuple[str, Mapping[str, Any], int], ...] = (("kept", {}, 10_000), ("cut", _CUT, 40_000))
    for name, options, commands in runs:
        progress(f"store: memory, the log {name}")
        until_us = commands * 1_000_000 // 2_000
        make = partial(build, scheme, rate_per_s=2_000, commands=2 * commands, **options)
        found[name] = growth(make, warm_us=until_us // 5, until_us=until_us)
    kept, cut = found["kept"], found["cut"]
    numbers = {
        "bytes_per_million_events": round(kept.held * 1_000_000),
        "leaked_bytes_per_command_after_truncation": round(cut.held, 2),
        "history_bytes_per_command": round(cut.history, 1),
    }
    detail = {
        name: {"bytes_per_command_by_file": one.by_file, "commands_weighed": one.commands}
        for name, one in found.items()
    }
    return numbers, detail


def _counts(scheme: str) -> dict[str, Any]:
    world = build(scheme)
    shares = time_share_by_file(partial(world.run, _until_us(RATE_PER_S)))
    commands = _commands(world)
    return {
        "messages_per_command": round(world.network.totals()["sent"] / commands, 2),
        "messages_by_type": {
            kind: round(totals.sent / commands, 3) for kind, totals in world.network.by_type().items()
        },
        "heap_entries_per_command": round(next(world.env._eid) / commands, 2),
        "time_share_by_file": shares,
    }
