"""Round trips between regions, as a list of pairs or as a square matrix.

A list has the columns `from`, `to` and one of `rtt_us`, `rtt_ms`, `rtt_s`. A matrix has the
unit in its corner (`rtt_ms`, say), the regions that were measured to along the top and those
that were measured from down the side; a cell that is empty or `-` was not measured. What a
region measured to itself is read and left: inside a region the tiers say how far it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sim.imports.rows import UNITS, Row, Rows, quoted, told

__all__ = ["read_rtt_matrix"]

_TITLES: Final = tuple(f"rtt_{unit}" for unit in UNITS)
_NOT_MEASURED: Final = ("", "-")


class _Entry(NamedTuple):
    line: int
    src: str
    dst: str
    rtt_us: int


def read_rtt_matrix(text: str, file: str) -> Mapping[tuple[str, str], int]:
    """Round trips by (from, to), whole microseconds, as they were measured: nothing is mirrored.

    Args:
        text: The content of a CSV file.
        file: Its name, for messages.

    Raises:
        MalformedRows: everything that is wrong, by line.
    """
    rows = Rows(text, file)
    entries = _of_matrix(rows) if rows.titles and rows.titles[0] in _TITLES else _of_list(rows)
    found: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], int] = {}
    for line, src, dst, rtt_us in entries:
        if (src, dst) in first:
            rule = f"line {first[src, dst]} has this pair already"
            rows.complain(line, quoted(f"{src} to {dst}"), rule, "keep one")
        first.setdefault((src, dst), line)
        if src != dst:
            found[src, dst] = rtt_us
    if rows.rows and not found and not rows.problems:
        rows.complain(rows.title_line, quoted(",".join(rows.titles)), "no pair of two regions", "add one")
    rows.finish()
    return found


def _of_list(rows: Rows) -> Iterator[_Entry]:
    both = rows.require("from", "to")
    title = rows.one_of(_TITLES)
    if not both or title is None:
        return
    for row in rows.rows:
        src, dst = rows.region(row, "from"), rows.region(row, "to")
        yield from _entry(rows, row, title, title, src, dst)


def _of_matrix(rows: Rows) -> Iterator[_Entry]:
    corner, *columns = rows.titles
    good = [_is_region(rows, title) for title in columns]
    if not columns:
        rows.complain(rows.title_line, quoted(corner), "no region stands beside the corner", "name them along the top")
    for row in rows.rows:
        src = rows.region(row, corner)
        for title, sound in zip(columns, good, strict=True):
            if sound and row.cells[title] not in _NOT_MEASURED:
                yield from _entry(rows, row, title, corner, src, title)


def _entry(rows: Rows, row: Row, title: str, unit: str, src: str | None, dst: str | None) -> Iterator[_Entry]:
    """The entry of one cell, if it is sound; a region to itself may take no time at all."""
    rtt_us = rows.microseconds(row, title, unit.removeprefix("rtt_"), above_zero=src != dst)
    if src is not None and dst is not None and rtt_us is not None:
        yield _Entry(row.line, src, dst, rtt_us)


def _is_region(rows: Rows, title: str) -> bool:
    if title and "/" not in title and "*" not in title:
        return True
    rows.complain(
        rows.title_line, told("title", title), "cannot name a region, being empty or with / or *", "rename it"
    )
    return False
