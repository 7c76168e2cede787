"""A history as the search wants it: one list of events for each key.

An event is the number of a call where it begins and `~number` where it ends. What certainly
did not happen is left out; so is a pending operation that cannot matter: one that changes
nothing, or one whose effect nobody needs. Other pending operations are *optional*: they may
take effect once, at any time from their beginning, or never, and those that ask the same are
alike, so that only their number counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from sim.checkers.reading import AUDIT
from sim.checkers.specifications import UNANSWERED, Answer, Marks, Specification
from sim.history import History, Kind, Value

__all__ = ["Call", "Kin", "Part", "Unpaired", "parts_of"]


class Unpaired(ValueError):
    """Beginnings and endings do not fit each other; `well_formed` tells where."""


@dataclass(slots=True)
class Kin:
    """Pending operations that ask the same; how many have taken effect is a field of a configuration's word.

    Attributes:
        f: What they ask.
        asked: Of what.
        offers: Marks they leave.
        wants: Marks they need.
        total: How many there are.
        shift: Where their field begins.
        mask: The field's bits, shifted down.
    """

    f: str
    asked: Value
    offers: Marks
    wants: Marks
    total: int = 0
    shift: int = 0
    mask: int = 0


@dataclass(slots=True)
class Call:
    """One operation.

    Attributes:
        op: Its id in the history.
        f: What is asked.
        asked: Argument.
        answered: The answer; `UNANSWERED` while there is none.
        version: Of the answer.
        kind: Its ending; `INVOKE` while there is none.
        reads: Whether it changes nothing.
        bit: Its place in a configuration's word while it is open; 0 if it is optional.
        kin: Its like, if it is optional.
        wants: Marks that it needs; known only beside optional calls.
        free: Whether it may also not happen at all; the search for a witness sets it.
    """

    op: int
    f: str
    asked: Value
    answered: Answer = UNANSWERED
    version: int | None = None
    kind: Kind = Kind.INVOKE
    reads: bool = False
    bit: int = 0
    kin: Kin | None = None
    wants: Marks = ()
    free: bool = False


@dataclass(slots=True)
class Part:
    """What happened to one key.

    Attributes:
        key: Which.
        calls: In the order in which they began.
        events: Beginnings and endings, see the module.
        kins: Of the optional calls.
        field_bits: Width of all their fields.
        guards: The top bit of each field, which stays 0 in a word.
        grows: Whether its state only grows, as far as the specification tells.
    """

    key: Hashable
    calls: list[Call] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    kins: list[Kin] = field(default_factory=list)
    field_bits: int = 0
    guards: int = 0
    grows: bool = False


def parts_of(history: History, spec: Specification) -> Iterator[Part]:
    """Each key's part, by first appearance; an audit looks at single replicas, and is no part of it.

    Raises:
        Unpaired: an operation begins twice, ends twice or ends without having begun.
    """
    parts: dict[Hashable, Part] = {}
    begun: dict[int, tuple[Part, int]] = {}
    for _, _, _, session, op, kind, f, key, value, version in history.rows:
        if session and session.startswith(AUDIT):
            continue
        if kind is Kind.INVOKE:
            part = parts.get(key)
            if part is None:
                part = parts[key] = Part(key)
            if op in begun:
                raise Unpaired
            number = len(part.calls)
            begun[op] = part, number
            part.calls.append(Call(op, f, value))
            part.events.append(number)
            continue
        if op not in begun:
            raise Unpaired
        part, number = begun[op]
        call = part.calls[number]
        if call.kind is not Kind.INVOKE:
            raise Unpaired
        call.kind = kind
        if kind is Kind.OK:
            call.answered, call.version = value, version
            part.events.append(~number)
    for part in parts.values():
        arrange(part, spec)
        yield part


def arrange(part: Part, spec: Specification) -> None:
    """Drop what cannot matter, and give every call its place in the word of a configuration."""
    reads, pending = spec.reads, []
    for call in part.calls:
        call.reads = reads(call.f, call.asked, call.answered)
        if call.kind is not Kind.OK:
            pending.append(call)
    if pending and spec.grows is not None:
        grows = spec.grows
        part.grows = all(grows(call.f, call.asked) for call in part.calls)
    if pending:
        _make_kin(part, spec, [call for call in pending if call.kind is not Kind.FAIL and not call.reads])
        kept = [call.kind is Kind.OK or call.kin is not None for call in part.calls]
        part.events = [event for event in part.events if kept[event if event >= 0 else ~event]]
    free: list[int] = []
    slot = 1 << part.field_bits
    calls = part.calls
    for event in part.events:
        if event < 0:
            free.append(calls[~event].bit)
        elif calls[event].kin is None:
            if free:
                calls[event].bit = free.pop()
            else:
                calls[event].bit = slot
                slot <<= 1


def _make_kin(part: Part, spec: Specification, pending: list[Call]) -> None:
    """Gather pending calls that can matter into kins, and lay out their fields."""
    wanted: set[Hashable] = set()
    for call in part.calls:
        if call.kind is Kind.OK:
            call.wants = spec.wants(call.f, call.asked, call.answered)
            wanted.update(call.wants)
    kins: dict[tuple[str, Value], Kin] = {}
    left = pending
    while left:
        # What a call that matters wants makes others matter in turn.
        later = []
        for call in left:
            offers = spec.offers(call.f, call.asked, UNANSWERED)
            if offers and wanted.isdisjoint(offers):
                later.append(call)
                continue
            wants = spec.wants(call.f, call.asked, UNANSWERED)
            wanted.update(wants)
            call.kin = kins.setdefault((call.f, call.asked), Kin(call.f, call.asked, offers, wants))
            call.kin.total += 1
        if len(later) == len(left):
            break
        left = later
    for kin in kins.values():
        width = kin.total.bit_length()
        kin.shift, kin.mask = part.field_bits, (1 << width) - 1
        part.guards |= 1 << (part.field_bits + width)
        part.field_bits += width + 1
        part.kins.append(kin)
