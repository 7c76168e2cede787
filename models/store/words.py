"""A scheme in a few words, as scenario files write it.

`local-persist`; `multi-persist:2/3` for two holders among three copies; `multi-mem:2/3@cluster` with
no two in one cluster; `local-persist-periodic+200ms` flushed so often; `delayed-ship+5s` shipped so
often (`+0ms`: at once, behind the answer); `local-mem+10s` saved so often.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from models.store.schemes import SCHEMES, Scheme, Spread
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["scheme_of", "spread_of"]

_BY_NAME: Final = MappingProxyType({scheme.name: scheme for scheme in SCHEMES})
_FORM: Final = "write a name, then as needed :HOLDERS/COPIES, @LEVEL and +PERIOD, as in multi-persist:2/3@cluster"


def scheme_of(words: str) -> Scheme:
    """The scheme that some words mean.

    Raises:
        ValueError: no such scheme, or a part that makes no sense for it.
    """
    rest, plus, period = words.partition("+")
    rest, at, level = rest.partition("@")
    name, colon, numbers = rest.partition(":")
    scheme = _BY_NAME.get(name)
    if scheme is None:
        raise ValueError(f"{name!r} is no persistence scheme; {way_to(name, _BY_NAME)}")
    changes: dict[str, Any] = {}
    if colon:
        holders, slash, copies = numbers.partition("/")
        if not holders.isdecimal() or (slash and not copies.isdecimal()):
            raise ValueError(f"{words!r}: {numbers!r} is no number of holders; {_FORM}")
        changes["holders"] = int(holders)
        changes["copies"] = int(copies) if slash else None
    if at:
        try:
            changes["spread"] = spread_of(level)
        except ValueError as refused:
            raise ValueError(f"{words!r}: {refused}") from None
    if plus:
        try:
            every_us = duration_us(period)
        except ValueError as refused:
            raise ValueError(f"{words!r}: {refused}") from None
        changes["flush_every_us" if scheme.ship_every_us is None else "ship_every_us"] = every_us
    try:
        return replace(scheme, **changes)
    except ValueError as refused:
        raise ValueError(f"{words!r}: {refused}") from None


def spread_of(level: str) -> Spread:
    """The level to spread over that a word means; ValueError for one that means none."""
    if level not in (levels := [one.name.lower() for one in Spread]):
        raise ValueError(f"{level!r} is no level to spread over; {way_to(level, levels)}")
    return Spread[level.upper()]
