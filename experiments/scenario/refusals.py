"""What a factory refuses, told in the words of the file: options by their keys, quantities with their units.

A factory knows `lease_us=100000`, where whoever wrote the file gave `lease = "100ms"`. What begins with an
option is told of that option's place; what is said of others in passing, and the least or most that would do, has
units too.

Where the file gives an option that cannot be read, the factory is asked all the same, with the default in its place:
it tells what else is wrong, and of that what has to do with such an option is left out.
"""

from __future__ import annotations

import re
import warnings
from ast import literal_eval
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from experiments.scenario.factory import Option, options_of
from experiments.scenario.problems import Finding, finding, reasons
from experiments.scenario.scenario import SystemChoice
from models.clients import Workload
from models.system import Site
from sim.topology import Topology
from sim.units import duration_us, format_us, rate_per_s

__all__ = ["refusals", "refusals_beside"]

_FIRST: Final = re.compile(r"(\w+)=('[^']*'|\([^()]*\)|[^\s:;,']+):? (?!and )(.+)", re.DOTALL)
_WORD: Final = re.compile(r"\w+")
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


def refusals_beside(
    system: SystemChoice, unread: Collection[str], topology: Topology, workload: Workload
) -> list[Finding]:
    """What a factory refuses beside options that cannot be read and have their defaults; of those it tells nothing."""
    options = {option.parameter: option for option in options_of(system.make).values()}
    names = {name for parameter in unread for name in (parameter, options[parameter].key)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            system.make(Site(topology), workload, **system.options)
    except ValueError as refused:
        told = [reason for reason in reasons(refused) if names.isdisjoint(_WORD.findall(reason))]
        return [_finding(system, options, reason) for reason in told]
    except (Exception, SystemExit):  # noqa: BLE001 - it may be for the default, and the file is refused anyhow
        return []
    return []


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
