"""Traces in files: JSON lines to keep and to search, and a log for ShiViz to draw.

ShiViz draws a line a host and an arrow a message from a log of events with vector clocks
(Beschastnikh et al., CACM 2016). The log begins with the regular expression that parses it and
an empty delimiter, which is what ShiViz takes from the first two lines of a file. Besides the
hosts there are two lines: `network`, where messages are lost, doubled and retransmitted, and
`faults`, where the schedule acts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sim.trace import TraceRow, plain
from sim.units import format_us

__all__ = ["FAULTS", "NETWORK", "SHIVIZ_PARSER", "describe", "read_jsonl", "write_jsonl", "write_shiviz"]

#: The first line of a ShiViz log; a name in angle brackets names the part that it stands before.
SHIVIZ_PARSER: Final = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)"
NETWORK: Final = "network"
FAULTS: Final = "faults"
_KEYS: Final = ", ".join(TraceRow._fields)


def write_jsonl(rows: Iterable[TraceRow], path: Path) -> None:
    """Write one JSON object a row, keys in the order of `TraceRow`, messages as `plain` says."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            fields = row._asdict() | {"message": plain(row.message)}
            out.write(json.dumps(fields, separators=(",", ":")) + "\n")


def read_jsonl(path: Path) -> list[TraceRow]:
    """Read what `write_jsonl` wrote, messages as plain JSON values; blank lines are skipped.

    Raises:
        ValueError: a line that is no row, with its file, line number, value, rule and way out.
        OSError: the file cannot be read.
    """
    rows: list[TraceRow] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    rows.append(_row(line, rows[-1] if rows else None))
                except ValueError as problem:
                    raise ValueError(f"{path}:{number}: {problem}") from None
    return rows


def write_shiviz(rows: Sequence[TraceRow], hosts: Sequence[str], path: Path) -> None:
    """Write a log that ShiViz draws.

    Args:
        rows: A trace, whole or its end; a cause that is missing from it makes no arrow.
        hosts: Paths of the hosts by index; white space in them becomes `_`.
        path: The file.
    """
    hosts = ["_".join(host.split()) for host in hosts]
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(SHIVIZ_PARSER + "\n\n")
        for row, line, clock in _clocks(rows, hosts):
            told = json.dumps(clock, separators=(",", ":"))
            out.write(f"{line} {told}\n{describe(row, hosts)}\n")


def describe(row: TraceRow, hosts: Sequence[str]) -> str:
    """One line of text on what happened, without the host that it happened at."""
    told = f"{format_us(row.t_us)}: {row.kind}"
    detail = plain(row.message)
    if row.dst >= 0:
        # What befell a message comes before it: ("cut in flight", message).
        why, body = (None, detail) if isinstance(detail, dict) else (detail[0], detail[-1])
        name = body.pop("") if isinstance(body, dict) else ""
        way = {"send": f"to {hosts[row.dst]}", "deliver": f"from {hosts[row.src]}"}
        told += f" {name} {way.get(row.kind, f'{hosts[row.src]} > {hosts[row.dst]}')}"
        told += "" if why is None else f" ({why})"
        return f"{told} {json.dumps(body, separators=(',', ':'))}"
    if isinstance(detail, list):
        return f"{told} {' '.join(map(str, detail))}"
    if isinstance(detail, dict):  # what a client records
        detail.pop("")
        return f"{told} {json.dumps(detail, separators=(',', ':'))}"
    return f"{told} {detail}"


def _clocks(rows: Sequence[TraceRow], hosts: Sequence[str]) -> Iterator[tuple[TraceRow, str, Mapping[str, int]]]:
    """Each row with the line that it stands on and that line's vector clock."""
    now: dict[str, dict[str, int]] = {}
    # Clocks that a later row starts from, kept until the last such row.
    wanted = Counter(row.cause for row in rows)
    sent: dict[int, dict[str, int]] = {}
    for row in rows:
        line = _line(row, hosts)
        clock = now.setdefault(line, {})
        for other, count in sent.get(row.cause, {}).items():
            clock[other] = max(clock.get(other, 0), count)
        clock[line] = clock.get(line, 0) + 1
        wanted[row.cause] -= 1
        if not wanted[row.cause]:
            sent.pop(row.cause, None)
        if wanted[row.i]:
            sent[row.i] = dict(clock)
        yield row, line, clock


def _line(row: TraceRow, hosts: Sequence[str]) -> str:
    if row.src < 0:
        return FAULTS
    if row.dst < 0 or row.kind == "send":
        return hosts[row.src]
    return hosts[row.dst] if row.kind == "deliver" else NETWORK


def _row(line: str, before: TraceRow | None) -> TraceRow:
    fields: Any = json.loads(line)
    if not isinstance(fields, dict) or set(fields) != set(TraceRow._fields):
        raise ValueError(f"not a trace row; write one JSON object with exactly {_KEYS}")
    for name in ("t_us", "i", "kind", "src", "dst", "type_id", "cause"):
        wanted = str if name == "kind" else int
        if fields[name].__class__ is not wanted:
            raise ValueError(f"{name} = {fields[name]!r}: this field holds {wanted.__name__}; write one")
    row = TraceRow(**fields)
    if before is not None and row.i != before.i + 1:
        raise ValueError(f"i = {row.i}: rows count on; this one is {before.i + 1}")
    if row.t_us < (0 if before is None else before.t_us):
        raise ValueError(f"t_us = {row.t_us}: time never goes back; this row comes no earlier than the one before")
    if not -1 <= row.cause < row.i:
        raise ValueError(f"cause = {row.cause}: give the number of an earlier row than {row.i}, or -1")
    return row
