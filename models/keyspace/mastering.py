"""The masters: they own the map, as the sum of decisions that they have written down together.

Their log is that of a Raft group, of one or of several; whoever leads it decides, and the others stand by, one of
which leads when it falls silent. A decision counts before anybody hears of it, and the map is what the decisions
come to, so whoever leads next, or starts again, knows what was decided. Tablet servers report to all
of them how often what is asked for and what their groups have by now; who leads answers with its map. It splits,
merges, evens out, and follows its plan of who joins and who leaves (`models.keyspace.plan`); moving itself is
between the groups, which need no master for it.

They can be cut off: then nothing new is decided, and traffic goes on. A map is followed only if it
is newer, and no log gives anything away twice, so a master that comes back from the dark does
no harm. In each life a master decides nothing before most servers have told it that they know of no newer map.
One whose log says nothing may have lost its disk, and a single server may have heard what it decided and begun
to move by it, so it waits for the word of every one; what they know goes on then from the newest of their maps.

Bigtable keeps masters apart by a lock service, CockroachDB has none; that decisions are entries of a
replicated log is how the coordinators of HDFS, Kafka and TiKV are kept.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Domain
from models.factories import noted
from models.keyspace.decisions import Adopted, Decided, Joined, Leaving, Left, MapState, Membership
from models.keyspace.directory import Held, Line, first_directory
from models.keyspace.loads import Loads
from models.keyspace.master import Action
from models.keyspace.placement import Node
from models.keyspace.plan import Known, has_its_share, limits_of, next_actions
from models.keyspace.tablets import TabletMap
from models.keyspace.words import STALE, Heard, MapIs, MapQuery, Report, Rerouted, RouteQuery
from models.raft.member import RaftMember
from models.raft.plan import RaftPlan
from models.store.options import MemberOptions
from models.store.writing import Writer
from sim.host import Context, Wait, handles
from sim.topology import Location
from sim.wording import Refused

__all__ = ["DECISIONS", "MASTER", "Master", "MasterOptions", "Step"]

#: What the service is called on its host.
MASTER: Final = "master"
#: The stream of decisions; of another tenant than what Raft keeps of the group itself.
DECISIONS: Final = (0, 1)


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
        quiet_us: It moves nothing before it has led for so long: it has heard reports by then.
    """

    steps: tuple[Step, ...] = ()
    tick_us: int = 250_000
    most_moving: int = 2
    split_above: float = 0.0
    merge_below: float = 0.0
    rebalance: bool = False
    quiet_us: int = 1_500_000

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} moves nothing; give at least 1"
            for name in ("tick_us", "most_moving")
            if getattr(self, name) < 1
        ]
        no_rates = [
            f"{name}={getattr(self, name)} is no rate; give at least 0, which stands for never"
            for name in ("split_above", "merge_below")
            if not getattr(self, name) >= 0
        ]
        if self.merge_below and not no_rates:
            noted(no_rates, lambda: limits_of(self.split_above, self.merge_below))
        if wrong or no_rates:
            raise Refused((*wrong, *no_rates))


