"""Of concurrent writes that conflict, one counts: the last, the first, the one of a preferred region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from models.domain import Denied, Domain, State
from models.merging.meaning import Meaning
from models.merging.policies.recent import RecentPolicy, Verdicts, conflicting
from models.merging.policy import Obligation
from models.merging.writes import Write, precedes

__all__ = ["FirstWriter", "LastWriter", "LastWriterByField", "PriorityRegion", "SilentLastWriter"]


class LastWriter(RecentPolicy):
    """Last writer wins by entity: the last write in canonical order, with all that its writer had seen.

    What its writer had not seen is gone, conflicting or not, and whoever wrote it is told and owed.
    """

    name = "last-writer"

    def judge(self, base: State, writes: Sequence[Write]) -> Verdicts:
        """Whoever is in the past of the last counts, as far as it counted there."""
        verdicts: list[int | None] = [None] * len(writes)
        alive = [place for place, write in enumerate(writes) if write.event.__class__ is not Denied]
        while alive:
            head = alive.pop()
            past = []
            for place in alive:
                if precedes(writes[place], writes[head]):
                    past.append(place)
                else:
                    verdicts[place] = head
            alive = past
        return verdicts


class SilentLastWriter(LastWriter):
    """The same without a word to anybody: what most stores do, and a negative control here."""

    name = "silent-last-writer"
    promises: ClassVar[frozenset[Obligation]] = LastWriter.promises - {Obligation.CONSERVED}
    tells = False


class LastWriterByField(RecentPolicy):
    """Last writer wins by field: a write is lost only if later concurrent ones wrote all that it wrote."""

    name = "last-writer-by-field"

    def judge(self, base: State, writes: Sequence[Write]) -> Verdicts:
        """What is overwritten whole is lost to the last of those that did."""
        verdicts: list[int | None] = []
        for place, write in enumerate(writes):
            left = set(self._meaning.parts_of(write.event))
            lost_to = None
            for later in range(place + 1, len(writes)):
                if conflicting(self._meaning, write, writes[later]):
                    left -= self._meaning.parts_of(writes[later].event)
                    lost_to = later
            verdicts.append(None if left else lost_to)
        return verdicts


class FirstWriter(RecentPolicy):
    """The first in canonical order wins; what conflicts with it, and what was built on that, loses."""

    name = "first-writer"

    def judge(self, base: State, writes: Sequence[Write]) -> Verdicts:
        """In canonical order."""
        return self._greedy(writes, range(len(writes)))

    def _greedy(self, writes: Sequence[Write], order: Iterable[int]) -> Verdicts:
        """Each counts if it conflicts with none that counts, taken in some order of preference."""
        verdicts: list[int | None] = [None] * len(writes)
        counting: list[int] = []
        for place in order:
            rival = next((one for one in counting if conflicting(self._meaning, writes[one], writes[place])), None)
            if rival is None:
                counting.append(place)
            else:
                verdicts[place] = rival
        self._with_dependents(writes, verdicts)
        return verdicts

    def _with_dependents(self, writes: Sequence[Write], verdicts: list[int | None]) -> None:
        """Whoever wrote on top of a loser, without having seen the winner, loses too."""
        for place, write in enumerate(writes):
            if verdicts[place] is not None or write.event.__class__ is Denied:
                continue
            parts = self._meaning.parts_of(write.event)
            for below in range(place):
                winner = verdicts[below]
                if winner is None or parts.isdisjoint(self._meaning.parts_of(writes[below].event)):
                    continue
                if precedes(writes[below], write) and not precedes(writes[winner], write):
                    verdicts[place] = winner
                    break


class PriorityRegion(FirstWriter):
    """The write of the sub-domain that stands first in an order wins, even over one that was settled before.

    Args:
        domain: Whose events they are.
        meaning: What each event writes.
        order: Numbers of the sub-domains, the preferred first; those that are left out come last, by number.
    """

    name = "priority-region"

    def __init__(self, domain: Domain[Any], meaning: Meaning, order: Sequence[int]) -> None:
        super().__init__(domain, meaning)
        if not order or len(set(order)) < len(order):
            raise ValueError(f"{order=} prefers nobody, or somebody twice; name each sub-domain once")
        self._ranks = {number: rank for rank, number in enumerate(order)}

    def judge(self, base: State, writes: Sequence[Write]) -> Verdicts:
        """By rank, and in canonical order within one."""
        last = len(self._ranks)
        places = sorted(range(len(writes)), key=lambda at: (self._ranks.get(writes[at].origin, last), writes[at][:3]))
        return self._greedy(writes, places)
