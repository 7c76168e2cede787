"""What subscribers record, read into spells: what was delivered from one `subscribe` to the next.

A subscription is a session on a key; the key is a stream whose positions count from 1.

| f | at the beginning | at the ending (`ok`) |
|---|---|---|
| `append` | value: the event | version: its position |
| `transaction` | value: tuple of events, to be delivered together | version: position of the last |
| `subscribe` | value: position to begin after, None for the stored bookmark | version: position it begins after |
| `deliver` | value: the event | version: its position |
| `bookmark` | | version: position up to which all was processed; at the beginning too |

Deliveries are in the order of their beginnings, and belong to the `subscribe` of their subscription that
began last before them; without one, to a spell from the beginning of the stream. `fail` is a delivery
that did not take place, and `info` one that may have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sim.checkers.reading import Attempt, Key, by_key, named
from sim.history import Value

__all__ = ["Source", "Spell", "Subscription", "Transaction", "position_of", "sources_of", "subscriptions_of"]


class Transaction(NamedTuple):
    """Events that belong together, at positions from `first` to `last`."""

    attempt: Attempt
    first: int
    last: int

    def holds(self, delivery: Attempt) -> bool:
        """Whether an event that was delivered is one of them, at its place."""
        events, place = self.attempt.asked, position_of(delivery) - self.first
        return isinstance(events, tuple) and 0 <= place < len(events) and events[place] == delivery.asked


@dataclass(slots=True)
class Source:
    """What is known of one stream.

    Attributes:
        events: By position, the event, and the operation that tells of it.
        transactions: Those whose positions are known.
        refused: Events that surely were not appended, with the operation that failed.
        strangers: By delivery, what speaks against it where no append explains it, and the operations that show it.
        appended: Whether anybody appends, as far as the history tells.
    """

    events: dict[int, tuple[Value, Attempt]] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    refused: dict[Value, Attempt] = field(default_factory=dict)
    strangers: dict[int, tuple[str, tuple[Attempt, ...]]] = field(default_factory=dict)
    appended: bool = False


@dataclass(slots=True)
class Spell:
    """What one `subscribe` was followed by.

    Attributes:
        begun: The `subscribe`; None for deliveries before any.
        after: Position that it begins after; None if nobody tells.
        deliveries: What was surely delivered, in order; each has a version.
        doubtful: Deliveries that may have taken place.
    """

    begun: Attempt | None
    after: int | None
    deliveries: list[Attempt] = field(default_factory=list)
    doubtful: list[Attempt] = field(default_factory=list)

    @property
    def firsts(self) -> list[Attempt]:
        """Deliveries without those that repeat a position."""
        seen: dict[int, Attempt] = {}
        for delivery in self.deliveries:
            seen.setdefault(position_of(delivery), delivery)
        return list(seen.values())


@dataclass(slots=True)
class Subscription:
    """One session on one stream.

    Attributes:
        name: The session.
        key: The stream.
        spells: By their beginnings.
        bookmarks: All that did not fail, by their beginnings.
    """

    name: str
    key: Key
    spells: list[Spell] = field(default_factory=list)
    bookmarks: list[Attempt] = field(default_factory=list)

    @property
    def delivered(self) -> set[int]:
        """Every position that was surely delivered at some time."""
        return {position_of(delivery) for spell in self.spells for delivery in spell.deliveries}


def position_of(attempt: Attempt) -> int:
    """The position that an operation speaks of."""
    position = attempt.version if attempt.version is not None else attempt.based
    assert position is not None, f"{attempt.f} {attempt.op} speaks of no position"
    return position


def subscriptions_of(attempts: Iterable[Attempt]) -> list[Subscription]:
    """Every subscription, by its first operation."""
    found: dict[tuple[str, Key], Subscription] = {}
    for attempt in attempts:
        if attempt.f in ("subscribe", "deliver", "bookmark") and not attempt.failed:
            place = (attempt.session, attempt.key)
            _enter(found.setdefault(place, Subscription(attempt.session, attempt.key)), attempt)
    return list(found.values())


def _enter(to: Subscription, attempt: Attempt) -> None:
    if attempt.f == "bookmark":
        if attempt.version is not None or attempt.based is not None:
            to.bookmarks.append(attempt)
        return
    if attempt.f == "subscribe":
        asked = attempt.asked if isinstance(attempt.asked, int) else None
        after = asked if attempt.version is None else attempt.version
        if after is None and not to.bookmarks:
            after = 0
        to.spells.append(Spell(attempt, after))
        return
    if not to.spells:
        to.spells.append(Spell(None, 0))
    sure = attempt.ok and attempt.version is not None
    (to.spells[-1].deliveries if sure else to.spells[-1].doubtful).append(attempt)


def sources_of(attempts: list[Attempt]) -> dict[Key, Source]:
    """What is known of every stream, from its appends first, and from what was delivered of it."""
    return {key: _source(some) for key, some in by_key(attempts).items()}


def _source(attempts: list[Attempt]) -> Source:
    source, accepted = Source(), set[Value]()
    placed: dict[int, Attempt] = {}
    maybe: defaultdict[Value, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        events = attempt.asked if attempt.f == "transaction" and isinstance(attempt.asked, tuple) else (attempt.asked,)
        if attempt.f not in ("append", "transaction"):
            continue
        source.appended = True
        if attempt.failed:
            source.refused.update(dict.fromkeys(events, attempt))
            continue
        accepted.update(events)
        if attempt.ok and attempt.version is not None:
            first = attempt.version - len(events) + 1
            source.events.update({first + n: (event, attempt) for n, event in enumerate(events)})
            placed.update(dict.fromkeys(range(first, attempt.version + 1), attempt))
            if attempt.f == "transaction":
                source.transactions.append(Transaction(attempt, first, attempt.version))
        else:
            for event in events:
                maybe[event].append(attempt)
    for event in accepted & source.refused.keys():  # given once more, and not refused
        del source.refused[event]
    delivered = [a for a in attempts if a.f == "deliver" and a.ok and a.version is not None]
    if source.appended:
        source.strangers = _strangers(source, placed, maybe, delivered)
    for delivery in delivered:
        source.events.setdefault(position_of(delivery), (delivery.asked, delivery))
    source.transactions += _in_doubt(maybe, [a for a in delivered if position_of(a) not in placed])
    return source


def _strangers(
    source: Source, placed: Mapping[int, Attempt], maybe: Mapping[Value, list[Attempt]], delivered: list[Attempt]
) -> dict[int, tuple[str, tuple[Attempt, ...]]]:
    """Deliveries of what nobody can have appended by then.

    Args:
        source: With the events whose places are known.
        placed: By position, who appended there.
        maybe: By event, appends that may have put it anywhere, by their beginnings.
        delivered: What was surely delivered.
    """
    firsts: dict[tuple[int, Value], Attempt] = {}
    for delivery in sorted(delivered, key=lambda a: a.end):
        firsts.setdefault((position_of(delivery), delivery.asked), delivery)
    found: dict[int, tuple[str, tuple[Attempt, ...]]] = {}
    used: defaultdict[Value, list[Attempt]] = defaultdict(list)
    for (position, event), delivery in firsts.items():
        append = placed.get(position)
        if append is not None and (source.events[position][0] != event or append.begin < delivery.end):
            continue
        # One that was not acknowledged explains one place; places come by deadline, so what is left over is too much.
        sources, before = maybe.get(event, []), used[event]
        if len(before) < len(sources) and sources[len(before)].begin < delivery.end:
            before.append(delivery)
        else:
            others = [a for at, a in placed.items() if source.events[at][0] == event]
            found[delivery.op] = _against(delivery, source, append, sources, before, others)
    return found


def _against(
    delivery: Attempt,
    source: Source,
    append: Attempt | None,
    sources: list[Attempt],
    before: list[Attempt],
    elsewhere: list[Attempt],
) -> tuple[str, tuple[Attempt, ...]]:
    """Why nothing explains a delivery: who appended there, or may have, or did elsewhere, and what was explained."""
    later = append or next(iter(sources[len(before) :]), None)
    if later is not None:
        return f"came before {named(later)} of it began", (later, delivery)
    if sources:
        return f"came to more places than {named(sources[-1])} can explain", (*sources, *before, delivery)
    if elsewhere:
        place = next(
            at for at, (event, told) in source.events.items() if told is elsewhere[0] and event == delivery.asked
        )
        return f"was put at position {place} by {named(elsewhere[0])}", (elsewhere[0], delivery)
    if delivery.asked in source.refused:
        failed = source.refused[delivery.asked]
        return f"is of {named(failed)}, which failed", (failed, delivery)
    return "was appended by nobody", (delivery,)


def _in_doubt(maybe: Mapping[Value, list[Attempt]], delivered: list[Attempt]) -> list[Transaction]:
    """Transactions whose place no answer tells, of which a delivery shows that, and where, they took place.

    Args:
        maybe: By event, appends that may have put it anywhere, by their beginnings.
        delivered: What was delivered of positions of which no append tells; of an event that more than one
            can have put there it shows nothing.
    """
    at = {delivery.asked: position_of(delivery) for delivery in delivered if len(maybe.get(delivery.asked, ())) == 1}
    found = []
    for attempt in dict.fromkeys(one for some in maybe.values() for one in some):
        if attempt.f == "transaction" and isinstance(attempt.asked, tuple):
            firsts = [at[event] - n for n, event in enumerate(attempt.asked) if event in at]
            if firsts:
                found.append(Transaction(attempt, firsts[0], firsts[0] + len(attempt.asked) - 1))
    return found
