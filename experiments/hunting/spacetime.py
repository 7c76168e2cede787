"""What a space-time diagram shows of a run: who did what when, and which messages mattered.

After Lamport (CACM 1978): hosts are lanes, messages are arrows between them. A run of a second has
thousands of messages, most of them idle talk. Kept are those that *speak of* an operation of the
run (they carry its id, or a value that only it wrote), those that its answer followed from, and
what came of them; where that is too many, the ones nearest to the witness.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from experiments.hunting.recording import Recording
from experiments.hunting.telling import numbers
from sim.faults import KINDS, Encounter
from sim.history import HistoryRow, Kind
from sim.topology import Topology
from sim.trace import TraceRow

__all__ = ["Arrow", "Bar", "Down", "Mark", "Picture", "Shade", "picture_of"]

#: More arrows than these hide what they show.
_MOST_ARROWS: Final = 44
_MOST_MARKS: Final = 14
#: Values from here on are given once, so a message that carries one speaks of the operation that wrote it.
_GIVEN_ONCE: Final = 100_000
_LONGEST_LABEL: Final = 30


class Bar(NamedTuple):
    """An operation on its client's lane; without an ending it is open."""

    host: int
    op: int
    begin: HistoryRow
    end: HistoryRow | None
    witness: bool


class Arrow(NamedTuple):
    """A message; `lost` says why it never arrived, `end_us` is None while it is under way."""

    src: int
    dst: int
    begin_us: int
    end_us: int | None
    label: str
    lost: str
    witness: bool


class Shade(NamedTuple):
    """A fault on whole lanes: for a cut the two sides, for anything else the hosts and nobody."""

    fault: str
    kind: str
    begin_us: int
    end_us: int
    side: frozenset[int]
    other: frozenset[int]


class Down(NamedTuple):
    """A host that is down from one instant to another, and why."""

    host: int
    begin_us: int
    end_us: int
    why: str


class Mark(NamedTuple):
    """What a host said of itself, such as `role=leader`."""

    host: int
    t_us: int
    text: str


class Picture(NamedTuple):
    """Everything that is drawn, times in microseconds; lanes are indices of hosts, from left to right."""

    lanes: tuple[int, ...]
    begin_us: int
    end_us: int
    bars: tuple[Bar, ...]
    arrows: tuple[Arrow, ...]
    shades: tuple[Shade, ...]
    downs: tuple[Down, ...]
    marks: tuple[Mark, ...]


def picture_of(run: Recording) -> Picture:
    """Choose what to draw of a run with a full trace."""
    topology = run.scenario.topology
    hosts = {host.path: host.index for host in topology.hosts}
    bars = tuple(
        Bar(hosts[begin.client.rpartition("/")[0]], begin.op, begin, end, begin.op in run.verdict.witness)
        for begin, end in run.history.pairs()
    )
    arrows = _arrows(run, bars)
    begin_us, end_us = _window(run, bars, arrows)
    downs = tuple(down for down in _downs(run) if down.begin_us < end_us and down.end_us > begin_us)
    shades = tuple(
        shade._replace(begin_us=max(begin_us, shade.begin_us), end_us=min(end_us, shade.end_us))
        for shade in _shades(run.encounters, topology, run.scenario.until_us)
        if shade.begin_us < end_us and shade.end_us > begin_us
    )
    seen = {bar.host for bar in bars} | {host for arrow in arrows for host in (arrow.src, arrow.dst)}
    seen |= {down.host for down in downs}
    lanes = sorted(seen or set(hosts.values()), key=lambda host: (not topology.hosts[host].client, host))
    marks = _marks(run.rows, seen, begin_us, end_us)
    return Picture(tuple(lanes), begin_us, end_us, bars, arrows, shades, downs, marks)


def _window(run: Recording, bars: Sequence[Bar], arrows: Sequence[Arrow]) -> tuple[int, int]:
    """From the first operation or the message before it to the last; all of it where nothing was asked."""
    begins = [bar.begin.t_us for bar in bars] + [arrow.begin_us for arrow in arrows]
    ends = [bar.end.t_us for bar in bars if bar.end is not None] + [arrow.end_us or arrow.begin_us for arrow in arrows]
    if not begins:
        return 0, run.scenario.until_us
    last_us = max([*begins, *ends])
    return min(begins), run.scenario.until_us if run.failure else last_us


# -- messages ----------------------------------------------------------------------------------


def _arrows(run: Recording, bars: Sequence[Bar]) -> tuple[Arrow, ...]:
    sends = {row.i: row for row in run.rows if row.kind == "send"}
    fates = _fates(run.rows)
    about = _speaking(run, bars)
    before = _behind(run.rows, {bar.op for bar in bars})
    witness = {bar.op for bar in bars if bar.witness}
    behind = _behind(run.rows, witness)
    kept = set(about) | before | _following(run.rows, set(about))
    chosen = [i for i in sends if i in kept]
    # The nearest first: what speaks of the witness or led to its answer, what speaks of others, what followed.
    chosen.sort(key=lambda i: (not (about.get(i, set()) & witness), i not in behind, i not in about, -i))
    number = numbers(run)
    return tuple(
        arrow
        for i in sorted(chosen[:_MOST_ARROWS])
        for arrow in _drawn(sends[i], fates[i], number, witness=i in behind or bool(about.get(i, set()) & witness))
    )


