"""Writes a scenario's document as TOML, since the standard library only reads it.

What it writes reads back equal: keys in their order, plain values inline, tables under headers two
levels deep and inline below that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import isinf, isnan
from typing import Any, Final

__all__ = ["to_toml"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
#: Tables nested deeper than this are written inline.
_DEEPEST_HEADER: Final = 2


def to_toml(document: Mapping[str, Any]) -> str:
    """The text of a document.

    Raises:
        ValueError: it holds something other than texts, numbers, truth values, lists and tables.
    """
    return "\n".join(_lines(document, ())).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table after its header: plain values first, for what follows a header belongs to it."""
    headed = {key: value for key, value in table.items() if _has_header(value, path)}
    for key, value in table.items():
        if key not in headed:
            yield f"{_key(key)} = {_inline(value)}"
    for key, value in headed.items():
        place = (*path, key)
        name = ".".join(map(_key, place))
        if isinstance(value, Mapping):
            yield f"\n[{name}]"
            yield from _lines(value, place)
        else:
            for item in value:
                yield f"\n[[{name}]]"
                # Tables of a list are records; a header inside one would tear it apart.
                yield from (f"{_key(inner)} = {_inline(one)}" for inner, one in item.items())


def _has_header(value: Any, path: tuple[str, ...]) -> bool:
    if len(path) >= _DEEPEST_HEADER:
        return False
    tables = isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) or tables


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    raise ValueError(f"{value!r} has no place in a scenario; use texts, numbers, truth values, lists and tables")


def _number(value: float) -> str:
    if isnan(value):
        return "nan"
    return ("-inf" if value < 0 else "inf") if isinf(value) else repr(value)


def _text(value: str) -> str:
    # JSON escapes what TOML wants escaped, all but one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
