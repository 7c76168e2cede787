"""What a place has heard of writes' fates so far, record by record: the last word counts."""

from __future__ import annotations

from models.merging.fold import Settled
from models.merging.writes import Compensated, Merged, Resolved, Superseded

__all__ = ["Fates"]


class Fates:
    """The writes that do not count, as the merge last said.

    Attributes:
        superseded: By address, whether that was made known: whoever was told yes is owed something, or somebody who
            had seen the write decided.
    """

    def __init__(self) -> None:
        self.superseded: dict[int, bool] = {}
        self._owed_once: set[int] = set()

    def forget(self) -> None:
        """Nothing has been heard yet."""
        self.superseded.clear()
        self._owed_once.clear()

    def note(self, settled: Settled) -> None:
        """Hear the next record."""
        decided = {output.by for output in settled.outputs if isinstance(output, Resolved)}
        for output in settled.outputs:
            if output.__class__ is Merged:  # most are
                self.superseded.pop(output.address, None)
            elif isinstance(output, Superseded):
                # Lost, back and lost again: whoever was owed something once is owed no more.
                told = output.by in decided or output.address in self._owed_once
                self.superseded.setdefault(output.address, told)
            elif isinstance(output, Compensated):
                self._owed_once.add(output.address)
                if output.address in self.superseded:
                    self.superseded[output.address] = True
