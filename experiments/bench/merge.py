"""How many writes does a CPU second merge under each policy, after a cut in which everybody wrote everywhere?

10,000 aggregates of three sub-domains, each of which wrote each of them twice without hearing of the others. Timed is
the policy's own loop: every write in canonical order, folded into what is held of its aggregate. By the side of it
are the whole fold of a merge domain (arrivals, the tentative view's order, the cut) without a host around it, what the
loop comes to as more writes meet in an aggregate, what a write takes in memory while it waits for the cut, and the
rate of merge services as they are deployed (`merge_service`).
"""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Callable, Sequence
from time import process_time
from types import MappingProxyType
from typing import Any, Final

from experiments.bench import merge_service
from experiments.workers import calm_collector
from models.addressing import Scope, mint, pack_type
from models.domain import Command, Denied, Domain
from models.domains import auction, bank_account, cart
from models.merging import MergeFold, Policy, Write, meaning_of
from models.merging.policies import POLICIES, CanonicalReplay, ClosingBarrier, Escrow, FirstWriter, ObservedWrites
from models.merging.policy import LocalRule

__all__ = ["AGGREGATES", "Cut", "fold_rate", "loop_rate", "memory", "run"]

AGGREGATES: Final = 10_000
SOURCES: Final = (1, 2, 3)
#: Of each sub-domain in each aggregate.
WRITES: Final = 2
REPETITIONS: Final = 3
#: Aggregates of which memory is weighed, few and four times as many; tracing makes everything several times slower.
_WEIGHED: Final = (1_000, 4_000)
#: Writes of each sub-domain in each aggregate, and of how many aggregates, where more and more meet in one.
_MEETING: Final = MappingProxyType({1: 4_000, 4: 1_000, 16: 100})


class Cut:
    """What three sub-domains wrote during a cut, and the policy that merges it.

    Args:
        name: Of a shipped policy.
        aggregates: How many everybody wrote.
        writes: How often each sub-domain wrote each.
    """

    def __init__(self, name: str, *, aggregates: int, writes: int = WRITES) -> None:
        self.domain, asks = _asked(name, writes)
        self.policy: Policy = POLICIES[name](self.domain, meaning_of(self.domain), SOURCES)
        self.logs = {source: self._log(source, asks[:writes], aggregates) for source in SOURCES}

    def _log(self, source: int, asks: Sequence[Command], aggregates: int) -> list[Write]:
        """A sub-domain's stream: round after round over all aggregates, decided on its own writes alone."""
        policy, log = self.policy, list[Write]()
        type_id = pack_type(Scope.SERVICE, command=False, domain=self.domain.number, incarnation=source)
        held = [policy.begin()] * aggregates
        for turn, command in enumerate(asks):
            for instance in range(aggregates):
                if isinstance(policy, LocalRule):
                    event = policy.decide(held[instance], source, command)
                else:
                    event = self.domain.decide(policy.state(held[instance]), command)
                assert event is not None, f"{command} must wait"
                assert event.__class__ is not Denied, f"{command}: {event}"
                position = len(log) + 1
                stamp_us = 10 * position + source
                write = Write(stamp_us, source, position, mint(type_id, instance, turn + 1), event, position)
                log.append(write)
                held[instance] = policy.step(held[instance], write).held
        return log

    @property
    def writes(self) -> list[Write]:
        """All of them in canonical order."""
        return sorted(write for log in self.logs.values() for write in log)


def _asked(name: str, writes: int) -> tuple[Domain[Any], Sequence[Command]]:
    """A domain that a policy suits, and what each sub-domain asks in turn, so that together they conflict."""
    if name == ObservedWrites.name:
        return cart.Cart(), [cart.Put(article=1, quantity=1), cart.Remove(article=1)] * writes
    if name == ClosingBarrier.name:
        return auction.Auction(), [auction.Bid(bidder=turn, amount=turn) for turn in range(1, writes + 1)]
    # As much as one of them spends, so that together they spend what is not there; in shares, that for each.
    opening = (1 + (writes + 1) // 2) * (len(SOURCES) if name == Escrow.name else 1)
    asks = [bank_account.Withdraw(amount=2), bank_account.Deposit(amount=1)] * writes
    return bank_account.BankAccount(opening_balance=opening), asks


def loop_rate(cut: Cut) -> float:
    """Writes a CPU second through the policy alone."""
    writes, step = cut.writes, cut.policy.step
    first = cut.policy.begin()
    held: dict[int, Any] = {}
    outputs = []
    begun = process_time()
    for write in writes:
        instance = write.instance
        held[instance], more = step(held.get(instance, first), write)
        outputs.append(more)
    spent = process_time() - begun
    assert len(outputs) == len(writes)
    return len(writes) / spent


def fold_rate(cut: Cut) -> float:
    """Writes a CPU second through a merge domain's fold: what a heal brings, a stream after the other, and the cut."""
    fold = MergeFold(cut.policy, SOURCES)
    begun = process_time()
    for log in cut.logs.values():
        for write in log:
            fold.ingest(write)
    settled = fold.settle(max(log[-1].stamp_us for log in cut.logs.values()))
    spent = process_time() - begun
    assert settled is not None
    return sum(map(len, cut.logs.values())) / spent


def memory(name: str, aggregates: int) -> tuple[float, float]:
    """Bytes for each write that waits for the cut, and bytes left for each aggregate once all is settled.

    Args:
        name: Of a policy.
        aggregates: How many wait.
    """
    cut = Cut(name, aggregates=aggregates)
    gc.collect()
    tracemalloc.start()
    try:
        fold = MergeFold(cut.policy, SOURCES)
        for log in cut.logs.values():
            for write in log:
                fold.ingest(write)
        waiting, _ = tracemalloc.get_traced_memory()
        # Outputs are on the disk then; what is held stays.
        assert fold.settle(max(log[-1].stamp_us for log in cut.logs.values())) is not None
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return waiting / sum(map(len, cut.logs.values())), left / aggregates


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time each policy; the slowest one's rate stands at the top, all of them under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates, folds = {}, {}
    for name in POLICIES:
        progress(f"merge: {name}, {AGGREGATES:,} aggregates of {WRITES * len(SOURCES)} writes")
        cut = Cut(name, aggregates=AGGREGATES)
        rates[name] = round(statistics.median(loop_rate(cut) for _ in range(REPETITIONS)))
        folds[name] = round(fold_rate(cut))
    progress("merge: what waits in memory")
    few, many = (memory(CanonicalReplay.name, aggregates) for aggregates in _WEIGHED)
    slowest = min(rates, key=lambda name: rates[name])
    service = merge_service.run(progress)
    return {
        "merged_events_per_cpu_second": service["merged_events_per_cpu_second"],
        "backlog_growth_ratio": service["backlog_growth_ratio"],
        "policy_events_per_cpu_second": rates[slowest],
        "fold_events_per_cpu_second": folds[CanonicalReplay.name],
        "memory_bytes_per_waiting_write": round(many[0], 1),
        "memory_growth_ratio": round(many[0] / few[0], 3),
        "detail": {
            "slowest_policy": slowest,
            "policy_events_per_cpu_second": rates,
            "fold_events_per_cpu_second": folds,
            "first_writer_by_writes_in_an_aggregate": {
                str(writes * len(SOURCES)): round(loop_rate(Cut(FirstWriter.name, aggregates=count, writes=writes)))
                for writes, count in _MEETING.items()
            },
            "aggregates": AGGREGATES,
            "merge_service": service["detail"],
            "memory_bytes_per_settled_aggregate": round(many[1], 1),
        },
    }
