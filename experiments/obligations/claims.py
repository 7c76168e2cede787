"""Each obligation of a merge policy, as a function from what was written to what is wrong; "" where it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.obligations.writing import Case, Draws, Written
from models.addressing import content_hash
from models.domain import Denied, State
from models.merging.fold import MergeFold, Settled
from models.merging.policy import Obligation
from models.merging.writes import Compensated, Merged, Opened, Output, Superseded, Write, precedes

__all__ = ["OBLIGATIONS", "Claim"]

#: Orders of arrival that are tried beside the canonical one.
_ARRIVALS: Final = 4

Claim = Callable[[Case, Written, Draws], str]


class _Merge(NamedTuple):
    """A merge of everything: what came out, in order, and what it came to."""

    outputs: tuple[Output, ...]
    states: Mapping[int, State]
    records: tuple[Settled, ...]


def _canonical(case: Case, written: Written) -> _Merge:
    """Every write in canonical order, settled one by one."""
    fold = case.fold(case.policy, case.sources)
    records = []
    for write in sorted(write for log in written.logs.values() for write in log):
        fold.ingest(write)
        if settled := fold.settle(write.stamp_us - 1):
            records.append(settled)
    return _ended(case, written, fold, records)


def _ended(case: Case, written: Written, fold: MergeFold, records: list[Settled]) -> _Merge:
    last_us = max((write.stamp_us for log in written.logs.values() for write in log), default=0)
    if settled := fold.settle(last_us):
        records.append(settled)
    outputs = tuple(output for record in records for output in record.outputs)
    return _Merge(outputs, {number: fold.stable(number) for number in case.instances}, tuple(records))


def _arriving(case: Case, written: Written, draws: Draws, *, again: bool) -> _Merge:
    """The streams in some order of arrival, settled at some moments; with repeats and restarts where asked."""
    fold = case.fold(case.policy, case.sources)
    records: list[Settled] = []
    at = dict.fromkeys(case.sources, 0)
    while waiting := [source for source in case.sources if at[source] < len(written.logs[source])]:
        source = waiting[draws.below(len(waiting))]
        log = written.logs[source]
        fold.ingest(log[at[source]])
        at[source] += 1
        if again and draws.random() < 0.3:
            fold.ingest(log[draws.below(at[source])])
        if draws.random() < 0.3 and (settled := fold.settle(_cut(written, at))):
            records.append(settled)
        if again and draws.random() < 0.1:
            fold = case.fold(case.policy, case.sources)
            fold.restore(records)
            # Streams are fetched again from the vector on; that they begin earlier does no harm.
            at = {one: draws.below(fold.vector()[one] + 1) for one in case.sources}
    return _ended(case, written, fold, records)


def _cut(written: Written, at: Mapping[int, int]) -> int:
    """Below it nothing is still to arrive."""
    due = [log[at[source]].stamp_us for source, log in written.logs.items() if at[source] < len(log)]
    return min(due, default=1) - 1


def _differs(case: Case, first: _Merge, second: _Merge) -> str:
    for number in case.instances:
        if first.states[number] != second.states[number]:
            return f"aggregate {number} is {first.states[number]} in one place and {second.states[number]} in another"
    if first.outputs != second.outputs:
        pairs = zip(first.outputs, second.outputs, strict=False)
        one, other = next(((a, b) for a, b in pairs if a != b), ("more", "less"))
        return f"{one} came out in one place, {other} in another"
    return ""


def _deterministic(case: Case, written: Written, draws: Draws) -> str:
    told = _canonical(case, written)
    for _ in range(_ARRIVALS):
        if wrong := _differs(case, told, _arriving(case, written, draws, again=False)):
            return f"in another order of arrival {wrong}"
    return ""


def _idempotent(case: Case, written: Written, draws: Draws) -> str:
    told = _canonical(case, written)
    for _ in range(_ARRIVALS):
        if wrong := _differs(case, told, _arriving(case, written, draws, again=True)):
            return f"with redelivery and restarts {wrong}"
    return ""


def _replays(case: Case, written: Written, draws: Draws) -> str:
    first, second = (_canonical(case, written).outputs for _ in range(2))
    return "" if content_hash(first) == content_hash(second) else "merged once more, other bytes come out"


def _converges(case: Case, written: Written, draws: Draws) -> str:
    told = _canonical(case, written)
    for source, fold in written.folds.items():
        for number in case.instances:
            if fold.state(number) != told.states[number]:
                return (
                    f"having heard everything, {source} shows aggregate {number} as {fold.state(number)}, and the "
                    f"merge is {told.states[number]}"
                )
    return ""


def _causal(case: Case, written: Written, draws: Draws) -> str:
    """No view shows an answer without the question, and the canonical order puts none before it."""
    if written.early:
        return written.early
    writes = sorted(write for log in written.logs.values() for write in log)
    for place, write in enumerate(writes):
        for later in writes[place + 1 :]:
            if precedes(later, write):
                seen = f"{later.event} by {later.origin}, which it had seen"
                return f"{write.event} by {write.origin} is ordered before {seen}"
    return ""


def _invariant(case: Case, written: Written, draws: Draws) -> str:
    domain = case.domain
    fold = case.fold(case.policy, case.sources)
    for write in sorted(write for log in written.logs.values() for write in log):
        fold.ingest(write)
        fold.settle(write.stamp_us)
        state = fold.stable(write.instance)
        broken = [name for name in domain.invariants if not getattr(domain, name)(state)]
        if broken:
            return f"at a stable cut aggregate {write.instance} is {state}, which breaks {broken[0]}"
    return ""


def _compensates_once(case: Case, written: Written, draws: Draws) -> str:
    told = _canonical(case, written)
    keys = Counter(output.key for output in told.outputs if isinstance(output, Compensated))
    twice = [key for key, count in keys.items() if count > 1]
    if twice:
        return f"{keys[twice[0]]} compensations have one key"
    known = {write.address for log in written.logs.values() for write in log}
    stray = [output for output in told.outputs if isinstance(output, Compensated) and output.address not in known]
    return f"{stray[0]} compensates nothing that was written" if stray else ""


def _conserved(case: Case, written: Written, draws: Draws) -> str:
    """Every write has a fate, and the state is what the fates say."""
    told = _canonical(case, written)
    fates = _fates(told.outputs)
    made = {output.address: output.event for output in told.outputs if isinstance(output, Compensated)}
    states = {number: case.domain.initial() for number in case.instances}
    for write in sorted(write for log in written.logs.values() for write in log):
        fate = fates.get(write.address)
        if fate is None:
            return f"nothing was ever said of {write.event} by {write.origin}"
        if isinstance(fate, Superseded) and not fate.reason:
            return f"{write.event} by {write.origin} was superseded without a reason"
        counts = (write.event if isinstance(fate, Merged) else None, made.get(write.address))
        for event in counts:
            if event is not None and not isinstance(event, Denied):
                states[write.instance] = case.domain.evolve(states[write.instance], event)
    for number in case.instances:
        if states[number] != told.states[number]:
            return (
                f"what is said to be merged comes to {states[number]}, and aggregate {number} is {told.states[number]}"
            )
    return ""


def _fates(outputs: Sequence[Output]) -> dict[int, Output]:
    """By address, the last word on it; of two that are open the one that was merged shows, and the other waits."""
    fates: dict[int, Output] = {}
    for output in outputs:
        if isinstance(output, Merged | Superseded):
            fates[output.address] = output
        elif isinstance(output, Opened):
            for address in output.addresses:
                if not isinstance(fates.get(address), Merged):
                    fates[address] = output
    return fates


def _commutes(case: Case, written: Written, draws: Draws) -> str:
    for number in case.instances:
        writes = sorted(write for log in written.logs.values() for write in log if write.instance == number)
        told = _folded(case, writes)
        for place in range(len(writes) - 1):
            first, second = writes[place : place + 2]
            if precedes(first, second):
                continue
            swapped = [*writes[:place], second, first, *writes[place + 2 :]]
            if _folded(case, swapped) != told:
                return f"{first.event} by {first.origin} and {second.event} by {second.origin} do not change places"
    return ""


def _folded(case: Case, writes: Sequence[Write]) -> State:
    held = case.policy.begin()
    for write in writes:
        held = case.policy.step(held, write).held
    return case.policy.state(held)


#: How each is checked.
OBLIGATIONS: Final[Mapping[Obligation, Claim]] = MappingProxyType(
    {
        Obligation.DETERMINISTIC: _deterministic,
        Obligation.IDEMPOTENT: _idempotent,
        Obligation.COMMUTES: _commutes,
        Obligation.INVARIANT: _invariant,
        Obligation.COMPENSATES_ONCE: _compensates_once,
        Obligation.CONSERVED: _conserved,
        Obligation.CONVERGES: _converges,
        Obligation.CAUSAL: _causal,
        Obligation.REPLAYS: _replays,
    }
)
