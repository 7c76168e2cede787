"""What a read side promises: views that come to what the log says, deliveries, and what answers say they are worth.

Views are held against the ledger at rest: a row counts the events that went in, and the ledger has them all. What
a design promises follows from how it saves places: *atomic* (and inline) counts each event once, *after* may
count one twice, *before* may miss one. Which of these a scenario claims says which it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from experiments.evidence import Span
from experiments.measures.observation import Observation
from experiments.scenario.property import Property, Sort, claim
from models.ledger import FinalEvent
from models.reading_end import ViewEnd, ViewRow
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict, subscriptions
from sim.checkers.reading import attempts_of
from sim.checkers.subscriptions import SubscriptionSpec
from sim.history import Kind

__all__ = ["READINGS"]

_RECORDS: Final = frozenset({"reading"})
_NO_VIEW_HOSTS: Final = "no view hosts are provisioned; take models.reading.scaling:scaled_reading"
_CLOCKS: Final = ("clock-",)
_WITNESSES: Final = 10
_NO_ROW: Final = (0, 0, None, 0, 0)


def view_is_exact(seen: Observation) -> Verdict:
    """At rest each event went into the view once, and what the view shows is what the log says."""
    return _held(seen, _inexact, parked=False)


def view_misses_nothing(seen: Observation) -> Verdict:
    """At rest each event went into the view at least once."""
    return _held(seen, _missing, parked=False)


def view_counts_nothing_twice(seen: Observation) -> Verdict:
    """No event went into the view twice."""
    return _held(seen, _twice, parked=True)


def poison_is_parked(seen: Observation) -> Verdict:
    """At rest each event is in the view, in order, or put aside with place and reason, it and all later of its key."""
    return _held(seen, _unparked, parked=True)


def _held(
    seen: Observation, wrong: Callable[[tuple[FinalEvent, ...], ViewRow | None, int], str], *, parked: bool
) -> Verdict:
    """Hold every row against the events of its aggregate; `wrong` says what does not fit, or nothing."""
    reading = seen.ledger.reading
    if reading is None:
        return _absent()
    if reading.live:
        return Verdict(Verdicts.VALID, (), "a live view keeps nothing")
    rows = {row.key: row for view in reading.views for row in view.rows}
    aside: dict[int, int] = {}
    for view in reading.views:
        for key, *_ in view.parked:
            aside[key] = aside.get(key, 0) + 1
    found = [f"account {key}: {why}" for key, why in _offences(seen, rows, aside, wrong)]
    stopped = next((view.stopped for view in reading.views if view.stopped), "")
    if not parked and (aside or stopped):
        # First: it is the cause of all the rest, with place and reason.
        found.insert(0, f"{_put_aside(reading.views)}; stopped: {stopped or 'nothing'}")
    if not found:
        return Verdict(Verdicts.VALID, (), f"{len(rows)} rows of {len(reading.views)} parts")
    # What is lost or down cannot be held against a view that will catch up with it.
    doubt = seen.unhealed or seen.ledger.missing or reading.missing
    return Verdict(Verdicts.UNKNOWN if doubt else Verdicts.INVALID, (), "; ".join(found[:_WITNESSES]))


def _put_aside(views: Iterable[ViewEnd]) -> str:
    """How many events are put aside, and of the first where it stands and why."""
    events = [event for view in views for event in view.parked]
    if not events:
        return "nothing is put aside"
    key, shard, position, reason = events[0]
    place = f"shard {shard}, position {position}"
    return f"{len(events)} events are put aside, the first of account {key}, {place}: {reason}"


def _offences(
    seen: Observation,
    rows: dict[int, ViewRow],
    aside: dict[int, int],
    wrong: Callable[[tuple[FinalEvent, ...], ViewRow | None, int], str],
) -> Iterator[tuple[int, str]]:
    for key in sorted({*seen.ledger.final, *rows}):
        why = wrong(seen.ledger.final.get(key, ()), rows.get(key), aside.get(key, 0))
        if why:
            yield key, why


def _inexact(events: tuple[FinalEvent, ...], row: ViewRow | None, parked: int) -> str:
    version, applied, value, skipped, _ = _of(row)
    if (version, applied, skipped) != (len(events), len(events), 0):
        return f"{len(events)} events, the row has version {version}, {applied} went in, {skipped} passed over"
    if events and value != events[-1].told:
        return f"the log says {events[-1].told}, the row {value}"
    if events and row is not None and row.event_id != events[-1].command_id:
        return f"the last event is {events[-1].command_id}, the row's {row.event_id}"
    return ""


def _missing(events: tuple[FinalEvent, ...], row: ViewRow | None, parked: int) -> str:
    version, applied, _, skipped, _ = _of(row)
    if version != len(events) or applied < len(events) or skipped:
        return f"{len(events)} events, the row has version {version}, {applied} went in, {skipped} passed over"
    return ""


def _twice(events: tuple[FinalEvent, ...], row: ViewRow | None, parked: int) -> str:
    version, applied, _, skipped, _ = _of(row)
    return f"version {version}, {applied} went in" if applied > max(version - skipped, 0) else ""


def _unparked(events: tuple[FinalEvent, ...], row: ViewRow | None, parked: int) -> str:
    version, applied, _, skipped, _ = _of(row)
    if skipped or applied != version or version + parked != len(events):
        return f"{len(events)} events, {applied} went in up to version {version}, {parked} are put aside"
    return ""


def _of(row: ViewRow | None) -> tuple[int, int, int | None, int, int]:
    """Version, events that went in, value and versions passed over; of no row nothing."""
    return _NO_ROW if row is None else (row.version, row.applied, row.value, row.skipped, row.event_id)


def deliveries_reach_all(seen: Observation) -> Verdict:
    """Every event that was acknowledged is delivered to the view, as it was appended, in time.

    What a consumer died over is in doubt, and no offence: whether the view has it, the view's own rows tell.
    """
    found = subscriptions.reliable(seen.history, SubscriptionSpec())
    if found.outcome is Verdicts.UNKNOWN:
        return Verdict(Verdicts.VALID, (), f"in doubt, for the view to tell: {found.reason}")
    if found.outcome is Verdicts.INVALID and (seen.unhealed or seen.ledger.missing):
        return Verdict(Verdicts.UNKNOWN, found.witness, found.reason)
    return found


def deliveries_are_unique(seen: Observation) -> Verdict:
    """No event is surely delivered twice to one version of the projection, whoever owned its segment."""
    return subscriptions.unique(seen.history, SubscriptionSpec())


def deliveries_are_ordered(seen: Observation) -> Verdict:
    """The events of an aggregate are first delivered in their order."""
    return subscriptions.ordered(seen.history, SubscriptionSpec())


def stated_staleness_holds(seen: Observation) -> Verdict:
    """An answer that knows of nothing newer since an instant has all that was acknowledged before it.

    Clocks state it, so of a run in which faults touched clocks it says nothing.
    """
    if any(one.fault.kind.startswith(_CLOCKS) for one in seen.encounters):
        return Verdict(Verdicts.VALID, (), "clocks were touched")
    newest: dict[int | str, list[tuple[int, int, int]]] = {}
    attempts = attempts_of(seen.history)
    for one in attempts:
        if one.f == "append" and one.ok and one.version is not None and one.end_us is not None:
            newest.setdefault(one.key, []).append((one.end_us, one.version, one.op))
    for one in attempts:
        if one.f == "as-of" and one.ok and isinstance(one.answer, int):
            late = [a for a in newest.get(one.key, ()) if a[0] < one.answer and a[1] > (one.version or 0)]
            if late:
                told = f"version {one.version} of {one.key} as of {one.answer} us misses version {late[0][1]}"
                return Verdict(Verdicts.INVALID, (late[0][2], one.op), f"{told}, acknowledged at {late[0][0]} us")
    return Verdict(Verdicts.VALID, (), "")


def read_side_comes_back(seen: Observation, *, within_us: int = 5_000_000) -> Verdict:
    """Queries are answered again within `within` after the last heal."""
    calm = max((span.begin_us if span.end_us is None else span.end_us for span in seen.spans), default=0)
    asked = [one for one in attempts_of(seen.history) if one.f in ("read", "select")]
    if seen.unhealed:
        return Verdict(Verdicts.UNKNOWN, (), f"faults were live at the end: {', '.join(seen.unhealed)}")
    late = [one for one in asked if one.begin_us > calm + within_us]
    failed = [one for one in late if not one.ok]
    if failed and len(failed) > len(late) // 2:
        return Verdict(
            Verdicts.INVALID, tuple(one.op for one in failed[:_WITNESSES]), f"{len(failed)} of {len(late)} failed"
        )
    return Verdict(Verdicts.VALID, (), f"{len(late) - len(failed)} of {len(late)} were answered")


def _noted(name: str, doc: str) -> Property[Observation]:
    """That a note was made, `sometimes`."""

    def judge(seen: Observation) -> Verdict:
        count = len(seen.noted[name])
        return Verdict(Verdicts.VALID if count else Verdicts.INVALID, (), f"{count} times")

    return Property(name=f"projection_{name}", doc=doc, judge=judge, sort=Sort.EVIDENCE, ledger=True, records=_RECORDS)


def readers_share(seen: Observation) -> Verdict:
    """Where consumers come and go, in the end each segment is that one's whose turn it is among those that are left."""
    reading = seen.ledger.reading
    if reading is None or not reading.due:
        told = "the number of consumers never changes; give `grown` or `shrunk` to models.reading.deployment:reading"
        return _absent() if reading is None else Verdict(Verdicts.UNKNOWN, (), told)
    owners = {view.part: view.owner for view in reading.views}
    wrong = [
        f"segment {part} is consumer {owners[part]}'s and should be {due}'s"
        for part, due in enumerate(reading.due)
        if part in owners and owners[part] != due
    ]
    if not wrong:
        return Verdict(Verdicts.VALID, (), f"consumers {', '.join(map(str, sorted(set(owners.values()))))} share")
    return Verdict(Verdicts.UNKNOWN if seen.unhealed else Verdicts.INVALID, (), "; ".join(wrong[:_WITNESSES]))


