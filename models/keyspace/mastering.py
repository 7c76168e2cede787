"""The master as a service: it owns the map, as the sum of decisions that it has written down.

A decision is durable before anybody hears of it, and the map is what the decisions come to, so a
master that starts again knows what it decided. Tablet servers report to it how often what is asked
for and what their groups have by now; it answers with its map. It splits, merges, evens out, and
follows its plan of who joins and who leaves (`models.keyspace.plan`); moving itself is between the
groups, which need no master for it.

It can be cut off: then nothing new is decided, and traffic goes on. A map is followed only if it
is newer, and no log gives anything away twice, so a master that comes back from the dark does
no harm. One that has lost its disk takes the newest map that a server reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from models.keyspace.directory import Directory, Held, Line, first_directory
from models.keyspace.loads import Loads
from models.keyspace.master import Action, Decision, Merge, Reassign, Split, Superseded, apply
from models.keyspace.placement import Node
from models.keyspace.plan import Known, Owners, has_its_share, next_actions
from models.keyspace.tablets import Tablet, TabletMap
from models.keyspace.words import STALE, Heard, MapIs, MapQuery, Report, Rerouted, RouteQuery
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["MASTER", "Master", "MasterOptions", "Step"]

#: What the service is called on its host.
MASTER: Final = "master"
_DECISIONS: Final = "decisions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A node may hold something from now on."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A node shall hold nothing."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A node that holds nothing is gone."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A map of servers that knew better than a master that had forgotten."""

    version: int
    held: tuple[Held, ...]


class _Decided(NamedTuple):
    """A line of the log: what was decided, on the map of a version."""

    version: int
    action: Split | Merge | Reassign | Joined | Leaving | Left | Adopted


class Membership(Protocol):
    """A placement whose nodes come and go."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """Who they are."""

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` owners of a key."""

    def join(self, node: Node) -> Membership:
        """With one more."""

    def leave(self, number: int) -> Membership:
        """With one less."""


class Step(NamedTuple):
    """One step of the plan of who comes and who goes.

    Attributes:
        at_us: When, on the master's clock.
        node: Who.
        joins: Whether it comes.
    """

    at_us: int
    node: Node
    joins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterOptions:
    """How a master decides.

    Attributes:
        steps: Who joins and who leaves, and when.
        tick_us: Between looks.
        most_moving: Stretches that may be under way at once.
        split_above: Requests a second above which a tablet is split; 0 for never.
        merge_below: Requests a second below which neighbours are merged; 0 for never.
        rebalance: Whether leading tablets move from the busiest node to others.
        quiet_us: It decides on loads once it has heard reports for so long.
    """

    steps: tuple[Step, ...] = ()
    tick_us: int = 250_000
    most_moving: int = 2
    split_above: float = 0.0
    merge_below: float = 0.0
    rebalance: bool = False
    quiet_us: int = 1_500_000

    def __post_init__(self) -> None:
        for name in ("tick_us", "most_moving"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} moves nothing; give at least 1")
        for name in ("split_above", "merge_below"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)} is no rate; give at least 0, which stands for never")


@dataclass(slots=True, kw_only=True)
class MapState:
    """What decisions come to: the map, the directory of groups behind it, who leaves, and the placement if one decides.

    Attributes:
        tablets: The map.
        directory: The groups.
        n: Owners of a stretch.
        placement: What says who they are; None for range tablets, where the master does.
        leaving: Who shall hold nothing.
        joined: Who came, in order.
        taken: How many decisions of each kind there were.
    """

    tablets: TabletMap
    directory: Directory
    n: int
    placement: Membership | None
    leaving: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    @property
    def owners(self) -> Owners | None:
        """Of a partition by its number, which is placed as a key is; None for range tablets."""
        placement = self.placement
        return None if placement is None else lambda partition: placement.owners(partition, self.n)

    def follow(self, decided: _Decided, nodes: Mapping[int, Node]) -> None:
        """Take the next decision of the log; one that was superseded changes nothing."""
        action = decided.action
        self.taken[type(action).__name__.lower()] += 1
        if isinstance(action, Joined):
            self.tablets = self.tablets.join(action.node)
            self.joined.append(action.node.number)
            if self.placement is not None:
                self.placement = self.placement.join(action.node)
            self.directory = self.directory.at_version(self.tablets.version)
        elif isinstance(action, Leaving):
            self.leaving.append(action.number)
            self.joined = [number for number in self.joined if number != action.number]
            if self.placement is not None:
                self.placement = self.placement.leave(action.number)
        elif isinstance(action, Left):
            self.tablets = self.tablets.leave(action.number)
            self.leaving.remove(action.number)
            self.directory = self.directory.at_version(self.tablets.version)
        elif isinstance(action, Adopted):
            self._adopt(action, nodes)
        else:
            made = apply(self.tablets, Decision(version=decided.version, action=action))
            if not isinstance(made, Superseded):
                self.directory = self.directory.after(made, action)
                self.tablets = made

    def _adopt(self, action: Adopted, nodes: Mapping[int, Node]) -> None:
        numbers = {number for one in action.held for number in one.owners} | set(self.tablets.nodes)
        tablets = [Tablet(begin=one.begin, end=one.end, owners=one.owners, version=one.version) for one in action.held]
        members = [nodes[number] for number in sorted(numbers)]
        for node in members:
            if self.placement is not None and node.number not in (*self.placement.nodes, *self.leaving):
                self.placement = self.placement.join(node)
        self.tablets = TabletMap(tablets, members, spread=self.tablets.spread, version=action.version)
        self.directory = Directory(action.held, self.directory.on_line, action.version)


