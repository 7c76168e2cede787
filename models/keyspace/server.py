"""A tablet server: what a host runs of the store, found by the map, and the door that clients knock at.

It knows the map at some version and runs a member of every group that the map gives this host,
which it provisions (`TABLET`) under a name that follows from the group, so that whoever knows the
map knows where the member is, and a host that restarts has its members again, each with its
disk. It tells each what to hold (`models.keyspace.shard` does the moving), judges the route of every
request, and passes on what is asked by a right one.

Maps spread from the master, which answers each report with its own, and from server to server: one
gossips its version to another, drawn at random, and the older map gives way. A map that is not
newer changes nothing. A server that hears of nobody goes on with the map that it has, and with the
logs of its shards, which know better than any map what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.keyspace.directory import Directory, Held
from models.keyspace.hotkeys import SpaceSaving
from models.keyspace.routing import Behind, Route, Served, StaleRoute, judge
from models.keyspace.words import (
    BEHIND,
    COMING,
    STALE,
    Coming,
    Gossip,
    Have,
    Heard,
    Hold,
    MapIs,
    MapQuery,
    NotHere,
    Report,
    Rerouted,
    Routed,
    RouteQuery,
)
from models.store.requests import Unavailable
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["SERVER", "TABLET", "GroupConfig", "ServerOptions", "TabletServer", "member_name"]

#: What the service is called on its host, and the template of the members that it provisions.
SERVER: Final = "keyspace"
TABLET: Final = "tablet"
_MAP: Final = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConfig:
    """Which group a member is provisioned for.

    Attributes:
        group: Its number.
        owners: The nodes of its members, the leader first.
    """

    group: int
    owners: tuple[int, ...]


def member_name(group: int) -> str:
    """What the member of a group is called on its host."""
    return f"{TABLET}-{group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a tablet server behaves.

    Attributes:
        masters: Where the masters are.
        tick_us: Between looks at its shards, reports, and words to another server.
        patience_us: With a shard on its own host.
        ask_us: With a map from elsewhere.
        counters: Keys that it counts to find the hot ones.
        hottest: So many of them are reported.
    """

    masters: tuple[Location, ...]
    tick_us: int = 250_000
    patience_us: int = 600_000
    ask_us: int = 500_000
    counters: int = 100
    hottest: int = 20


