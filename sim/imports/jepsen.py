"""A history as Jepsen writes it: EDN maps, one after another or all in one vector.

    {:type :invoke, :f :read, :value nil, :process 0, :time 123, :index 0}

`:process` is the client; one that ended with `:info` may begin again. `:time` is in
nanoseconds, `:index` counts up. Where every value is a pair, the keys of independent
registers stand first in it: `[3 [0 1]]` is a cas on key 3. One register that holds pairs looks the
same, so a reader who knows can say which it is. Rows of the nemesis are passed over.

A history has no keywords, so `:a` reads as the text "a", and a process is a name. A file in which
two spellings of one client, key or value would become the same is refused: whether they are the
same is not for us to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sim.checkers.specifications import Shape
from sim.history import Kind, Value
from sim.imports.edn import EdnMap, EdnMistake, EdnSet, Keyword, forms
from sim.imports.recorded import ONLY_KEY, Assembly, RecordedHistory, RecordedRow
from sim.imports.rows import quoted
from sim.wording import way_to

__all__ = ["read_history_edn"]

_NEXT_MAP: Final = re.compile(r"\n[\s,]*\{")
_NEEDED: Final = ("type", "f", "process")


def read_history_edn(
    text: str, file: str, shapes: Mapping[str, tuple[Shape, Shape]], independent: bool | None = None
) -> RecordedHistory:
    """Read a history.

    Args:
        text: The file's content.
        file: Its name, for messages.
        shapes: The operations that there may be, as in a `Specification`; empty takes any.
        independent: Whether a key stands first in each value; None if the values are to tell.

    Raises:
        MalformedRows: what cannot be taken, all of it.
    """
    assembly = Assembly(file, shapes)
    maps = [found for found in _maps(text.removeprefix("\ufeff"), assembly) if found.get("process") != "nemesis"]
    good = [found for found in maps if _is_operation(found, assembly)]
    keyed = _keyed(good) if independent is None else independent
    spelt = _Spellings(assembly)
    index = -1
    for found in good:
        given = found.get("index")
        if given is not None and given <= index:
            rule = f"rows count up, and an earlier one is {index}"
            assembly.complain(found.line, f":index {given}", rule, "write rows in their order")
        index = index if given is None else given
        assembly.add(_row(found, keyed, assembly, spelt))
    return assembly.finish()


def _maps(text: str, assembly: Assembly) -> Iterator[EdnMap]:
    """The maps at the top, or in a vector there; what is broken is complained of and passed over by lines."""
    at, told = 0, set()
    while at < len(text):
        try:
            for line, form in forms(text, at):
                for one in form if type(form) is tuple else (form,):
                    if isinstance(one, EdnMap):
                        yield one
                    else:
                        assembly.complain(line, quoted(str(one)), "expected operation maps", "write {:type ...}")
            return
        except EdnMistake as mistake:
            if mistake.line not in told:
                told.add(mistake.line)
                told_line = text.split("\n", mistake.line)[mistake.line - 1].strip()
                assembly.complain(mistake.line, quoted(told_line), mistake.rule, "mend or remove the line")
            next_map = _NEXT_MAP.search(text, mistake.at)
            if next_map is None:
                return
            at = next_map.end() - 1


def _is_operation(found: EdnMap, assembly: Assembly) -> bool:
    """Whether a map has what an operation needs; complains if not."""
    good = True

    def wrong(name: str, rule: str, way_out: str) -> None:
        nonlocal good
        good = False
        told = f":{name} {quoted(str(found[name]))}" if name in found else "(nothing)"
        assembly.complain(found.line, told, rule, way_out)

    for name in _NEEDED:
        if name not in found:
            wrong(name, f":{name} is missing", "add it")
    kind = found.get("type")
    if "type" in found and kind not in list(Kind):
        wrong("type", f"expected one of {', '.join(f':{one}' for one in Kind)}", way_to(str(kind), list(Kind)))
    if "f" in found and not isinstance(found["f"], str):
        wrong("f", "expected a keyword", "write one, as in :read")
    if "process" in found and (isinstance(found["process"], bool) or not isinstance(found["process"], int | str)):
        wrong("process", "expected a number or a name", "write one")
    for name in ("time", "index"):
        value = found.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            wrong(name, "expected a whole number of at least 0", "write one")
    return good


def _keyed(found: list[EdnMap]) -> bool:
    """Whether values are `[key value]`: all are pairs, though a bare read is asked nothing, a bare cas two values."""
    values = [one.get("value") for one in found if one["type"] == "invoke"]
    if not values or not all(type(value) is tuple and len(value) == 2 for value in values):
        return False
    return any(one["f"] != "cas" or type(one["value"][1]) is tuple for one in found if one["type"] == "invoke")


class _Spellings:
    """How a file spells the clients, keys and values that read as texts."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._first: dict[tuple[str, str], tuple[str, int]] = {}
        self._told: set[tuple[str, str]] = set()

    def see(self, what: str, value: int | str, line: int) -> None:
        """Complain of one that was spelt otherwise before, once."""
        kind = "keyword" if isinstance(value, Keyword) else "text" if isinstance(value, str) else "number"
        name = (what, str(value))
        first, where = self._first.setdefault(name, (kind, line))
        if kind != first and name not in self._told:
            self._told.add(name)
            rule = f"a {kind} here and a {first} in line {where}, which would read as one"
            self._assembly.complain(line, f"{what} {quoted(str(value))}", rule, "spell it one way, or name two things")


