"""What had been seen comes first, in the canonical order and in every view: asked of a witness, not of the merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from experiments.obligations.merges import arriving
from experiments.obligations.writing import Case, Draws, Written
from models.domain import State
from models.merging.fold import MergeFold
from models.merging.policy import Obligation, Step
from models.merging.writes import Write, precedes

__all__ = ["unordered", "views"]


def unordered(writes: Sequence[Write]) -> str:
    """Which write stands in canonical order before one that its writer had seen; "" if none does."""
    for place, write in enumerate(writes):
        for later in writes[place + 1 :]:
            if precedes(later, write):
                seen = f"{later.event} by {later.origin}, which it had seen"
                return f"{write.event} by {write.origin} is ordered before {seen}"
    return ""


def views(case: Case, written: Written, draws: Draws, met: Counter[str]) -> str:
    """Which write some view held without one that its writer had seen, before it or of its own; "" if none did."""
    needs = {(write.origin, write.position): _needed(write) for write in written.writes()}
    wrong: list[str] = []

    def look(fold: MergeFold) -> None:
        if wrong:
            return
        for name, read in (("a view", fold.state), ("a stable cut", fold.stable)):
            held = frozenset[tuple[int, int]]().union(*(_held(read(number)) for number in case.instances))
            for one in sorted(held):
                if missing := [need for need in needs[one] if need not in held]:
                    wrong.append(
                        f"{name} held write {one[1]} of {one[0]}, whose writer had seen {missing[0][1]} of "
                        f"{missing[0][0]}, without that"
                    )
                    return

    arriving(replace(case, policy=_WITNESS), written, draws, met, rough=True, look=look)
    return wrong[0] if wrong else ""


def _needed(write: Write) -> list[tuple[int, int]]:
    """The latest of each stream that its writer had seen; what those need is asked of themselves."""
    own = [(write.origin, write.position - 1)] if write.position > 1 else []
    return own + [(origin, position) for origin, position in write.seen if position]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held(State):
    """Which writes were folded: pairs of sub-domain and position."""

    writes: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def _held(state: State) -> frozenset[tuple[int, int]]:
    assert isinstance(state, _Held)
    return state.writes


class _Witness:
    """A policy that holds which writes it was handed, and nothing else."""

    name: str = "witness"
    promises: frozenset[Obligation] = frozenset()

    def begin(self) -> _Held:
        return _Held()

    def step(self, held: _Held, write: Write) -> Step:
        return Step(_Held(writes=held.writes | {(write.origin, write.position)}), ())

    def state(self, held: _Held) -> State:
        return held

    def forget(self, held: _Held, floor: Sequence[tuple[int, int]]) -> _Held:
        return held

    def refusals(self) -> Iterable[str]:
        return ()


_WITNESS: Final = _Witness()
