"""Append-only streams: every key is a log, and the history gives positions, so no search is needed.

    1 invoke append x a        append 1 of `a` to stream x
    1 ok a v1                  acknowledged at position 1
    2 invoke read x            begins later,
    2 ok () v0                 and does not see it: a stale read

`append` gives its value and is answered with its position, from 1. `read` is answered with the
stream's end, `version`, and the values that stand last up to it: a tuple of all of them, a shorter
tuple, one value bare (the last), or None. A reader of a long stream so says what it saw in little
room, and a million reads stay linear. Without a version a tuple is the whole stream.

Offences: *divergent* (two values at one position, among them *lost* appends, acknowledged and later
another), *duplicate* (one append at two positions), *gap*, *failed append that appears*, *stale* read,
append out of real-time order. Together they are linearizability: with positions known, a stream is
right iff everything at a lower position could take effect before everything at a higher one, and
every position can be an append that was begun in time. That takes O(n log n), most of it a sort of
what is nearly sorted. Source: Gibbons and Korach, SIAM J. Comput. 26 (1997), whose case of a known
write order is polynomial; here with answers that may never have come, matched by Hall's condition.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget
from sim.checkers.reading import AUDIT, NEVER, Key, given, shown
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.wellformed import well_formed
from sim.history import History, HistoryRow, Kind, Value

__all__ = ["StreamSpec", "append_only"]

# Rows, entries and values of one operation, as measured.
_ENTRY_BYTES: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """What readers are promised.

    Attributes:
        stale_reads: Whether a read may miss what was acknowledged before it began. What an audit
            reads may in any case: whether replicas agree is another claim.
    """

    stale_reads: bool = False


def append_only(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every key is one append-only stream, appended and read in real-time order.

    `append` and `read` are judged, all else is passed over, and reads too where nobody appends.
    An append without an answer may stand at any position that nobody else was given, or nowhere.

    Args:
        history: What the clients recorded.
        spec: A `StreamSpec`; None promises fresh reads.
        budget: A step is a row, or a value read.
    """
    options = given(spec, StreamSpec, StreamSpec())
    meter = budget.meter()
    try:
        streams = _collect(history, options, meter)
        if streams is None:
            return well_formed(history, None, budget)
        for key, stream in streams.items():
            if (offence := stream.offence or _first(stream)) is not None:
                reason, ops = offence
                return Verdict(Outcome.INVALID, _in_order(history, ops), f"stream {key!r}: {reason}")
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))
    for key, stream in streams.items():
        if stream.blind:
            few = tuple(stream.blind[:10])
            return Verdict(Outcome.UNKNOWN, few, f"stream {key!r}: operation {few[0]} was answered without a position")
    return Verdict(Outcome.VALID)


class _Offence(NamedTuple):
    reason: str
    ops: tuple[int, ...]


class _Entry(NamedTuple):
    """An answered operation: even slots are appends at slot / 2, odd ones reads of the end (slot - 1) / 2."""

    slot: int
    begin: int  # -1 for a read that may be stale
    end: int
    op: int


class _Maybe(NamedTuple):
    """An append that may have taken place."""

    begin: int
    op: int


class _Stream:
    """What is known of one key."""

    __slots__ = ("acked", "blind", "entries", "failed", "maybe", "offence", "values")

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, int, int]] = []
        self.values: dict[int, tuple[Value, int]] = {}  # by position, with the operation that says so
        self.acked: dict[int, int] = {}  # position -> append
        self.maybe: dict[Value, list[_Maybe]] = {}
        self.failed: dict[Value, int] = {}
        self.blind: list[int] = []
        self.offence: _Offence | None = None


