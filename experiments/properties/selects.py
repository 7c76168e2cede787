"""What queries beyond one aggregate promise: rows of one moment of the log, all of them, and one's own writes.

An answer says of each part of the key space up to where the logs went in. So it can be held against them: it must be
what that prefix comes to, no row more or less. Which of the claims a scenario can make its read side says: one that
passes over what it cannot project, or counts twice, shows no prefix, and positions of a global sequence are none of
a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from experiments.measures.observation import Observation
from experiments.scenario.property import Property, Sort, claim
from models.ledger import FinalEvent
from models.ordinals import unpack_ordinal
from models.reading.selecting import Selected
from models.reading.users import PAIRS
from models.reading_end import ReadingEnd
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import Kind

__all__ = ["SELECTS"]

_RECORDS: Final = frozenset({"reading"})
_VERSION: Final = (1 << 32) - 1
_SHOWN: Final = 10


class _Wrong(NamedTuple):
    """What is wrong with an answer."""

    op: int
    why: str


def selects_are_prefixes(seen: Observation) -> Verdict:
    """A query by attribute is answered with what the logs come to, up to where the answer says that they went in."""
    reading = seen.ledger.reading
    if reading is None or not reading.by_log:
        told = "places are no positions of logs; leave `global_sequence` out" if reading else "there is no read side"
        return Verdict(Verdicts.UNKNOWN, (), told)
    part_of = None if reading.live else {row.key: view.part for view in reading.views for row in view.rows}
    wrong = []
    for answer in _answers(seen):
        for key, events in seen.ledger.final.items():
            part = 0 if part_of is None else part_of.get(key)
            why = "" if part is None else _against_prefix(answer, key, events, part, reading)
            wrong += [_Wrong(answer.op, why)] if why else []
    return _verdict(seen, wrong)


def selects_have_own_writes(seen: Observation) -> Verdict:
    """With a token, a query by attribute has what its session had written and seen, or what followed."""
    reading = seen.ledger.reading
    if reading is None:
        return Verdict(Verdicts.UNKNOWN, (), "there is no read side")
    known_to = _known(seen)
    wrong = []
    for answer in _answers(seen):
        for key, version in known_to.get(answer.op, {}).items():
            why = _against_own(answer, key, version, seen.ledger.final.get(key, ()), reading.band)
            wrong += [_Wrong(answer.op, why)] if why else []
    return _verdict(seen, wrong)


def select_met_data(seen: Observation) -> Verdict:
    """A query by attribute found rows."""
    found = [answer.op for answer in _answers(seen) if answer.rows]
    return Verdict(Verdicts.VALID if found else Verdicts.INVALID, tuple(found[:_SHOWN]), f"{len(found)} found some")


def _answers(seen: Observation) -> Iterator[Selected]:
    for _, text in seen.selected:
        yield Selected.read(text)


def _verdict(seen: Observation, wrong: list[_Wrong]) -> Verdict:
    if not wrong:
        return Verdict(Verdicts.VALID, (), f"{len(seen.selected)} answers")
    outcome = Verdicts.UNKNOWN if seen.ledger.missing else Verdicts.INVALID
    ops = tuple(dict.fromkeys(one.op for one in wrong))[:_SHOWN]
    return Verdict(outcome, ops, f"{len(wrong)} accounts in answers are wrong, the first: {wrong[0].why}")


def _against_prefix(answer: Selected, key: int, events: tuple[FinalEvent, ...], part: int, reading: ReadingEnd) -> str:
    """What an answer says wrongly of an account, held against the events that it says it has."""
    places = answer.places.get(part)
    if places is None:
        return f"account {key} is of part {part}, which has not answered, and nothing says so"
    last = None
    for event in events:
        if event.shard < len(places) and unpack_ordinal(event.ordinal)[1] <= places[event.shard]:
            last = event
    due = last is not None and _band(last, reading.band) == answer.attribute
    row = answer.rows.get(key)
    if row is None:
        return f"account {key} was in band {answer.attribute} at {places}, and is not there" if due else ""
    if last is None:
        return f"account {key} had no event at {places}, and is there"
    if row != (last.address & _VERSION, last.command_id):
        return f"account {key} is there as of version {row[0]}, and at {places} had version {last.address & _VERSION}"
    return "" if due else f"account {key} is there, and was in band {_band(last, reading.band)} at {places}"


def _against_own(answer: Selected, key: int, version: int, events: tuple[FinalEvent, ...], band: int) -> str:
    """What an answer lacks of an account of which its session knew a version."""
    row = answer.rows.get(key)
    if version == 0:
        return ""  # it had read that there was nothing
    if row is not None:
        return f"account {key} is there as of version {row[0]}, and {version} was known" if row[0] < version else ""
    since = [event for event in events if event.address & _VERSION >= version]
    if since and all(_band(event, band) == answer.attribute for event in since):
        return f"account {key} has been in band {answer.attribute} since version {version}, and is not there"
    return ""


def _band(event: FinalEvent, band: int) -> int:
    """The band that an account is in after an event."""
    assert isinstance(event.told, int)
    return event.told // band


def _known(seen: Observation) -> Mapping[int, Mapping[int, int]]:
    """By query by attribute, the versions that its session knew when it asked: of as many accounts as a token holds."""
    sessions: dict[tuple[str, str], dict[int, int]] = {}
    found: dict[int, Mapping[int, int]] = {}
    for row in seen.history:
        known = sessions.setdefault((row.client, row.session), {})
        if row.f == "select" and row.kind is Kind.INVOKE:
            found[row.op] = dict(known)
        elif row.f in ("append", "read") and row.kind is Kind.OK and isinstance(row.key, int):
            known[row.key] = max(row.version or 0, known.pop(row.key, 0))
            if len(known) > PAIRS:
                del known[next(iter(known))]
    return found


SELECTS: Final[tuple[Property[Observation], ...]] = (
    claim(selects_are_prefixes, ledger=True, records=_RECORDS),
    claim(selects_have_own_writes, ledger=True, records=_RECORDS),
    claim(select_met_data, sort=Sort.EVIDENCE, ledger=True, records=_RECORDS),
)
