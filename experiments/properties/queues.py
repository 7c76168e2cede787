"""What a message queue promises, judged by what producers, consumers, the receiver and the desk recorded.

A message is an `append` on its key; it has its effect with a `deliver`; at rest the desk tells which `remain`.
A `deliver` that began and has no end came to be if the receiver's next life says that it `kept` it.
`models.queue` says which consumer `hold`s letters, by their numbers, `settle`s them, or `reject`s one that is poison.
Order is by what clients could know: a message that was acknowledged before another was sent goes before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from experiments.evidence import Evidence
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict
from sim.history import HistoryRow, Kind, Value

__all__ = ["QUEUES", "Fate", "fates_of", "out_of_order"]

_WITNESSES: Final = 10
_RECORDS: Final = frozenset({"subscription"})
_UNSEEN: Final = Verdict(Outcome.VALID, (), "faults may last to the end, so nobody looked what is left")


class Fate(NamedTuple):
    """One message.

    Attributes:
        message: Its id, and that of its operation.
        key: Its key.
        sent_us: When it was due.
        stored: Row that acknowledged it; None if none did.
        refused: Whether it surely is not in the queue.
        effects: Rows at which those that came to be began, in order.
    """

    message: int
    key: int | str
    sent: HistoryRow
    stored: HistoryRow | None
    refused: bool
    effects: tuple[HistoryRow, ...]


def fates_of(rows: Iterable[HistoryRow]) -> dict[int, Fate]:
    """Every message that was sent, by its id."""
    sent: dict[int, HistoryRow] = {}
    ended: dict[int, HistoryRow] = {}
    delivered: list[HistoryRow] = []
    kept: set[object] = set()
    for row in rows:
        if row.f == "append":
            (sent if row.kind is Kind.INVOKE else ended)[row.op] = row
        elif row.f == "deliver" and row.kind is Kind.INVOKE:
            delivered.append(row)
        elif row.f == "deliver" and row.kind is Kind.OK:
            kept.add(row.op)
        elif row.f == "kept" and row.kind is Kind.OK:
            kept.update(_numbers(row))
    effects: defaultdict[object, list[HistoryRow]] = defaultdict(list)
    for row in delivered:
        if row.op in kept:
            effects[row.value].append(row)
    found = {}
    for message, invoked in sent.items():
        end = ended.get(message)
        kind = None if end is None else end.kind
        stored = end if kind is Kind.OK else None
        found[message] = Fate(message, invoked.key, invoked, stored, kind is Kind.FAIL, tuple(effects[message]))
    return found


def out_of_order(fates: Iterable[Fate]) -> list[tuple[int, int]]:
    """Pairs of messages of a key, the first acknowledged before the second was sent, whose effects came the other way.

    One pair for each message that was overtaken; of a message that had its effect more often the first one counts.
    """
    by_key: defaultdict[int | str, list[Fate]] = defaultdict(list)
    for fate in fates:
        if fate.effects:
            by_key[fate.key].append(fate)
    pairs = []
    for some in by_key.values():
        latest: Fate | None = None
        for fate in sorted(some, key=lambda one: one.effects[0].i):
            if latest is not None and fate.stored is not None and fate.stored.i < latest.sent.i:
                pairs.append((fate.message, latest.message))
            if latest is None or fate.sent.i > latest.sent.i:
                latest = fate
    return pairs


def queue_keeps(seen: Evidence) -> Verdict:
    """Each acknowledged message has had its effect, or is still in the queue when everything is at rest."""
    if seen.scenario.workload.audit_us is None:
        return _UNSEEN
    remain, silent = _left(seen)
    lost = [fate for fate in fates_of(seen.history).values() if _is_gone(fate, remain)]
    if not lost:
        return Verdict(Outcome.VALID, (), f"{len(remain)} messages remain")
    if silent:
        return Verdict(Outcome.UNKNOWN, _ids(lost), "not every shard told what is left in it")
    return Verdict(Outcome.INVALID, _ids(lost), f"{len(lost)} acknowledged messages are gone without an effect")


def queue_delivers(seen: Evidence) -> Verdict:
    """No acknowledged message lies in the queue without an effect, once everything is at rest.

    What is gone is the matter of `queue_keeps`. Where letters park it is a promise of those who have them tried again.
    """
    if seen.scenario.workload.audit_us is None:
        return _UNSEEN
    remain, silent = _left(seen)
    waiting = [fate for fate in fates_of(seen.history).values() if fate.stored is not None and not fate.effects]
    stuck = [fate for fate in waiting if fate.message in remain]
    if stuck:
        return Verdict(Outcome.INVALID, _ids(stuck), f"{len(stuck)} acknowledged messages lie there without an effect")
    if waiting and silent:
        return Verdict(Outcome.UNKNOWN, _ids(waiting), "not every shard told what is left in it")
    return Verdict(Outcome.VALID)


def _left(seen: Evidence) -> tuple[set[object], bool]:
    """What is in the queue at rest, and whether some shard did not tell."""
    told: dict[int | str, tuple[Value, ...] | None] = {}
    for invoked, ended in seen.history.pairs():
        if invoked.f == "remain":
            found = ended.value if ended is not None and isinstance(ended.value, tuple) else None
            # Whoever came to the desk after one that died has asked again: the last answer counts.
            told[invoked.key] = told.get(invoked.key) if found is None else found
    answers = [found for found in told.values() if found is not None]
    return {message for found in answers for message in found}, not 0 < len(told) == len(answers)


def _is_gone(fate: Fate, remain: set[object]) -> bool:
    return fate.stored is not None and not fate.effects and fate.message not in remain


def effect_once(seen: Evidence) -> Verdict:
    """No message has its effect twice, and none that was refused has any."""
    fates = fates_of(seen.history).values()
    twice = [fate for fate in fates if len(fate.effects) > 1]
    if twice:
        return Verdict(Outcome.INVALID, _ids(twice), f"{len(twice)} messages had their effect more than once")
    refused = [fate for fate in fates if fate.refused and fate.effects]
    if refused:
        return Verdict(Outcome.INVALID, _ids(refused), f"{len(refused)} messages were refused and had their effect")
    return Verdict(Outcome.VALID, (), f"{sum(bool(fate.effects) for fate in fates)} messages had it once")


def order_by_key(seen: Evidence) -> Verdict:
    """Of two messages of a key, the one acknowledged before the other was sent has its effect first."""
    pairs = out_of_order(fates_of(seen.history).values())
    if pairs:
        witness = tuple(op for pair in pairs[: _WITNESSES // 2] for op in pair)
        return Verdict(Outcome.INVALID, witness, f"{len(pairs)} messages were overtaken by a later one of their key")
    return Verdict(Outcome.VALID)


def settled_by_holder(seen: Evidence) -> Verdict:
    """Nobody settles what somebody else was handed since."""
    holder: dict[tuple[int | str, int], tuple[str, int]] = {}
    begun: dict[int, HistoryRow] = {}
    for row in seen.history:
        if row.f == "hold" and row.kind is Kind.OK:
            holder.update({(row.key, number): (row.client, row.op) for number in _numbers(row)})
        elif row.f == "settle" and row.kind is Kind.INVOKE:
            begun[row.op] = row._replace(value=tuple(n for n in _numbers(row) if _is_others(holder, row, n)))
        elif row.f == "settle" and row.kind is Kind.OK and _numbers(begun[row.op]):
            number = _numbers(begun[row.op])[0]
            other, hold = holder[row.key, number]
            told = f"{row.client} settled letter {number} of key {row.key}, which {other} had been handed"
            return Verdict(Outcome.INVALID, (hold, row.op), told)
    return Verdict(Outcome.VALID)


def _is_others(holder: dict[tuple[int | str, int], tuple[str, int]], row: HistoryRow, number: int) -> bool:
    found = holder.get((row.key, number))
    return found is not None and found[0] != row.client


def parks_in_order(seen: Evidence) -> Verdict:
    """What comes behind a letter that nobody can do anything with has no effect before it."""
    fates = fates_of(seen.history)
    first: dict[int, HistoryRow] = {}
    for row in seen.history:
        if row.f == "reject" and row.kind is Kind.OK and isinstance(row.value, int):
            first.setdefault(row.value, row)
    for message, rejected in first.items():
        fate = fates.get(message)
        if fate is None or fate.stored is None:
            continue
        healed = fate.effects[0].i if fate.effects else len(seen.history)
        for other in fates.values():
            behind = other.key == fate.key and other.sent.i > fate.stored.i
            if behind and any(rejected.i < row.i < healed for row in other.effects):
                told = f"message {other.message} of key {fate.key} passed {message}, which was rejected"
                return Verdict(Outcome.INVALID, (message, other.message), told)
    return Verdict(Outcome.VALID, (), f"{len(first)} messages were rejected")


def redelivered(seen: Evidence) -> Verdict:
    """Some letter was handed out more than once."""
    held = set[tuple[int | str, int]]()
    for row in seen.history:
        if row.f == "hold" and row.kind is Kind.OK:
            again = held.intersection((row.key, number) for number in _numbers(row))
            if again:
                return Verdict(Outcome.VALID, (row.op,), f"letter {min(n for _, n in again)} of key {row.key}")
            held.update((row.key, number) for number in _numbers(row))
    return Verdict(Outcome.INVALID, (), "each letter was handed out once")


def retried_parked(seen: Evidence) -> Verdict:
    """Letters that had parked were tried again."""
    back = sum(row.value for row in _endings(seen, "retry", Kind.OK) if isinstance(row.value, int))
    return Verdict(Outcome.VALID if back else Outcome.INVALID, (), f"{back} letters came back")


def settled_late(seen: Evidence) -> Verdict:
    """A settlement was refused, since the letters were no longer held."""
    late = [row.op for row in _endings(seen, "settle", Kind.FAIL)]
    return Verdict(Outcome.VALID if late else Outcome.INVALID, tuple(late[:_WITNESSES]), f"{len(late)} were refused")


def queue_refused(seen: Evidence) -> Verdict:
    """A message was refused for want of room."""
    full = [row.op for row in _endings(seen, "append", Kind.FAIL)]
    return Verdict(Outcome.VALID if full else Outcome.INVALID, tuple(full[:_WITNESSES]), f"{len(full)} were refused")


def _endings(seen: Evidence, f: str, kind: Kind) -> Iterator[HistoryRow]:
    return (row for row in seen.history if row.f == f and row.kind is kind)


def _numbers(row: HistoryRow) -> tuple[int, ...]:
    value = row.value
    assert isinstance(value, tuple), f"{row.f} {row.op} names no letters"
    return tuple(number for number in value if isinstance(number, int))


def _ids(fates: Iterable[Fate]) -> tuple[int, ...]:
    return tuple(fate.message for fate in fates)[:_WITNESSES]


QUEUES: Final = (
    claim(queue_keeps, sort=Sort.LIVENESS, records=_RECORDS),
    claim(queue_delivers, sort=Sort.LIVENESS, records=_RECORDS),
    claim(effect_once, records=_RECORDS),
    claim(order_by_key, records=_RECORDS),
    claim(settled_by_holder, records=_RECORDS),
    claim(parks_in_order, records=_RECORDS),
    claim(redelivered, sort=Sort.EVIDENCE, records=_RECORDS),
    claim(retried_parked, sort=Sort.EVIDENCE, records=_RECORDS),
    claim(settled_late, sort=Sort.EVIDENCE, records=_RECORDS),
    claim(queue_refused, sort=Sort.EVIDENCE, records=_RECORDS),
)