class Master(Service):
    """Whoever decides who holds what.

    Args:
        ctx: Its host.
        tablets: The first map.
        line: Where keys are on it.
        options: How it decides.
        nodes: All nodes that there are or will be, by number.
        n: Owners of a stretch.
        placement: Who they are, of the nodes at the beginning; None for range tablets, where the master says so.

    Attributes:
        state: What its decisions come to.
        decided: How many it took in this life.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"K5"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"decided", "role=master"})

    def __init__(
        self,
        ctx: Context,
        tablets: TabletMap,
        line: Line,
        options: MasterOptions,
        nodes: Mapping[int, Node],
        n: int,
        placement: Membership | None = None,
    ) -> None:
        super().__init__(ctx)
        directory = first_directory(tablets, line)
        self.state = MapState(tablets=tablets, directory=directory, n=n, placement=placement)
        self.decided = 0
        self._options = options
        self._nodes = nodes
        self._loads = Loads()
        self._complete: dict[int, int] = {}
        self._shared: frozenset[int] = frozenset()
        self._newer: MapIs | None = None
        self._since_us = 0

    def start(self) -> Generator[Wait, Any, None]:
        """Read the decisions back, then decide for as long as it lives."""
        for record in self.ctx.disk.read(_DECISIONS):
            if record is not TORN:
                self.state.follow(record, self._nodes)
        self._since_us = self.ctx.mono_us()
        self.ctx.note("role", "master")
        while True:
            yield self.ctx.sleep(self._options.tick_us)
            yield from self._look()

    # -- deciding ----------------------------------------------------------------------------

    def _look(self) -> Generator[Wait, Any, None]:
        newer, self._newer = self._newer, None
        if newer is not None and newer.version > self.state.directory.version:
            yield from self._decide(Adopted(version=newer.version, held=newer.held))
        for step in self._options.steps:
            if step.at_us <= self.ctx.mono_us():
                yield from self._follow(step)
        for number in list(self.state.leaving):
            if number in self.state.tablets.nodes and number not in self._involved():
                yield from self._decide(Left(number=number))
        if self.ctx.mono_us() - self._since_us < self._options.quiet_us:
            return  # it has not heard yet what is settled, nor how loads are
        for action in self._next():
            yield from self._decide(action)

    def _follow(self, step: Step) -> Generator[Wait, Any, None]:
        """Begin what the plan says, once."""
        number, state = step.node.number, self.state
        if step.joins:
            if number not in state.tablets.nodes:
                yield from self._decide(Joined(node=step.node))
        elif number in state.tablets.nodes and number not in state.leaving:
            yield from self._decide(Leaving(number=number))

    def _decide(self, action: Any) -> Generator[Wait, Any, None]:
        """Write a decision down, durably, and follow it."""
        decided = _Decided(self.state.tablets.version, action)
        self.ctx.disk.append(_DECISIONS, decided)
        self.ctx.point("K5")
        yield self.ctx.disk.flush(_DECISIONS)
        self.state.follow(decided, self._nodes)
        self.decided += 1
        self.ctx.note("decided", type(action).__name__.lower())

    def _next(self) -> list[Action]:
        """What to do next."""
        state, options = self.state, self._options
        settled = frozenset(one.begin for one in state.directory.held if self._settled(one))
        rates, hot = self._loads.now(self.ctx.mono_us())
        known = Known(
            tablets=state.tablets,
            settled=settled,
            rates=rates,
            hot=hot,
            joined=tuple(number for number in state.joined if number not in self._shared),
            leaving=tuple(state.leaving),
        )
        self._shared |= has_its_share(known)
        return next_actions(
            known,
            options.most_moving - (len(state.directory.held) - len(settled)),
            owners=state.owners,
            split_above=options.split_above,
            merge_below=options.merge_below,
            rebalance=options.rebalance,
        )

    def _settled(self, held: Held) -> bool:
        return not held.sources or self._complete.get(held.group, 0) >= held.version

    def _involved(self) -> set[int]:
        """Nodes that hold something, or from which something is still to be fetched."""
        found: set[int] = set()
        for one in self.state.directory.held:
            found |= set(one.owners)
            if not self._settled(one):
                found |= {number for source in one.sources for number in source.owners}
        return found

    # -- what it hears -----------------------------------------------------------------------

    @handles(Report)
    def on_report(self, msg: Report, sender: Location) -> Heard | MapIs:
        """Note how a server is; answer with the map, if it has an older one."""
        self._loads.take(msg, self.ctx.mono_us())
        for group, version in msg.complete:
            self._complete[group] = max(version, self._complete.get(group, 0))
        version = self.state.directory.version
        return self._map() if msg.version < version else Heard(version=version)

    @handles(MapIs)
    def on_map_is(self, msg: MapIs, sender: Location) -> None:
        """A server knows a newer map: this master has forgotten something."""
        if self._newer is None or msg.version > self._newer.version:
            self._newer = msg

    @handles(MapQuery)
    def on_map_query(self, msg: MapQuery, sender: Location) -> MapIs | None:
        """Hand out a newer map."""
        return self._map() if msg.version < self.state.directory.version else None

    @handles(RouteQuery)
    def on_route_query(self, msg: RouteQuery, sender: Location) -> Rerouted:
        """Tell who owns a point."""
        held = self.state.directory.at(msg.point)
        return Rerouted(
            why=STALE, version=self.state.directory.version, owners=held.owners, begin=held.begin, end=held.end
        )

    def _map(self) -> MapIs:
        return MapIs(version=self.state.directory.version, held=self.state.directory.held)
