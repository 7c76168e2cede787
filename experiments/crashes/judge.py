"""Holds a finished cell to what its scheme promises.

The truth is the log of whoever leads under the latest reign, with the head that went to the archive
put back in front of it. What was acknowledged (accepted, or denied by the bank: both are events) and is
not in it, at the version that its client was told, is lost. Everything else that may be wrong is
wrong under every scheme: two events of one command or one version, a chain that does not fit, a state that
the events do not lead to, a subscriber that missed something, copies that differ, silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from experiments.crashes.place import DOMAIN, EARLY, GRACE_US, PROBES
from experiments.crashes.world import Ended
from models.domain import Denied
from models.store.log.entries import Entry, audit, instance_of, version_of
from models.store.schemes import Loss
from models.store.shard import Shard
from sim.history import HistoryRow, Kind

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the commands of a run.

    Attributes:
        lost: Acknowledged commands that are gone.
        may_go: Acknowledged commands that were young enough to be lost.
        duplicated: Commands that took effect twice.
        wrong: What the promise does not allow, in words; empty if it was kept.
    """

    lost: tuple[int, ...]
    may_go: tuple[int, ...]
    duplicated: tuple[int, ...]
    wrong: tuple[str, ...]


class _Answer(NamedTuple):
    """Something that a client was told for sure."""

    t_us: int
    op: int
    account: int
    version: int | None
    told: int | str | None
    denied: str | None


def judge(ended: Ended) -> Verdict:
    """Everything that a run shows."""
    truth = _truth(ended)
    log = [] if truth is None else _whole_log(ended, truth)
    answers = _answers(ended.rows)
    lost = [answer for answer in answers if not _is_in(answer, log)]
    may_go = [answer for answer in answers if _may_go(answer, ended)]
    twice = sorted(op for op, count in Counter(entry.event_id for entry in log).items() if count > 1)
    wrong = [f"command {op} has two events" for op in twice]
    wrong += [f"command {one.op} was answered at {one.t_us} us and is lost" for one in lost if one not in may_go]
    wrong += _not_a_tail(lost, log, ended)
    wrong += _streams(log)
    wrong += _versions(answer for answer in answers if answer not in lost)
    wrong += _done_all_the_same(ended.rows, log)
    if truth is None and ended.promise.served:
        wrong.append("nobody leads")
    if truth is not None:
        wrong += _copies(ended, truth, log)
        wrong += _subscriber(ended.received, log, truth)
    wrong += _service(ended, answers)
    return Verdict(
        lost=tuple(sorted({one.op for one in lost})),
        may_go=tuple(sorted({one.op for one in may_go})),
        duplicated=tuple(twice),
        wrong=tuple(wrong),
    )


# -- the log ---------------------------------------------------------------------------------


def _truth(ended: Ended) -> Shard | None:
    """Who leads under the latest reign."""
    leaders = [shard for shard in ended.members.values() if shard.leads]
    return max(leaders, key=lambda shard: shard.epoch, default=None)


def _whole_log(ended: Ended, truth: Shard) -> list[Entry]:
    """Its log from the first event on; what it dropped, the archive has."""
    base = truth.journal.base.position
    head = {entry.position: entry for entry in ended.archived if entry.position <= base}
    return [*(head[position] for position in sorted(head)), *truth.journal.entries]


def _streams(log: Iterable[Entry]) -> Iterator[str]:
    """What does not fit in the streams, taken by themselves."""
    streams: defaultdict[int, list[Entry]] = defaultdict(list)
    for place, entry in enumerate(log, 1):
        if entry.position != place:
            yield f"position {place} holds the entry of {entry.position}"
        streams[instance_of(entry.address)].append(entry)
    for account, entries in sorted(streams.items()):
        broken = audit(entries)
        if broken is not None:
            yield f"account {account}: {broken.reason}"
        state = DOMAIN.initial()
        for entry in entries:
            state = state if isinstance(entry.event, Denied) else DOMAIN.evolve(state, entry.event)
            if entry.told != DOMAIN.told(state):
                yield f"account {account} has {state} at version {version_of(entry.address)}, told was {entry.told}"


def _copies(ended: Ended, truth: Shard, log: list[Entry]) -> Iterator[str]:
    """Where a member differs from the events, or from the leader."""
    for number in ended.up:
        if number not in ended.members:
            yield f"member {number} is up and does not know where it stands"
    balances = {instance_of(entry.address): entry.told for entry in log}
    for number, shard in sorted(ended.members.items()):
        if shard.told() != balances:
            yield f"member {number} shows {shard.told()}, the events lead to {balances}"
        kept = log[shard.journal.base.position :]
        if [entry.tip for entry in shard.journal.entries] != [entry.tip for entry in kept]:
            yield f"member {number} holds another log than the leader"
        if not shard.whole:
            yield f"member {number} never caught up"
    if truth.committed != len(log):
        yield f"{len(log) - truth.committed} events never came to count"


