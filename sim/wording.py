"""Words for people: the name that somebody most likely meant, and counts."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["counted", "nearest", "way_to"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, None if nothing is much like it."""
    by_folded = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.5)
    return by_folded[close[0]] if close else None


def counted(number: int, noun: str) -> str:
    """`1 fault`, `2 faults`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def way_to(word: str, known: Iterable[str]) -> str:
    """The way out of an unknown word: the nearest known one, or a list of all."""
    names = sorted({str(name) for name in known})
    guess = nearest(word, names)
    if guess is not None:
        return f"did you mean {guess!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"
