"""The path of a message from host to host.

A datagram on a link that has nothing unusual about it takes one heap entry: it is counted, its delay is
taken from a block drawn ahead, and it lands if no cut closed its link at any moment of the flight. That
last rule needs no list of messages in flight: every closing of a link raises the link's epoch, and a
message whose epoch is no longer the link's was under way when a cut began (`Lane.plain`: the fast path).

All else: a closed link loses the message, a held one keeps it, one of finite bandwidth queues it; then it sets
out, is perhaps lost, and lands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappush
from types import MappingProxyType
from typing import Any

from sim.chance import Chance
from sim.effects import LinkEffect
from sim.kernel import CALL, Environment
from sim.latency import LatencyModel
from sim.message import Layer, Message, check_message_type
from sim.network.accounts import Totals, assert_conserved, count_in_flight, sum_of_all, sums_by
from sim.network.connections import Connections
from sim.network.lanes import (
    CUT_AT_SEND,
    CUT_IN_FLIGHT,
    HOST_DOWN,
    LOST,
    SENDER_DOWN,
    Cut,
    Lane,
    Link,
    Parcel,
    Port,
    Receive,
    Sampler,
    Segment,
    sampler_of,
    sampler_to,
)
from sim.network.stream import DEFAULT_CONNECTIONS, ConnectionOptions, ConnectionView
from sim.network.transmitter import Transmitter
from sim.network.waiting import Released, hold_queued, keep, take_queued, take_waiting
from sim.network.weather import Noise, Weather
from sim.topology import Location, Topology
from sim.trace import Trace, TraceLevel

__all__ = ["Network"]

#: A landing on the heap: time, priority, id, function, lane, epoch, message, meta.
_Flight = tuple[int, int, int, Any, Lane, int, Message, Any]


class Network:
    """All links between the hosts of one world.

    Args:
        env: The kernel.
        topology: Hosts; a host is its index here.
        latency: One-way delay of each ordered pair, its bandwidth and what changes with time.
        chance: Each link draws from its own generators, named by the two hosts' paths.
        trace: Rows are written only at its full level, and then sends leave the fast path.
        connections: How patient connections are.
    """

    def __init__(
        self,
        env: Environment,
        topology: Topology,
        latency: LatencyModel,
        chance: Chance,
        trace: Trace,
        connections: ConnectionOptions = DEFAULT_CONNECTIONS,
    ) -> None:
        self.env = env
        self.trace = trace
        self._queue: list[Any] = env._queue
        self._eid: Iterator[int] = env._eid
        self._topology = topology
        self._latency = latency
        self._chance = chance
        self._links: tuple[dict[int, Link], ...] = tuple({} for _ in topology.hosts)
        self._lanes: tuple[dict[type[Message], dict[int, Lane]], ...] = tuple({} for _ in topology.hosts)
        self._ports = tuple(Port() for _ in topology.hosts)
        self._layers: dict[type[Message], Layer] = {}
        self.places: dict[Location, tuple[int, int]] = {}  # host and service there, as hosts look them up
        self._cuts: tuple[Cut, ...] = ()
        self._effects: tuple[LinkEffect, ...] = ()
        self._traced = trace.level is not TraceLevel.OFF
        # Bound once: a bound method made for every message is a tenth of the send path.
        self._landing = self._land
        self._landing_parcel = self._land_parcel
        self._connections = Connections(self, connections)
        self._carried = connections.carried

    # -- the hot path ------------------------------------------------------------------

    def send(self, src: int, dst: int, message: Message, meta: Any = None) -> None:
        """Send a message from host to host; `meta` travels with it and is not inspected."""
        try:
            lane = self._lanes[src][message.__class__][dst]
        except KeyError:
            lane = self._open_lane(src, dst, message.__class__)
        lane.sent += 1
        if lane.plain:
            sampler = lane.sampler
            delays = sampler.delays or sampler.refill()
            heappush(
                self._queue,
                (
                    self.env._now + delays.pop(),
                    CALL,
                    next(self._eid),
                    self._landing,
                    lane,
                    lane.epoch,
                    message,
                    meta,
                ),
            )
        else:
            self._send_otherwise(lane, message, meta)

    def _land(self, entry: _Flight) -> None:
        _, _, _, _, lane, epoch, message, meta = entry
        if lane.epoch != epoch:
            lane.drop(CUT_IN_FLIGHT)
            return
        receive = lane.port.receive
        if receive is None:
            lane.drop(HOST_DOWN)
            return
        lane.delivered += 1
        receive(lane.src, message, meta, -1)

    # -- the general path --------------------------------------------------------------

    def _send_otherwise(self, lane: Lane, message: Message, meta: Any) -> None:
        link, trace = lane.link, self.trace
        row = trace.message("send", link.src, link.dst, message, trace.cause) if trace.full else -1
        size = 0
        if lane.weighed:
            size = message.wire_bytes()
            lane.bytes += size
        if lane.connected:
            self._connections.send(lane, message, meta, row, size)
            return
        self.enter(Parcel(lane, message, meta, row, size))
        weather = link.weather
        if weather is not None and link.open and weather.duplicates():
            lane.duplicated += 1
            row = trace.message("duplicate", link.src, link.dst, message, row)
            self.enter(Parcel(lane, message, meta, row, size))

    def enter(self, parcel: Parcel) -> None:
        """Put a parcel on its link, as the link is now."""
        link = parcel.lane.link
        parcel.epoch = link.epoch
        if not link.open:
            self._lose(parcel, CUT_AT_SEND)
        elif link.weather is not None and link.weather.hold:
            keep(link, parcel)
        elif link.transmitter is not None:
            if link.weather is not None and link.weather.bandwidth_factor != 1:
                link.meet("slowed")
            link.transmitter.take(parcel)
        else:
            self._fly(parcel, self.env._now)  # type: ignore[arg-type]

    def _fly(self, parcel: Parcel, depart_us: int) -> None:
        """Let a parcel set out; its last byte leaves at `depart_us`, now or later."""
        link = parcel.lane.link
        released = link.released if link.released is not None and link.released.leaves(parcel) else None
        if link.weather is not None and link.weather.loses(self.env._now):  # type: ignore[arg-type]
            self._lose(parcel, LOST)
            return
        due_us = depart_us + self.delay_us(link, parcel.lane.sampler)
        if released is not None:
            due_us = released.in_order(due_us)
        if parcel.__class__ is Segment:
            self._connections.fly(parcel, due_us)
        else:
            heappush(self._queue, (due_us, CALL, next(self._eid), self._landing_parcel, parcel))

    def _land_parcel(self, entry: tuple[Any, ...]) -> None:
        parcel: Parcel = entry[4]
        lane, link = parcel.lane, parcel.lane.link
        receive = link.port.receive
        if link.epoch != parcel.epoch:
            self._lose(parcel, CUT_IN_FLIGHT)
        elif receive is None:
            self._lose(parcel, HOST_DOWN)
        else:
            lane.delivered += 1
            row = -1
            if self.trace.full:
                row = self.trace.message("deliver", link.src, link.dst, parcel.message, parcel.row)
            receive(link.src, parcel.message, parcel.meta, row)

    def _lose(self, parcel: Parcel, reason: str) -> None:
        if isinstance(parcel, Segment):
            self._connections.lose(parcel, reason)
            return
        lane = parcel.lane
        lane.drop(reason)
        self.trace.message("drop", lane.link.src, lane.link.dst, parcel.message, parcel.row, reason)

    def _lose_all(self, parcels: Sequence[Parcel], reason: str) -> None:
        for parcel in parcels:
            self._lose(parcel, reason)

    def carries(self, link: Link) -> bool:
        """Whether something that sets out on the link now arrives unless a cut begins; may draw."""
        weather = link.weather
        return link.open and (weather is None or not (weather.hold or weather.loses(self.env._now)))  # type: ignore[arg-type]

    def delay_us(self, link: Link, sampler: Sampler | None = None) -> int:
        """Draw the delay of what sets out on the link now, microseconds; of the link, if not of `sampler`."""
        sampler = sampler or link.sampler
        drawn_us = (sampler.delays or sampler.refill()).pop()
        return drawn_us if link.weather is None else link.weather.delay_us(drawn_us, self.env._now)  # type: ignore[arg-type]

    # -- links and lanes ---------------------------------------------------------------

    def link(self, src: int, dst: int) -> Link:
        """The link between two hosts, made at its first use."""
        return self._links[src].get(dst) or self._connect(src, dst)

    def links_of(self, host: int) -> Iterator[Link]:
        """Every link that leaves or reaches a host and was used."""
        yield from self._links[host].values()
        for src, links in enumerate(self._links):
            if src != host and host in links:
                yield links[host]

    def _connect(self, src: int, dst: int) -> Link:
        model, source, sink = self._latency, self._topology.hosts[src], self._topology.hosts[dst]
        sampler = sampler_to(self._ports[src], model, source, sink, self._chance)
        link = self._links[src][dst] = Link(src, dst, sampler, self._ports[dst])
        link.bytes_per_second, link.slow = model.bandwidth(source, sink), model.slow(source, sink, self._chance)
        if link.bytes_per_second is not None:
            link.transmitter = Transmitter(self.env, link.bytes_per_second, model.layer_caps, self._fly, model.priority)
        if self._cuts or self._effects or link.slow is not None or link.transmitter is not None:
            self._judge(link)
        return link

    def _open_lane(self, src: int, dst: int, message_type: type[Message]) -> Lane:
        layer = self._layers.get(message_type)
        if layer is None:
            layer = self._layers[message_type] = check_message_type(message_type)
        link = self.link(src, dst)
        lane = Lane(link, message_type, layer, carried=message_type.__name__ in self._carried)
        leg = self._latency.leg(self._topology.hosts[src], self._topology.hosts[dst], message_type.__name__)
        if leg is not None:
            path, name = self._topology.hosts[src].path, f"leg/{message_type.__name__}"
            lane.sampler = sampler_of(self._ports[src].samplers, self._chance, path, leg, name)
        lane.weighed = self._traced or link.transmitter is not None
        link.lanes.append(lane)
        self._lanes[src].setdefault(message_type, {})[dst] = lane
        self._tell_lanes(link)
        return lane

    # -- what the world changes ----------------------------------------------------------

    def attach(self, host: int, receive: Receive | None, *, refuses: bool = False) -> None:
        """Say who takes the messages that reach `host`; None while it is down.

        Going down ends the host's connections. With `refuses` its system lives on (a process
        crashed): it tells the other ends, and answers what still comes with a reset. Without,
        it falls silent (a power loss): what waits in it for bandwidth is lost, and the other ends
        are left to find out.
        """
        port = self._ports[host]
        was_up = port.receive is not None
        port.receive, port.refuses = receive, refuses and receive is None
        port.life += 1
        if was_up and receive is None:
            self._connections.crash(host, resets=refuses)
        if receive is None and not refuses:
            for link in self._links[host].values():
                self._lose_all(take_queued(link), SENDER_DOWN)

    def set_effects(self, cuts: Sequence[Cut], effects: Sequence[LinkEffect]) -> None:
        """Replace the cuts and effects now in force; every link is judged afresh by all of them."""
        self._cuts = tuple(cuts)
        self._effects = tuple(effects)
        for link in self._all_links():
            self._judge(link)

    def set_cuts(self, cuts: Sequence[Cut]) -> None:
        """As `set_effects` with cuts alone."""
        self.set_effects(cuts, ())

    def blocked(self, src: int, dst: int) -> bool:
        """Whether a cut now in force keeps `src` from reaching `dst` (never itself)."""
        return src != dst and any(src in cut.src and dst in cut.dst for cut in self._cuts)

    def _judge(self, link: Link) -> None:
        """Make the link what the cuts and effects now in force say."""
        now_open = not self.blocked(link.src, link.dst)
        closes = link.open and not now_open
        link.open = now_open
        link.weather = self._weather_of(link)
        if link.transmitter is not None:
            assert link.bytes_per_second is not None
            factor = 1.0 if link.weather is None else link.weather.bandwidth_factor
            link.transmitter.set_rate(max(1, int(link.bytes_per_second * factor)))
        if closes:
            link.epoch += 1  # whatever is under way on it is lost
        self._tell_lanes(link)
        if closes:
            self._lose_all(take_waiting(link), CUT_IN_FLIGHT)
        elif link.weather is not None and link.weather.hold:
            hold_queued(link)
        elif link.held:
            self._release(link)

    def _weather_of(self, link: Link) -> Weather | None:
        src, dst = link.src, link.dst
        effects = [e for e in self._effects if src in e.src and dst in e.dst] if src != dst else []
        if not effects and link.slow is None:
            return None
        if link.noise is None:
            hosts = self._topology.hosts
            link.noise = Noise(self._chance, f"link/{hosts[src].path}>{hosts[dst].path}")
        return Weather(effects, link.slow, link.noise, link.meet)

    def _tell_lanes(self, link: Link) -> None:
        plain = link.open and link.weather is None and link.transmitter is None and not self._traced
        for lane in link.lanes:
            lane.epoch = link.epoch
            lane.plain = plain and not lane.connected

    def _release(self, link: Link) -> None:
        """Let go on, in order, what a hold kept."""
        held, link.held = link.held or [], None
        link.released = Released(held)
        for parcel in held:
            self.enter(parcel)

    # -- accounts ------------------------------------------------------------------------

    def _all_links(self) -> Iterator[Link]:
        return (link for links in self._links for link in links.values())

    def lanes(self) -> Iterator[Lane]:
        """Every lane that was used, in order of source, sink and type name."""
        for links in self._links:
            for dst in sorted(links):
                yield from sorted(links[dst].lanes, key=lambda lane: lane.type.__name__)

    def met(self) -> Iterator[tuple[int, int, Mapping[str, int]]]:
        """What effects did on each link where they did something: (source, sink, counts by name)."""
        for link in self._all_links():
            if link.met is not None:
                yield link.src, link.dst, MappingProxyType(link.met)

    def connections(self, host: int | None = None) -> Iterator[ConnectionView]:
        """Every connection that an end believes in, or one host's, in order of source and sink."""
        links = self._all_links() if host is None else self.links_of(host)
        for link in sorted(links, key=lambda link: (link.src, link.dst)):
            yield from self._connections.views(link)

    @property
    def resets(self) -> Mapping[str, int]:
        """Ends of connections that were reset, by how they learnt it."""
        return MappingProxyType(self._connections.resets)

    def in_flight(self) -> Counter[Lane]:
        """Messages under way by lane, each counted where it is."""
        connections = self._connections.landing
        return count_in_flight(self._queue, self._all_links(), self._landing, self._landing_parcel, connections)

    def by_link(self) -> dict[tuple[int, int], Totals]:
        """Counters by (source, sink)."""
        return sums_by(self.lanes(), lambda lane: (lane.link.src, lane.link.dst))

    def by_layer(self) -> dict[Layer, Totals]:
        """Counters by layer."""
        return sums_by(self.lanes(), lambda lane: lane.layer)

    def by_type(self) -> dict[str, Totals]:
        """Counters by the name of the message's class."""
        return sums_by(self.lanes(), lambda lane: lane.type.__name__)

    def totals(self) -> dict[str, int]:
        """Sums over all lanes: sent, duplicated, delivered, in flight, `dropped: <reason>`.

        Worlds with connections add `retransmitted` and `resets`, those that weigh messages `bytes`.
        """
        connections = self._connections
        return sum_of_all(self.lanes(), self.in_flight(), connections.resets.total() if connections.opened else None)

    def check_conservation(self) -> None:
        """Assert sent + duplicated = delivered + dropped + in flight on every lane."""
        assert_conserved(self.lanes(), self.in_flight())
