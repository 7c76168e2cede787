"""Updates that came to nothing, took effect twice, or were never made and yet were read.

    1 cas x (0, 1) -> ok       two clients read 0, and both are told
    2 cas x (0, 2) -> ok       that theirs replaced it: one update is lost

    1 append x a -> ok
    2 read x -> (a, a)         one operation, two effects

    1 write x a -> fail
    2 read x -> a              what surely did not take place is there: an aborted read

An operation built on a version says so where it begins (`version` of its `invoke`). An `effect` is
an operation on an idempotency key. Sources: lost update (P4) and dirty read, Berenson et al.,
SIGMOD 1995; aborted read (G1a), Adya, MIT 1999; counters and total queues as in Jepsen's checkers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter
from sim.checkers.objects import Ceiling, Shape, added, cut, least_sum, shape_of
from sim.checkers.reading import Attempt, Key, by_key, final_reads, given, invalid, judged, named, shown, written
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History, Value

__all__ = ["UpdateSpec", "no_aborted_reads", "no_duplicate_effects", "no_lost_updates"]

_VERSIONED: Final = frozenset({"write", "cas", "append"})
_PUTS: Final = frozenset({"append", "add", "enqueue"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSpec:
    """Where objects begin.

    Attributes:
        initial: What every key holds before anything is done; a counter takes None as 0, and what has
            members is given them as a tuple.
    """

    initial: Value = None

    @property
    def members(self) -> tuple[Value, ...]:
        """What a log, set or queue holds at first."""
        return self.initial if isinstance(self.initial, tuple) else ()


def no_lost_updates(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """No acknowledged update was overwritten by one that had not seen it.

    That is: no two were built on one version, or made one; a value was not replaced by `cas` more often than
    it came to stand; a counter at rest holds no less than what was acknowledged.

    Args:
        history: What the clients recorded.
        spec: An `UpdateSpec`; None begins with nothing.
        budget: A step is a row, or a value read.
    """
    options = given(spec, UpdateSpec, UpdateSpec())
    return judged(
        history, budget, lambda attempts, _: _first(_lost(k, some, options) for k, some in by_key(attempts).items())
    )


def no_duplicate_effects(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """No operation took effect twice.

    That is: no value stands in a log or set, or leaves a queue, more often than it was put there; no counter
    exceeds what can have been added; no two `effect`s took place under one key.

    Arguments as for `no_lost_updates`.
    """
    options = given(spec, UpdateSpec, UpdateSpec())
    return judged(
        history,
        budget,
        lambda attempts, meter: _first(_twice(k, some, options, meter) for k, some in by_key(attempts).items()),
    )


def no_aborted_reads(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Whatever is read was put there, by an operation that did not fail and had begun.

    Holds registers, logs, sets and queues to it; a counter's parts cannot be told.

    Arguments as for `no_lost_updates`.
    """
    options = given(spec, UpdateSpec, UpdateSpec())
    return judged(
        history,
        budget,
        lambda attempts, meter: _first(_foreign(some, options, meter) for some in by_key(attempts).values()),
    )


def _first(verdicts: Iterable[Verdict | None]) -> Verdict:
    return next((verdict for verdict in verdicts if verdict is not None), Verdict(Outcome.VALID))


# -- lost ------------------------------------------------------------------------------------


def _lost(key: Key, attempts: list[Attempt], options: UpdateSpec) -> Verdict | None:
    based: dict[int, Attempt] = {}
    made: dict[int, Attempt] = {}
    for update in (a for a in attempts if a.ok and a.f in _VERSIONED):
        for number, table, what in ((update.based, based, "built on"), (update.version, made, "acknowledged as")):
            if number is not None and (other := table.setdefault(number, update)) is not update:
                reason = f"{named(other)} and {named(update)} of {key!r} were both {what} version {number}"
                return invalid(reason, other, update)
    return _replaced_too_often(key, attempts, options) or _too_little(key, attempts, options)


