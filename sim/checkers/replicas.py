"""What replicas hold at rest: convergence and durability, from the audit at the end.

    1 write x a, acknowledged
    2 read x -> a @audit/1
    3 read x -> nothing @audit/2      replica 2 differs from 1, and has lost an acknowledged write

After the load is over and the faults are healed, clients read every key at every replica through
the public path, in sessions named `audit/<replica>`; the last answer of a replica counts. What was
without an answer by then either took place or never will. While changes are under way there is no
rest, and nothing is known. Sources: eventual consistency, Vogels, CACM 52 (2009); durability of what
was acknowledged as in the checkers of Jepsen (set-full, total-queue), here for each replica.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.objects import CHANGES, Shape, cut, least_sum, shape_of
from sim.checkers.reading import NEVER, Attempt, Key, by_key, given, invalid, judged, named, replica_of, shown, unknown
from sim.checkers.reading import written as written_by
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.versions import Versions
from sim.history import History, Value

__all__ = ["AuditSpec", "converged", "durable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSpec:
    """Who is meant to hold what.

    Attributes:
        replicas: Names of the replicas that hold every key; () takes those that were audited for it.
        holders: By key, its replicas, where they differ from `replicas`.
        initial: What every key holds before it is written.
    """

    replicas: tuple[str, ...] = ()
    holders: Mapping[Key, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    initial: Value = None


def converged(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """At rest every replica of a key holds the same.

    Args:
        history: With the reads of an audit; keys that nobody audits are judged only if `spec` names replicas.
        spec: An `AuditSpec`; None takes the replicas that were audited.
        budget: A step is a row.
    """
    options = given(spec, AuditSpec, AuditSpec())
    return judged(history, budget, lambda attempts, _: _judge(attempts, options, _differing))


def durable(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """At rest every acknowledged change is readable at every replica meant to hold it, unless overwritten.

    A register holds the newest acknowledged write or a later one: by versions, or, where there are
    none, by a value that was not written before it. A log holds each append at its position, or as often
    as it was appended; a set each addition that was not removed, and nothing that was removed after every
    addition of it; a counter no less than was added. A queue is judged once it was found empty after
    everything: each acknowledged element was handed out as often as it was put in, as far as hand-outs
    without an answer do not explain it.

    Arguments as for `converged`.
    """
    options = given(spec, AuditSpec, AuditSpec())
    return judged(history, budget, lambda attempts, _: _judge(attempts, options, _losing))


class _Object(NamedTuple):
    """One key at rest."""

    key: Key
    attempts: list[Attempt]
    looks: dict[str, Attempt]  # by replica, its last answer
    missing: list[str]  # replicas that were to answer and did not
    initial: Value

    @property
    def acknowledged(self) -> list[Attempt]:
        """The changes that surely took place."""
        return [a for a in self.attempts if a.ok and a.f in CHANGES]

    @property
    def unrest(self) -> Attempt | None:
        """A change that was under way when the audit began."""
        audit = min((a.begin for a in self.attempts if replica_of(a) is not None), default=NEVER)
        late = (a for a in self.attempts if a.f in CHANGES and (a.begin > audit or audit < a.end < NEVER))
        # Who looks at a queue takes from it, and what failed changed nothing.
        return next((a for a in late if not a.failed and (a.f != "dequeue" or replica_of(a) is None)), None)


def _objects(attempts: list[Attempt], options: AuditSpec) -> Iterator[_Object]:
    for key, some in by_key(attempts).items():
        looks: dict[str, Attempt] = {}
        audited: dict[str, None] = {}
        for attempt in sorted(some, key=lambda a: a.end):
            replica = replica_of(attempt)
            if replica is not None and attempt.f == "read":
                audited[replica] = None
                if attempt.ok:
                    looks[replica] = attempt
        expected = options.holders.get(key, options.replicas) or tuple(audited)
        held = {replica: looks[replica] for replica in expected if replica in looks}
        yield _Object(key, some, held, [r for r in expected if r not in looks], options.initial)


def _judge(attempts: list[Attempt], options: AuditSpec, wrong: _Question) -> Verdict:
    doubt: Verdict | None = None
    for one in _objects(attempts, options):
        if (late := one.unrest) is not None:
            doubt = doubt or unknown(f"{named(late)} of {one.key!r} was under way during the audit: not at rest", late)
            continue
        found = wrong(one)
        if found is not None and found.outcome is Outcome.INVALID:
            return found
        doubt = doubt or found
    return doubt or Verdict(Outcome.VALID)


def _silent(one: _Object) -> Verdict | None:
    """What is not known of a key for want of answers."""
    if one.missing:
        return unknown(f"replica {one.missing[0]} did not answer the audit of {one.key!r}")
    if not one.looks and one.acknowledged:
        return unknown(f"nobody audited {one.key!r}; read it at rest, in sessions named audit/<replica>")
    return None


def _differing(one: _Object) -> Verdict | None:
    shape = shape_of(one.attempts)
    for (replica, look), (other_replica, other) in combinations(one.looks.items(), 2):
        versions = {look.version, other.version} - {None}
        if len(versions) > 1 or not _same(shape, look, other):
            reason = (
                f"{one.key!r} is {_held(look)} at replica {replica} "
                f"and {_held(other)} at replica {other_replica}, both at rest"
            )
            return invalid(reason, look, other)
    return _silent(one)


def _same(shape: Shape, look: Attempt, other: Attempt) -> bool:
    """Whether two answers can be of one state; of what nobody ever changed, the answer may be nothing."""
    if shape is Shape.SET:
        members, others = (Counter(a.answer if isinstance(a.answer, tuple) else ()) for a in (look, other))
        return members == others  # in whatever order
    if shape is Shape.COUNTER:
        return (look.answer or 0) == (other.answer or 0)
    if shape is Shape.LOG:
        one, another = _tail(look), _tail(other)
        ends = {one.end, another.end}
        if ends == {0, None} or len(ends - {None}) > 1:
            return False
        # Of a long log one reader shows more of what stands last than another.
        return all(a == b for a, b in zip(one.shows[::-1], another.shows[::-1], strict=False))
    return look.answer == other.answer


def _held(look: Attempt) -> str:
    return shown(look.answer) + ("" if look.version is None else f" (version {look.version})")


def _losing(one: _Object) -> Verdict | None:
    shape = shape_of(one.attempts)
    if shape is Shape.QUEUE:
        return _lost_of_queue(one)
    find = _LOSSES.get(shape)
    for replica, look in one.looks.items():
        lost = () if find is None else find(one, look)
        if lost:
            what = f"{named(lost[-1])} of {one.key!r}" if shape is not Shape.COUNTER else f"part of {one.key!r}"
            reason = f"{what} was acknowledged and is not at replica {replica}, which holds {_held(look)}"
            return invalid(reason, *lost, look)
    return _silent(one) or (_endless(one) if shape is Shape.LOG else None)


def _endless(one: _Object) -> Verdict | None:
    """A log of which an answer shows the last value only, and not how many there are."""
    for replica, look in one.looks.items():
        if _tail(look).end is None and [a.asked for a in one.acknowledged] not in ([], [look.answer]):
            return unknown(f"replica {replica} does not tell where log {one.key!r} ends; give the version", look)
    return None


def _lost_of_register(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    acknowledged = [a for a in one.acknowledged if written_by(a)]
    versions = Versions(one.attempts, one.initial)
    seen = versions.of(look)
    numbered = {a.op: version for a in acknowledged if (version := versions.of(a)) is not None}
    if seen is not None and numbered:
        newest = max(version.number for version in numbered.values())
        top = [a for a in acknowledged if a.op in numbered and numbered[a.op].number == newest]
        other = [a for a in top if written_by(a)[0] != seen.value]
        if seen.number < newest or (seen.number == newest and other):
            return ((other or top)[-1],)
        acknowledged = [a for a in acknowledged if a.op not in numbered]
    sources = [a for a in one.attempts if not a.failed and look.answer in written_by(a)]
    until = max((a.end for a in sources), default=-1)
    later = [a for a in acknowledged if a.begin > until]
    return (later[-1],) if later else ()


class _Tail(NamedTuple):
    """What an answer shows of a log: the values that stand last, and where it ends; None if that is not told."""

    shows: tuple[Value, ...]
    end: int | None


def _tail(look: Attempt) -> _Tail:
    """The end of a log as an answer shows it; no answer at all is the empty log."""
    if isinstance(look.answer, tuple) or look.answer is None:
        shows = look.answer or ()
        return _Tail(shows, len(shows) if look.version is None else look.version)
    return _Tail((look.answer,), look.version)


def _lost_of_log(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    shows, end = _tail(look)
    if end is None:
        return ()
    start = end - len(shows)  # what lies before the values shown is there, as far as this answer tells
    stands = dict(enumerate(shows, start + 1))
    taken = set(range(1, 1 + (len(one.initial) if isinstance(one.initial, tuple) else 0)))
    for append in one.acknowledged:
        if append.version is not None:
            taken.add(append.version)
            if append.version > end or stands.get(append.version, append.asked) != append.asked:
                return (append,)
    free = Counter(value for position, value in stands.items() if position not in taken)
    hidden = max(0, start) - sum(1 for position in taken if 1 <= position <= start)
    for append in one.acknowledged:
        if append.version is None:
            free[append.asked] -= 1
            hidden -= free[append.asked] < 0
            if hidden < 0:
                alike = (a for a in one.acknowledged if a.asked == append.asked and a is not append)
                return (*(a for a in alike if a.version is not None or a.begin < append.begin), append)
    return ()


def _lost_of_set(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    holds = frozenset(look.answer) if isinstance(look.answer, tuple) else frozenset()
    for change in one.acknowledged:
        if change.f not in _UNDOES or (change.asked in holds) == (change.f == "add"):
            continue
        undone = [a for a in one.attempts if a.f == _UNDOES[change.f] and a.asked == change.asked and not a.failed]
        if all(other.precedes(change) for other in undone):
            return (change,)
    return ()


def _lost_of_counter(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    shows = look.answer or 0
    low = isinstance(shows, int) and shows < least_sum(one.attempts, one.initial, look)
    return cut(one.acknowledged) if low else ()


def _lost_of_queue(one: _Object) -> Verdict | None:
    dequeues = [a for a in one.attempts if a.f == "dequeue"]
    left = _never_handed_out(one.acknowledged, dequeues)
    enqueues = [a for a in one.attempts if a.f == "enqueue"]
    last = max((a.end if a.end < NEVER else a.begin for a in enqueues), default=-1)
    empty = [a for a in dequeues if a.ok and a.answer is None and a.begin > last]
    until = min((a.end for a in empty), default=NEVER)
    # One that began once the queue had been found empty can have taken nothing that was in it before.
    if not left or len(left) <= sum(1 for a in dequeues if not a.ok and not a.failed and a.begin < until):
        return None
    if not empty:
        return unknown(
            f"queue {one.key!r} was not found empty at the end: {named(left[0])} may still be in it", left[0]
        )
    lost = left[0]
    others = {a.op for a in left[1:]}
    given_in = [a for a in one.acknowledged if a.f == "enqueue" and a.asked == lost.asked and a.op not in others]
    first = min(a.begin for a in given_in)
    out = [a for a in dequeues if a.ok and a.answer == lost.asked and a.end > first]
    what = named(lost) + (", or one like it," if out else "")
    reason = f"{what} was acknowledged and never handed out, but queue {one.key!r} is empty"
    return invalid(reason, *given_in, *out, empty[-1])


def _never_handed_out(acknowledged: list[Attempt], dequeues: list[Attempt]) -> list[Attempt]:
    """As few enqueues as there can be, of those acknowledged, that no dequeue with an answer took."""
    taken: defaultdict[Value, list[int]] = defaultdict(list)
    for dequeue in sorted(dequeues, key=lambda a: a.end):
        if dequeue.ok:
            taken[dequeue.answer].append(dequeue.end)
    left = []
    # Whatever may have taken a later one may have taken an earlier one of the same, so the later choose first.
    for enqueue in sorted(acknowledged, key=lambda a: -a.begin):
        if enqueue.f == "enqueue":
            ends = taken[enqueue.asked]
            if ends and ends[-1] > enqueue.begin:
                ends.pop()
            else:
                left.append(enqueue)
    return left[::-1]


_UNDOES: Final[Mapping[str, str]] = MappingProxyType({"add": "remove", "remove": "add"})
_Question: TypeAlias = Callable[[_Object], "Verdict | None"]
_LOSSES: Final[Mapping[Shape, Callable[[_Object, Attempt], tuple[Attempt, ...]]]] = MappingProxyType(
    {
        Shape.REGISTER: _lost_of_register,
        Shape.LOG: _lost_of_log,
        Shape.SET: _lost_of_set,
        Shape.COUNTER: _lost_of_counter,
    }
)