class TabletServer(Service):
    """One of the servers that hold the key space.

    Args:
        ctx: Its host.
        number: Its node's.
        directory: The first map.
        options: How it behaves.
        locate: Where the member of a group on a node is.
        peers: The other servers.

    Attributes:
        directory: The map, as it knows it.
        stale: Routes that it refused as too old.
        behind: Routes that were newer than its map.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"stale-route", "behind-route", "map"})

    def __init__(
        self,
        ctx: Context,
        number: int,
        directory: Directory,
        options: ServerOptions,
        locate: Callable[[int, int], Location],
        peers: Sequence[Location],
    ) -> None:
        super().__init__(ctx)
        self.directory = directory
        self.stale = self.behind = 0
        self._number = number
        self._options = options
        self._locate = locate
        self._peers = tuple(peers)
        self._running: set[int] = set()
        self._have: dict[int, Have] = {}
        self._asked: dict[int, int] = {}
        self._hot = SpaceSaving(options.counters)
        self._since_us = 0
        self._pulling = False
        self._kept = 0
        self._sure = False

    def start(self) -> Generator[Wait, Any, None]:
        """Read the map back, then look after the shards for as long as it lives."""
        records = [record for record in self.ctx.disk.read(_MAP) if record is not TORN]
        if records:
            self._sure = True
            self._learn(records[-1])
        self._since_us = self.ctx.mono_us()
        while True:
            self._look_after_shards()
            self._talk()
            yield self.ctx.sleep(self._options.tick_us)

    # -- the map -----------------------------------------------------------------------------

    @handles(MapIs)
    def on_map_is(self, msg: MapIs, sender: Location) -> None:
        """Take a newer map."""
        self._learn(msg)

    @handles(MapQuery)
    def on_map_query(self, msg: MapQuery, sender: Location) -> MapIs | None:
        """Hand out a newer map."""
        return self._map() if self.directory.version > msg.version else None

    @handles(Gossip)
    def on_gossip(self, msg: Gossip, sender: Location) -> None:
        """Send a newer map, or ask for it."""
        if msg.version < self.directory.version:
            self.ctx.send(sender, self._map())
        elif msg.version > self.directory.version:
            self.ctx.set_timer(0, self._pull, (sender,))

    def _map(self) -> MapIs:
        return MapIs(version=self.directory.version, held=self.directory.held)

    def _learn(self, msg: MapIs) -> None:
        if msg.version <= self.directory.version:
            return
        self._sure = True
        self.directory = Directory(msg.held, self.directory.on_line, msg.version)
        self.ctx.note("map", msg.version)
        self.ctx.set_timer(0, self._keep)
        self._look_after_shards()

    def _keep(self) -> Generator[Wait, Any, None]:
        """Write the map down, so that the next life begins with it."""
        if self._kept < self.directory.version:
            self._kept = self.directory.version
            yield self.ctx.disk.replace(_MAP, self._map())

    def _pull(self, whom: Sequence[Location]) -> Generator[Wait, Any, None]:
        """Ask others for a newer map, one after the other, until one has it."""
        if self._pulling:
            return
        self._pulling = True
        for one in whom:
            found = yield self.ctx.call(one, MapQuery(version=self.directory.version), self._options.ask_us)
            if found is not None:
                self._learn(found)
                break
        self._pulling = False

    def _talk(self) -> None:
        """Report to the masters, and tell another server how new the map is."""
        now = self.ctx.mono_us()
        report = Report(
            server=self._number,
            version=self.directory.version,
            window_us=now - self._since_us,
            asked=tuple(sorted(self._asked.items())),
            hot=tuple((hot.key, hot.times) for hot in self._hot.hottest(self._options.hottest)),
            complete=tuple(
                (group, have.version) for group, have in sorted(self._have.items()) if have.complete and have.leads
            ),
        )
        self._since_us, self._asked, self._hot = now, {}, SpaceSaving(self._options.counters)
        self.ctx.set_timer(0, self._report, report)
        if self._peers:
            peer = self._peers[self.ctx.rng("gossip").below(len(self._peers))]
            self.ctx.send(peer, Gossip(version=self.directory.version))

    def _report(self, report: Report) -> Generator[Wait, Any, None]:
        # To all: those that stand by know then how things are, should one of them have to decide.
        asked = [self.ctx.call(master, report, self._options.ask_us) for master in self._options.masters]
        answers = yield self.ctx.first(asked, need=1)
        answer = next((one for _, one in answers if one is not None), None)
        if isinstance(answer, MapIs):
            self._learn(answer)
        elif isinstance(answer, Heard) and answer.version < self.directory.version:
            for master in self._options.masters:
                self.ctx.send(master, self._map())
        if answer is not None and not self._sure:
            self._sure = True
            self.ctx.set_timer(0, self._keep)
            self._look_after_shards()

    # -- the shards --------------------------------------------------------------------------

    def _look_after_shards(self) -> None:
        """Found the members that the map puts here, and tell those that hold something what that is.

        Not by the first map alone: one whose disk was lost knows no other, and what that map gives it may be
        others' by now. It waits to hear of the master, or of a newer map.
        """
        if not self._sure:
            return
        for group, owners in self.directory.groups_at(self._number).items():
            if group not in self._running:
                self._running.add(group)
                self.ctx.set_timer(0, self._provision, GroupConfig(group=group, owners=owners))
        for held in self.directory.held:
            if self._number in held.owners:
                self.ctx.set_timer(0, self._tell, held)

    def _provision(self, config: GroupConfig) -> Generator[Wait, Any, None]:
        found = yield self.ctx.provision(self._host(), TABLET, config)
        if found is None:
            self._running.discard(config.group)

    def _host(self) -> Location:
        return Location((int(self.ctx.location) >> 64) << 64)

    def _tell(self, held: Held) -> Generator[Wait, Any, None]:
        hold = Hold(version=held.version, begin=held.begin, end=held.end, owners=held.owners, sources=held.sources)
        have = yield self.ctx.call(self._locate(held.group, self._number), hold, self._options.ask_us)
        if isinstance(have, Have):
            self._have[held.group] = have

    def _complete(self, held: Held) -> bool:
        have = self._have.get(held.group)
        return have is not None and have.complete and have.version >= held.version

    # -- requests ----------------------------------------------------------------------------

    @handles(RouteQuery)
    def on_route_query(self, msg: RouteQuery, sender: Location) -> Rerouted:
        """Tell who owns a point, as far as it knows."""
        return self._route(STALE, msg.point)

    @handles(Routed)
    def on_routed(self, msg: Routed, sender: Location) -> Any:
        """Serve what came by a right route, or to a member that may hold it; else say where to go."""
        point = self.directory.point(msg.key)
        held = self.directory.at(point)
        route = Route(msg.version, msg.owners, held.begin, held.end)
        verdict = judge(self.directory, self._number, msg.key, route)
        groups = self._groups(held, point)
        if isinstance(verdict, Served) or groups:
            return self._serve(msg, point, held, groups)
        if isinstance(verdict, StaleRoute):
            return self._refused(point)
        assert isinstance(verdict, Behind)
        self.behind += 1
        self.ctx.note("behind-route", msg.version)
        self.ctx.set_timer(0, self._pull, (*self._options.masters, *map(self._server_of, msg.owners)))
        return Rerouted(why=BEHIND, version=self.directory.version)

    def _groups(self, held: Held, point: int) -> list[int]:
        """The groups with a member here that may have a point, the likelier first."""
        # A member that comes to be answers nobody; while its data are elsewhere, that is where to ask.
        here = self._number in held.owners and (not held.sources or held.group in self._have)
        groups = [held.group] if here else []
        coming = [
            source.group
            for source in held.sources
            if self._number in source.owners and source.begin <= point < source.end
        ]
        return [*groups, *coming] if self._complete(held) else [*coming, *groups]

    def _serve(self, msg: Routed, point: int, held: Held, groups: list[int]) -> Generator[Wait, Any, Message | None]:
        """Ask the members here; where none of them has the point, say who may."""
        self._asked[held.begin] = self._asked.get(held.begin, 0) + 1
        self._hot.saw(point)
        answer: Message | None = None
        gone = False
        for group in groups:
            answer = yield self.ctx.call(self._locate(group, self._number), msg.request, self._options.patience_us)
            if not isinstance(answer, NotHere | Coming):
                return answer
            if gone and isinstance(answer, Coming):
                return answer  # between the two, for a moment
            gone = gone or isinstance(answer, NotHere)
        if isinstance(answer, NotHere) and answer.version > self.directory.version:
            # The log has heard of a decision before the map.
            self.ctx.set_timer(0, self._pull, (*map(self._server_of, answer.owners), *self._options.masters))
            return Rerouted(why=STALE, version=answer.version, owners=answer.owners, begin=answer.begin, end=answer.end)
        held = self.directory.at(point)
        for source in held.sources:
            if source.begin <= point < source.end and not isinstance(answer, NotHere):
                return Rerouted(
                    why=COMING, version=held.version, owners=source.owners, begin=source.begin, end=source.end
                )
        if isinstance(answer, NotHere) and self._number not in held.owners:
            return self._refused(point)
        assert isinstance(answer, Unavailable)
        return answer

    def _refused(self, point: int) -> Rerouted:
        self.stale += 1
        self.ctx.note("stale-route", self.directory.version)
        return self._route(STALE, point)

    def _route(self, why: str, point: int) -> Rerouted:
        held = self.directory.at(point)
        return Rerouted(why=why, version=self.directory.version, owners=held.owners, begin=held.begin, end=held.end)

    def _server_of(self, number: int) -> Location:
        return self._locate(0, number)
