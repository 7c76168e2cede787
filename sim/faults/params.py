"""The parameters of faults: their types, how a wrong value is told, and how a right one is read.

Durations are texts with a unit (`"2s"`), in scenario files and in JSON alike, so that no number
stands without one; everything else is what it looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

from sim.faults.fault import Fault, ParamValue
from sim.topology import Topology
from sim.units import duration_us
from sim.wording import way_to

__all__ = [
    "FaultProblem",
    "ParamRule",
    "bad_params",
    "bad_selectors",
    "duration",
    "number",
    "selectors",
    "shift",
    "shown",
    "whole",
]

#: A drift of a tenth is a thousand times what a bad crystal does.
LARGEST_DRIFT_PPM: Final = 100_000
LARGEST_FACTOR: Final = 1e6


class ParamRule(NamedTuple):
    """What a parameter must be (a key of `TYPES`, or `selectors`), whether it must be there, what for."""

    type: str
    required: bool
    doc: str


class FaultProblem(NamedTuple):
    """Something wrong with a fault: at which field, its value, the rule, the way out."""

    field: str
    value: str
    rule: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.rule}; {self.way_out}"


def duration(fault: Fault, name: str, default_us: int = 0) -> int:
    """A duration among the parameters, microseconds."""
    value = fault.params.get(name)
    return default_us if value is None else duration_us(str(value))


def shift(fault: Fault, name: str) -> int:
    """A duration that may be negative, microseconds."""
    return _shift_us(str(fault.params[name]))


def number(fault: Fault, name: str, default: float) -> float:
    """A number among the parameters."""
    value = fault.params.get(name, default)
    assert isinstance(value, int | float), value  # validated before anything is computed
    return float(value)


def whole(fault: Fault, name: str, default: int) -> int:
    """A whole number among the parameters."""
    value = fault.params.get(name, default)
    assert isinstance(value, int), value
    return value


def selectors(fault: Fault, name: str) -> tuple[str, ...]:
    """A list of targets among the parameters; empty where it is left out."""
    value = fault.params.get(name, ())
    assert isinstance(value, tuple), value
    return value


def bad_params(
    kind: str, rules: Mapping[str, ParamRule], params: Mapping[str, ParamValue], topology: Topology
) -> Iterable[FaultProblem]:
    """Everything wrong with the parameters of a fault, taken one by one."""
    for name, value in params.items():
        rule = rules.get(name)
        if rule is None:
            way_out = way_to(name, rules) if rules else "leave it out"
            yield FaultProblem(f"params.{name}", shown(value), f"{kind} has no such parameter", way_out)
        elif rule.type == "selectors":
            if isinstance(value, tuple) and value:
                yield from bad_selectors(f"params.{name}", value, topology)
            else:
                yield FaultProblem(f"params.{name}", shown(value), "not a list of targets", "list at least one")
        else:
            wrong = TYPES[rule.type](value)
            if wrong is not None:
                yield FaultProblem(f"params.{name}", shown(value), *wrong)
    for name, rule in rules.items():
        if rule.required and name not in params:
            yield FaultProblem(f"params.{name}", "(nothing)", f"{kind} needs it: {rule.doc}", "add it")


def bad_selectors(field: str, names: Iterable[str], topology: Topology) -> Iterable[FaultProblem]:
    """The selectors that name nothing here."""
    for name in names:
        try:
            topology.select(name)
        except ValueError as problem:
            rule, _, way_out = str(problem).partition("; ")
            yield FaultProblem(field, shown(name), rule.removeprefix(f"{name!r} "), way_out)


def shown(value: ParamValue) -> str:
    """A value as JSON would spell it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


#: What is wrong with a value: the rule and the way out; None if nothing.
_Wrong = tuple[str, str] | None


def _bool(value: Any) -> _Wrong:
    return None if isinstance(value, bool) else ("not a truth value", "write true or false")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _chance(value: Any) -> _Wrong:
    good = _is_number(value) and 0 < value <= 1
    return None if good else ("not a chance above 0 and at most 1", "give one, as in 0.05")


def _chance_or_none(value: Any) -> _Wrong:
    return None if _is_number(value) and 0 <= value <= 1 else ("not a chance from 0 to 1", "give one, as in 0.05")


def _share(value: Any) -> _Wrong:
    return None if _is_number(value) and 0 < value < 1 else ("not a share between 0 and 1", "give one, as in 0.5")


def _factor(value: Any) -> _Wrong:
    good = _is_number(value) and 1 < value <= LARGEST_FACTOR
    return None if good else (f"not a factor above 1 and at most {LARGEST_FACTOR:,.0f}", "give one, as in 10")


def _count(value: Any) -> _Wrong:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return None if good else ("not a whole number of at least 1", "give one")


def _order(value: Any) -> _Wrong:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if good else ("not a whole number of at least 0", "give one; each names another order")


def _ppm(value: Any) -> _Wrong:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < abs(value) <= LARGEST_DRIFT_PPM
    rule = f"not a whole number of parts in a million, other than 0 and within {LARGEST_DRIFT_PPM:,}"
    return None if good else (rule, "give one, as in 200 or -200")


def _time(value: Any, read: Callable[[str], int] = duration_us) -> _Wrong:
    try:
        us = read(value)
    except ValueError as problem:
        rule, _, way_out = str(problem).partition("; ")
        return rule.removeprefix(f"{value!r} "), way_out
    return None if us else ("no time at all", "give a longer one")


def _signed_time(value: Any) -> _Wrong:
    return _time(value, _shift_us)


def _shift_us(text: str) -> int:
    minus, number = ("-", text[1:]) if str(text).startswith("-") else ("", text)
    return -duration_us(number) if minus else duration_us(number)


TYPES: Final[Mapping[str, Callable[[Any], _Wrong]]] = {
    "bool": _bool,
    "chance": _chance,
    "chance or 0": _chance_or_none,
    "share": _share,
    "factor": _factor,
    "count": _count,
    "order": _order,
    "ppm": _ppm,
    "duration": _time,
    "signed duration": _signed_time,
}
