"""What handlers promise that decide by themselves on a state that may be behind, and what shows that it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from experiments.measures.observation import Observation
from experiments.properties.schemes import not_given_up
from experiments.scenario.property import Sort, claim
from models.ledger import FinalEvent
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import HistoryRow, Kind

__all__ = ["LOADINGS"]

_WITNESSES: Final = 10


def nothing_before_confirmation(seen: Observation) -> Verdict:
    """Whoever was told yes or no was told what the command's one event says: its outcome, its version, its sum."""
    wrong = [row.op for row, event in _told(seen) if not _says(event, row)]
    wrong = not_given_up(seen, wrong) if wrong else wrong
    if wrong:
        return Verdict(Verdicts.INVALID, tuple(wrong[:_WITNESSES]), f"{len(wrong)} told what no event says")
    return Verdict(Verdicts.VALID, (), "all were told what was confirmed")


def images_true(seen: Observation) -> Verdict:
    """What handlers remember and keepers keep of an aggregate is what its events came to at that version."""
    loading = seen.ledger.loading
    if loading is None:
        return _absent()
    if loading.wrong:
        return Verdict(Verdicts.INVALID, (), "; ".join(loading.wrong[:3]))
    return Verdict(Verdicts.VALID, (), f"{loading.images} images are true")


def loading_did(seen: Observation, *, what: str, times: int = 1) -> Verdict:
    """Handlers did something so often: `matched`, `equal`, `redone`, `conflicts`, `repeated`, or took a strategy."""
    loading = seen.ledger.loading
    if loading is None:
        return _absent()
    count = loading.counts.get(what, 0)
    return Verdict(Verdicts.VALID if count >= times else Verdicts.INVALID, (), f"{count} times {what}")


def _told(seen: Observation) -> Iterator[tuple[HistoryRow, FinalEvent]]:
    """Every answer yes or no of which an event is in the final history."""
    events = {event.command_id: event for event in seen.events()}
    for row in seen.history:
        event = events.get(row.op)
        if event is not None and (row.kind is Kind.OK or _is_denial(row)):
            yield row, event


def _says(event: FinalEvent, row: HistoryRow) -> bool:
    if row.version != event.address & 0xFFFFFFFF or _is_denial(row) != (event.kind == "denied"):
        return False
    return row.kind is not Kind.OK or row.value == event.told


def _is_denial(row: HistoryRow) -> bool:
    return row.kind is Kind.FAIL and str(row.value).startswith("denied:")


def _absent() -> Verdict:
    told = "no handler decides before this store; take models.loading.deployment:loaded_store"
    return Verdict(Verdicts.UNKNOWN, (), told)


LOADINGS: Final = (
    claim(nothing_before_confirmation, ledger=True),
    claim(images_true, ledger=True),
    claim(loading_did, ledger=True, sort=Sort.EVIDENCE),
)
