"""Delays as they were measured one by one.

Columns: one of `delay_us`, `delay_ms`, `delay_s` (one way) or `rtt_us`, `rtt_ms`, `rtt_s` (a
round trip, of which half is taken); and, if the samples are of several links, `from` and
`to`, which name regions. Round trips that were measured from one side alone serve both ways,
as in a table of them; one-way delays serve the way that they were measured. Samples are
rounded to whole microseconds; their order is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sim.imports.rows import UNITS, Rows

__all__ = ["read_delay_samples"]

_TITLES: Final = tuple(f"{what}_{unit}" for what in ("delay", "rtt") for unit in UNITS)


def read_delay_samples(text: str, file: str) -> Mapping[tuple[str, str] | None, tuple[int, ...]]:
    """One-way delays in whole microseconds, by (from, to), or under None if no links are named.

    Args:
        text: The content of a CSV file.
        file: Its name, for messages.

    Raises:
        MalformedRows: everything that is wrong, by line.
    """
    rows = Rows(text, file)
    title = rows.one_of(_TITLES)
    links = {"from", "to"} & set(rows.titles)
    known = not links or rows.require("from", "to")
    found: dict[tuple[str, str] | None, list[int]] = {}
    for row in rows.rows if title is not None and known else ():
        what, _, unit = title.partition("_") if title else ("", "", "")
        us = rows.microseconds(row, title or "", unit)
        pair = None
        if links:
            src, dst = rows.region(row, "from"), rows.region(row, "to")
            if src is None or dst is None:
                continue
            if src == dst:
                value = f"from = to = {src}"
                rows.complain(row.line, value, "a region's delay to itself is the tiers' matter", "leave the row out")
                continue
            pair = (src, dst)
        if us is not None:
            found.setdefault(pair, []).append(us // 2 if what == "rtt" else us)
    rows.finish()
    both_ways = title is not None and title.startswith("rtt")
    mirrored = {(pair[1], pair[0]): delays for pair, delays in found.items() if pair is not None and both_ways}
    return MappingProxyType({pair: tuple(delays) for pair, delays in (mirrored | found).items()})
