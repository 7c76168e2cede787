"""A detector in a few words, as scenario files write it; there is no other way for them to name one.

`fixed:600ms` suspects after so long a silence; `mean:3`, `ewma:3` after so many mean intervals; `deviation:4`
after the mean and so many standard deviations; `nfd-e:200ms`, `2w-fd:200ms` so long after a heartbeat was due;
`bertier:4` with that weight of the variation in its margin; `phi:8`, `exponential:8`, `akka:8`,
`cassandra:8` at that phi. Without a number it is the published one, or that of `presets`.

`mean:3 of 100` goes by the last hundred intervals; without that by as many as published. `mean-new` is told
only of heartbeats newer than all before, and so is any other that measures silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from models.detection.detector import Plan
from models.detection.numbered import Newest
from models.detection.presets import published
from models.detection.recent import Recent
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["detector_of", "detector_of_answers"]

#: What the number behind a name is, as its plan calls it.
_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fixed": "timeout_us",
        "mean": "factor",
        "deviation": "deviations",
        "ewma": "factor",
        "nfd-e": "alpha_us",
        "bertier": "phi",
        "2w-fd": "margin_us",
        "phi": "threshold",
        "exponential": "threshold",
        "akka": "threshold",
        "cassandra": "threshold",
    }
)
#: What goes by when each heartbeat was due.
_PACED: Final = ("nfd-e", "bertier", "2w-fd")
#: What has no window that one could choose.
_UNBOUNDED: Final = ("fixed", "ewma", "2w-fd")
#: Behind a name: only new heartbeats count.
_NEW: Final = "-new"


def detector_of(words: str, eta_us: int) -> Plan:
    """The detector that some words mean, for heartbeats every `eta_us` microseconds.

    Raises:
        ValueError: no such detector, or a number that makes no sense for it; with the way out.
    """
    told, of, count = words.partition(" of ")
    called, colon, number = told.partition(":")
    name = called.removesuffix(_NEW)
    field = _PARAMETERS.get(name)
    if field is None:
        raise ValueError(f"detector={words!r}: {called!r} is no detector; {way_to(called, _PARAMETERS)}")
    try:
        plan: Any = published(eta_us)[name]
        if colon:
            plan = replace(plan, **{field: _number(number, name, field)})
        if of:
            plan = _within(plan, name, count)
        if called != name:
            plan = _of_new(plan, name)
    except ValueError as refused:
        raise ValueError(f"detector={words!r}: {refused}") from None
    made: Plan = plan
    return made


def detector_of_answers(words: str, eta_us: int) -> Plan:
    """The same, fed with answers, of which the first is expected within `eta_us`.

    Raises:
        ValueError: as for `detector_of`; or it goes by when heartbeats are due, and answers come when one asks.
    """
    if words.partition(" of ")[0].partition(":")[0] in _PACED:
        raise ValueError(
            f"detector={words!r} goes by when each heartbeat is due, and answers come when somebody asked; take one "
            f"that measures silence: {', '.join(name for name in _PARAMETERS if name not in _PACED)}"
        )
    return detector_of(words, eta_us)


def _number(text: str, name: str, field: str) -> float:
    if field.endswith("_us"):
        return duration_us(text)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no {field}; write a number, as in {name}:4, or {name} alone") from None


def _within(plan: Any, name: str, count: str) -> Any:
    """The same detector, that goes by the last so many."""
    if name in _UNBOUNDED:
        some = ", ".join(one for one in _PARAMETERS if one not in _UNBOUNDED)
        raise ValueError(f"{name} has no window to choose; leave ` of {count}` out, or take one of {some}")
    if not count.isdecimal():
        raise ValueError(f"{count!r} is no window; write how many intervals, as in {name} of 100")
    return replace(plan, **({"recent": Recent(int(count))} if hasattr(plan, "recent") else {"window": int(count)}))


def _of_new(plan: Plan, name: str) -> Newest:
    if name in _PACED:
        raise ValueError(f"{name} goes by the numbers of heartbeats as it is; leave {_NEW!r} out")
    return Newest(plan=plan)
