"""What a link is made of: the port it leads to, its lanes, and the messages on it.

A *link* is one ordered pair of hosts; a *lane* is one message type on a link and owns the
counters. A *parcel* is a message that takes anything but the fast path, and a *segment* a
parcel of a connection: it keeps its number until it is delivered or given up.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from numpy.random import Generator

from sim.message import Layer, Message, Transport

if TYPE_CHECKING:
    from sim.chance import Chance
    from sim.latency import Delay, LatencyModel
    from sim.latency.slow import Slow
    from sim.network.stream import Stream
    from sim.network.transmitter import Transmitter
    from sim.network.waiting import Released
    from sim.network.weather import Noise, Weather
    from sim.topology import HostSpec

__all__ = [
    "CONNECTION_RESET",
    "CUT_AT_SEND",
    "CUT_IN_FLIGHT",
    "HOST_DOWN",
    "LOST",
    "SENDER_DOWN",
    "Cut",
    "Lane",
    "Link",
    "Parcel",
    "Port",
    "Receive",
    "Sampler",
    "Segment",
    "Stage",
    "sampler_of",
    "sampler_to",
]

# Why a message was dropped.
CUT_AT_SEND: Final = "cut at send"
CUT_IN_FLIGHT: Final = "cut in flight"
HOST_DOWN: Final = "host down"
LOST: Final = "lost on the link"
CONNECTION_RESET: Final = "connection reset"
SENDER_DOWN: Final = "sender down"

_FIRST_BLOCK: Final = 8
_LARGEST_BLOCK: Final = 256

#: What a host does with a message that reached it: (source, message, meta, trace row or -1).
Receive = Callable[[int, Message, Any, int], None]


class Cut(Protocol):
    """All that the network knows of a cut: these sources reach these sinks no more."""

    @property
    def src(self) -> frozenset[int]:
        """Senders that are cut off."""
        ...

    @property
    def dst(self) -> frozenset[int]:
        """Receivers that they do not reach."""
        ...


class Port:
    """Where a host meets the network.

    Attributes:
        receive: Takes what arrives; None while the host is down.
        refuses: While it is down: whether its system still answers segments with a reset.
        life: Counts the lives of the host, so that none takes what another was sent.
    """

    __slots__ = ("life", "near", "receive", "refuses", "samplers")

    def __init__(self) -> None:
        self.receive: Receive | None = None
        self.refuses = False
        self.life = 0
        self.samplers: dict[tuple[str, Delay], Sampler] = {}
        #: To all hosts of a cluster delays are alike, and a large group opens a million links.
        self.near: dict[tuple[str, str, bool], Sampler] = {}


class Sampler:
    """Blocks of one-way delays of one distribution, for one source host.

    Links that leave a host with equal distributions share one: their noise is per message,
    and 64 blocks stay in the processor's cache where 4,096 do not.
    """

    __slots__ = ("_block", "_generator", "delay", "delays")

    def __init__(self, delay: Delay, generator: Generator) -> None:
        self.delays: list[int] = []
        self.delay = delay
        self._generator = generator
        self._block = _FIRST_BLOCK

    def refill(self) -> list[int]:
        """Draw the next block, microseconds, to be popped from the end."""
        drawn = self.delay.draw(self._generator, self._block)
        drawn.reverse()
        self._block = min(2 * self._block, _LARGEST_BLOCK)
        self.delays = drawn
        return drawn


def sampler_of(
    samplers: dict[tuple[str, Delay], Sampler], chance: Chance, path: str, delay: Delay, name: str
) -> Sampler:
    """What draws delays of one distribution for the source at `path`; `name` tells apart those that share none."""
    sampler = samplers.get((name, delay))
    if sampler is None:
        sampler = samplers[name, delay] = Sampler(delay, chance.generator(f"{name}/{path}/{delay!r}"))
    return sampler


def sampler_to(port: Port, latency: LatencyModel, source: HostSpec, sink: HostSpec, chance: Chance) -> Sampler:
    """What draws delays from the host at a port, `source`, to another."""
    place = (sink.region, sink.cluster, sink.name == source.name)
    sampler = port.near.get(place)
    if sampler is None:
        delay = latency.between(source, sink)
        sampler = port.near[place] = sampler_of(port.samplers, chance, source.path, delay, "port")
    return sampler


class Link:
    """One ordered pair of hosts, and what is true of it now.

    Attributes:
        open: Whether no cut now in force closes it.
        bytes_per_second: Its bandwidth before effects, None if unlimited.
        noise: Its own randomness, made once something needs it.
        epoch: How often it was closed; what set out under another epoch is lost.
        slow: How its delay and loss change with time, None if they do not.
        weather: What `slow` and the live effects make of it, None if nothing.
        transmitter: Where messages wait for finite bandwidth, None if that is unlimited.
        held: What waits for a hold to end, None if there is none.
        released: What a hold kept and that has not set out yet, None if there is nothing of it.
        met: What the live effects did, and how copies of segments came to nothing, by name;
            None while neither happened. Evidence, not accounts: a message may count more than once.
        sending: Connections that its source believes open, by layer.
        receiving: Connections that its sink believes open, by layer.
    """

    __slots__ = (
        "bytes_per_second",
        "dst",
        "epoch",
        "held",
        "lanes",
        "met",
        "noise",
        "open",
        "port",
        "receiving",
        "released",
        "sampler",
        "sending",
        "slow",
        "src",
        "transmitter",
        "weather",
    )

    def __init__(self, src: int, dst: int, sampler: Sampler, port: Port) -> None:
        self.src = src
        self.dst = dst
        self.sampler = sampler
        self.port = port
        self.lanes: list[Lane] = []
        self.met: dict[str, int] | None = None
        self.epoch = 0
        self.open = True
        self.bytes_per_second: int | None = None
        self.noise: Noise | None = None
        self.slow: Slow | None = None
        self.weather: Weather | None = None
        self.transmitter: Transmitter | None = None
        self.held: list[Parcel] | None = None
        self.released: Released | None = None
        self.sending: dict[Layer, Stream] | None = None
        self.receiving: dict[Layer, Stream] | None = None

    def meet(self, what: str) -> None:
        """Count one thing that an effect did."""
        if self.met is None:
            self.met = {}
        self.met[what] = self.met.get(what, 0) + 1


class Lane:
    """One message type on one link, with its counters.

    The send path touches this one object, so it repeats what the link knows (`epoch`,
    `plain`, `sampler`, `port`); `Network._judge` keeps the copies equal.

    Attributes:
        plain: A datagram lane, open and with nothing unusual about it: one heap entry a message.
        weighed: Whether the size of each message is taken, as finite bandwidth and a trace
            need it; `bytes` counts no others.
        sent: Messages given to the network.
        duplicated: Second copies that the link made of them.
        delivered: Copies handed to the receiving host.
        dropped: Copies lost, by reason.
        retransmitted: Further transmissions by connections; no messages of their own.
        bytes: Bytes of the messages sent, copies not counted; see `weighed`.
    """

    __slots__ = (
        "bytes",
        "connected",
        "delivered",
        "dropped",
        "duplicated",
        "epoch",
        "layer",
        "link",
        "plain",
        "port",
        "retransmitted",
        "sampler",
        "sent",
        "src",
        "type",
        "weighed",
    )

    def __init__(self, link: Link, message_type: type[Message], layer: Layer, *, carried: bool = False) -> None:
        self.link = link
        self.src = link.src
        self.port = link.port
        self.sampler = link.sampler
        self.epoch = link.epoch
        self.plain = False
        self.weighed = False
        self.connected = carried or message_type.transport is Transport.CONNECTION
        self.type = message_type
        self.layer = layer
        self.sent = 0
        self.duplicated = 0
        self.delivered = 0
        self.retransmitted = 0
        self.bytes = 0
        self.dropped: dict[str, int] = {}

    def drop(self, reason: str) -> None:
        """Count one message lost for `reason`."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Parcel:
    """A message on its way by the general path; `row` is the trace row it follows from."""

    __slots__ = ("epoch", "lane", "message", "meta", "row", "size")

    def __init__(self, lane: Lane, message: Message, meta: Any, row: int, size: int) -> None:
        self.lane = lane
        self.message = message
        self.meta = meta
        self.row = row
        self.size = size
        self.epoch = lane.epoch


class Stage(Enum):
    """Where a segment is; the last two are for good."""

    WIRE = "on the way"
    MISSING = "lost on the way, to be sent again"
    EARLY = "arrived before one that was sent earlier"
    DELIVERED = "delivered"
    DROPPED = "dropped"


class Segment(Parcel):
    """A parcel of a connection.

    Attributes:
        stream: The connection.
        number: Its place in the order of the connection.
        stage: Where it is.
        sent_us: When it was last transmitted.
    """

    __slots__ = ("number", "sent_us", "stage", "stream")

    def __init__(
        self, lane: Lane, message: Message, meta: Any, row: int, size: int, stream: Stream, now_us: int
    ) -> None:
        self.lane = lane
        self.message = message
        self.meta = meta
        self.row = row
        self.size = size
        self.stream = stream
        self.sent_us = now_us
        self.number = stream.next_number
        self.stage = Stage.WIRE

    @property
    def settled(self) -> bool:
        """Whether its message is counted as delivered or dropped."""
        return self.stage is Stage.DELIVERED or self.stage is Stage.DROPPED
