"""The rows of a sweep, written down as they arrive, so that a sweep that was killed goes on where it stopped.

A journal is a folder: `rows.jsonl`, one line a finished run, flushed and synced before the run counts as finished;
`fingerprint.json`, which says whose rows they are; `doing/`, where each worker names the run it is at; and the
traceback of a run that failed. A folder that holds anything else is somebody's work and is left alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from experiments.files import read_json, write_json
from experiments.provenance import Fingerprint

__all__ = ["Journal", "Refused", "open_journal", "read_lines"]

_ROWS: Final = "rows.jsonl"
_FINGERPRINT: Final = "fingerprint.json"


class Refused(ValueError):
    """The output folder cannot or must not be written; the text says why and the way out."""


class _Garbled(ValueError):
    """A journal of ours whose fingerprint cannot be read any more."""


class Journal:
    """An opened journal, locked against other sweeps until it is closed.

    Attributes:
        folder: Where it lies.
        note: What opening it did that a person should know, empty if nothing.
    """

    def __init__(self, folder: Path, lock: int, note: str) -> None:
        self.folder = folder
        self.note = note
        self._lock = lock
        self._rows = os.open(folder / _ROWS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._finished = {str(line["key"]) for line in self._mended()}

    @property
    def doing(self) -> Path:
        """The folder where workers name the run they are at."""
        return self.folder / "doing"

    @property
    def finished(self) -> frozenset[str]:
        """Keys of the runs whose lines are safely on disk."""
        return frozenset(self._finished)

    def append(self, key: str, line: str) -> None:
        """Keep one run's line; when this returns it survives a power loss."""
        rest = memoryview(f"{line}\n".encode())
        while rest:
            rest = rest[os.write(self._rows, rest) :]
        os.fsync(self._rows)
        self._finished.add(key)

    def recount(self) -> None:
        """Ask the disk again which runs are finished: an interrupt may have come between a line and its being noted."""
        self._finished = {str(line["key"]) for line in self._mended()}

    def close(self) -> None:
        """Let another sweep have the folder."""
        os.close(self._rows)
        os.close(self._lock)

    def _mended(self) -> Iterator[dict[str, Any]]:
        """Yield the whole lines, and cut off a last one that a kill left torn."""
        path = self.folder / _ROWS
        whole = 0
        for line, end in read_lines(path):
            whole = end
            yield line
        if whole < path.stat().st_size:
            os.ftruncate(self._rows, whole)  # else the next line would be glued to the torn one


def open_journal(folder: Path, wanted: Fingerprint, *, fresh: bool = False) -> Journal:
    """Open the journal of an experiment's output folder for the rows of `wanted`, making the folder if need be.

    Rows of the same fingerprint are kept. Rows of the same experiment and scenarios made by other code are moved aside
    to `journal.old-N`, and the journal's note says so; with `fresh` so is whatever of the lab's lies there.

    Raises:
        Refused: The folder cannot be written, is in use, is not ours, or holds another experiment's or scenario's rows.
    """
    _require_writable(folder)
    journal = folder / "journal"
    try:
        found = _found_in(folder)
        note = ""
    except _Garbled as garbled:
        if not fresh:
            raise Refused(f"{garbled}; replace it with --fresh, or choose another folder with --out") from None
        found = None
        note = "rows that nothing says whose they were"
    if found is not None and found != wanted:
        if not fresh and (found.experiment != wanted.experiment or found.scenarios != wanted.scenarios):
            raise Refused(
                f"{folder} holds results of {_describe(found, wanted)}; "
                "move or delete it, choose another folder with --out, or replace it with --fresh"
            )
        note = "rows made by other code" if found.experiment == wanted.experiment else f"rows of {found.experiment}"
    elif fresh and found is not None:
        note = "earlier rows"
    lock = _lock(journal)
    try:
        if note and any(path.name != "lock" for path in journal.iterdir()):
            aside = _aside(folder)
            journal.rename(aside)
            os.close(lock)
            lock = _lock(journal)
            note = f"{note} moved to {aside}; starting over"
        else:
            note = ""
        write_json(journal / _FINGERPRINT, wanted.to_json())
        return Journal(journal, lock, note)
    except BaseException:
        os.close(lock)
        raise


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each whole line of a journal's rows with the offset of its end; a torn last line is passed over.

    Raises:
        Refused: A line before the last is not one that a sweep wrote.
    """
    with path.open("rb") as file:
        file.seek(start)
        end = start
        torn = False
        for raw in file:
            if torn:
                raise Refused(f"{path} is damaged after byte {end}, before its last line; start over with --fresh")
            line = _parse(raw)
            if line is None:
                torn = True
            else:
                end += len(raw)
                yield line, end


def _parse(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "key" in line else None


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from None


def _found_in(folder: Path) -> Fingerprint | None:
    """Whose results the folder holds; None if it holds nothing."""
    if (folder / "journal" / _FINGERPRINT).is_file():
        try:
            return Fingerprint.from_json(read_json(folder / "journal" / _FINGERPRINT))
        except ValueError as error:
            raise _Garbled(f"{folder} holds rows, but nothing says whose: {error}") from None
    if (folder / "run.json").is_file():  # kept where the bulky journal was thrown away, as in a fresh clone
        try:
            stored = read_json(folder / "run.json").get("fingerprint")
            return Fingerprint.from_json(stored if isinstance(stored, dict) else {})
        except ValueError as error:
            raise Refused(f"{error}; choose another folder with --out") from None
    foreign = [path for path in folder.iterdir() if not path.name.startswith((".", "journal"))]
    journal = folder / "journal"
    # A start that was killed between making the journal and writing its fingerprint left just the lock.
    if foreign or (journal.is_dir() and any(path.name != "lock" for path in journal.iterdir())):
        raise Refused(f"{folder} holds files that the lab did not write; choose another folder with --out")
    return None


def _describe(found: Fingerprint, wanted: Fingerprint) -> str:
    if found.experiment != wanted.experiment:
        return f"another experiment, {found.experiment!r}"
    names = sorted(found.scenarios.keys() | wanted.scenarios.keys())
    other = [name for name in names if found.scenarios.get(name) != wanted.scenarios.get(name)]
    return f"another scenario ({', '.join(other)} differs from the file that is here now)"


def _lock(journal: Path) -> int:
    try:
        journal.mkdir(exist_ok=True)
        lock = os.open(journal / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Refused(f"{journal} cannot be written ({error.strerror}); choose another folder with --out") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Refused(f"{journal.parent} is being written by another run; wait for it, or choose --out") from None
    return lock


def _aside(folder: Path) -> Path:
    number = 1
    while (folder / f"journal.old-{number}").exists():
        number += 1
    return folder / f"journal.old-{number}"
