"""The directed network: links, lanes, cuts and the accounts that must balance.

A *link* is one ordered pair of hosts; a *lane* is one message type on a link and owns the
counters. A datagram takes one heap entry: it is counted, its delay is taken from a block
drawn ahead, and it lands if no cut closed its link at any moment of the flight. That last
rule needs no list of messages in flight: every closing of a link raises the link's epoch,
and a message whose epoch is no longer the link's was under way when a cut began.

Conservation, per lane: sent + duplicated = delivered + dropped + in flight. `in_flight`
counts heap entries, not the difference of the others, so the law can be broken and tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush
from typing import Any, Final, Protocol

from numpy.random import Generator

from sim.chance import Chance
from sim.effects import LinkEffect
from sim.kernel import CALL, Environment
from sim.latency import Delay, LatencyModel
from sim.message import Layer, Message, Transport, check_message_type
from sim.topology import Topology
from sim.trace import Trace

__all__ = ["CUT_AT_SEND", "CUT_IN_FLIGHT", "HOST_DOWN", "Lane", "Link", "Network", "Receive"]

CUT_AT_SEND: Final = "cut at send"
CUT_IN_FLIGHT: Final = "cut in flight"
HOST_DOWN: Final = "host down"

#: A landing on the heap: time, priority, id, function, lane, epoch, message, meta.
_Flight = tuple[int, int, int, Any, "Lane", int, Message, Any]
_FIRST_BLOCK: Final = 8
_LARGEST_BLOCK: Final = 256


#: What a host does with a message that reached it: (source, message, meta, trace row or -1).
Receive = Callable[[int, Message, Any, int], None]


class _Cut(Protocol):
    """The one thing the network knows of a fault: these sources reach these sinks no more."""

    @property
    def src(self) -> frozenset[int]:
        """Senders that are cut off."""
        ...

    @property
    def dst(self) -> frozenset[int]:
        """Receivers that they do not reach."""
        ...


class Port:
    """Where a host meets the network; `receive` is None while the host is down."""

    __slots__ = ("receive", "samplers")

    def __init__(self) -> None:
        self.receive: Receive | None = None
        self.samplers: dict[Delay, Sampler] = {}


class Sampler:
    """Blocks of one-way delays of one distribution, for one source host.

    Links that leave a host with equal distributions share one: their noise is per message,
    and 64 blocks stay in the processor's cache where 4,096 do not.
    """

    __slots__ = ("_block", "_delay", "_generator", "delays")

    def __init__(self, delay: Delay, generator: Generator) -> None:
        self.delays: list[int] = []
        self._delay = delay
        self._generator = generator
        self._block = _FIRST_BLOCK

    def refill(self) -> list[int]:
        """Draw the next block, microseconds, to be popped from the end."""
        drawn = self._delay.draw(self._generator, self._block)
        drawn.reverse()
        self._block = min(2 * self._block, _LARGEST_BLOCK)
        self.delays = drawn
        return drawn


class Link:
    """One ordered pair of hosts: whether it is open, and how often it was closed."""

    __slots__ = ("dst", "epoch", "lanes", "open", "port", "sampler", "src")

    def __init__(self, src: int, dst: int, sampler: Sampler, port: Port) -> None:
        self.src = src
        self.dst = dst
        self.sampler = sampler
        self.port = port
        self.lanes: list[Lane] = []
        self.epoch = 0
        self.open = True


class Lane:
    """One message type on one link, with its counters.

    The send path touches this one object, so it repeats what the link knows (`epoch`,
    `plain`, `sampler`, `port`); `Network._set_open` keeps the copies equal.

    Attributes:
        plain: Open and with nothing unusual about it: one heap entry a message.
    """

    __slots__ = (
        "delivered",
        "dropped",
        "duplicated",
        "epoch",
        "layer",
        "link",
        "plain",
        "port",
        "sampler",
        "sent",
        "src",
        "type",
    )

    def __init__(self, link: Link, message_type: type[Message], layer: Layer) -> None:
        self.link = link
        self.src = link.src
        self.port = link.port
        self.sampler = link.sampler
        self.epoch = link.epoch
        self.plain = False
        self.type = message_type
        self.layer = layer
        self.sent = 0
        self.duplicated = 0
        self.delivered = 0
        self.dropped: dict[str, int] = {}

    def drop(self, reason: str) -> None:
        """Count one message lost for `reason`."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Network:
    """All links between the hosts of one world.

    Args:
        env: The kernel.
        topology: Hosts; a host is its index here.
        latency: One-way delay of each ordered pair.
        chance: Each link draws from its own generator, named by the two hosts' paths.
        trace: Rows are written only at its full level, and then sends leave the fast path.
    """

    def __init__(
        self,
        env: Environment,
        topology: Topology,
        latency: LatencyModel,
        chance: Chance,
        trace: Trace,
    ) -> None:
        self._env = env
        self._queue: list[Any] = env._queue
        self._eid: Iterator[int] = env._eid
        self._topology = topology
        self._latency = latency
        self._chance = chance
        self._trace = trace
        self._links: tuple[dict[int, Link], ...] = tuple({} for _ in topology.hosts)
        self._lanes: tuple[dict[type[Message], dict[int, Lane]], ...] = tuple({} for _ in topology.hosts)
        self._ports = tuple(Port() for _ in topology.hosts)
        self._layers: dict[type[Message], Layer] = {}
        self._cuts: tuple[_Cut, ...] = ()
        self._effects: tuple[LinkEffect, ...] = ()
        # Bound once: a bound method made for every message is a tenth of the send path.
        self._landing = self._land
        self._landing_traced = self._land_traced

    # -- the hot path ------------------------------------------------------------------

    def send(self, src: int, dst: int, message: Message, meta: Any = None) -> None:
        """Send a datagram from host to host; `meta` travels with it and is not inspected."""
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
                    self._env._now + delays.pop(),
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

    # -- everything a plain open link does not need ------------------------------------

    def _send_otherwise(self, lane: Lane, message: Message, meta: Any) -> None:
        link = lane.link
        row = self._trace.message("send", link.src, link.dst, message, self._trace.cause)
        if not link.open:
            lane.drop(CUT_AT_SEND)
            self._trace.message("drop", link.src, link.dst, message, row, CUT_AT_SEND)
            return
        delays = lane.sampler.delays or lane.sampler.refill()
        due_us = self._env._now + delays.pop()
        eid, fn = next(self._eid), self._landing_traced
        heappush(self._queue, (due_us, CALL, eid, fn, lane, lane.epoch, message, meta, row))

    def _land_traced(self, entry: tuple[Any, ...]) -> None:
        lane, epoch, message, meta, row = entry[4:]
        link = lane.link
        receive = lane.port.receive
        reason = CUT_IN_FLIGHT if lane.epoch != epoch else HOST_DOWN if receive is None else None
        if reason is not None:
            lane.drop(reason)
            self._trace.message("drop", link.src, link.dst, message, row, reason)
            return
        assert receive is not None
        lane.delivered += 1
        row = self._trace.message("deliver", link.src, link.dst, message, row)
        receive(link.src, message, meta, row)

    def _connect(self, src: int, dst: int) -> Link:
        hosts = self._topology.hosts
        delay = self._latency.between(hosts[src], hosts[dst])
        samplers = self._ports[src].samplers
        sampler = samplers.get(delay)
        if sampler is None:
            generator = self._chance.generator(f"port/{hosts[src].path}/{delay!r}")
            sampler = samplers[delay] = Sampler(delay, generator)
        link = self._links[src][dst] = Link(src, dst, sampler, self._ports[dst])
        self._set_open(link)
        return link

    def _open_lane(self, src: int, dst: int, message_type: type[Message]) -> Lane:
        layer = self._layers.get(message_type)
        if layer is None:
            layer = self._layers[message_type] = check_message_type(message_type)
            if message_type.transport is not Transport.DATAGRAM:
                raise ValueError(
                    f"{message_type.__name__}.transport is {message_type.transport}; this network carries datagrams"
                )
        link = self._links[src].get(dst) or self._connect(src, dst)
        lane = Lane(link, message_type, layer)
        link.lanes.append(lane)
        self._lanes[src].setdefault(message_type, {})[dst] = lane
        self._set_open(link)
        return lane

    # -- what the world changes ----------------------------------------------------------

    def attach(self, host: int, receive: Receive | None) -> None:
        """Say who takes the messages that reach `host`; None while it is down."""
        self._ports[host].receive = receive

    def set_effects(self, cuts: Sequence[_Cut], effects: Sequence[LinkEffect]) -> None:
        """Replace the cuts and effects now in force; every link is judged afresh by all of them."""
        self._cuts = tuple(cuts)
        self._effects = tuple(effects)
        for link in self._all_links():
            self._set_open(link)

    def set_cuts(self, cuts: Sequence[_Cut]) -> None:
        """As `set_effects` with cuts alone."""
        self.set_effects(cuts, ())

    def blocked(self, src: int, dst: int) -> bool:
        """Whether a cut now in force keeps `src` from reaching `dst` (never itself)."""
        return src != dst and any(src in cut.src and dst in cut.dst for cut in self._cuts)

    def _set_open(self, link: Link) -> None:
        now_open = not self.blocked(link.src, link.dst)
        if link.open and not now_open:
            link.epoch += 1  # whatever is under way on it is lost
        link.open = now_open
        for lane in link.lanes:
            lane.epoch = link.epoch
            lane.plain = now_open and not self._trace.full

    # -- accounts ------------------------------------------------------------------------

    def _all_links(self) -> Iterator[Link]:
        for links in self._links:
            yield from links.values()

    def lanes(self) -> Iterator[Lane]:
        """Every lane that was used, in order of source, sink and type name."""
        for links in self._links:
            for dst in sorted(links):
                yield from sorted(links[dst].lanes, key=lambda lane: lane.type.__name__)

    def in_flight(self) -> Counter[Lane]:
        """Messages under way by lane, counted on the heap itself."""
        landings: tuple[Callable[..., None], ...] = (self._landing, self._landing_traced)
        entries: Iterable[Any] = self._queue
        return Counter(e[4] for e in entries if len(e) > 4 and e[3] in landings)

    def totals(self) -> dict[str, int]:
        """Sums over all lanes: sent, duplicated, delivered, in flight, `dropped: <reason>`."""
        sums: Counter[str] = Counter(sent=0, duplicated=0, delivered=0)
        for lane in self.lanes():
            sums["sent"] += lane.sent
            sums["duplicated"] += lane.duplicated
            sums["delivered"] += lane.delivered
            for reason, count in lane.dropped.items():
                sums[f"dropped: {reason}"] += count
        sums["in flight"] = sum(self.in_flight().values())
        return dict(sums)

    def check_conservation(self) -> None:
        """Assert sent + duplicated = delivered + dropped + in flight on every lane."""
        flying = self.in_flight()
        for lane in self.lanes():
            dropped = sum(lane.dropped.values())
            put_in, taken_out = lane.sent + lane.duplicated, lane.delivered + dropped
            assert put_in == taken_out + flying[lane], (
                f"{lane.type.__name__} {lane.link.src}>{lane.link.dst}: {put_in} in, "
                f"{lane.delivered} delivered, {dropped} dropped, {flying[lane]} in flight"
            )
