"""A history as JSON lines: what `History.to_jsonl` writes, or the least of it.

One object a line: `client`, `kind` (invoke, ok, fail, info) and `f`; where it matters also
`key`, `value`, `version`, `session`, the operation's id `op` and the time `t_us`; `i` counts
the rows from 0, if it is there. Blank lines are passed over. A field is given once: of two,
JSON itself would silently take the last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sim.checkers.specifications import Shape
from sim.history import HistoryRow, Kind, Value
from sim.imports.recorded import ONLY_KEY, Assembly, RecordedHistory, RecordedRow
from sim.imports.rows import quoted
from sim.wording import way_to

__all__ = ["read_history_lines"]

_NEEDED: Final = ("client", "kind", "f")
_WHOLE: Final = (int,)
_TEXT: Final = (str,)
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "i": _WHOLE,
    "t_us": (int, type(None)),
    "client": _TEXT,
    "session": _TEXT,
    "op": (int, type(None)),
    "kind": _TEXT,
    "f": _TEXT,
    "key": (int, str),
    "version": (int, type(None)),
}
#: Without these a row still begins or ends its operation.
_BESIDE: Final = frozenset({"key", "value", "version", "session"})
_WORDS: Final[Mapping[type, str]] = {int: "a whole number", str: "a text", type(None): "null"}


def read_history_lines(text: str, file: str, shapes: Mapping[str, tuple[Shape, Shape]]) -> RecordedHistory:
    """Read a history.

    Args:
        text: The file's content.
        file: Its name, for messages.
        shapes: The operations that there may be, as in a `Specification`; empty takes any.

    Raises:
        MalformedRows: what cannot be taken, all of it.
    """
    assembly = Assembly(file, shapes)
    due = 0
    for line, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not raw.strip():
            continue
        fields, whole = _fields(assembly, line, raw)
        if fields is None:
            due += 1
            continue
        if "i" in fields:
            if fields["i"] != due:
                rule = f"rows count from 0 without a gap, and this one is {due}"
                assembly.complain(line, f"i = {fields['i']}", rule, "give the whole file, or leave i out")
            due = fields["i"]
        due += 1
        assembly.add(
            RecordedRow(
                line,
                fields.get("t_us"),
                fields["client"],
                fields.get("session", ""),
                fields.get("op"),
                Kind(fields["kind"]),
                fields["f"],
                fields.get("key", ONLY_KEY),
                _value(fields.get("value")),
                fields.get("version"),
                whole,
            )
        )
    return assembly.finish()


class _Doubled(dict[str, Any]):
    """An object in which these names are given more than once."""

    names: tuple[str, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    doubled = _Doubled(fields)
    doubled.names = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return doubled


def _fields(assembly: Assembly, line: int, raw: str) -> tuple[dict[str, Any] | None, bool]:
    """The fields of a row, and whether they are all that it tells; None after a complaint of what a row is about."""
    try:
        fields = json.loads(raw)
        if isinstance(fields, dict) and raw.count(":") > len(fields):  # asked of few rows, since it is slow
            fields = json.loads(raw, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        way_out = "mend or remove the line; it may be cut off"
        assembly.complain(line, quoted(raw.strip()), "expected one JSON object", way_out)
        return None, False
    bad: set[str] = set()
    for name in _NEEDED:
        if name not in fields:
            assembly.complain(line, quoted(raw.strip()), f"{name} is missing", "add it")
            bad.add(name)
    doubled = fields.names if isinstance(fields, _Doubled) else ()
    for name, value in fields.items():
        wrong = _mistake(name, value)
        if name in doubled:
            assembly.complain(line, name, "given more than once in one row", "keep one of them")
        elif wrong is not None:
            assembly.complain(line, f"{name} = {_spelt(value)}", *wrong)
        else:
            continue
        bad.add(name)
    if not bad:
        return fields, True
    if bad & (_TYPES.keys() - _BESIDE):
        return None, False
    return {name: value for name, value in fields.items() if name not in bad}, False


def _mistake(name: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with a field, and the way out."""
    if name == "value":
        return None if _is_value(value) else ("expected whole numbers, texts, null, or lists of these", "write one")
    if name not in _TYPES:
        return f"no field of a row is called {name}", way_to(name, HistoryRow._fields)
    types = _TYPES[name]
    if not isinstance(value, types) or isinstance(value, bool):
        return f"expected {' or '.join(_WORDS[one] for one in types)}", "write one"
    if name == "kind" and value not in list(Kind):
        return f"expected one of {', '.join(Kind)}", way_to(str(value), list(Kind))
    if name == "t_us" and isinstance(value, int) and value < 0:
        return "expected a time of at least 0", "shift all times"
    return None


def _spelt(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else quoted(json.dumps(value))[1:-1].replace('\\"', '"')


def _is_value(value: Any, deepest: int = 20) -> bool:
    if isinstance(value, list):
        return deepest > 0 and all(_is_value(item, deepest - 1) for item in value)
    return value is None or (isinstance(value, int | str) and not isinstance(value, bool))


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    assert value is None or isinstance(value, int | str)
    return value
