"""The ground that a schedule is drawn on, and the hand that draws one family's faults.

A family draws from one generator, its own, and sees nothing of what others drew. It asks the hand
for victims, instants and lengths, so that the run's knobs hold for all families alike and a fault
ends in time wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, exp, log, log1p, pi, sqrt
from types import MappingProxyType
from typing import Final, TypeVar

from sim.chance import Draws
from sim.faults import KINDS, Fault, Marks, ParamValue, Trigger
from sim.topology import Topology
from sim.units import format_us

__all__ = ["Family", "Ground", "Hand", "reaches", "selectors_for"]

T = TypeVar("T")

#: Of 136 failures so many isolated one node, and so many were partial (Alquraan et al., OSDI 2018).
ONE_NODE: Final = 0.88
PARTIAL: Final = 0.29
#: How far single lengths scatter around the median, as the sigma of a lognormal.
LENGTH_SIGMA: Final = 1.0
_SECOND_US: Final = 1_000_000
NO_PARAMS: Final[Mapping[str, ParamValue]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a schedule is drawn for.

    Attributes:
        topology: The world's.
        marks: By host path, what its services mark.
        free: Indices of the hosts that may be struck, clients included.
        core: Indices of those that are whole from `core_us` on; empty without a core.
        begins_us: No fault begins before.
        ends_us: None begins from here on.
        until_us: End of the run.
        healed_us: By when every fault has ended; None is never.
        core_us: By when those have that reach into the core.
        length_us_median: Median length of a fault.
        lasting: Chance that a fault lasts to the end, where it may.
        allow: Unfair kinds that may be drawn.
        exposed: Indices of the servers whose disks may be lost.
    """

    topology: Topology
    marks: Mapping[str, Marks]
    free: frozenset[int]
    core: frozenset[int]
    begins_us: int
    ends_us: int
    until_us: int
    healed_us: int | None
    core_us: int | None
    length_us_median: int
    lasting: float
    allow: frozenset[str]
    exposed: frozenset[int]

    @property
    def whole(self) -> bool:
        """Whether everybody may be struck: what concerns the world needs that."""
        return len(self.free) == len(self.topology.hosts)

    @property
    def servers(self) -> tuple[str, ...]:
        """The paths of servers that may be struck, in order of the hosts."""
        return tuple(h.path for h in self.topology.hosts if h.index in self.free and not h.client)

    @property
    def clients(self) -> tuple[str, ...]:
        """The same of client hosts."""
        return tuple(h.path for h in self.topology.hosts if h.index in self.free and h.client)

    def units(self, level: str) -> tuple[str, ...]:
        """Selectors of a level that hold servers, and nobody who may not be struck."""
        if level == "host":
            return self.servers
        hosts = self.topology.hosts
        return tuple(
            name
            for name in self.topology.names(level)
            if self.free.issuperset(self.topology.select(name))
            and not all(hosts[index].client for index in self.topology.select(name))
        )

    def sides(self, level: str) -> tuple[str, ...]:
        """Units that do not hold the whole world: there is somebody on the other side."""
        everybody = len(self.topology.hosts)
        return tuple(unit for unit in self.units(level) if len(self.topology.select(unit)) < everybody)

    def limit_us(self, fault: Fault) -> int | None:
        """By when a fault must have ended; None if it need not."""
        if self.core_us is not None and reaches(fault, self.topology, self.core):
            return self.core_us
        return self.healed_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Faults of one sort.

    Attributes:
        name: Names its generator, `nemesis/<name>`, and its faults.
        doc: One sentence for people.
        kinds: The kinds of fault that it can draw.
        possible: Whether it can draw anything on a ground.
        strike: Draws one fault, or a few that belong together.
    """

    name: str
    doc: str
    kinds: tuple[str, ...]
    possible: Callable[[Ground], bool]
    strike: Callable[[Hand], None]


class Hand:
    """Draws the faults of one family.

    Args:
        family: Its name.
        draws: Its generator.
        ground: What for.
        first: The number of its first fault.

    Attributes:
        faults: What was drawn, in that order.
        shortest_us: No fault is shorter.
    """

    def __init__(self, family: str, draws: Draws, ground: Ground, first: int = 1) -> None:
        self.ground = ground
        self.draws = draws
        self.faults: list[Fault] = []
        self._family = family
        self._first = first
        window_us = ground.ends_us - ground.begins_us
        # Whole milliseconds read better; a window of less than a second has no room for them.
        self._grain_us = 1_000 if window_us >= _SECOND_US else 1
        self.shortest_us = max(self._grain_us, window_us // 100 // self._grain_us * self._grain_us)

    # -- chance ------------------------------------------------------------------------------

    def happens(self, chance: float) -> bool:
        """True with this chance."""
        return self.draws.random() < chance

    def one(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[self.draws.below(len(things))]

    def some(self, things: Sequence[T], count: int) -> tuple[T, ...]:
        """So many of them, in a drawn order."""
        left = list(things)
        return tuple(left.pop(self.draws.below(len(left))) for _ in range(count))

    def spread(self, low: float, high: float) -> float:
        """A number spread evenly over the orders of magnitude from `low` to `high`, both above 0."""
        return low * exp(self.draws.random() * log(high / low))

    def factor(self, low: float, high: float) -> float:
        """As `spread`, to one decimal."""
        return round(self.spread(low, high), 1)

    def chance(self, low: float, high: float) -> float:
        """As `spread`, to three decimals."""
        return round(self.spread(low, high), 3)

    def duration(self, low_us: int, high_us: int) -> str:
        """As `spread`, as a text with a unit."""
        return format_us(max(1, round(self.spread(low_us, high_us))))

    def shift(self, low_us: int, high_us: int) -> str:
        """The same with either sign."""
        sign = "-" if self.happens(0.5) else ""
        return sign + self.duration(low_us, high_us)

    def geometric(self, p: float) -> int:
        """The number of tries up to the first success of chance `p`, from 1."""
        return 1 + int(log1p(-self.draws.random()) / log1p(-p))

    # -- victims -----------------------------------------------------------------------------

    def victims(self) -> tuple[str, ...]:
        """Servers to strike: one host in 88 of 100, else a cluster, a region or several hosts."""
        ground = self.ground
        if not self.happens(ONE_NODE):
            groups: list[tuple[str, ...]] = [(unit,) for level in ("cluster", "region") for unit in ground.sides(level)]
            most = max(2, len(ground.servers) // 2)
            if len(ground.servers) >= 2 and most < len(ground.topology.hosts):
                groups.append(self.some(ground.servers, self.draws.between(2, most)))
            if groups:
                return self.one(groups)
        return (self.one(ground.servers),)

    def others(self, targets: Iterable[str], *, clients: bool = False) -> tuple[str, ...]:
        """The paths of servers, and of client hosts if asked for, that are none of these; struck or not."""
        inside = {index for target in targets for index in self.ground.topology.select(target)}
        hosts = self.ground.topology.hosts
        return tuple(h.path for h in hosts if h.index not in inside and (clients or not h.client))

    # -- faults ------------------------------------------------------------------------------

    def when(self) -> int:
        """An instant to begin at."""
        ground = self.ground
        drawn_us = self.draws.between(ground.begins_us, ground.ends_us - self.shortest_us)
        return max(ground.begins_us, self.grain(drawn_us))

    def length(self) -> int:
        """How long something lasts: lognormal around the run's median, never next to nothing."""
        # Box and Muller; both uniforms are drawn whatever comes of them.
        radius, angle = sqrt(-2 * log1p(-self.draws.random())), 2 * pi * self.draws.random()
        us = self.ground.length_us_median * exp(LENGTH_SIGMA * radius * cos(angle))
        longest_us = self.ground.ends_us - self.ground.begins_us
        return self.grain(min(max(us, self.shortest_us), longest_us))

    def lasts(self) -> bool:
        """Whether it lasts to the end, if it may."""
        return self.happens(self.ground.lasting)

    def strike(
        self,
        kind: str,
        targets: tuple[str, ...],
        *,
        at: int | None = None,
        for_us: int | None = None,
        must_end: bool = False,
        params: Mapping[str, ParamValue] | Callable[[int], Mapping[str, ParamValue]] = NO_PARAMS,
    ) -> Fault:
        """Add a fault, cut short where it would last too long.

        Args:
            kind: A key of `KINDS`.
            targets: Whom it strikes.
            at: When it begins; drawn if None.
            for_us: How long it lasts; drawn if None.
            must_end: Its kind needs an end even where all may last.
            params: Parameters, or what gives them once it is known how long it lasts.
        """
        at = self.when() if at is None else at
        drawn_us = self.length() if for_us is None else for_us
        lasts = self.lasts() and not must_end

        def made(us: int) -> Fault:
            return self._named(kind, targets, at, us, params(us) if callable(params) else params)

        limit_us = self.ground.limit_us(made(drawn_us))
        if KINDS[kind].lasting is True or (lasts and limit_us is None):
            return self._add(replace(made(drawn_us), for_us=None))
        room_us = (self.ground.until_us if limit_us is None else limit_us) - at
        assert room_us > 0, f"{kind} at {at} us begins when all is healed already"
        return self._add(made(min(drawn_us, room_us)))

    def lie_in_wait(
        self, kind: str, targets: tuple[str, ...], trigger: Trigger, params: Mapping[str, ParamValue] = NO_PARAMS
    ) -> Fault:
        """Add a fault that waits for a trigger, to the window's end; where all must heal, so that it has time to."""
        drawn_us, lasts = self.length(), self.lasts()
        made = self._named(kind, targets, trigger, drawn_us, params)
        limit_us = self.ground.limit_us(made)
        if limit_us is None:
            at = replace(trigger, until_us=self.ground.ends_us)
            return self._add(replace(made, at=at, for_us=None if lasts else drawn_us))
        since_us = min(trigger.since_us, limit_us - self.shortest_us)
        for_us = max(1, min(drawn_us, (limit_us - since_us) // 2))
        return self._add(
            replace(made, at=replace(trigger, since_us=since_us, until_us=limit_us - for_us), for_us=for_us)
        )

    def _named(
        self, kind: str, targets: tuple[str, ...], at: int | Trigger, for_us: int, params: Mapping[str, ParamValue]
    ) -> Fault:
        name = f"{self._family}-{self._first + len(self.faults)}"
        return Fault(id=name, kind=kind, targets=targets, at=at, for_us=for_us, params=params)

    def _add(self, fault: Fault) -> Fault:
        self.faults.append(fault)
        return fault

    def grain(self, us: float) -> int:
        """Rounded down to what reads well."""
        return int(us) // self._grain_us * self._grain_us


def selectors_for(hosts: Collection[int], topology: Topology) -> tuple[str, ...]:
    """Selectors that name exactly these hosts: whole regions where they are whole, else hosts."""
    names: list[str] = []
    for region in topology.regions:
        members = topology.select(region)
        if set(members) <= set(hosts):
            names.append(region)
        else:
            names += [topology.hosts[index].path for index in members if index in hosts]
    return tuple(names)


def reaches(fault: Fault, topology: Topology, core: frozenset[int]) -> bool:
    """Whether a fault strikes a host of the core, or a link between two of them, while it lives.

    A fault aimed at `@here` is judged by the host that its trigger names; one that may fire
    anywhere reaches everybody.
    """
    from sim.faults.schedule import resolved

    if not core:
        return False
    if isinstance(fault.at, Trigger):
        if fault.at.host is None:
            return True
        fault = resolved(fault, topology, topology.host(fault.at.host).index)
    kind = KINDS[fault.kind]
    if core & (kind.crashed(fault, topology) | kind.host_effects(fault, topology).keys()):
        return True
    # At its begin a cut that changes is as wide as it ever gets.
    links = [(cut.src, cut.dst) for cut in kind.cuts(fault, topology)]
    links += [(effect.src, effect.dst) for effect in kind.link_effects(fault, topology)]
    return any(src & core and dst & core for src, dst in links)