def view_host_joined(seen: Observation) -> Verdict:
    """A view host that was provisioned while traffic flowed answered queries."""
    end = seen.ledger.services
    if end is None:
        return Verdict(Verdicts.UNKNOWN, (), _NO_VIEW_HOSTS)
    # Those that are there from the beginning have the first slots.
    joined = sorted({slot for _, _, slot in seen.noted["answers"] if slot >= end.least})
    return Verdict(Verdicts.VALID if joined else Verdicts.INVALID, (), f"slots {joined} answered")


def view_host_released(seen: Observation) -> Verdict:
    """A view host that was not needed any more lost its slot, and nobody got it."""
    end = seen.ledger.services
    if end is None:
        return Verdict(Verdicts.UNKNOWN, (), _NO_VIEW_HOSTS)
    count = sum(not turn.live for turn in end.turns)
    return Verdict(Verdicts.VALID if count else Verdicts.INVALID, (), f"{count} times")


def served_without_planners(seen: Observation) -> Verdict:
    """Commands and queries were both answered in a fault, in which no slot changed hands."""
    end = seen.ledger.services
    if end is None:
        return Verdict(Verdicts.UNKNOWN, (), _NO_VIEW_HOSTS)
    attempts = attempts_of(seen.history)
    for span in seen.spans:
        begun = {one.f for one in attempts if one.ok and _inside(span, one.begin_us, one.end_us)}
        changed = any(
            span.begin_us <= turn.at_us and (span.end_us is None or turn.at_us < span.end_us) for turn in end.turns
        )
        if {"append", "read"} <= begun and not changed:
            return Verdict(Verdicts.VALID, (), f"in {span.fault}")
    return Verdict(Verdicts.INVALID, (), "in no fault")


