"""Delta debugging: the fewest of a list of things that still do what all of them did.

After Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 2002,
algorithm *ddmin*. Departures: the empty list is tried first (they assume that it passes), and
all candidates of one round are handed over together, so that they can be tried side by side;
the first that fails, in their order, is taken, as if they had been tried one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

__all__ = ["ddmin"]

T = TypeVar("T")


def ddmin(items: Sequence[T], first: Callable[[list[list[T]]], int | None]) -> list[T]:
    """Reduce `items` until no single one can be left out.

    Args:
        items: What fails together.
        first: Takes lists of some of the items and returns the index of the first that fails too,
            None if none does.

    Returns:
        Items in their order; each is needed, unless `first` gave up for another reason.
    """
    kept = list(items)
    if not kept or first([[]]) is not None:
        return []
    pieces = 2
    while len(kept) > 1:
        pieces = min(pieces, len(kept))
        subsets = _split(kept, pieces)
        # Of two pieces each is the other's complement.
        complements = [_without(subsets, number) for number in range(pieces)] if pieces > 2 else []
        found = first([*subsets, *complements])
        if found is None:
            if pieces == len(kept):
                break
            pieces *= 2
        elif found < pieces:
            kept, pieces = subsets[found], 2
        else:
            kept, pieces = complements[found - pieces], max(pieces - 1, 2)
    return kept


def _split(items: list[T], pieces: int) -> list[list[T]]:
    edges = [len(items) * number // pieces for number in range(pieces + 1)]
    return [items[begin:end] for begin, end in pairwise(edges)]


def _without(subsets: list[list[T]], left_out: int) -> list[T]:
    return [item for number, subset in enumerate(subsets) if number != left_out for item in subset]
