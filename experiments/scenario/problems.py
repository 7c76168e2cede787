"""Mistakes in a scenario: each with its file, path, value, rule and way out, all at once."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.wording import nearest, way_to

__all__ = ["NOTHING", "Finding", "Problem", "ScenarioError", "explain", "finding", "raised", "reasons", "shown"]

#: How an absent value is shown.
NOTHING: Final = "(nothing)"
_LONGEST_SHOWN: Final = 80
_LONGEST_TOLD: Final = 300


class Problem(NamedTuple):
    """One mistake, ready to be printed."""

    file: str
    path: str
    value: str
    rule: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path} = {self.value}: {self.rule}; {self.way_out}"


class Finding(NamedTuple):
    """A problem that does not know yet in which file it is."""

    path: str
    value: str
    rule: str
    way_out: str


class ScenarioError(ValueError):
    """A scenario that cannot be used, with every reason found.

    Attributes:
        problems: At least one, in the order of the file's sections.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        assert self.problems, "an error needs a reason"
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line a problem: `file: path = value: rule; way out`."""
        return [str(problem) for problem in self.problems]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


def shown(value: object) -> str:
    """A value as its TOML would spell it, shortened when it is long."""
    text = value if isinstance(value, str) and value == NOTHING else _spelt(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 4]} ..."


def _spelt(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_spelt(item) for item in value) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{key} = {_spelt(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    return str(value)


def finding(path: str, value: object, message: str) -> Finding:
    """A finding from a message of ours, `value rule; way out`."""
    rule, _, way_out = message.partition("; ")
    return Finding(path, shown(value), rule.removeprefix(f"{value!r} ").removeprefix("is "), way_out or "change it")


def reasons(refused: ValueError) -> tuple[str, ...]:
    """Those that a refusal lists in its `problems`, or what it says."""
    return tuple(getattr(refused, "problems", None) or (str(refused),))


def raised(error: BaseException) -> str:
    """What somebody's code raised when we called it, and where, on one line."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the caller's own
    place = frames[-1] if frames and not frames[-1].filename.startswith("<") else None
    where = "" if place is None else f" ({Path(place.filename).name}, line {place.lineno})"
    told = " ".join(str(error).split())
    told = told if len(told) <= _LONGEST_TOLD else f"{told[: _LONGEST_TOLD - 4]} ..."
    return f"{type(error).__name__}{': ' if told else ''}{told}{where}"


# What pydantic calls a mistake, in the house's words: rule and way out, filled from its context.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is required", "add it"),
    "string_type": ("not a text", "put it in quotes"),
    "int_type": ("not a whole number", "write one without quotes, unit or decimals"),
    "float_type": ("not a number", "write one without quotes or unit"),
    "finite_number": ("not a finite number", "write one"),
    "bool_type": ("not a truth value", "write true or false"),
    "list_type": ("not a list", 'write one, as in ["a", "b"]'),
    "tuple_type": ("not a list", 'write one, as in ["a", "b"]'),
    "dict_type": ("not a table", "write one, as in { key = 1 }"),
    "greater_than": ("must be above {gt}", "raise it"),
    "greater_than_equal": ("is below {ge}", "raise it"),
    "less_than": ("must be below {lt}", "lower it"),
    "less_than_equal": ("is above {le}", "lower it"),
    "too_short": ("holds fewer than {min_length}", "add one"),
    "string_too_short": ("is empty", "give it a name"),
    "none_required": ("must be absent", "leave it out"),
}


def explain(path: str, error: Mapping[str, Any], known: Iterable[str]) -> Finding:
    """One error of pydantic's as a finding.

    Args:
        path: Where.
        error: An entry of `ValidationError.errors()`.
        known: The keys of the table that it is about, for the nearest to an unknown one.
    """
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":
        return finding(path, value, str(context["error"]))
    if kind == "missing":
        return Finding(path, NOTHING, *_WORDS[kind])
    if kind == "extra_forbidden":
        key = path.rpartition(".")[2]
        return Finding(path, shown(value), "unknown key", way_to(key, known))
    if kind in ("literal_error", "enum"):
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        near = nearest(str(value), choices)
        way_out = "choose one" if near is None else f"did you mean {near!r}?"
        return Finding(path, shown(value), f"not one of {', '.join(choices)}", way_out)
    rule, way_out = _WORDS.get(kind, (str(error["msg"]), "change it"))
    bounds = {name: _bound(bound) for name, bound in context.items()}
    return Finding(path, shown(value), rule.format(**bounds), way_out)


def _bound(bound: object) -> object:
    return f"{bound:g}" if isinstance(bound, float) else f"{bound:,}" if isinstance(bound, int) else bound