def _subscriber(received: tuple[Entry, ...], log: list[Entry], truth: Shard) -> Iterator[str]:
    """What the subscriber missed, or has and should not."""
    if [entry.position for entry in received] != list(range(1, len(received) + 1)):
        yield "the subscriber has a position twice, or a gap"
    if len(received) < truth.committed:
        yield f"the subscriber has {len(received)} of {truth.committed} events"
    if any(mine.tip != theirs.tip for mine, theirs in zip(received, log, strict=False)):
        yield "the subscriber has other events than the log"


# -- the clients -----------------------------------------------------------------------------


def _answers(rows: Iterable[HistoryRow]) -> list[_Answer]:
    found = []
    for row in rows:
        denied = isinstance(row.value, str) and row.value.startswith("denied:")
        if row.kind is Kind.OK or (row.kind is Kind.FAIL and denied):
            assert isinstance(row.key, int)
            assert not isinstance(row.value, tuple)
            told = None if denied else row.value
            why = str(row.value).removeprefix("denied:") if denied else None
            found.append(_Answer(row.t_us, row.op, row.key, row.version, told, why))
    return found


def _is_in(answer: _Answer, log: Iterable[Entry]) -> bool:
    """Whether the log has what a client was told: that command, at that version, with that outcome."""
    for entry in log:
        if entry.event_id == answer.op and version_of(entry.address) == answer.version:
            denied = entry.event.reason if isinstance(entry.event, Denied) else None
            told = answer.told if denied is not None else entry.told
            return (instance_of(entry.address), told, denied) == (answer.account, answer.told, answer.denied)
    return False


def _may_go(answer: _Answer, ended: Ended) -> bool:
    """Whether the promise lets an answer be lost.

    It was given before the crash, and no longer ago than its window; or by a leader that was cut off, from so long
    before the cut on.
    """
    promise, crashed_us = ended.promise, ended.crashed_us
    if promise.lost is Loss.NOTHING:
        return False
    if ended.alone_us is not None:
        cut_us, healed_us = ended.alone_us
        return cut_us - (promise.window_us or 0) - GRACE_US <= answer.t_us <= healed_us + GRACE_US
    if crashed_us is None or answer.t_us > crashed_us + GRACE_US:
        return False
    return promise.window_us is None or answer.t_us >= crashed_us - promise.window_us - GRACE_US


def _not_a_tail(lost: Iterable[_Answer], log: Iterable[Entry], ended: Ended) -> Iterator[str]:
    """Commands that are lost although a later event of before the crash survived."""
    since_us = ended.crashed_us if ended.alone_us is None else ended.alone_us[0]
    for one in lost:
        for entry in log:
            later = instance_of(entry.address) == one.account and version_of(entry.address) >= (one.version or 0)
            if later and entry.accepted_us < (since_us or 0):
                yield f"command {one.op} is lost, and version {version_of(entry.address)} behind it is not"
                break


def _versions(answers: Iterable[_Answer]) -> Iterator[str]:
    """Versions that two commands were told."""
    known: dict[tuple[int, int | None], int] = {}
    for one in answers:
        other = known.setdefault((one.account, one.version), one.op)
        if other != one.op:
            yield f"commands {other} and {one.op} were both told version {one.version} of account {one.account}"


def _done_all_the_same(rows: Iterable[HistoryRow], log: Iterable[Entry]) -> Iterator[str]:
    """Commands whose clients were told each time that they surely had no effect, and that had one."""
    endings: defaultdict[int, list[str]] = defaultdict(list)
    asked: Counter[int] = Counter()
    for row in rows:
        if row.kind is Kind.INVOKE:
            asked[row.op] += 1
        else:
            endings[row.op].append(str(row.value) if row.kind is Kind.FAIL else row.kind)
    done = {entry.event_id for entry in log}
    for op, told in sorted(endings.items()):
        if op in done and asked[op] == len(told) and all(one.startswith("refused:") for one in told):
            yield f"command {op} was refused, and it is in the log"


def _service(ended: Ended, answers: Iterable[_Answer]) -> Iterator[str]:
    """Whether the desk was served at the end, if anybody can serve."""
    served = Counter(answer.op for answer in answers if answer.t_us >= ended.desk_us)
    missing = [op for op in (*PROBES, *EARLY) if not served[op]]
    if ended.promise.served and missing:
        yield f"commands {missing} were not served when all was over"
    if not ended.promise.served and served:
        yield f"commands {sorted(served)} were served by nobody who could"
