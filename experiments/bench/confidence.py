"""What does a belief cost: microseconds an update among 1,000 hosts, and messages that propagation adds to a store?

One observer, two regions of ten clusters of fifty hosts, each heard every second. `..._us` is CPU time over a whole
round divided by its updates, the median of rounds: heartbeats of all hosts while all is well, of one region while the
other is silent, and the silence of a whole region, looked at twice an interval. `answer_us` is a question about one
host. `mixed_update_us` is a minute in which a region falls silent for a fifth of it.

`propagation_messages_share` is what pulses of hosts and reports of clusters and regions add, all together, to the
messages of the store of `isolate_region`, without its fault, at default settings; counts stand under `detail`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import process_time
from typing import Any, Final

from experiments.scenario import build, load
from experiments.workers import calm_collector
from models.confidence import Belief, ConfidenceOptions, Grid, observers, tree_of
from models.confidence.deployment import DEFAULT_PRIORS
from models.confidence.words import ClusterReport, Pulse, RegionReport
from sim.topology import Location, grid, pack_location

__all__ = ["run"]

SECOND_US: Final = 1_000_000
HOSTS: Final = 1_000
ROUNDS: Final = 12
ANSWERS: Final = 200
STORE: Final = "isolate_region"
STORE_US: Final = 30_000_000
_DELAY_US: Final = 20_000


class Crowd:
    """A belief about a thousand hosts, and a clock."""

    def __init__(self) -> None:
        topology = grid(["a", "b"], clusters=10, hosts=HOSTS // 20, cores=1, clients=0)
        options = ConfidenceOptions()
        self.hosts = tuple(host.location for host in topology.hosts)
        self.belief = Belief(
            observer=pack_location(9, 1, 1),
            tree=tree_of(topology.hosts, options.hearing(SECOND_US, options.far)),
            priors=DEFAULT_PRIORS,
            grid=Grid(slot_us=SECOND_US // 2),
        )
        self.now_us = 0

    def beat(self, hosts: Sequence[Location]) -> float:
        """CPU microseconds of a heartbeat, in a second in which these are heard."""
        self.now_us += SECOND_US
        spread_us = SECOND_US // (2 * HOSTS)
        begun = process_time()
        for number, host in enumerate(hosts):
            sent_us = self.now_us + number * spread_us
            self.belief.heard(host, sent_us, sent_us + _DELAY_US)
        return (process_time() - begun) / len(hosts) * 1e6

    def look(self, hosts: int, after_us: int) -> float:
        """CPU microseconds of one host's silence, all looked at together so long after the second began."""
        begun = process_time()
        self.belief.look(self.now_us + after_us)
        return (process_time() - begun) / hosts * 1e6

    def answer(self, hosts: Iterable[Location]) -> float:
        """CPU microseconds of an answer."""
        asked = list(hosts)
        begun = process_time()
        for host in asked:
            self.belief.answer(host, self.now_us + 900_000)
        return (process_time() - begun) / len(asked) * 1e6


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure; what stands beside under `detail`."""
    calm_collector()
    progress(f"confidence: {HOSTS} hosts that are well")
    crowd = Crowd()
    crowd.beat(crowd.hosts)
    well = [crowd.beat(crowd.hosts) for _ in range(ROUNDS)]
    looks = [crowd.look(HOSTS, 700_000)]
    answers = {"up": crowd.answer(crowd.hosts[:ANSWERS])}
    progress("confidence: half of them silent")
    near, far = crowd.hosts[: HOSTS // 2], crowd.hosts[HOSTS // 2 :]
    beside, silent = [], []
    for _ in range(ROUNDS):
        beside.append(crowd.beat(near))
        silent += [crowd.look(HOSTS, 550_000), crowd.look(HOSTS, 999_999)]
    answers["down"] = crowd.answer(far[:ANSWERS])
    updates = ROUNDS * (HOSTS // 2) + 2 * ROUNDS * HOSTS
    spent = sum(beside) * (HOSTS // 2) + sum(silent) * HOSTS
    # Four fifths of the time all is well: a heartbeat a second of each.
    calm = 4 * ROUNDS * HOSTS
    mixed = (statistics.median(well) * calm + spent) / (calm + updates)
    progress(f"confidence: messages beside those of {STORE}")
    share, messages = added()
    return {
        "heartbeat_update_us": round(statistics.median(well), 2),
        "heartbeat_update_beside_silence_us": round(statistics.median(beside), 2),
        "silence_update_us": round(statistics.median(silent), 2),
        "mixed_update_us": round(mixed, 2),
        "answer_us": round(answers["up"], 1),
        "propagation_messages_share": round(share, 4),
        "detail": {
            "hosts": HOSTS,
            "silence_update_worst_us": round(max(silent), 2),
            "silence_update_all_well_us": round(looks[0], 2),
            "answer_of_the_silent_us": round(answers["down"], 1),
            "messages": messages,
        },
    }


def added() -> tuple[float, dict[str, int]]:
    """What observers add to a store's messages, as a share of those; and counts by who sent them."""
    scenario = replace(load(STORE), faults=())
    plain, _ = build(scenario, 1)
    plain.run(STORE_US)
    world, _ = build(scenario, 1)
    for placement in observers(scenario.topology, ConfidenceOptions()):
        world.place(placement)
    world.run(STORE_US)
    by_type: dict[str, int] = {}
    for lane in world.network.lanes():
        by_type[lane.type.__name__] = by_type.get(lane.type.__name__, 0) + lane.sent
    store = plain.network.totals()["sent"]
    reports = by_type[ClusterReport.__name__] + by_type[RegionReport.__name__]
    pulses = by_type[Pulse.__name__]
    return (pulses + reports) / store, {"store": store, "pulses": pulses, "reports": reports}
