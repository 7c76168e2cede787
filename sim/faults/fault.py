"""One fault, as data: what, whom, when, how long, and the JSON of a schedule of them.

A record holds no behaviour, so it can be printed, compared, shrunk and replayed. Times are
microseconds of the run. A record checks only itself; whether its kind, its targets and its
parameters make sense is known to `sim.faults.kinds`, with a topology at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from sim.wording import way_to

__all__ = ["HERE", "Fault", "ParamValue", "Trigger", "schedule_from_json", "schedule_to_json"]

ParamValue: TypeAlias = bool | int | float | str | tuple[str, ...]
#: A target: the host at which the fault's trigger fired.
HERE: Final = "@here"
_KEYS: Final = ("id", "kind", "targets", "at", "for", "params")
#: Keys of a trigger in JSON, and the attributes that they stand for.
_TRIGGER_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"point": "point", "note": "note", "nth": "nth", "host": "host", "since": "since_us", "until": "until_us"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A state of the system at which a fault begins, instead of an instant.

    Attributes:
        point: Crash point that is reached, or
        note: note that is made, as `name=value`; exactly one of the two.
        nth: At which occurrence, from 1.
        host: Only on this host (`region/cluster/host`); None is any.
        since_us: What happens before this instant does not count, microseconds.
        until_us: Nor what happens from this one on; None is never too late.
    """

    point: str | None = None
    note: str | None = None
    nth: int = 1
    host: str | None = None
    since_us: int = 0
    until_us: int | None = None

    def __post_init__(self) -> None:
        if (self.point is None) == (self.note is None):
            raise ValueError(f"{self.point=}, {self.note=}: a trigger names one of the two")
        if self.nth < 1:
            raise ValueError(f"{self.nth=} is no occurrence; count from 1")
        if self.since_us < 0:
            raise ValueError(f"{self.since_us=} is before the run; give 0 or later")
        if self.until_us is not None and self.until_us <= self.since_us:
            raise ValueError(f"{self.until_us=} is not after {self.since_us=}; give it time to be met")

    def counts_at(self, t_us: int) -> bool:
        """Whether what happens at this instant counts."""
        return self.since_us <= t_us and (self.until_us is None or t_us < self.until_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        id: Its name in the schedule, for logs and for shrinking.
        kind: A key of `sim.faults.KINDS`.
        targets: Whom it strikes: selectors such as `us-east-1`, `us-east-1/c1`, a host, `*`; with a
            trigger also `@here`, the host that reached the point or made the note. What happens
            on a host where such a fault makes no sense does not count.
        at: When it begins: microseconds, or a trigger.
        for_us: How long it lasts, microseconds; None is for ever.
        params: What else its kind wants to know; lists are tuples, durations texts with a unit.
    """

    id: str
    kind: str
    targets: tuple[str, ...]
    at: int | Trigger
    for_us: int | None
    params: Mapping[str, ParamValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError(f"{self.id=} is empty; a fault needs a name to be logged by")
        if not self.targets:
            raise ValueError(f"fault {self.id!r} has no target; name at least one")
        if not isinstance(self.at, Trigger) and self.at < 0:
            raise ValueError(f"fault {self.id!r} begins at {self.at} us; a run begins at 0")
        if self.for_us is not None and self.for_us < 1:
            raise ValueError(f"fault {self.id!r} lasts {self.for_us} us; give at least 1, or None for ever")
        # A copy behind a read-only view: nobody's later edit reaches a schedule that runs.
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __hash__(self) -> int:
        return hash((self.id, self.kind, self.targets, self.at, self.for_us, *sorted(self.params)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled, and sweeps send schedules to worker processes.
        return _fault_from, (_fault_to(self),)


def schedule_to_json(faults: Iterable[Fault]) -> str:
    """A schedule as a JSON array, one fault a line; `schedule_from_json` reads it back equal."""
    lines = [json.dumps(_fault_to(fault), separators=(", ", ": ")) for fault in faults]
    return "[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n" if lines else "[]\n"


def schedule_from_json(text: str) -> tuple[Fault, ...]:
    """Read a schedule.

    Raises:
        ValueError: no JSON array of faults; the message says which fault and what is wrong.
    """
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("a fault schedule is a JSON array of objects; put [ ] around it")
    faults: list[Fault] = []
    for number, entry in enumerate(entries):
        try:
            faults.append(_fault_from(entry))
        except ValueError as problem:
            raise ValueError(f"fault[{number}]: {problem}") from None
    return tuple(faults)


def _fault_to(fault: Fault) -> dict[str, Any]:
    at: Any = fault.at
    if isinstance(at, Trigger):
        values = {key: getattr(at, name) for key, name in _TRIGGER_KEYS.items()}
        at = {key: value for key, value in values.items() if value is not None and (key, value) != ("since", 0)}
    params = {name: list(v) if isinstance(v, tuple) else v for name, v in fault.params.items()}
    return {
        "id": fault.id,
        "kind": fault.kind,
        "targets": list(fault.targets),
        "at": at,
        "for": fault.for_us,
        "params": params,
    }


def _fault_from(entry: Any) -> Fault:
    _check_keys(entry, _KEYS, required=("id", "kind", "targets", "at"))
    at = entry["at"]
    if isinstance(at, dict):
        _check_keys(at, tuple(_TRIGGER_KEYS), required=())
        for name in ("point", "note", "host"):
            _check(name, at.get(name), str, type(None))
        for name in ("nth", "since"):
            _check(name, at.get(name, 1), int)
        _check("until", at.get("until"), int, type(None))
        at = Trigger(**{_TRIGGER_KEYS[key]: value for key, value in at.items()})
    else:
        _check("at", at, int)
    _check("id", entry["id"], str)
    _check("kind", entry["kind"], str)
    _check("for", entry.get("for"), int, type(None))
    _check("params", entry.get("params", {}), dict)
    return Fault(
        id=entry["id"],
        kind=entry["kind"],
        targets=_texts("targets", entry["targets"]),
        at=at,
        for_us=entry.get("for"),
        params={name: _param(name, value) for name, value in entry.get("params", {}).items()},
    )


def _param(name: str, value: Any) -> ParamValue:
    if isinstance(value, bool | int | float | str):
        return value
    return _texts(f"params.{name}", value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'{name} = {value!r} is no list of texts; write one, as in ["us-east-1"]')
    return tuple(value)


def _check_keys(entry: Any, known: tuple[str, ...], required: tuple[str, ...]) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no object; write one with the keys {', '.join(known)}")
    for name in entry:
        if name not in known:
            raise ValueError(f"unknown key {name!r}; {way_to(name, known)}")
    for name in required:
        if name not in entry:
            raise ValueError(f"the key {name!r} is missing; add it")


def _check(name: str, value: object, *types: type) -> None:
    # bool is an int to Python; `"at": true` is a slip all the same.
    if not isinstance(value, types) or isinstance(value, bool):
        wanted = " or ".join("null" if t is type(None) else t.__name__ for t in types)
        raise ValueError(f"{name} = {value!r} is not {wanted}; times are whole microseconds")