def _row(found: EdnMap, keyed: bool, assembly: Assembly, spelt: _Spellings) -> RecordedRow:
    key, value, whole = _key_and_value(found, keyed, assembly)
    plain: Value = None
    try:
        plain = _plain(value, lambda text: spelt.see("value", text, found.line))
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise TypeError
    except TypeError:
        rule = "expected whole numbers, texts, keywords, nil, or collections of these"
        assembly.complain(found.line, f":value {quoted(str(found.get('value')))}", rule, "write one")
        key, whole = ONLY_KEY, False
    if whole and isinstance(key, str):
        spelt.see("key", key, found.line)
    spelt.see("client", found["process"], found.line)
    time = found.get("time")
    return RecordedRow(
        found.line,
        None if time is None else time // 1_000,
        str(found["process"]),
        "",
        None,
        Kind(found["type"]),
        str(found["f"]),
        str(key) if isinstance(key, Keyword) else key,
        plain,
        None,
        whole,
    )


def _key_and_value(found: EdnMap, keyed: bool, assembly: Assembly) -> tuple[Any, Any, bool]:
    """Both as the file has them, and whether they are there; complains if not."""
    value = found.get("value")
    if not keyed:
        return ONLY_KEY, value, True
    if type(value) is tuple and len(value) == 2:
        return *value, True
    rule = "expected a pair [key value], as in every invocation"
    way_out = "write the key too, or say that these are no independent keys"
    assembly.complain(found.line, f":value {quoted(str(value))}", rule, way_out)
    return ONLY_KEY, None, False


def _rank(value: Value) -> tuple[Any, ...]:
    """A place in an order of all values, of whatever kinds."""
    if isinstance(value, tuple):
        return "list", tuple(_rank(item) for item in value)
    return type(value).__name__, 0 if value is None else value


def _plain(value: Any, seen: Callable[[str], None], deepest: int = 20) -> Value:
    """A value of a history; a set is sorted, and `seen` hears every text and keyword.

    Raises:
        TypeError: it has no place in a history.
    """
    if deepest == 0:
        raise TypeError
    if isinstance(value, EdnSet):
        return tuple(sorted((_plain(item, seen, deepest - 1) for item in value), key=_rank))
    if isinstance(value, tuple):
        return tuple(_plain(item, seen, deepest - 1) for item in value)
    if isinstance(value, bool) or not (value is None or isinstance(value, int | str)):
        raise TypeError
    if isinstance(value, str):
        seen(value)
    return str(value) if isinstance(value, Keyword) else value
