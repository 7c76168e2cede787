"""As much of EDN as histories use: https://github.com/edn-format/edn.

Maps, vectors, lists, sets, keywords, texts, characters, numbers, nil, true and false, comments,
`#_` and tagged values, whose tag is dropped. Symbols read as keywords do. Each map knows its line.
Parsing keeps its own stack, but what is made of a value does not, so there is a greatest depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["EdnMap", "EdnMistake", "EdnSet", "Keyword", "forms"]

_TOKEN: Final = re.compile(
    r"""(?P<skip>[\s,]+|;[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<char>\\(?:newline|space|tab|return|u[0-9a-fA-F]{4}|.))
    |(?P<open>\#\{|[\[({])
    |(?P<close>[\])}])
    |(?P<discard>\#_)
    |(?P<meta>\^)
    |(?P<special>\#\#\w+)
    |(?P<tag>\#[^\s,;"\[\](){}]+)
    |(?P<atom>[^\s,;"\[\](){}\\#]+)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES: Final = {"#{": "}", "{": "}", "[": "]", "(": ")"}.get
_WHOLE: Final = re.compile(r"[+-]?\d+N?")
_DECIMAL: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?|[+-]?\d+/\d+")
_DEEPEST: Final = 100
_LONGEST_NUMBER: Final = 4_000  # Python itself refuses to read much longer ones
_ESCAPES: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Keyword(str):
    """A keyword or symbol, without its colon."""

    __slots__ = ()


class EdnSet(tuple[Any, ...]):
    """A set, in the order in which it was written."""

    __slots__ = ()


class EdnMap(dict[Any, Any]):
    """A map.

    Attributes:
        line: Where it begins.
    """

    __slots__ = ("line",)
    line: int


class EdnMistake(ValueError):
    """Text that is no EDN.

    Attributes:
        line: Where.
        rule: What was expected.
        at: Where in the text the value at the top begins that has the mistake in it.
    """

    def __init__(self, line: int, rule: str, at: int) -> None:
        super().__init__(line, rule, at)
        self.line, self.rule, self.at = line, rule, at


class _Open:
    """A collection that is not closed yet; `mark` is its bracket, or a prefix that waits for one value."""

    __slots__ = ("at", "items", "line", "mark")

    def __init__(self, mark: str, line: int, at: int) -> None:
        self.mark, self.line, self.at = mark, line, at
        self.items: list[Any] = []


def forms(text: str, begin: int = 0) -> Iterator[tuple[int, Any]]:
    """The values at the top of a text, one by one, each with the line that it begins on.

    Args:
        text: The text.
        begin: Where to begin to read.

    Raises:
        EdnMistake: What follows is no EDN; values before it were given out.
    """
    stack: list[_Open] = []
    at, line = begin, 1 + text.count("\n", 0, begin)
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise EdnMistake(line, f"expected EDN, not {text[at : at + 12]!r}", _top(stack, at))
        token, kind = found.group(), found.lastgroup
        if kind in ("open", "discard", "tag", "meta"):
            if len(stack) == _DEEPEST:
                rule = f"expected values that are nested at most {_DEEPEST} deep"
                raise EdnMistake(line, rule, _top(stack, at))
            stack.append(_Open(token if kind == "open" else str(kind), line, at))
        elif kind == "close":
            if not stack or _CLOSES(stack[-1].mark) != token:
                what = (
                    f"{stack[-1].mark!r} of line {stack[-1].line} to be closed first" if stack else "nothing to close"
                )
                raise EdnMistake(line, f"expected {what}, not {token!r}", _top(stack, at))
            top, began = _top(stack, at), stack[0].line
            yield from ((began, value) for value in _put(stack, _closed(stack.pop(), top)))
        elif kind != "skip":
            began = stack[0].line if stack else line
            scalar = _scalar(str(kind), token, line, _top(stack, at))
            yield from ((began, value) for value in _put(stack, scalar))
        line += token.count("\n")
        at = found.end()
    if stack:
        rule = f"{stack[0].mark!r} is never closed; the file may be cut off"
        raise EdnMistake(stack[0].line, rule, _top(stack, at))


def _top(stack: list[_Open], at: int) -> int:
    return stack[0].at if stack else at


def _put(stack: list[_Open], value: Any) -> Iterator[Any]:
    """Hand a value to what waits for it; gives it out if nothing does."""
    while stack:
        top = stack[-1]
        if top.mark == "tag":
            stack.pop()
        elif top.mark == "discard":
            stack.pop()
            return
        elif top.mark == "meta":
            top.mark = "tag"  # the value after next is the one it is about
            return
        else:
            top.items.append(value)
            return
    yield value


def _closed(done: _Open, at: int) -> Any:
    if done.mark == "{":
        if len(done.items) % 2:
            raise EdnMistake(done.line, "expected a value for each key of the map", at)
        try:
            made = EdnMap(zip(done.items[::2], done.items[1::2], strict=True))
        except TypeError:
            raise EdnMistake(done.line, "expected keys that are no maps", at) from None
        if 2 * len(made) < len(done.items):
            raise EdnMistake(done.line, "expected each key of the map once", at)
        made.line = done.line
        return made
    return EdnSet(done.items) if done.mark == "#{" else tuple(done.items)


def _scalar(kind: str, token: str, line: int, at: int) -> Any:
    if kind == "text":
        return _ESCAPES.sub(_escaped, token[1:-1])
    if kind == "char":
        name = token[1:]
        return {"newline": "\n", "space": " ", "tab": "\t", "return": "\r"}.get(name) or (
            chr(int(name[1:], 16)) if len(name) == 5 else name
        )
    if kind == "special":
        return float({"##Inf": "inf", "##-Inf": "-inf"}.get(token, "nan"))
    if token in ("nil", "true", "false"):
        return {"nil": None, "true": True, "false": False}[token]
    if _WHOLE.fullmatch(token) and len(token) < _LONGEST_NUMBER:
        return int(token.rstrip("N"))
    if _DECIMAL.fullmatch(token):
        return _decimal(token)
    if token[0].isdigit():
        raise EdnMistake(line, f"expected a number, not {token!r}", at)
    return Keyword(token.removeprefix(":"))


def _decimal(token: str) -> float:
    above, _, below = token.rstrip("M").partition("/")
    return float(above) / float(below) if below.strip("0") else float(above)


def _escaped(found: re.Match[str]) -> str:
    name = found.group(1)
    if len(name) == 5:
        return chr(int(name[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(name, name)
