"""Siblings for a person: what conflicts is kept, all of it, until somebody who has seen it writes again."""

from __future__ import annotations

from collections.abc import Sequence

from models.merging.policies.recent import Recent
from models.merging.policies.winners import FirstWriter
from models.merging.policy import Step
from models.merging.writes import Merged, Opened, Output, Resolved, Superseded, Write, compensation_key, precedes
from sim.tuples import made

__all__ = ["Siblings"]


class Siblings(FirstWriter):
    """The first of several shows, the others wait beside it; the conflict is over when a write has seen both.

    That write supersedes the one that waited: whoever made it has decided. After Dynamo's siblings, DeCandia et al.,
    SOSP 2007, where a reader gets them all and writes one back.
    """

    name = "siblings"

    def judged(self, held: Recent, write: Write, concurrent: Sequence[int]) -> Step:
        """As the first writer has it; then what the new write has seen of conflicts is over."""
        step = super().judged(held, write, concurrent)
        if not any(held.lost_to):
            return step
        after, outputs = step
        resolved: list[Output] = []
        owed = after.owed
        for place, one in enumerate(held.writes):
            winner = held.lost_to[place]
            if not winner or one.address in owed or not precedes(one, write) or not self.touches(one, write):
                continue
            rival = next((other for other in held.writes if other.address == winner), None)
            if rival is None or precedes(rival, write):
                owed |= {one.address}
                resolved.append(Resolved(self._key(one.address, winner), write.address))
                resolved.append(Superseded(one.address, write.address, "resolved by a write that had seen it"))
        if not resolved:
            return step
        return Step(
            Recent(after.base, after.writes, after.lost_to, after.states, owed, after.heads), (*outputs, *resolved)
        )

    def touches(self, first: Write, second: Write) -> bool:
        """Whether the second, whose writer had seen the first, decides what becomes of that."""
        return self.clash(first, second)

    def fate(self, write: Write, lost_to: int, owed: frozenset[int]) -> tuple[tuple[Output, ...], frozenset[int]]:
        """What loses is opened rather than taken back."""
        if not lost_to:
            return (made(Merged, (write.address,)),), owed
        return (Opened(self._key(write.address, lost_to), tuple(sorted((lost_to, write.address)))),), owed

    def is_open(self, held: Recent, place: int) -> bool:
        """Nobody has decided between it and another one yet."""
        address = held.writes[place].address
        if held.lost_to[place]:
            return address not in held.owed
        return any(
            winner == address and held.writes[at].address not in held.owed for at, winner in enumerate(held.lost_to)
        )

    def _key(self, first: int, second: int) -> int:
        return compensation_key(self.name, (first, second))
