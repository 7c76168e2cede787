"""A registry that tells every host who is a member, and what happens when it cannot stop.

Each region has a registry, each server an agent. A registry makes a new *view* of the membership
now and then, and tells its own agents and the other registries, which hand it on to theirs; an
agent confirms what it took in. All of it has region scope, so under strict priority it goes before
everything else. A *storm* is a registry whose members seem to come and go: it makes views as fast
as it notices, each is gossiped to every host of every region, and hosts that do nothing but take
them in look slow, which is what made them seem to come and go in the first place. Here the storm
has a beginning and an end, so that runs can be compared; the loop that feeds it is left out.

After the outages that began so: Amazon EBS, April 2011 (a re-mirroring storm), Roblox, October 2021
(a service registry that wrote more the slower it became); the fan-out of one view is Cassandra's or
Consul's without their damping.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

from models.addressing import CONTROL, Scope, message_type_id
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["Agent", "AgentOptions", "Registry", "RegistryOptions", "Storm", "View", "ViewSeen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Message):
    """Who is a member, as a registry sees it.

    Attributes:
        origin: Number of the region whose registry made it.
        number: Counts the views of that registry.
        members: Where the agents are.
    """

    type_id: ClassVar[int] = message_type_id(Scope.REGION, CONTROL, 1)
    origin: int
    number: int
    members: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSeen(Message):
    """An agent has taken a view in."""

    type_id: ClassVar[int] = message_type_id(Scope.REGION, CONTROL, 2)
    origin: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """When a registry cannot stop.

    Attributes:
        from_us: It begins.
        until_us: It ends.
        every_us: Between two views meanwhile.
    """

    from_us: int
    until_us: int
    every_us: int

    def __post_init__(self) -> None:
        if not 0 <= self.from_us < self.until_us:
            raise ValueError(f"a storm from {self.from_us} us to {self.until_us} us has no time; let it end later")
        if self.every_us < 1:
            raise ValueError(f"a view every {self.every_us} us is no pace; give at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOptions:
    """What a registry is told.

    Attributes:
        region: Number of its region.
        agents: Those of its region.
        peers: The other registries.
        every_us: Between two views when all is calm.
        storm: When it cannot stop; None for never.
    """

    region: int
    agents: tuple[Location, ...]
    peers: tuple[Location, ...]
    every_us: int
    storm: Storm | None = None

    def __post_init__(self) -> None:
        if self.every_us < 1:
            raise ValueError(f"a view every {self.every_us} us is no pace; give at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """What an agent is told.

    Attributes:
        registry: That of its region.
    """

    registry: Location


class Registry(Service):
    """The registry of one region.

    Attributes:
        number: Views that it made.
        seen: Newest view that each of its agents confirmed, by origin and agent.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"storm=begins", "storm=ends"})

    def __init__(self, ctx: Context, options: RegistryOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.number = 0
        self.seen: dict[tuple[int, Location], int] = {}
        self._told: dict[int, int] = {}

    def start(self) -> Generator[Wait, Any, None]:
        """Make one view after another for as long as it lives."""
        stormy = False
        while True:
            if stormy != (self._storm() is not None):
                stormy = not stormy
                self.ctx.note("storm", "begins" if stormy else "ends")
            self.number += 1
            view = View(origin=self.options.region, number=self.number, members=self.options.agents)
            for peer in self.options.peers:
                self.ctx.send(peer, view)
            self._hand_on(view)
            yield self.ctx.sleep(self._pause_us())

    @handles(View)
    def on_view(self, msg: View, sender: Location) -> None:
        """Hand on what another registry made, unless a newer one went before."""
        if msg.number > self._told.get(msg.origin, 0):
            self._hand_on(msg)

    @handles(ViewSeen)
    def on_view_seen(self, msg: ViewSeen, sender: Location) -> None:
        """Note how far an agent is."""
        key = (msg.origin, sender)
        self.seen[key] = max(msg.number, self.seen.get(key, 0))

    def _hand_on(self, view: View) -> None:
        self._told[view.origin] = view.number
        for agent in self.options.agents:
            self.ctx.send(agent, view)

    def _storm(self) -> Storm | None:
        storm = self.options.storm
        return storm if storm is not None and storm.from_us <= self.ctx.mono_us() < storm.until_us else None

    def _pause_us(self) -> int:
        storm, now_us = self._storm(), self.ctx.mono_us()
        if storm is not None:
            return storm.every_us
        ahead = self.options.storm
        if ahead is not None and now_us < ahead.from_us:
            return min(self.options.every_us, ahead.from_us - now_us)
        return self.options.every_us


class Agent(Service):
    """What takes views in on one host.

    Attributes:
        views: Newest view by origin.
    """

    def __init__(self, ctx: Context, options: AgentOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.views: dict[int, View] = {}

    @handles(View)
    def on_view(self, msg: View, sender: Location) -> None:
        """Keep the newest, and confirm every one."""
        known = self.views.get(msg.origin)
        if known is None or msg.number > known.number:
            self.views[msg.origin] = msg
        self.ctx.send(self.options.registry, ViewSeen(origin=msg.origin, number=msg.number))