def read_while_nobody_could_write(seen: Observation) -> Verdict:
    """Queries were answered in a fault during which no command was: the sides fail apart."""
    return _one_side(seen, served=("read",), dark=("append",))


def written_while_nobody_could_read(seen: Observation) -> Verdict:
    """Commands were answered in a fault during which no query was: the sides fail apart."""
    return _one_side(seen, served=("append",), dark=("read", "select"))


def _one_side(seen: Observation, *, served: tuple[str, ...], dark: tuple[str, ...]) -> Verdict:
    attempts = attempts_of(seen.history)
    for span in seen.spans:
        begun = [one for one in attempts if _inside(span, one.begin_us, one.end_us)]
        good = [one.op for one in begun if one.f in served and one.ok]
        bad = [one.op for one in begun if one.f in dark and one.ok]
        if good and not bad:
            return Verdict(Verdicts.VALID, tuple(good[:_WITNESSES]), f"{len(good)} in {span.fault}")
    return Verdict(Verdicts.INVALID, (), "in every fault neither side was alone")


def _inside(span: Span, begin_us: int, end_us: int | None) -> bool:
    until_us = span.end_us
    return span.begin_us <= begin_us and end_us is not None and (until_us is None or end_us <= until_us)


def waited_for_its_write(seen: Observation) -> Verdict:
    """A session read its own write back."""
    wrote: set[tuple[str, str, int | str]] = set()
    for row in seen.history:
        place = (row.client, row.session, row.key)
        if row.f == "append" and row.kind is Kind.OK:
            wrote.add(place)
        elif row.f == "read" and row.kind is Kind.OK and place in wrote:
            return Verdict(Verdicts.VALID, (row.op,), "")
    return Verdict(Verdicts.INVALID, (), "no session read what it had written")


