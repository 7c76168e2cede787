"""Files and folders that are either whole or not there, whatever stops the writer."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

__all__ = ["Json", "read_json", "whole_folder", "why_not_writable", "write_bytes", "write_json", "write_text"]

#: So often another process may come first.
_ATTEMPTS: Final = 20

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; a reader sees the old content or the new."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step; a reader sees the old content or the new."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        # Ctrl-C arrives anywhere; what it leaves must not look like a result.
        partial.unlink(missing_ok=True)


def why_not_writable(path: Path) -> str | None:
    """Why a file could not be written in one step, with the way out; None if it can. Nothing is left by asking.

    Asked by doing it: what the permissions say binds no superuser, and a file system may refuse whatever they say.
    """
    folder = path.absolute().parent
    if not path.name or path.is_dir():
        return f"{str(path)!r} cannot be written: it is a folder; name a file"
    if path.exists() and not path.is_file():
        return f"{path} cannot be written: it is no ordinary file, and would be replaced by one; name another"
    if not folder.is_dir():
        return f"{path} cannot be written: there is no folder {path.parent}; make it first"
    try:
        with NamedTemporaryFile(dir=folder, prefix=f".{path.name[:40]}."):
            return None
    except OSError as error:
        return f"{path} cannot be written: {path.parent} refuses it ({error.strerror}); choose another folder"


@contextmanager
def whole_folder(folder: Path, *, staying: Iterable[Path] = ()) -> Iterator[Path]:
    """A new folder that takes the place of `folder` once all is written; if anything is raised, nothing has changed.

    Args:
        folder: Its place; the folders above are made.
        staying: What of the one that is there shall be in the new one too.
    """
    new, old = (folder.with_name(f".{folder.name}.{part}-{os.getpid()}") for part in ("partial", "old"))
    new.mkdir(parents=True)
    try:
        yield new
        for path in staying:
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, new / path.name)
        _put_in_place(new, folder, old)
    finally:
        # Ctrl-C arrives anywhere, between two renames too.
        if old.exists() and not folder.exists():
            old.rename(folder)
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _put_in_place(new: Path, folder: Path, old: Path) -> None:
    """Rename, the older one first and out of the way; where another process does so too, the last one stays."""
    for attempt in range(_ATTEMPTS):
        try:
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            new.rename(folder)
            return
        except OSError as error:
            if attempt == _ATTEMPTS - 1 or error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT):
                raise


def write_json(path: Path, value: Json) -> None:
    """Write a JSON file for people and machines, in one step.

    Raises:
        ValueError: The value holds NaN or infinity, which other readers of JSON refuse.
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Json]:
    """Read a JSON object.

    Raises:
        ValueError: The file is not a JSON object; the text names it.
    """
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); delete it, or restore the one the lab wrote") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds no JSON object; delete it, or restore the one the lab wrote")
    return value
