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
from sim.faults import KINDS, Encounter, Fault
from sim.faults.kinds import struck
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
#: Of what follows the last thing that is drawn, so much is on the page.
_ROOM_US: Final = 1_000


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
    """A fault on whole lanes: for a cut the two sides, for anything else the hosts and nobody.

    `lasts` says that it is live still when the run ends, so that its end is that of the picture.
    """

    fault: str
    kind: str
    begin_us: int
    end_us: int
    side: frozenset[int]
    other: frozenset[int]
    lasts: bool = False


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
    downs = tuple(_downs(run))
    shades = tuple(_shades(run.encounters, downs, topology, run.scenario.until_us))
    begin_us, end_us = _window(run, bars, arrows, shades, downs)
    shades = tuple(shade._replace(end_us=min(end_us, shade.end_us)) for shade in shades)
    seen = {bar.host for bar in bars} | {host for arrow in arrows for host in (arrow.src, arrow.dst)}
    seen |= {down.host for down in downs}
    for shade in shades:
        # Whom a fault strikes has a lane, though nobody talks with it: what it keeps from talking may be the point.
        seen |= {min(side) for side in (shade.side, shade.other) if side and not side & seen}
    lanes = sorted(seen or set(hosts.values()), key=lambda host: (not topology.hosts[host].client, host))
    marks = _marks(run.rows, seen, begin_us, end_us)
    return Picture(tuple(lanes), begin_us, end_us, bars, arrows, shades, downs, marks)


def _window(
    run: Recording, bars: Sequence[Bar], arrows: Sequence[Arrow], shades: Sequence[Shade], downs: Sequence[Down]
) -> tuple[int, int]:
    """From the first operation, message or fault to the last of them; all of it where there is none.

    What is far apart in time is not on the page, so that a fault long before or after what it
    spoils costs a line or two. Of what outlasts the run only the beginning is asked for.
    """
    until_us = run.scenario.until_us
    instants = [t for bar in bars for t in (bar.begin.t_us, bar.begin.t_us if bar.end is None else bar.end.t_us)]
    instants += [t for arrow in arrows for t in (arrow.begin_us, arrow.end_us or arrow.begin_us)]
    instants += [t for shade in shades for t in (shade.begin_us, shade.begin_us if shade.lasts else shade.end_us)]
    instants += [down.begin_us for down in downs] + [down.end_us for down in downs if down.end_us < until_us]
    if not instants:
        return 0, until_us
    # Room below: a fault that begins with the last message would have no height.
    last_us = min(until_us, max(instants) + _ROOM_US)
    return min(instants), until_us if run.failure else last_us


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


def _shades(
    encounters: Iterable[Encounter], downs: Sequence[Down], topology: Topology, until_us: int
) -> Iterator[Shade]:
    """The faults that strike, but for crashes that take somebody down: those are told by the lanes of the struck."""
    for encounter in sorted(encounters, key=_began_us):
        fault = encounter.fault
        crashed = KINDS[fault.kind].crashed(fault, topology)
        if any(down.host in crashed and down.begin_us == fault.at for down in downs):
            continue
        lasts = encounter.ended_us is None
        ends_us = until_us if encounter.ended_us is None else encounter.ended_us
        yield Shade(fault.id, fault.kind, _began_us(encounter), ends_us, *_sides(fault, topology), lasts)


def _began_us(encounter: Encounter) -> int:
    at = encounter.fault.at
    assert isinstance(at, int), "a fault that began has an instant"
    return at


def _sides(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    """Between whom a fault stands, or whom it strikes and nobody."""
    kind = KINDS[fault.kind]
    if kind.sides is not None:  # where cuts come and go, there may be none at the beginning
        return kind.sides(fault, topology)
    ways = [(cut.src, cut.dst) for cut in kind.cuts(fault, topology)]
    ways += [(effect.src, effect.dst) for effect in kind.link_effects(fault, topology)]
    return ways[0] if ways else (struck(fault, topology), frozenset())


def _downs(run: Recording) -> Iterator[Down]:
    topology = run.scenario.topology
    named = {
        (host, encounter.fault.at): f" ({encounter.fault.id})"
        for encounter in run.encounters
        for host in KINDS[encounter.fault.kind].crashed(encounter.fault, topology)
    }

    def why(crash: TraceRow) -> str:
        return f"{crash.message}{named.get((crash.src, crash.t_us), '')}"

    down: dict[int, TraceRow] = {}
    for row in run.rows:
        if row.kind == "crash":
            down[row.src] = row
        elif row.kind == "restart" and row.src in down:
            crash = down.pop(row.src)
            yield Down(row.src, crash.t_us, row.t_us, why(crash))
    for host, crash in sorted(down.items()):
        yield Down(host, crash.t_us, run.scenario.until_us, why(crash))


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
