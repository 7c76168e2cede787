"""Subscriptions: ordered, unique, atomic, reliable, resumable, bookmarkable, each by name.

    1 append s a -> v1, 2 append s b -> v2, 3 append s c -> v3
    4 subscribe s -> v0 @reader/sub
    5 deliver s a v1, 6 deliver s c v3 @reader/sub      b is skipped: not reliable
    7 deliver s c v3 @reader/sub                        c comes again: not unique

`deliveries` tells the vocabulary. A design promises some of the six: at-least-once delivery is not
unique, and a stream without transactions is atomic for nothing. Sources: the guarantees of catch-up
and persistent subscriptions as event stores document them; reading across a gap that an open
transaction may still fill (sequence order is not commit order) shows as *reliable* or *atomic* broken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.deliveries import (
    Source,
    Spell,
    Subscription,
    Transaction,
    position_of,
    sources_of,
    subscriptions_of,
)
from sim.checkers.reading import Attempt, given, invalid, judged, named, shown, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History

__all__ = ["SubscriptionSpec", "atomic", "bookmarkable", "ordered", "reliable", "resumable", "unique"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSpec:
    """By when events must be there.

    Attributes:
        within_us: How long after its acknowledgement an event must be delivered; None: by the end of the history.
    """

    within_us: int | None = None


def ordered(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """From one `subscribe` to the next, events first come in the order of their positions.

    A repetition is no matter of order, but of `unique`.

    Args:
        history: With deliveries.
        spec: A `SubscriptionSpec`; None asks for delivery by the end.
        budget: A step is a row.
    """
    return _judge(history, spec, budget, _in_order)


def unique(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """From one `subscribe` to the next, no position is delivered twice. Arguments as for `ordered`."""
    return _judge(history, spec, budget, _once)


def atomic(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """The events of a transaction are delivered all together or not at all.

    None of a transaction that failed; nothing else in between; no `subscribe` begins inside one. A spell
    that ends inside one is cut short by the next `subscribe`, or leaves the answer *unknown*.

    Arguments as for `ordered`.
    """
    return _judge(history, spec, budget, _together)


def reliable(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every event after the beginning of a subscription is delivered to it, in time, as it was appended, and no other.

    What is delivered was appended: not elsewhere, not later, and not by an operation that failed. Positions that a
    subscriber asks to begin after are its own wish, not a loss. Without any append the answer is *unknown*.

    Arguments as for `ordered`.
    """
    return _judge(history, spec, budget, _complete)


