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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    none, by a value that was not written before it. A log holds each append at its position, a set each
    addition that was not removed, a counter no less than was added. A queue is judged once it was
    found empty after everything: each acknowledged element was handed out, as far as hand-outs
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
        return next(late, None)


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
    looks = list(one.looks.items())
    for replica, look in looks[1:]:
        first_replica, first = looks[0]
        versions = (first.version, look.version)
        if first.answer != look.answer or (None not in versions and first.version != look.version):
            reason = (
                f"{one.key!r} is {_held(first)} at replica {first_replica} "
                f"and {_held(look)} at replica {replica}, both at rest"
            )
            return invalid(reason, first, look)
    return _silent(one)


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
    return _silent(one)


def _lost_of_register(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    acknowledged = [a for a in one.acknowledged if written_by(a)]
    versions = Versions(one.attempts, one.initial)
    seen = versions.of(look)
    numbered = [(version.number, a) for a in acknowledged if (version := versions.of(a)) is not None]
    if seen is not None and numbered:
        number, newest = max(numbered, key=lambda pair: (pair[0], pair[1].begin))
        same = seen.number == number and seen.value == written_by(newest)[0]
        return () if same or seen.number > number else (newest,)
    sources = [a for a in one.attempts if not a.failed and look.answer in written_by(a)]
    until = max((a.end for a in sources), default=-1)
    later = [a for a in acknowledged if a.begin > until]
    return (later[-1],) if later else ()


def _lost_of_log(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    shows = look.answer if isinstance(look.answer, tuple) else () if look.answer is None else (look.answer,)
    end = len(shows) if look.version is None else look.version
    for append in one.acknowledged:
        back = None if append.version is None else end - append.version
        if back is None:
            kept = append.asked in shows
        else:
            # What lies before the values shown is there, as far as this answer tells.
            kept = back >= len(shows) or (back >= 0 and shows[-1 - back] == append.asked)
        if not kept:
            return (append,)
    return ()


def _lost_of_set(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    holds = frozenset(look.answer) if isinstance(look.answer, tuple) else frozenset()
    for add in one.acknowledged:
        if add.f == "add" and add.asked not in holds:
            gone = (a for a in one.attempts if a.f == "remove" and a.asked == add.asked and not a.failed)
            if not any(not remove.precedes(add) for remove in gone):
                return (add,)
    return ()


def _lost_of_counter(one: _Object, look: Attempt) -> tuple[Attempt, ...]:
    low = isinstance(look.answer, int) and look.answer < least_sum(one.attempts, one.initial, look)
    return cut(one.acknowledged) if low else ()


def _lost_of_queue(one: _Object) -> Verdict | None:
    taken = {a.answer for a in one.attempts if a.ok and a.f == "dequeue"}
    left = [a for a in one.acknowledged if a.f == "enqueue" and a.asked not in taken]
    enqueues = [a for a in one.attempts if a.f == "enqueue"]
    last = max((a.end if a.end < NEVER else a.begin for a in enqueues), default=-1)
    dequeues = [a for a in one.attempts if a.f == "dequeue"]
    empty = [a for a in dequeues if a.ok and a.answer is None and a.begin > last]
    if not left or len(left) <= sum(1 for a in dequeues if not a.ok and not a.failed):
        return None
    if not empty:
        return unknown(
            f"queue {one.key!r} was not found empty at the end: {named(left[0])} may still be in it", left[0]
        )
    return invalid(
        f"{named(left[0])} was acknowledged and never handed out, but queue {one.key!r} is empty", left[0], empty[-1]
    )


_Question: TypeAlias = Callable[[_Object], "Verdict | None"]
_LOSSES: Final[Mapping[Shape, Callable[[_Object, Attempt], tuple[Attempt, ...]]]] = MappingProxyType(
    {
        Shape.REGISTER: _lost_of_register,
        Shape.LOG: _lost_of_log,
        Shape.SET: _lost_of_set,
        Shape.COUNTER: _lost_of_counter,
    }
)
