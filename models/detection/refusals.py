"""Refusing bad numbers: every mistake at once, each with value, rule and way out."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.wording import Refused

__all__ = ["at_least", "refuse", "within"]


def refuse(mistakes: Iterable[str | None]) -> None:
    """Raise `Refused` with the mistakes, if there is one."""
    found = [mistake for mistake in mistakes if mistake]
    if found:
        raise Refused(found)


def at_least(name: str, value: float, least: float) -> str | None:
    """A mistake unless the value is a finite number from `least` up."""
    if math.isfinite(value) and value >= least:
        return None
    return f"{name}={value!r} is no number from {least} up; give at least {least}"


def within(name: str, value: float, low: float, high: float) -> str | None:
    """A mistake unless low < value <= high."""
    if low < value <= high:
        return None
    return f"{name}={value!r} is not above {low} and at most {high}; give a number between"
