"""Files that are either whole or not there, whatever stops the writer."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["Json", "read_json", "write_bytes", "write_json", "write_text"]

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
