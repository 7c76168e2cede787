"""Siblings for a person: what conflicts is kept, all of it, until somebody who has seen it writes again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from models.merging.policies.recent import Recent
from models.merging.policies.winners import FirstWriter
from models.merging.policy import Obligation, Step
from models.merging.writes import Merged, Opened, Output, Resolved, Superseded, Write, compensation_key, precedes

__all__ = ["Siblings"]


class Siblings(FirstWriter):
    """The first of several shows, the others wait beside it; the conflict is over when a write has seen them all.

    That write supersedes those that waited: whoever made it has decided. After Dynamo's siblings, DeCandia et al.,
    SOSP 2007, where a reader gets them all and writes one back.
    """

    name = "siblings"
    promises: ClassVar[frozenset[Obligation]] = FirstWriter.promises

    def step(self, held: Recent, write: Write) -> Step:
        """Judge anew; what loses is opened rather than taken back, and what is seen by the new write is over."""
        writes = (*held.writes, write)
        verdicts = self.judge(held.base, writes)
        losers = tuple(0 if lost is None else writes[lost].address for lost in verdicts)
        outputs: list[Output] = []
        if not losers[-1]:
            outputs.append(Merged(write.address))
        for place, one in enumerate(writes):
            before = held.losers[place] if place < len(held.losers) else 0
            if losers[place] and not before:
                outputs.append(
                    Opened(self._key(one.address, losers[place]), tuple(sorted((losers[place], one.address))))
                )
            elif before and not losers[place]:
                outputs.append(Merged(one.address))
        outputs += self._resolved(held, write)
        state = self.fold(held.base, writes, verdicts)
        owed = held.owed | {one.address for one, _ in self._waiting(held) if precedes(one, write)}
        return Step(Recent(held.base, writes, losers, state, owed), tuple(outputs))

    def _resolved(self, held: Recent, write: Write) -> Iterable[Output]:
        """Conflicts all of which a write has seen, each once."""
        for one, winner in self._waiting(held):
            rival = next((other for other in held.writes if other.address == winner), None)
            if precedes(one, write) and (rival is None or precedes(rival, write)):
                yield Resolved(self._key(one.address, winner), write.address)
                yield Superseded(one.address, write.address, "resolved by a write that had seen it")

    def _waiting(self, held: Recent) -> Iterable[tuple[Write, int]]:
        """What waits beside what it lost to, and is not resolved yet."""
        for place, one in enumerate(held.writes):
            if held.losers[place] and one.address not in held.owed:
                yield one, held.losers[place]

    def _key(self, first: int, second: int) -> int:
        return compensation_key(self.name, (first, second))
