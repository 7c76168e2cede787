"""Quantities as people write them, and as the simulator counts them.

People write `"80ms"`, `"300/s"` and `"64KiB"`; inside the world a duration is a whole
number of microseconds and a size a whole number of bytes. The conversion happens once,
at the edge, and exactly: a text that is no whole number of the small unit is refused
rather than rounded, so that equal texts always give equal instants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final

__all__ = ["bytes_per_s", "duration_us", "format_us", "rate_per_s", "size_bytes"]

_MICROSECONDS: Final[Mapping[str, int]] = MappingProxyType(
    {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}
)
_SECONDS: Final[Mapping[str, int]] = MappingProxyType({"s": 1, "min": 60, "h": 3_600})
_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "B": 1,
        "kB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "KiB": 2**10,
        "MiB": 2**20,
        "GiB": 2**30,
    }
)
# Networks are sold in bits, always decimal ones.
_BITS: Final[Mapping[str, int]] = MappingProxyType({"bit": 1, "kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9})
# Fifteen digits reach 31 years of microseconds; more is a slip of the keyboard.
_QUANTITY: Final = re.compile(r"(-?)(\d{1,15}(?:\.\d{1,15})?) ?(\D*)", re.ASCII)


def duration_us(text: str) -> int:
    """A duration such as `"80ms"`, `"1.5 s"` or `"2h"` in whole microseconds, at least 0.

    Raises:
        ValueError: no text, no unit (us, ms, s, min, h), negative, or finer than 1 us.
    """
    return _whole(text, "a duration", _MICROSECONDS, "us", "80ms")


def size_bytes(text: str) -> int:
    """A size such as `"64KiB"` or `"1 MB"` in whole bytes, at least 0.

    Raises:
        ValueError: no text, no unit (B, kB, MB, GB, KiB, MiB, GiB), negative, or a broken byte.
    """
    return _whole(text, "a size", _BYTES, "B", "64KiB")


def rate_per_s(text: str) -> float:
    """A rate such as `"300/s"`, `"0.5/min"` or `"4/h"` in events a second, at least 0.

    Raises:
        ValueError: no text, no unit (/s, /min, /h), or negative.
    """
    units = {f"/{unit}": seconds for unit, seconds in _SECONDS.items()}
    number, unit = _split(text, "a rate", units, "300/s")
    return float(number / units[unit])


def bytes_per_s(text: str) -> int:
    """A bandwidth such as `"1GiB/s"` or `"10Gbit/s"` in whole bytes a second, at least 1.

    Raises:
        ValueError: no text, no unit (B/s to GiB/s, bit/s to Gbit/s), negative, or no whole number of bytes.
    """
    units = {f"{unit}/s": 8 * size for unit, size in _BYTES.items()} | {f"{unit}/s": n for unit, n in _BITS.items()}
    number, unit = _split(text, "a bandwidth", units, "100Mbit/s")
    rate = number * units[unit] / 8
    if rate.denominator != 1 or rate == 0:
        raise ValueError(f"{text!r} is no whole number of bytes a second above 0; round it to one")
    return rate.numerator


def format_us(us: int) -> str:
    """A duration for people, such as `"80 ms"`; `duration_us` reads it back exactly.

    Minutes and hours appear only where they come out whole: `"5 min"`, but `"43 s"`.
    """
    sign, us = ("-", -us) if us < 0 else ("", us)
    for unit in ("h", "min"):
        if us and us % _MICROSECONDS[unit] == 0:
            return f"{sign}{us // _MICROSECONDS[unit]} {unit}"
    unit = "s" if us >= 1_000_000 or us == 0 else "ms" if us >= 1_000 else "us"
    whole, rest = divmod(us, _MICROSECONDS[unit])
    digits = len(str(_MICROSECONDS[unit])) - 1
    decimals = f".{rest:0{digits}}".rstrip("0") if rest else ""
    return f"{sign}{whole}{decimals} {unit}"


def _whole(text: str, what: str, units: Mapping[str, int], smallest: str, example: str) -> int:
    number, unit = _split(text, what, units, example)
    total = number * units[unit]
    if total.denominator != 1:
        raise ValueError(f"{text!r} is no whole number of {smallest}; round it to one, for nothing finer exists")
    return total.numerator


def _split(text: object, what: str, units: Mapping[str, int], example: str) -> tuple[Fraction, str]:
    known = ", ".join(units)
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"{text!r} is {what} without a unit; write a text with one of {known}")
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{text!r} is not {what}; write a number and a unit, as in "{example}"')
    minus, number, unit = match.groups()
    if not unit:
        raise ValueError(f"{text!r} is {what} without a unit; add one of {known}")
    if unit not in units:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}; use one of {known}")
    if minus:
        raise ValueError(f"{text!r} is negative; {what} is at least 0")
    return Fraction(number), unit