def _replaced_too_often(key: Key, attempts: list[Attempt], options: UpdateSpec) -> Verdict | None:
    stood: Counter[Value] = Counter([options.initial])
    replaced: defaultdict[Value, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        puts = written(attempt)
        replaces = attempt.asked[:1] if attempt.f == "cas" and isinstance(attempt.asked, tuple) and puts else ()
        if puts == replaces or attempt.failed:
            continue
        stood.update(puts)
        if replaces and attempt.ok:
            replaced[replaces[0]].append(attempt)
    for value, swaps in replaced.items():
        if len(swaps) > stood[value]:
            reason = f"{shown(value)} was replaced {len(swaps)} times in {key!r} and came to stand {stood[value]} times"
            return invalid(reason, *swaps[: stood[value] + 1])
    return None


def _too_little(key: Key, attempts: list[Attempt], options: UpdateSpec) -> Verdict | None:
    if shape_of(attempts) is not Shape.COUNTER:
        return None
    for read in final_reads(attempts, _reads):
        least = least_sum(attempts, options.initial, read)
        if isinstance(read.answer, int) and read.answer < least:
            reason = f"{named(read)} of {key!r} at rest shows {read.answer}, and what was acknowledged comes to {least}"
            return invalid(reason, *cut(a for a in attempts if a.ok and a.f == "add" and a.precedes(read)), read)
    return None


# -- twice -----------------------------------------------------------------------------------


def _twice(key: Key, attempts: list[Attempt], options: UpdateSpec, meter: Meter) -> Verdict | None:
    effects = [a for a in attempts if a.f == "effect" and a.ok]
    if len(effects) > 1:
        return invalid(f"{len(effects)} effects took place under key {key!r}", *effects[:2])
    shape = shape_of(attempts)
    if shape is Shape.COUNTER:
        return _too_much(key, attempts, options)
    put = Counter(a.asked for a in attempts if a.f in _PUTS and not a.failed) + Counter(options.members)
    if shape is Shape.QUEUE:
        return _handed_out_twice(key, attempts, put)
    if shape in (Shape.LOG, Shape.SET):
        for read in (a for a in attempts if a.ok and isinstance(a.answer, tuple)):
            assert isinstance(read.answer, tuple)
            meter.spend(len(read.answer))
            often = (pair for pair in Counter(read.answer).items() if pair[1] > max(1, put[pair[0]]))
            for value, times in often:
                reason = f"{named(read)} of {key!r} shows {shown(value)} {times} times, put there {put[value]} times"
                return invalid(reason, *(a for a in attempts if a.f in _PUTS and a.asked == value), read)
    return None


def _handed_out_twice(key: Key, attempts: list[Attempt], put: Counter[Value]) -> Verdict | None:
    taken: defaultdict[Value, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.f == "dequeue" and attempt.ok and attempt.answer is not None:
            out = taken[attempt.answer]
            out.append(attempt)
            if len(out) > max(1, put[attempt.answer]):
                reason = f"queue {key!r} handed out {shown(attempt.answer)} {len(out)} times"
                return invalid(f"{reason}, and was given it {put[attempt.answer]} times", *out)
    return None


def _too_much(key: Key, attempts: list[Attempt], options: UpdateSpec) -> Verdict | None:
    ceiling = Ceiling(attempts, options.initial)
    resting = {read.op for read in final_reads(attempts, _reads)}
    for read in (a for a in attempts if a.ok and _reads(a) and isinstance(a.answer, int)):
        assert isinstance(read.answer, int)
        most = ceiling.by(read.end)
        if read.op in resting:
            most += sum(min(0, added(a)) for a in attempts if a.ok and a.precedes(read))
        if read.answer > most:
            adds = cut(a for a in attempts if a.f == "add" and not a.failed and a.begin < read.end)
            return invalid(f"{named(read)} of {key!r} shows {read.answer}, and at most {most} was added", *adds, read)
    return None


# -- never put there -------------------------------------------------------------------------


def _foreign(attempts: list[Attempt], options: UpdateSpec, meter: Meter) -> Verdict | None:
    shape = shape_of(attempts)
    if shape in (Shape.COUNTER, Shape.OTHER):
        return None
    begun: dict[Value, Attempt] = {}  # the first that may have put the value there
    failed: dict[Value, Attempt] = {}
    for attempt in attempts:
        for value in (attempt.asked,) if attempt.f in _PUTS else written(attempt):
            (failed if attempt.failed else begun).setdefault(value, attempt)
    for read in (a for a in attempts if a.ok and a.f in ("read", "dequeue")):
        many = shape in (Shape.LOG, Shape.SET) and isinstance(read.answer, tuple)
        values = read.answer if many and isinstance(read.answer, tuple) else (read.answer,)
        meter.spend(len(values))
        for value in values:
            source = begun.get(value)
            first = (options.initial,) if shape is Shape.REGISTER else (None, options.initial, *options.members)
            at_first = value in first
            if at_first or (source is not None and source.begin < read.end):
                continue
            culprit = source or failed.get(value)
            why = "nobody put there" if culprit is None else "was put there only later" if source else "failed"
            reason = f"{named(read)} of {read.key!r} shows {shown(value)}, which {why}"
            return invalid(reason, read, *(() if culprit is None else (culprit,)))
    return None


def _reads(attempt: Attempt) -> bool:
    return attempt.f == "read"
