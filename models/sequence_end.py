"""How a global sequence ended a run, and what its readers met of it, as values."""

from __future__ import annotations

from dataclasses import dataclass

from models.store.sequence.numbering import Numbered
from models.store.sequence.sequencer import GlobalReader, Sequencer

__all__ = ["SequenceEnd", "sequence_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceEnd:
    """The global sequence at the end.

    Attributes:
        committed: What stands in it, in order of position.
        settled: Up to which position nothing can appear any more.
        held: Positions that the reader who holds met, in the order in which it met them.
        held_at: How far it is.
        naive: Those that the reader met who goes on past gaps.
        naive_at: How far that one is.
    """

    committed: tuple[Numbered, ...]
    settled: int
    held: tuple[int, ...]
    held_at: int
    naive: tuple[int, ...]
    naive_at: int


def sequence_end(sequencer: Sequencer, hold: GlobalReader, naive: GlobalReader) -> SequenceEnd:
    """Look at a sequencer and its two readers."""
    return SequenceEnd(
        committed=tuple(sequencer.entries[number] for number in sorted(sequencer.entries)),
        settled=sequencer.settled,
        held=tuple(one.number for one in hold.seen),
        held_at=hold.at,
        naive=tuple(one.number for one in naive.seen),
        naive_at=naive.at,
    )
