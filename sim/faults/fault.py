"""One fault, as data: what, whom, when, how long.

A record holds no behaviour, so it can be printed, compared, shrunk and replayed. Times are
whole microseconds of the run. A record checks only itself; whether its kind, its targets and
its parameters make sense is known to `sim.faults.kinds`, with a topology at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

__all__ = ["HERE", "Fault", "ParamValue", "Trigger"]

ParamValue: TypeAlias = bool | int | float | str | tuple[str, ...]
#: A target: the host at which the fault's trigger fired.
HERE: Final = "@here"


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

    Raises:
        ValueError: it names no state or two, or a number is out of range; a line for each mistake.
    """

    point: str | None = None
    note: str | None = None
    nth: int = 1
    host: str | None = None
    since_us: int = 0
    until_us: int | None = None

    def __post_init__(self) -> None:
        _refuse(self._mistakes())

    def _mistakes(self) -> Iterator[str]:
        if (self.point is None) == (self.note is None):
            yield f"{self.point=}, {self.note=}: a trigger names one of the two; give it a point or a note"
        if not _is_whole(self.nth) or self.nth < 1:
            yield f"{self.nth=} is no occurrence; count from 1"
        if not _is_whole(self.since_us) or self.since_us < 0:
            yield f"{self.since_us=} is no instant of the run; give whole microseconds of at least 0"
        elif self.until_us is not None and (not _is_whole(self.until_us) or self.until_us <= self.since_us):
            yield f"{self.until_us=} is no instant after {self.since_us=}; give it time to be met, whole microseconds"

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

    Raises:
        ValueError: it has no name or target, or a time is none; a line for each mistake.
    """

    id: str
    kind: str
    targets: tuple[str, ...]
    at: int | Trigger
    for_us: int | None
    params: Mapping[str, ParamValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse(self._mistakes())
        # A copy behind a read-only view: nobody's later edit reaches a schedule that runs.
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def _mistakes(self) -> Iterator[str]:
        if not self.id:
            yield f"{self.id=} is empty; a fault needs a name to be logged by"
        if not self.targets:
            yield f"fault {self.id!r} has no target; name at least one"
        if not isinstance(self.at, Trigger) and (not _is_whole(self.at) or self.at < 0):
            yield f"fault {self.id!r} begins at {self.at!r} us; a run begins at 0, and its times are whole microseconds"
        if self.for_us is not None and (not _is_whole(self.for_us) or self.for_us < 1):
            yield f"fault {self.id!r} lasts {self.for_us!r} us; give whole microseconds, at least 1, or None"

    def __hash__(self) -> int:
        return hash((self.id, self.kind, self.targets, self.at, self.for_us, *sorted(self.params)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled, and sweeps send schedules to worker processes.
        return _rebuilt, (self.id, self.kind, self.targets, self.at, self.for_us, dict(self.params))


def _rebuilt(
    id: str,  # noqa: A002 - the names of the record
    kind: str,
    targets: tuple[str, ...],
    at: int | Trigger,
    for_us: int | None,
    params: dict[str, ParamValue],
) -> Fault:
    return Fault(id=id, kind=kind, targets=targets, at=at, for_us=for_us, params=params)


def _is_whole(value: object) -> bool:
    # A truth value is an int to Python, and here a slip.
    return value.__class__ is int


def _refuse(mistakes: Iterable[str]) -> None:
    told = "\n".join(mistakes)
    if told:
        raise ValueError(told)
