"""Named tuples where very many are made."""

from __future__ import annotations

from typing import Final

__all__ = ["made"]

#: Makes a named tuple of all its fields, `made(Kind, (first, second))`, in half the time of `Kind(first, second)`.
made: Final = tuple.__new__
