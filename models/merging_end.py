"""What a split domain is merged by, and what its merge came to by the end of a run, as values.

The end of a run is held against the policy itself: all writes of all sub-domains, in canonical order, folded once
more by nobody but the policy. Who has everything must show that, and say so of every write's fate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from models.domain import Denied, Domain, State
from models.heard_end import heard
from models.merging.fold import MergeFold
from models.merging.policies import policy_for
from models.merging.policy import LocalRule, Obligation, Policy, RightsRule
from models.merging.writes import Compensated, Merged, Opened, Output, Superseded, Write, precedes
from models.remembering import RememberingShard
from models.split import SplitShard, write_of

__all__ = ["Merging", "MergingEnd", "collisions", "merging_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """A domain, how it is split, and what it is merged by.

    Attributes:
        domain: As it is stored.
        words: The policy, as a scenario names it.
        sources: Numbers of the sub-domains.
        shards: Of each sub-domain.
    """

    domain: Domain[Any] = field(compare=False)
    words: str
    sources: tuple[int, ...]
    shards: int

    def policy(self, domain: Domain[Any], sources: Sequence[int]) -> Policy:
        """The policy for a domain of the same kind, with whatever options."""
        return policy_for(self.words, domain, sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingEnd:
    """The merge at the end.

    Attributes:
        merging: What was merged by what.
        writes: Writes of the stores that were up.
        concurrent: Of these, the ones whose author had not seen the write before it, of the same aggregate.
        opened: Conflicts that were left to people.
        compared: Views of an aggregate that could be held against the policy's.
        wrong: What a place shows, and the policy does not; and what the policy promised, and did not keep.
        decided: Views that a sub-domain decided on by its policy's local rule, and that were looked at again.
        unsound: Those of them that break an invariant which the policy promises.
        rights: Where they are passed on, by sub-domain, how many it has at the end, over all aggregates.
        given_up: Sub-domains that others wait for no more, over all shards.
        stranded: Those of sub-domains that are not there at the end, or were declared lost where nobody takes over.
        left: Addresses of the writes in the conflicts that were left to people.
    """

    merging: Merging
    writes: int
    concurrent: int
    opened: int
    compared: int
    wrong: tuple[str, ...]
    decided: int = 0
    unsound: tuple[str, ...] = ()
    rights: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    stranded: int = 0
    given_up: int = 0
    left: frozenset[int] = frozenset()


class _Truth(NamedTuple):
    """What the writes of a shard come to."""

    held: Mapping[int, Any]
    states: Mapping[int, State]
    fates: Mapping[int, bool]  # by address, whether the write counts
    opened: int
    concurrent: int
    broken: tuple[str, ...]
    left: frozenset[int]


def merging_end(merging: Merging, shards: Sequence[Mapping[int, SplitShard]]) -> MergingEnd:
    """The merge of every shard, held against its policy.

    Args:
        merging: What was merged by what.
        shards: For each shard, its stores by sub-domain; hosts that are down at the end are left out.
    """
    count = concurrent = opened = compared = decided = stranded = given_up = 0
    wrong: list[str] = []
    unsound: list[str] = []
    left: frozenset[int] = frozenset()
    policy = merging.policy(merging.domain, merging.sources)
    rights = dict.fromkeys(merging.sources, 0) if isinstance(policy, RightsRule) else {}
    for number, stores in enumerate(shards):
        gone = {one: heard(stores, one) for one in merging.sources if one not in stores}
        logs = {source: store.log.entries for source, store in stores.items()} | gone
        writes = sorted(write_of(entry) for entries in logs.values() for entry in entries)
        lost = {source: store.merge.lost_at(source) for store in stores.values() for source in store.merge.lost}
        given_up += len(lost)
        whole = _is_all_there({source: len(entries) for source, entries in logs.items()}, stores, lost)
        passed = {source: ranges for store in stores.values() for source, ranges in store.merge.passed.items()}
        truth = _truth(merging, writes, lost, passed)
        count, concurrent, opened = count + len(writes), concurrent + truth.concurrent, opened + truth.opened
        left |= truth.left
        if whole:
            wrong += [f"shard {number}: {flaw}" for flaw in truth.broken]
        lengths = {
            source: min(store.log.length, lost.get(source, store.log.length)) for source, store in stores.items()
        }
        lengths |= {one: upto for one, upto in lost.items() if one in gone}
        for source, store in stores.items():
            if not whole or not _has_everything(store, lengths):
                continue
            compared += len(truth.states)
            wrong += [f"shard {number}, sub-domain {source}: {flaw}" for flaw in _departures(store, truth)]
        if not whole:
            shown, flaws = _among_themselves(merging, policy, stores)
            compared, wrong = compared + shown, wrong + [f"shard {number}: {flaw}" for flaw in flaws]
        if isinstance(policy, LocalRule):
            for part in _ages(writes, passed):
                views, broken = _decided_on(policy, merging, part)
                decided, unsound = decided + views, unsound + [f"shard {number}: {flaw}" for flaw in broken]
        if isinstance(policy, RightsRule):
            for source in rights:
                rights[source] += sum(policy.rights(held, source) for held in truth.held.values())
            away = {one for one in merging.sources if one not in stores or (one in lost and not policy.frees)}
            stranded += sum(policy.stranded(held, away) for held in truth.held.values())
    return MergingEnd(
        merging=merging,
        writes=count,
        concurrent=concurrent,
        opened=opened,
        compared=compared,
        wrong=tuple(wrong),
        decided=decided,
        unsound=tuple(unsound),
        rights=MappingProxyType(rights),
        stranded=stranded,
        given_up=given_up,
        left=left,
    )


def collisions(shards: Sequence[Mapping[int, SplitShard]]) -> int:
    """Addresses that stand for two different events, in two sub-domains or in two lives of one."""
    clashes: set[tuple[int, int]] = set()
    for number, stores in enumerate(shards):
        found: dict[int, tuple[int, object]] = {}
        for store in stores.values():
            for entry in store.log.entries:
                content = (entry.event_id, entry.event)
                if found.setdefault(entry.address, content) != content:
                    clashes.add((number, entry.address))
    return len(clashes) + sum(
        store.forked for stores in shards for store in stores.values() if isinstance(store, RememberingShard)
    )


def _decided_on(policy: Policy, merging: Merging, writes: Sequence[Write]) -> tuple[int, list[str]]:
    """How many views were decided on, and the first of each sub-domain that breaks what the policy promises.

    A write says what its writer had merged; the view is that, with the write itself.
    """
    domain = merging.domain
    demanded = domain.invariants if Obligation.INVARIANT in policy.promises else ()
    logs: dict[int, list[Write]] = {source: [] for source in merging.sources}
    for write in sorted(writes, key=lambda write: write.position):
        logs[write.origin].append(write)
    views, broken = 0, []
    for source, log in logs.items():
        fold = MergeFold(policy, merging.sources)
        for write in log:
            for origin, upto in write.seen:
                for other in logs[origin][fold.received(origin) : upto]:
                    fold.ingest(other)
            if not fold.ingest(write):
                break  # what it had seen is on a host that is down
            views += 1
            state = fold.state(write.instance)
            flaws = [name for name in demanded if not getattr(domain, name)(state)]
            if flaws:
                broken.append(f"sub-domain {source} made aggregate {write.instance} {state}: not {flaws[0]}")
                break
    return views, broken


def _ages(writes: Sequence[Write], passed: Mapping[int, Sequence[range]]) -> Iterator[Sequence[Write]]:
    """What can be folded in one go: all; or all until somebody was taken back, and all but what was given up.

    Who was taken back writes on behind what was given up of it, so the streams without that have other places.
    """
    if not passed:
        yield writes
        return
    last = {origin: ranges[0].start - 1 for origin, ranges in passed.items()}
    ends = {origin: ranges[0].stop for origin, ranges in passed.items()}
    yield [
        write
        for write in writes
        if write.position < ends.get(write.origin, write.position + 1)
        and all(position <= last.get(origin, position) for origin, position in write.seen)
    ]

    def place(origin: int, position: int) -> int:
        return position - sum(min(len(gone), max(0, position + 1 - gone.start)) for gone in passed.get(origin, ()))

    yield [
        Write(
            write.stamp_us,
            write.origin,
            place(write.origin, write.position),
            write.address,
            write.event,
            write.event_id,
            tuple((origin, place(origin, position)) for origin, position in write.seen),
        )
        for write in writes
        if not any(write.position in gone for gone in passed.get(write.origin, ()))
    ]


def _truth(
    merging: Merging, writes: Sequence[Write], lost: Mapping[int, int], passed: Mapping[int, Sequence[range]]
) -> _Truth:
    """What they come to; of a sub-domain that was declared lost only what lies below the position counts.

    Args:
        merging: What is merged by what.
        writes: In canonical order.
        lost: Of each sub-domain that is lost, up to where it counts.
        passed: Of each that was taken back, what was given up before.
    """
    domain = merging.domain
    policy = merging.policy(domain, merging.sources)
    demanded = domain.invariants if Obligation.INVARIANT in policy.promises else ()
    held: dict[int, Any] = {}
    before: dict[int, Write] = {}
    outputs: list[Output] = []
    broken: list[str] = []
    concurrent = 0
    stray = [
        write
        for write in writes
        if write.position > lost.get(write.origin, write.position)
        or any(write.position in gone for gone in passed.get(write.origin, ()))
    ]
    given_up = {write.address for write in stray}
    for write in writes:
        if write.address in given_up:
            continue
        instance = write.instance
        step = policy.step(held[instance] if instance in held else policy.begin(), write)
        held[instance] = step.held
        outputs += step.outputs
        if write.event.__class__ is not Denied:
            concurrent += instance in before and not precedes(before[instance], write)
            before[instance] = write
        state = policy.state(step.held)
        broken += [f"aggregate {instance} is {state} and breaks {n}" for n in demanded if not getattr(domain, n)(state)]
    states = {instance: policy.state(held[instance]) for instance in sorted(held)}
    opened = [output for output in outputs if isinstance(output, Opened)]
    broken += _compensated_twice(outputs)
    fates = _fates(outputs) | {write.address: write.event.__class__ is Denied for write in stray}
    left = frozenset(address for output in opened for address in output.addresses)
    return _Truth(held, states, fates, len(opened), concurrent, tuple(broken), left)


def _fates(outputs: Sequence[Output]) -> dict[int, bool]:
    return {one.address: isinstance(one, Merged) for one in outputs if isinstance(one, Merged | Superseded)}


def _compensated_twice(outputs: Sequence[Output]) -> Iterator[str]:
    times: dict[int, int] = defaultdict(int)
    for output in outputs:
        if isinstance(output, Compensated):
            times[output.key] += 1
    yield from (f"compensation {key} happens {count} times" for key, count in times.items() if count > 1)


def _is_all_there(lengths: Mapping[int, int], stores: Mapping[int, SplitShard], lost: Mapping[int, int]) -> bool:
    """Whether of every sub-domain as much is there as anybody has merged: its log or, where it is gone, what was heard.

    Of one that is gone nobody knows how long its log was, unless it was given up.
    """
    return all(
        (source in stores or source in lost)
        and all(store.merge.received(source) <= length for store in stores.values())
        for source, length in lengths.items()
    )


def _among_themselves(merging: Merging, policy: Policy, stores: Mapping[int, SplitShard]) -> tuple[int, list[str]]:
    """Where a log was lost nobody can fold all writes again; who settled as much is held against one another.

    Returns:
        How many views were compared, and what is wrong: two that differ, and any that breaks what was promised.
    """
    domain = merging.domain
    demanded = domain.invariants if Obligation.INVARIANT in policy.promises else ()
    by_cut: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for source, store in stores.items():
        by_cut[tuple(sorted(store.merge.vector().items()))].append(source)
    compared, wrong = 0, []
    for alike in by_cut.values():
        first = stores[alike[0]].merge
        for instance in first.instances():
            state = first.stable(instance)
            wrong += [
                f"aggregate {instance} is {state} and breaks {n}" for n in demanded if not getattr(domain, n)(state)
            ]
            for source in alike[1:]:
                compared += 1
                if (other := stores[source].merge.stable(instance)) != state:
                    wrong.append(f"sub-domain {source}: aggregate {instance} is {other}, and {state} in {alike[0]}")
    return compared, wrong


def _has_everything(store: SplitShard, lengths: Mapping[int, int]) -> bool:
    """Whether every sub-domain is up, and everything of it has its final place here."""
    vector = store.merge.vector()
    return vector.keys() == lengths.keys() and all(vector[source] == length for source, length in lengths.items())


def _departures(store: SplitShard, truth: _Truth) -> Iterator[str]:
    for instance, state in truth.states.items():
        shown = store.merge.stable(instance)
        if shown != state:
            yield f"aggregate {instance} is {shown}, and its writes come to {state}"
    gone = {address for address, counts in truth.fates.items() if not counts}
    if gone != store.superseded.keys():
        yield f"{len(gone ^ store.superseded.keys())} writes count here and not by the policy, or the other way round"
