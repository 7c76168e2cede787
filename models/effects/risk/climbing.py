"""A performer that tells which rung of its ladder settled an effect, for whoever looks on."""

from __future__ import annotations

from typing import ClassVar

from models.effects.performing import Performer
from models.effects.retrying import Known, Move
from models.effects.words import Acted, OutcomeIs

__all__ = ["Climber"]


class Climber(Performer):
    """Notes of an effect, by its key, which rung of the ladder came to something.

    It was told of as done when asked (`told-done`), or asked for again, after a fenced no (`again-fenced`) or under its
    key (`again-keyed`). What is parked every performer notes (`left`).
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"told-done", "again-fenced", "again-keyed"})

    def decided(self, key: int, known: Known, move: Move) -> None:
        """What may have been done is asked for again."""
        if move is Move.ACT and known.may_have_acted:
            self.ctx.note("again-fenced" if known.undone else "again-keyed", key)

    def settled(self, key: int, answer: Acted | OutcomeIs) -> None:
        """It was done before anybody asked what became of it."""
        if isinstance(answer, OutcomeIs):
            self.ctx.note("told-done", key)