def _absent() -> Verdict:
    told = "the system has no read side; take models.reading.deployment:reading"
    return Verdict(Verdicts.UNKNOWN, (), told)


def _reading(judge: Callable[..., Verdict], sort: Sort = Sort.SAFETY) -> Property[Observation]:
    return claim(judge, sort=sort, ledger=True, records=_RECORDS)


#: What notes show that a scenario met.
_NOTES: Final = (
    ("joined", "A consumer was started while traffic flowed."),
    ("handed", "A segment was taken over from an owner that had let go of it."),
    ("left", "A consumer let go of everything, and fell silent."),
    ("stolen", "A segment was taken from an owner that was suspected."),
    ("fenced", "An owner's write was refused, since another owns the segment."),
    ("parked", "An event was put aside with place and reason."),
    ("unparked", "An event that had been put aside went into the view."),
    ("stopped", "A segment stood still at an event that cannot be projected."),
    ("switched", "A version that was rebuilt beside the live one is shown in its place."),
    ("retracted", "Rows were made again without events that a forced leader took back."),
)

READINGS: Final = (
    _reading(view_is_exact, Sort.LIVENESS),
    _reading(view_misses_nothing, Sort.LIVENESS),
    _reading(view_counts_nothing_twice),
    _reading(poison_is_parked, Sort.LIVENESS),
    _reading(deliveries_reach_all, Sort.LIVENESS),
    _reading(deliveries_are_unique),
    _reading(deliveries_are_ordered),
    _reading(stated_staleness_holds),
    _reading(read_side_comes_back, Sort.LIVENESS),
    _reading(readers_share, Sort.LIVENESS),
    _reading(read_while_nobody_could_write, Sort.EVIDENCE),
    _reading(written_while_nobody_could_read, Sort.EVIDENCE),
    _reading(waited_for_its_write, Sort.EVIDENCE),
    _reading(view_host_joined, Sort.EVIDENCE),
    _reading(view_host_released, Sort.EVIDENCE),
    _reading(served_without_planners, Sort.EVIDENCE),
    *(_noted(name, doc) for name, doc in _NOTES),
)
