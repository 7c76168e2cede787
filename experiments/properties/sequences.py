"""What readers of a store's global sequence are promised, and what one who does not hold misses."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from models.sequence_end import SequenceEnd
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict

__all__ = ["SEQUENCES"]

_WITNESSES: Final = 10


def sequence_is_whole(seen: Observation) -> Verdict:
    """Every event that counts has one global position, and no position stands for what does not count."""
    sequence = seen.ledger.sequence
    if sequence is None:
        return _absent()
    placed = [(tenant, address) for _, _, tenant, address in sequence.committed]
    counted = {(event.tenant, event.address): event.command_id for event in seen.events()}
    twice = [counted.get(one, 0) for one in set(placed) if placed.count(one) > 1]
    if twice:
        return _invalid(twice, "events with two global positions")
    lacking = [command for one, command in counted.items() if one not in set(placed)]
    strays = len(set(placed) - counted.keys())
    if lacking or strays:
        return _invalid(lacking, f"events without a global position, and {strays} positions without an event")
    return Verdict(Verdicts.VALID, (), f"{len(placed)} events in their places")


def holding_reader_misses_nothing(seen: Observation) -> Verdict:
    """A reader that stays below what could still be filled meets every event once, in order."""
    sequence = seen.ledger.sequence
    if sequence is None:
        return _absent()
    if list(sequence.held) != sorted(set(sequence.held)):
        return Verdict(Verdicts.INVALID, (), "it met positions twice, or out of order")
    missed = _missed(sequence, sequence.held, sequence.held_at)
    if missed:
        return Verdict(Verdicts.INVALID, (), f"{len(missed)} positions that it went past, such as {missed[0]}")
    return Verdict(Verdicts.VALID, (), f"{len(sequence.held)} events, the last at {sequence.held_at}")


def holding_reader_comes_to_the_end(seen: Observation) -> Verdict:
    """At rest nothing is open any more, and the reader that holds has met all there is."""
    sequence = seen.ledger.sequence
    if sequence is None:
        return _absent()
    last = sequence.committed[-1][0] if sequence.committed else 0
    if sequence.settled < last or sequence.held_at < last:
        told = f"the last event stands at {last}, settled are {sequence.settled}, read {sequence.held_at}"
        return Verdict(Verdicts.INVALID, (), told)
    return Verdict(Verdicts.VALID, (), f"read up to {last}")


def naive_reader_misses(seen: Observation) -> Verdict:
    """A reader that goes on past gaps has missed an event: the negative control."""
    sequence = seen.ledger.sequence
    if sequence is None:
        return _absent()
    missed = _missed(sequence, sequence.naive, sequence.naive_at)
    return Verdict(Verdicts.VALID if missed else Verdicts.INVALID, (), f"it missed {len(missed)} events")


def _missed(sequence: SequenceEnd, met: tuple[int, ...], at: int) -> list[int]:
    """Positions of events that a reader went past without meeting them."""
    known = set(met)
    return [number for number, *_ in sequence.committed if number <= at and number not in known]


def _absent() -> Verdict:
    return Verdict(Verdicts.UNKNOWN, (), "the store has no global sequence, or the host of its sequencer was down")


def _invalid(witness: list[int], what: str) -> Verdict:
    return Verdict(Verdicts.INVALID, tuple(sorted(witness)[:_WITNESSES]), f"{len(witness)} {what}")


SEQUENCES: Final = (
    claim(sequence_is_whole, ledger=True, sort=Sort.LIVENESS),
    claim(holding_reader_misses_nothing, ledger=True),
    claim(holding_reader_comes_to_the_end, ledger=True, sort=Sort.LIVENESS),
    claim(naive_reader_misses, ledger=True, sort=Sort.EVIDENCE),
)