def _drawn(send: TraceRow, fates: Iterable[TraceRow], number: Mapping[int, str], *, witness: bool) -> Iterator[Arrow]:
    label = _label(send.message, number)
    for fate in fates:
        why = fate.message[0] if fate.kind == "drop" and isinstance(fate.message, tuple) else ""
        yield Arrow(send.src, send.dst, send.t_us, fate.t_us, label, str(why), witness)
    if not fates:
        yield Arrow(send.src, send.dst, send.t_us, None, label, "", witness)


def _fates(rows: Iterable[TraceRow]) -> Mapping[int, list[TraceRow]]:
    """By the row of a sending, where its copies arrived or were lost."""
    origin: dict[int, int] = {}
    fates: defaultdict[int, list[TraceRow]] = defaultdict(list)
    for row in rows:
        if row.dst < 0:
            continue
        origin[row.i] = row.i if row.kind == "send" else origin.get(row.cause, -1)
        if row.kind in ("deliver", "drop"):
            fates[origin[row.i]].append(row)
    return fates


def _speaking(run: Recording, bars: Sequence[Bar]) -> dict[int, set[int]]:
    """By the row of a sending, the operations that the message speaks of."""
    tokens: dict[int, int] = {}
    for bar in bars:
        tokens[bar.op] = bar.op
        if isinstance(bar.begin.value, int) and bar.begin.value >= _GIVEN_ONCE:
            tokens[bar.begin.value] = bar.op
    found: dict[int, set[int]] = {}
    for row in run.rows:
        if row.kind == "send" and (ops := {tokens[n] for n in _numbers_in(row.message) if n in tokens}):
            found[row.i] = ops
    return found


def _numbers_in(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield int(value)
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from _numbers_in(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _numbers_in(getattr(value, field.name))


def _behind(rows: Sequence[TraceRow], operations: set[int]) -> set[int]:
    """The rows that the endings of these operations followed from."""
    begun: dict[int, int] = {}
    found: set[int] = set()
    for row in rows:
        operation: Any = row.message
        if row.kind != "record" or operation.op not in operations:
            continue
        if operation.kind is Kind.INVOKE:
            begun[operation.op] = row.i
            continue
        cause = row.cause
        while cause > begun[operation.op]:
            found.add(cause)
            cause = rows[cause].cause
    return found


def _following(rows: Iterable[TraceRow], roots: set[int]) -> set[int]:
    """The rows that follow from these, however indirectly."""
    found = set(roots)
    for row in rows:
        if row.cause in found and row.kind != "record":
            found.add(row.i)
    return found


def _label(message: Any, number: Mapping[int, str]) -> str:
    name = type(message).__name__
    named = [number[n] for n in _numbers_in(message) if n in number]
    if named:
        return f"{name} {' '.join(dict.fromkeys(named))}"
    told = name
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        small = (isinstance(value, int) and abs(value) < 1 << 32) or (isinstance(value, str) and len(value) <= 8)
        piece = f" {field.name}={value}"
        if small and len(told) + len(piece) <= _LONGEST_LABEL:
            told += piece
    return told


# -- faults and hosts --------------------------------------------------------------------------


def _shades(encounters: Iterable[Encounter], topology: Topology, until_us: int) -> Iterator[Shade]:
    for encounter in encounters:
        fault = encounter.fault
        assert isinstance(fault.at, int), "a fault that began has an instant"
        kind = KINDS[fault.kind]
        ends_us = until_us if encounter.ended_us is None else encounter.ended_us
        if kind.crashed(fault, topology):
            continue  # told by the lanes of those that go down
        sides = [(cut.src, cut.dst) for cut in kind.cuts(fault, topology)]
        sides += [(effect.src, effect.dst) for effect in kind.link_effects(fault, topology)]
        side, other = sides[0] if sides else (frozenset(kind.host_effects(fault, topology)), frozenset[int]())
        yield Shade(fault.id, fault.kind, fault.at, ends_us, side, other)


def _downs(run: Recording) -> Iterator[Down]:
    down: dict[int, TraceRow] = {}
    for row in run.rows:
        if row.kind == "crash":
            down[row.src] = row
        elif row.kind == "restart" and row.src in down:
            crash = down.pop(row.src)
            yield Down(row.src, crash.t_us, row.t_us, str(crash.message))
    for host, crash in sorted(down.items()):
        yield Down(host, crash.t_us, run.scenario.until_us, str(crash.message))


def _marks(rows: Iterable[TraceRow], seen: set[int], begin_us: int, end_us: int) -> tuple[Mark, ...]:
    """Notes of the hosts that are drawn, unless there are too many to read."""
    marks = [
        Mark(row.src, row.t_us, f"{row.message[0]}={row.message[1]}")
        for row in rows
        if row.kind == "note" and isinstance(row.message, tuple) and row.src in seen
        if begin_us <= row.t_us <= end_us
    ]
    if len(marks) > _MOST_MARKS:
        marks = [mark for mark in marks if mark.text.startswith("role=")][:_MOST_MARKS]
    return tuple(marks)