def resumable(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """After a `subscribe` comes the event right after the position that it begins after, and none before.

    Arguments as for `ordered`.
    """
    return _judge(history, spec, budget, _seamless)


def bookmarkable(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """A bookmark covers only what was delivered, and a `subscribe` without a position begins after the last.

    Arguments as for `ordered`.
    """
    return _judge(history, spec, budget, _remembered)


_Offences: TypeAlias = Callable[[Subscription, Source, SubscriptionSpec, int], Iterable[Verdict]]


def _judge(history: History, spec: object, budget: Budget, offences: _Offences) -> Verdict:
    options = given(spec, SubscriptionSpec, SubscriptionSpec())
    until_us = history.rows[-1].t_us if history.rows else 0

    def judge(attempts: list[Attempt]) -> Verdict:
        sources, doubt = sources_of(attempts), None
        for one in subscriptions_of(attempts):
            for verdict in offences(one, sources[one.key], options, until_us):
                told = verdict._replace(reason=f"subscription {one.name!r} of {one.key!r}: {verdict.reason}")
                if verdict.outcome is Outcome.INVALID:
                    return told
                doubt = doubt or told
        return doubt or Verdict(Outcome.VALID)

    return judged(history, budget, lambda attempts, _: judge(attempts))


def _in_order(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    for spell in one.spells:
        highest: Attempt | None = None
        for delivery in spell.firsts:
            if highest is not None and position_of(delivery) < position_of(highest):
                yield invalid(f"{_said(delivery)} comes after {_said(highest)}", highest, delivery)
            else:
                highest = delivery


def _once(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    for spell in one.spells:
        seen: dict[int, Attempt] = {}
        for delivery in spell.deliveries:
            first = seen.setdefault(position_of(delivery), delivery)
            if first is not delivery:
                yield invalid(f"{_said(delivery)} had come before, with {named(first)}", first, delivery)


def _together(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    for spell in one.spells:
        for delivery in spell.deliveries:
            if delivery.asked in source.refused and source.events[position_of(delivery)][1].f == "deliver":
                failed = source.refused[delivery.asked]
                yield invalid(f"{_said(delivery)} is of {named(failed)}, which failed", failed, delivery)
        firsts = spell.firsts
        places = {position_of(delivery): n for n, delivery in enumerate(firsts)}
        for transaction in source.transactions:
            at = [places[p] for p in range(transaction.first, transaction.last + 1) if p in places]
            held = sorted(n for n in at if transaction.holds(firsts[n]))
            yield from _parted(spell, firsts, held, transaction, last=spell is one.spells[-1])


def _parted(spell: Spell, firsts: list[Attempt], at: list[int], whole: Transaction, *, last: bool) -> Iterator[Verdict]:
    """What is wrong with one transaction, whose events stand at these places of a spell."""
    what = f"{named(whole.attempt)}, at positions {whole.first} to {whole.last},"
    if spell.begun is not None and spell.after is not None and whole.first <= spell.after < whole.last:
        yield invalid(f"{named(spell.begun)} begins inside {what} after {spell.after}", whole.attempt, spell.begun)
        return
    if not at:
        return
    among = firsts[at[0] : at[-1] + 1]
    strangers = [d for d in among if not whole.holds(d)]
    missing = whole.last - whole.first + 1 - len(at)
    if strangers:
        yield invalid(f"{_said(strangers[0])} comes amid {what}", whole.attempt, among[0], strangers[0], among[-1])
    elif missing and at[-1] + 1 < len(firsts):
        following = firsts[at[-1] + 1]
        yield invalid(f"{_said(following)} comes after a part of {what} only", whole.attempt, among[-1], following)
    elif missing and last:
        yield unknown(f"the history ends after a part of {what} only", whole.attempt, among[-1])


def _complete(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    for delivery in (delivery for spell in one.spells for delivery in spell.deliveries):
        event, told = source.events[position_of(delivery)]
        if event != delivery.asked:
            yield invalid(f"{_said(delivery)} is {shown(event)} according to {named(told)}", told, delivery)
        if delivery.op in source.strangers:
            reason, witness = source.strangers[delivery.op]
            yield invalid(f"{_said(delivery)} {reason}", *witness)
    if not one.spells:
        return
    if one.delivered and not source.appended:
        yield unknown("nobody's appends to the stream are recorded, so what should come is not known")
    delivered, doubtful = one.delivered, {d.asked for spell in one.spells for d in spell.doubtful}
    high = max(delivered, default=0)
    wished = _wished(one.spells)
    begin = one.spells[0].after
    for position in sorted(source.events.keys() - delivered):
        event, told = source.events[position]
        if position <= max(wished, begin or 0):
            continue
        if event in doubtful or begin is None:
            yield unknown(f"whether {shown(event)} at position {position} was delivered is not known", told)
        elif position < high:
            past = next(d for spell in one.spells for d in spell.deliveries if position_of(d) > position)
            yield invalid(f"{_said(past)} comes, and {shown(event)} at position {position} never", told, past)
        elif options.within_us is None or _due(told, options.within_us, until_us):
            yield invalid(f"{shown(event)} at position {position} never comes", told)


def _wished(spells: list[Spell]) -> int:
    """The highest position that the subscriber asked to begin after."""
    return max((s.begun.asked for s in spells if s.begun and isinstance(s.begun.asked, int)), default=0)


def _due(told: Attempt, within_us: int, until_us: int) -> bool:
    return told.end_us is not None and told.end_us + within_us < until_us


def _seamless(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    positions = sorted(source.events)
    for spell in one.spells:
        if spell.begun is None or not spell.deliveries:
            continue
        if spell.after is None:
            yield unknown(f"{named(spell.begun)} was answered without the position that it begins after", spell.begun)
            continue
        early = next((d for d in spell.deliveries if position_of(d) <= spell.after), None)
        start = f"{named(spell.begun)}, which begins after {spell.after}"
        if early is not None:
            yield invalid(f"{_said(early)} comes after {start}", spell.begun, early)
            continue
        first = spell.deliveries[0]
        due = positions[bisect_right(positions, spell.after)]
        if position_of(first) > due:
            told = source.events[due][1]
            yield invalid(
                f"{_said(first)} comes first after {start}; position {due} is skipped", spell.begun, told, first
            )


def _remembered(one: Subscription, source: Source, options: SubscriptionSpec, until_us: int) -> Iterator[Verdict]:
    yield from _ahead(one, source)
    for spell in one.spells:
        begun = spell.begun
        if begun is None or not begun.ok:
            continue
        if isinstance(begun.asked, int):
            if begun.version not in (None, begun.asked):
                yield invalid(
                    f"{named(begun)} asks to begin after {begun.asked}, and begins after {begun.version}", begun
                )
            continue
        kept = [b for b in one.bookmarks if b.ok and b.precedes(begun)]
        known = [b for b in one.bookmarks if b.begin < begun.end]
        if begun.version is None:
            if known:
                yield unknown(f"{named(begun)} was answered without the position that it begins after", begun)
            continue
        highest = max(kept, key=position_of, default=None)
        if highest is not None and begun.version < position_of(highest):
            reason = f"{named(begun)} begins after {begun.version}, though {position_of(highest)} was bookmarked"
            yield invalid(reason, highest, begun)
        elif known and begun.version > max(position_of(b) for b in known):
            yield invalid(f"{named(begun)} begins after {begun.version}, which nobody bookmarked", begun)


def _ahead(one: Subscription, source: Source) -> Iterator[Verdict]:
    """Bookmarks that cover what was not delivered by then."""
    came: dict[int, int] = {}
    for delivery in (delivery for spell in one.spells for delivery in spell.deliveries):
        came.setdefault(position_of(delivery), delivery.begin)
    doubtful = {d.asked for spell in one.spells for d in spell.doubtful}
    positions = sorted(source.events)
    since, done = 0, 0  # all between was delivered before an earlier bookmark
    for bookmark in one.bookmarks:
        spells = [spell for spell in one.spells if spell.begun is None or spell.begun.begin < bookmark.begin]
        starts = [spell.after for spell in spells if spell.after is not None]
        if len(starts) < len(spells):
            return
        start = max(min(starts, default=0), _wished(spells))
        begin = done if since <= start <= done else start
        for position in positions[bisect_right(positions, begin) : bisect_right(positions, position_of(bookmark))]:
            event, told = source.events[position]
            if came.get(position, bookmark.begin) >= bookmark.begin and event not in doubtful:
                reason = (
                    f"{named(bookmark)} covers {position_of(bookmark)}, and {shown(event)} at {position} had not come"
                )
                yield invalid(reason, told, bookmark)
                return
        since, done = start, max(begin, position_of(bookmark))


def _said(delivery: Attempt) -> str:
    return f"{named(delivery)} of {shown(delivery.asked)} at position {position_of(delivery)}"
