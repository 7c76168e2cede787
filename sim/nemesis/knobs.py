"""What a nemesis is asked for, and what it then drew for a whole run: plain values, told before the run.

Three modes, by what may be demanded of the system afterwards:

- *unlimited*: faults may last to the end. Only safety can be demanded.
- *healing*: every fault has ended by an instant, and no copy of everything is destroyed. From then
  on the system must converge.
- *core*: from an instant on a majority is whole for good, while faults go on outside it and between
  it and the rest. The core must converge and go on serving (TigerBeetle's simulator does this).

**Which faults are fair.** A sound store flushes before it answers, and has other copies or ships
them later. It survives any cut, delay, pause, crash and loss of power, a full or slow disk and a
wrong wall clock; after the heal it is as if nothing had been. It cannot survive that the disk
itself breaks its promise: `disk-loss`, `fsync-lies` and `region-destroyed` are drawn only where
they are allowed by name, since a store that answers after one flush never promised to survive them.
Clocks drift by at most 500 ppm, the most that NTP corrects.

**How long, how many.** Alquraan et al. (OSDI 2018) found a median repair of about 5 min. A window of
faults stands for an hour of a data centre, so the median fault lasts a twelfth of it, times a factor
drawn per run from 1/4 to 4; single lengths are lognormal around that with sigma 1. Of 136 failures
88 % isolated one node and 29 % were partial cuts: so often a victim is one host, and a two-way
cut partial. The number of faults of each family that is on is 1 plus a geometric number, with a
mean drawn per run from 1 to 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from sim.faults import Fault
from sim.units import format_us

__all__ = ["SHORTEST_WINDOW_US", "SURE", "UNFAIR", "Drawn", "Knobs", "Mode", "Options"]

#: Kinds of fault that no system here promises to survive; drawn only where allowed by name.
UNFAIR: Final = frozenset({"disk-loss", "fsync-lies", "region-destroyed"})
#: Kinds that a schedule can be told to have for sure.
SURE: Final = frozenset({"disk-loss"})
#: Below this there is no room for a fault to begin, change and end.
SHORTEST_WINDOW_US: Final = 10_000
DENSEST: Final = 100.0


class Mode(StrEnum):
    """What may still be broken at the end."""

    UNLIMITED = "unlimited"
    HEALING = "healing"
    CORE = "core"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a schedule shall be like. Times are microseconds of the run.

    Attributes:
        until_us: End of the run.
        ends_us: No fault begins from here on; in mode `healing` all have ended by then.
        begins_us: No fault begins before.
        mode: What may still be broken at the end.
        families: Those that may be drawn; None is all.
        allow: Kinds of fault that are unfair and shall be drawn all the same.
        surely: Of those allowed, the kinds of which each schedule has two more that end; of `SURE`, and in mode `core`
            before the core is whole.
        density: Multiplies the number of faults, above 0.
        core_us: In mode `core`, from when the core is whole; None is half-way.
        core: In mode `core`, the selectors of those in it; empty draws a majority.
    """

    until_us: int
    ends_us: int
    begins_us: int = 0
    mode: Mode = Mode.HEALING
    families: frozenset[str] | None = None
    allow: frozenset[str] = field(default_factory=frozenset)
    surely: frozenset[str] = field(default_factory=frozenset)
    density: float = 1.0
    core_us: int | None = None
    core: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.begins_us < self.ends_us <= self.until_us:
            times = f"{self.begins_us=}, {self.ends_us=}, {self.until_us=}"
            raise ValueError(f"{times}: faults need 0 <= begin < end <= end of the run; move one")
        if self.ends_us - self.begins_us < SHORTEST_WINDOW_US:
            shortest = format_us(SHORTEST_WINDOW_US)
            raise ValueError(f"{self.begins_us=}, {self.ends_us=} leave no room for faults; give {shortest}")
        for kind in sorted(self.allow - UNFAIR):
            raise ValueError(f"{kind!r} need not be allowed; allow only {', '.join(sorted(UNFAIR))}")
        for kind in sorted(self.surely - SURE):
            raise ValueError(
                f"{kind!r} is not struck for sure; choose of {', '.join(sorted(SURE))}, or raise the density"
            )
        for kind in sorted(self.surely - self.allow):
            raise ValueError(f"{kind!r} is struck for sure and not allowed; allow it too")
        if not 0 < self.density <= DENSEST:
            raise ValueError(f"{self.density=} is not above 0 and at most {DENSEST:g}; 1 is the usual")
        if self.mode is not Mode.CORE and (self.core or self.core_us is not None):
            raise ValueError(f"{self.mode=} has no core; leave it out, or set the mode to core")
        if self.core_us is not None and not self.begins_us < self.core_us < self.ends_us:
            raise ValueError(f"{self.core_us=} is not between {self.begins_us=} and {self.ends_us=}; move it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What was drawn for the run as a whole. Times are microseconds of the run.

    Attributes:
        seed: Root of all that was drawn.
        mode: As asked for.
        begins_us: As asked for.
        ends_us: As asked for.
        until_us: End of the run.
        core_us: From when the core is whole; None without one.
        core: Selectors of those in it.
        families: Families that are on, by name.
        off: Those that the coin switched off.
        impossible: Those that cannot be drawn here, for want of hosts, racks, notes or points.
        allow: Unfair kinds that may occur.
        faults_per_family: Mean number of faults of a family that is on.
        length_us_median: Median length of a fault.
        lasting: In mode `unlimited`, the chance that a fault lasts to the end.
        exposed: Selectors of those whose disks may be lost.
        faults: How many faults were drawn.
    """

    seed: int
    mode: str
    begins_us: int
    ends_us: int
    until_us: int
    core_us: int | None
    core: tuple[str, ...]
    families: tuple[str, ...]
    off: tuple[str, ...]
    impossible: tuple[str, ...]
    allow: tuple[str, ...]
    faults_per_family: float
    length_us_median: int
    lasting: float
    exposed: tuple[str, ...]
    faults: int

    def lines(self) -> list[str]:
        """One line a knob, `name: value`."""
        return [f"{name}: {_shown(name, value)}" for name, value in asdict(self).items()]

    def to_json(self) -> str:
        """As one JSON object on one line; `from_json` reads it back equal."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Knobs:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        entry = json.loads(text)
        known = cls.__dataclass_fields__
        if not isinstance(entry, Mapping) or set(entry) != set(known):
            raise ValueError(f"no knobs; an object with {', '.join(known)} is expected")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A schedule and what it was drawn by.

    Attributes:
        knobs: To be told before the run.
        faults: In order of the instant from which each can begin.
    """

    knobs: Knobs
    faults: tuple[Fault, ...]


def _shown(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if value is None:
        return "none"
    return format_us(value) if "_us" in name else str(value)
