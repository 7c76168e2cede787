"""Files that lie beside a scenario: measurements that it names.

A name is a path relative to the scenario's own. What was read is kept with the scenario: a
worker process, or a variant made in memory, reads the same bytes wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from experiments.scenario.problems import Finding, shown
from sim.imports import MalformedRows

__all__ = ["SUFFIX", "Beside"]

SUFFIX: Final = ".csv"
T = TypeVar("T")


class Beside:
    """The files of one scenario.

    Args:
        folder: Where the scenario lies.
        known: Contents read before, by name; these are not looked for again.

    Attributes:
        contents: What was asked for and found, by name.
    """

    def __init__(self, folder: Path, known: Mapping[str, str]) -> None:
        self._folder = folder
        self._known = known
        self.contents: dict[str, str] = {}

    def read(self, name: str, path: str, reader: Callable[[str, str], T]) -> tuple[T | None, list[Finding]]:
        """What an importer makes of a file.

        Args:
            name: As the scenario spells it.
            path: The key that names it, such as `latency.samples`.
            reader: Takes the content and the name.
        """
        if not name.endswith(SUFFIX):
            return None, [
                Finding(path, shown(name), f"not the name of a {SUFFIX} file", f"write one that ends in {SUFFIX}")
            ]
        try:
            text = self._known[name] if name in self._known else (self._folder / name).read_text(encoding="utf-8-sig")
        except OSError as failed:
            why = (failed.strerror or str(failed)).lower()
            return None, [Finding(path, shown(name), why, f"it is looked for in {self._folder.resolve()}")]
        except UnicodeDecodeError:
            return None, [Finding(path, shown(name), "not UTF-8 text", "save it as UTF-8")]
        self.contents[name] = text
        try:
            return reader(text, name), []
        except MalformedRows as malformed:
            return None, [
                Finding(f"{path}, {name} line {problem.line}", problem.value, problem.rule, problem.way_out)
                for problem in malformed.problems
            ]