def _collect(history: History, options: StreamSpec, meter: Meter) -> dict[Key, _Stream] | None:
    """What is known of each stream; None if the history is not well formed."""
    begun: dict[int, HistoryRow | None] = {}
    appended = False
    streams: dict[Key, _Stream] = {}
    invoke = Kind.INVOKE
    meter.spend(len(history), holding_bytes=len(history) // 2 * _ENTRY_BYTES)
    for row in history.rows:
        op = row[4]
        if row[5] is invoke:
            if op in begun:
                return None
            begun[op] = row
            if row[6] == "append":
                appended = True
            if row[7] not in streams and row[6] in ("append", "read"):
                streams[row[7]] = _Stream()
            continue
        begin = begun.get(op)
        if begin is None or row[2:4] != begin[2:4] or row[6:8] != begin[6:8]:
            return None
        begun[op] = None
        if row[6] == "append":
            _appended(streams[row[7]], begin, row)
        elif row[6] == "read" and row[5] is Kind.OK:
            _read(streams[row[7]], begin, row, options, meter)
    for begin in begun.values():
        if begin is not None and begin.f == "append":
            streams[begin.key].maybe.setdefault(begin.value, []).append(_Maybe(begin.i, begin.op))
    return streams if appended else {}


def _appended(stream: _Stream, begin: HistoryRow, end: HistoryRow) -> None:
    op, value, position = end[4], begin[8], end[9]
    if end[5] is Kind.FAIL:
        stream.failed[value] = op
        return
    if end[5] is not Kind.OK or position is None:
        stream.maybe.setdefault(value, []).append(_Maybe(begin[0], op))
        if end[5] is Kind.OK:
            stream.blind.append(op)
        return
    if position < 1:
        _blame(stream, f"append {op} was acknowledged at position {position}; positions begin at 1", op)
        return
    other = stream.acked.setdefault(position, op)
    if other != op:
        _blame(stream, f"appends {other} and {op} were both acknowledged at position {position}", other, op)
    _stands(stream, position, value, op)
    stream.entries.append((2 * position, begin[0], end[0], op))


def _read(stream: _Stream, begin: HistoryRow, end: HistoryRow, options: StreamSpec, meter: Meter) -> None:
    op, value, version = end[4], end[8], end[9]
    if not isinstance(value, tuple):
        if version is None:
            stream.blind.append(op)
            return
        value = () if value is None else (value,)
    elif version is None:
        version = len(value)
    if version < len(value):
        _blame(stream, f"read {op} shows {len(value)} values of a stream that it says ends at {version}", op)
        return
    if value:
        meter.spend(len(value))
        known = stream.values
        for position, one in enumerate(value, version - len(value) + 1):
            if known.setdefault(position, (one, op))[0] != one:
                _stands(stream, position, one, op)
    stale = options.stale_reads or end[3].startswith(AUDIT)
    stream.entries.append((2 * version + 1, -1 if stale else begin[0], end[0], op))


def _stands(stream: _Stream, position: int, value: Value, op: int) -> None:
    """Note that `op` says `value` is at `position`; what says otherwise diverges."""
    first, other = stream.values.setdefault(position, (value, op))
    if first == value:
        return
    lost = stream.acked.get(position)
    what = f"operation {other} has {shown(first)} at position {position}, and operation {op} has {shown(value)}"
    if lost in (op, other):
        what = f"append {lost} was acknowledged at position {position} and is lost: {what}"
    _blame(stream, what, other, op)


def _blame(stream: _Stream, reason: str, *ops: int) -> None:
    if stream.offence is None:
        stream.offence = _Offence(reason, ops)


def _first(stream: _Stream) -> _Offence | None:
    """What is wrong with a stream whose positions do not contradict each other."""
    stream.entries.sort()
    return _out_of_order(stream) or _without_append(stream)


def _out_of_order(stream: _Stream) -> _Offence | None:
    """Two operations of which the later one stands, or looks, lower."""
    latest = group = (-1, 0)  # (begin, entry): the last to begin among lower slots, and within this one
    current = 0
    entries = stream.entries
    for index, (slot, begin, end, _) in enumerate(entries):
        if slot != current:
            latest, current = max(latest, group), slot
            group = (begin, index)
        elif begin > group[0]:
            group = (begin, index)
        if end < latest[0]:
            return _Offence(
                _inversion(_Entry(*entries[index]), _Entry(*entries[latest[1]])),
                (entries[index][3], entries[latest[1]][3]),
            )
    return None


def _inversion(early: _Entry, late: _Entry) -> str:
    """Say how `late` began after `early` had ended and yet stands lower."""
    high, low = early.slot // 2, late.slot // 2
    saw = f"read {early.op} had shown the end at {high}" if early.slot % 2 else f"append {early.op} stood at {high}"
    if late.slot % 2:
        return f"stale: read {late.op} shows the end at {low}, but before it began {saw}"
    return f"out of order: append {late.op} was given position {low}, but before it began {saw}"


def _without_append(stream: _Stream) -> _Offence | None:
    """A position that no append can stand at: of one that nobody made, or made too late, or a gap."""
    deadlines = _Deadlines(stream)
    orphans = sorted(stream.values.keys() - stream.acked.keys())
    for position in orphans:
        value, _ = stream.values[position]
        candidates = stream.maybe.get(value, [])
        limit, witness = deadlines.of(position)
        fit = max((c for c in candidates if c.begin < limit), default=None)
        if fit is None:
            return _Offence(*_stranger(stream, position, witness, bool(candidates)))
        # The last that fits leaves the earlier ones, which fit wherever this does, for gaps.
        candidates.remove(fit)
    return _gap(stream, deadlines)


def _stranger(stream: _Stream, position: int, witness: int, late: bool) -> tuple[str, tuple[int, ...]]:
    value, op = stream.values[position]
    said = f"read {op} shows {shown(value)} at position {position}"
    if late:
        return f"{said}, but it was appended only after operation {witness}, which stands after it, had ended", (
            op,
            witness,
        )
    for other, (same, source) in stream.values.items():
        if same == value and other != position:
            twin = stream.acked.get(other, source)
            return f"duplicate: {said} and operation {twin} has it at {other}", (twin, op)
    if value in stream.failed:
        return f"{said}, but append {stream.failed[value]} of it failed", (stream.failed[value], op)
    return f"{said}, which nobody appended", (op,)


def _gap(stream: _Stream, deadlines: _Deadlines) -> _Offence | None:
    """A position below the end that nothing is known of and that no append can fill."""
    end = stream.entries[-1][0] // 2 if stream.entries else 0
    spare = sorted(maybe.begin for left in stream.maybe.values() for maybe in left)
    missing = end - len(stream.values)
    position, used = 0, 0
    while used < missing:
        position += 1
        if position in stream.values:
            continue
        limit, witness = deadlines.of(position)
        used += 1
        if bisect_left(spare, limit) < used:
            return _Offence(
                f"gap: nothing can stand at position {position}, and operation {witness} is past it", (witness,)
            )
    return None


class _Deadlines:
    """By which row the append at a position must have begun: before anything at or past it ended."""

    __slots__ = ("_ends", "_slots")

    def __init__(self, stream: _Stream) -> None:
        self._slots = [entry[0] for entry in stream.entries]
        self._ends: list[tuple[int, int]] = []
        first = (NEVER, -1)
        for entry in reversed(stream.entries):
            first = min(first, (entry[2], entry[3]))
            self._ends.append(first)
        self._ends.reverse()

    def of(self, position: int) -> tuple[int, int]:
        """The row, and the operation that ended in it."""
        at = bisect_left(self._slots, 2 * position + 1)
        return self._ends[at] if at < len(self._ends) else (NEVER, -1)


def _in_order(history: History, ops: tuple[int, ...]) -> tuple[int, ...]:
    """The ids once each, by their beginnings."""
    wanted = set(ops)
    return tuple(row.op for row in history.rows if row.kind is Kind.INVOKE and row.op in wanted)
