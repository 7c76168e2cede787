"""What a factory refuses, told in the words of the file: options by their keys, quantities with their units.

A factory knows `lease_us=100000`, where whoever wrote the file gave `lease = "100ms"`. What begins with an
option is told of that option's place; what is said of others in passing, and the least or most that would do, has
units too.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Mapping
from typing import Any, Final

from experiments.scenario.factory import Option, options_of
from experiments.scenario.problems import Finding, finding, reasons
from experiments.scenario.scenario import SystemChoice
from sim.units import duration_us, format_us, rate_per_s

__all__ = ["refusals"]

_FIRST: Final = re.compile(r"(\w+)=('[^']*'|\([^()]*\)|[^\s:;,']+):? (?!and )(.+)", re.DOTALL)
_OWN: Final = re.compile(r"\bself\.(?=\w+=)")
_PASSING: Final = re.compile(r"\b(\w+)=(-?\d+(?:\.\d+)?)\b")
_BOUND: Final = re.compile(r"\b(at least|at most|or) (\d+)\b")
_SPELT: Final[Mapping[Any, Callable[[Any], str]]] = {duration_us: format_us, rate_per_s: lambda rate: f"{rate:g}/s"}


def refusals(system: SystemChoice, refused: ValueError) -> list[Finding]:
    """One finding for each reason of a refusal."""
    try:
        options = {option.parameter: option for option in options_of(system.make).values()}
    except ValueError:
        options = {}
    return [_finding(system, options, reason) for reason in reasons(refused)]


def _finding(system: SystemChoice, options: Mapping[str, Option], reason: str) -> Finding:
    reason = _OWN.sub("", reason)
    begun = _FIRST.match(reason)
    option = options.get(begun[1]) if begun else None
    if begun is None or option is None:
        return finding("system", system.factory, _PASSING.sub(lambda found: _passing(options, found), reason))
    told = _PASSING.sub(lambda found: _passing(options, found), begun[3])
    if option.quantity is duration_us:
        told = _BOUND.sub(lambda found: f'{found[1]} "{format_us(int(found[2]))}"', told)
    return finding(f"system.{option.key}", _spelt(option, begun[2]), told)


def _passing(options: Mapping[str, Option], found: re.Match[str]) -> str:
    option = options.get(found[1])
    if option is None or option.quantity not in _SPELT:
        return found[0]
    return f'{option.key} = "{_spelt(option, found[2])}"'


def _spelt(option: Option, text: str) -> Any:
    """A value as the file has it."""
    try:
        value = literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    spell = _SPELT.get(option.quantity)
    return spell(value) if spell is not None and isinstance(value, int | float) else value
