"""What handlers promise that decide by themselves on a state that may be behind, and what shows that it was."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.properties.schemes import not_given_up
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import HistoryRow, Kind

__all__ = ["LOADINGS"]

_WITNESSES: Final = 10
_VERSION: Final = 0xFFFFFFFF


def nothing_before_confirmation(seen: Observation) -> Verdict:
    """Whoever was told yes or no was told what the command's own event says: its outcome, its version, its sum."""
    wrong = [row.op for row in seen.history if (row.kind is Kind.OK or _is_denial(row)) and not _confirmed(seen, row)]
    wrong = not_given_up(seen, wrong) if wrong else wrong
    if wrong:
        return Verdict(Verdicts.INVALID, tuple(wrong[:_WITNESSES]), f"{len(wrong)} told what no event of theirs says")
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


def loaded_by_belief(seen: Observation, *, trusted: int = 1, doubted: int = 1) -> Verdict:
    """Handlers began at once on so many snapshots that were likely the newest, and waited with so many others."""
    loading = seen.ledger.loading
    if loading is None:
        return _absent()
    began, waited, judged = (loading.counts.get(what, 0) for what in ("trusted", "doubted", "judged"))
    if not began + waited:
        told = 'no handler weighs its snapshots; give the system strategy = "belief:..."'
        return Verdict(Verdicts.UNKNOWN, (), told)
    said, were = loading.counts.get("said_ppm", 0) / 1e6, loading.counts.get("were_stale", 0)
    told = f"{began} trusted, {waited} doubted; of {judged} snapshots {were} were stale, and {said:.0f} said to be"
    return Verdict(Verdicts.VALID if began >= trusted and waited >= doubted else Verdicts.INVALID, (), told)


def _confirmed(seen: Observation, row: HistoryRow) -> bool:
    """Whether the event at the version that was told is the command's; one that is nowhere others judge."""
    assert isinstance(row.key, int)
    stream = seen.ledger.final.get(row.key, ())
    mine = next((event for event in stream if event.command_id == row.op), None)
    if mine is None:
        return all(event.address & _VERSION != row.version for event in stream)
    if row.version != mine.address & _VERSION or _is_denial(row) != (mine.kind == "denied"):
        return False
    return row.kind is not Kind.OK or row.value == mine.told


def _is_denial(row: HistoryRow) -> bool:
    return row.kind is Kind.FAIL and str(row.value).startswith("denied:")


def _absent() -> Verdict:
    told = "no handler decides before this store; take models.loading.deployment:loaded_store"
    return Verdict(Verdicts.UNKNOWN, (), told)


LOADINGS: Final = (
    claim(nothing_before_confirmation, ledger=True),
    claim(images_true, ledger=True),
    claim(loading_did, ledger=True, sort=Sort.EVIDENCE),
    claim(loaded_by_belief, ledger=True, sort=Sort.EVIDENCE),
)
