"""Rows of a CSV file with their line numbers, and every complaint about them at once.

A file has a line of titles; empty lines, and lines that begin with `#`, are passed over.
Columns that an importer does not know are left alone: what people export has more of them
than anybody needs. One line is one row; a cell cannot hold a line break.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sim.wording import way_to

__all__ = ["UNITS", "Malformed", "MalformedRows", "Row", "Rows"]

#: Microseconds of a unit, as the ends of titles such as `rtt_ms` name it.
UNITS: Final[Mapping[str, int]] = MappingProxyType({"us": 1, "ms": 1_000, "s": 1_000_000})
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
_DIGITS: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_LONGEST_US: Final = 10**15
_LONGEST_SHOWN: Final = 60


class Malformed(NamedTuple):
    """One thing wrong with a file."""

    line: int
    value: str
    rule: str
    way_out: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.value}: {self.rule}; {self.way_out}"


class MalformedRows(ValueError):
    """A file that cannot be taken, with everything wrong in it.

    Attributes:
        file: Its name.
        problems: At least one, by line.
    """

    def __init__(self, file: str, problems: Iterable[Malformed]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        assert self.problems, "a refusal needs a reason"
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.problems)


class Row(NamedTuple):
    """One row: its line number, and its cells by title, stripped."""

    line: int
    cells: Mapping[str, str]


class Rows:
    """One reading of one file.

    Args:
        text: Its content.
        file: Its name, for messages.

    Attributes:
        titles: The cells of the first line; empty if there is none.
        rows: The rows that have a cell under each title.
        problems: What was wrong so far.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.titles: tuple[str, ...] = ()
        self.title_line = 1
        self.rows: list[Row] = []
        self.problems: list[Malformed] = []
        for line, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            cells = self._cells(line, raw.rstrip("\r"))
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not self.titles:
                self.titles, self.title_line = tuple(cells), line
            elif len(cells) != len(self.titles):
                rule = f"has {len(cells)} cells under {len(self.titles)} titles"
                self.complain(line, quoted(raw.strip()), rule, "give each title one cell")
            else:
                self.rows.append(Row(line, dict(zip(self.titles, cells, strict=True))))
        if not self.titles:
            self.complain(1, "(nothing)", "the file is empty", "begin it with a line of titles")
        elif not self.rows and not self.problems:
            self.complain(self.title_line, quoted(",".join(self.titles)), "no row follows the titles", "add one")
        for title in sorted({title for title in self.titles if title and self.titles.count(title) > 1}):
            self.complain(self.title_line, quoted(title), "two columns have this title", "rename one")

    def complain(self, line: int, value: str, rule: str, way_out: str) -> None:
        """Note something wrong."""
        self.problems.append(Malformed(line, value, rule, way_out))

    def require(self, *titles: str) -> bool:
        """Whether the titles are all there; complains of each that is not."""
        missing = [title for title in titles if title not in self.titles]
        if self.titles:
            for title in missing:
                others = [name for name in self.titles if name not in titles]
                rule = f"no column is called {title}"
                way_out = way_to(title, others) if others else "add it"
                self.complain(self.title_line, quoted(",".join(self.titles)), rule, way_out)
        return not missing

    def one_of(self, titles: Collection[str]) -> str | None:
        """The one title of these that is there; complains if none is, or several."""
        found = [title for title in self.titles if title in titles]
        if self.titles and len(found) != 1:
            rule = "no column is" if not found else "more than one column is"
            names = ", ".join(titles)
            self.complain(self.title_line, quoted(",".join(self.titles)), f"{rule} called one of {names}", "have one")
        return found[0] if len(found) == 1 else None

    def region(self, row: Row, title: str) -> str | None:
        """A cell that names a region; complains and gives None if it cannot."""
        name = row.cells[title]
        if not name or "/" in name or "*" in name:
            self.complain(row.line, told(title, name), "cannot name a region, being empty or with / or *", "rename it")
            return None
        return name

    def microseconds(self, row: Row, title: str, unit: str, *, above_zero: bool = False) -> int | None:
        """A cell that holds a number of `unit`, rounded to whole microseconds; None after a complaint."""
        text = row.cells[title]
        if not _NUMBER.fullmatch(text):
            if _DIGITS.fullmatch(text):
                self.complain(row.line, told(title, text), "more than 15 digits", "round it, or check the unit")
                return None
            rule = "negative" if _NUMBER.fullmatch(text.removeprefix("-")) and text else "not a number"
            self.complain(row.line, told(title, text), rule, "write one of at least 0, as in 72.7")
            return None
        # Exact: 72.7 ms is no binary fraction. What was measured may be finer than a
        # microsecond, unlike what people write in a scenario; so it is rounded, not refused.
        us = int(Fraction(text) * UNITS[unit] + Fraction(1, 2))
        if us > _LONGEST_US:
            self.complain(row.line, told(title, text), "longer than 31 years", "check the unit")
            return None
        if above_zero and us == 0:
            self.complain(row.line, told(title, text), "no time at all", "give a time above half a microsecond")
            return None
        return us

    def finish(self) -> None:
        """Raise everything complained of, if anything was."""
        if self.problems:
            raise MalformedRows(self.file, self.problems)

    def _cells(self, line: int, raw: str) -> list[str]:
        try:
            return [cell.strip() for cell in next(csv.reader([raw], strict=True), [])]
        except csv.Error as broken:
            self.complain(line, quoted(raw), f"not a row of CSV: {broken}", "mind the quotes")
            return []


def quoted(text: str) -> str:
    """A text as a message shows it, shortened when it is long."""
    shown = json.dumps(text, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 4]} ..."


def told(title: str, text: str) -> str:
    """A cell as a message shows it."""
    return f"{title} = {quoted(text)}"