class Master(Writer, RaftMember):
    """One of the masters; the one that leads their group decides who holds what.

    Args:
        ctx: Its host.
        options: Who it is among them.
        domain: As for any member; nothing of it is stored.
        plan: How their group works.
        tablets: The first map.
        line: Where keys are on it.
        deciding: How it decides.
        nodes: All nodes that there are or will be, by number.
        n: Owners of a stretch.
        placement: Who they are, of the nodes at the beginning; None for range tablets, where the master says so.

    Attributes:
        state: What the decisions come to that count.
        decided: How many it took in this life.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"K5"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"decided", "role=master"})

    def __init__(
        self,
        ctx: Context,
        options: MemberOptions,
        domain: Domain[Any],
        *,
        plan: RaftPlan,
        tablets: TabletMap,
        line: Line,
        deciding: MasterOptions,
        nodes: Mapping[int, Node],
        n: int,
        placement: Membership | None = None,
    ) -> None:
        super().__init__(ctx, options, domain, plan=plan)
        directory = first_directory(tablets, line)
        self.state = MapState(tablets=tablets, directory=directory, n=n, placement=placement)
        self.decided = 0
        self._deciding = deciding
        self._nodes = nodes
        self._loads = Loads()
        self._complete: dict[int, int] = {}
        self._shared: frozenset[int] = frozenset()
        self._newer: MapIs | None = None
        #: By server, the version of its map, as it told in this life.
        self._told: dict[int, int] = {}
        self._since_us = 0
        self._followed = 0
        self._term = 0

    def _begin_anew(self, *, installed: bool) -> Generator[Wait, Any, None]:
        # One that is alone has nobody who could take it in again, nor anybody who remembers what it promised.
        yield from super()._begin_anew(installed=installed or not self.options.peers)

    def _live(self) -> Generator[Wait, Any, None]:
        self.ctx.set_timer(0, self._rule)
        yield from super()._live()

    @property
    def rules(self) -> bool:
        """Whether it decides: it leads, and knows all that was decided before."""
        return self.leads and self._term == self.core.term

    def _committed_to(self, position: int) -> None:
        # Before anybody is told who waited for it: whoever decided goes on from what it came to.
        for entry in self.streams.entries_of(DECISIONS, self._followed):
            if entry.position <= position:
                assert isinstance(entry.event, Decided)
                self.state.follow(entry.event, self._nodes, entry.origin)
                self._followed += 1
        super()._committed_to(position)

    # -- deciding ----------------------------------------------------------------------------

    def _rule(self) -> Generator[Wait, Any, None]:
        """Decide for as long as it leads, and wait while it does not."""
        while True:
            yield self.ctx.sleep(self._deciding.tick_us)
            if self.rules:
                yield from self._look()
            elif self.leads:
                # From here on it answers reports, and has until its first look to hear of newer maps.
                term = self.core.term
                if not (yield from self._until_committed(self.journal.length)) and self.leads:
                    self._term, self._since_us = term, self.ctx.mono_us()
                    self.ctx.note("role", "master")

    def _look(self) -> Generator[Wait, Any, None]:
        if not self._agreed():
            return  # its disk may have lost what was decided, and others would take what it made of that for newer
        newer, self._newer = self._newer, None
        if newer is not None and newer.version > self.state.directory.version:
            yield from self._decide(Adopted(version=newer.version, held=newer.held))
        for step in self._due():
            yield from self._follow(step)
        for number in list(self.state.leaving):
            if number in self.state.tablets.nodes and number not in self._involved():
                yield from self._decide(Left(number=number))
        if self.ctx.mono_us() - self._since_us < self._deciding.quiet_us:
            return  # it has not heard yet what is settled, nor how loads are
        for action in self._next():
            yield from self._decide(action)

    def _agreed(self) -> bool:
        """Whether enough servers know of no newer map than this master: most, or all where its log says nothing."""
        version = self.state.directory.version
        newest = version if self._newer is None else max(version, self._newer.version)
        agreeing, all_of_them = sum(told <= newest for told in self._told.values()), len(self._nodes)
        return agreeing == all_of_them if not self._followed else 2 * agreeing > all_of_them

    def _due(self) -> list[Step]:
        """What the plan wants by now, of each node its last step alone: whoever has left would join again else."""
        now_us = self.ctx.mono_us()
        return list({step.node.number: step for step in self._deciding.steps if step.at_us <= now_us}.values())

    def _follow(self, step: Step) -> Generator[Wait, Any, None]:
        """Begin what the plan says, once."""
        number, state = step.node.number, self.state
        if step.joins:
            if number not in state.tablets.nodes:
                yield from self._decide(Joined(node=step.node))
        elif number in state.tablets.nodes and number not in state.leaving:
            yield from self._decide(Leaving(number=number))

    def _decide(self, action: Any) -> Generator[Wait, Any, None]:
        """Write a decision down; it is followed once the group has it, and so is what is decided next."""
        if not self.rules:
            return
        decided = Decided(version=self.state.tablets.version, action=action)
        stream = self.streams.of(DECISIONS)
        position = self._write(*DECISIONS, stream.version + 1, stream, decided, None)
        self.ctx.point("K5")
        if (yield from self._until_committed(position)):
            self._term = 0  # it does not know what became of it
            return
        self.decided += 1
        self.ctx.note("decided", type(action).__name__.lower())

    def _next(self) -> list[Action]:
        """What to do next."""
        state, options = self.state, self._deciding
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
    def on_report(self, msg: Report, sender: Location) -> Heard | MapIs | None:
        """Note how a server is; who decides answers, with the map, if the server has an older one."""
        self._loads.take(msg, self.ctx.mono_us())
        self._told[msg.server] = msg.version
        for group, version in msg.complete:
            self._complete[group] = max(version, self._complete.get(group, 0))
        if not self.rules:
            return None
        version = self.state.directory.version
        return self._map() if msg.version < version else Heard(version=version)

    @handles(MapIs)
    def on_map_is(self, msg: MapIs, sender: Location) -> None:
        """A server knows a newer map: the masters have forgotten something."""
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
