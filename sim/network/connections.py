"""Connections: order, retransmission with back-off, reset, and half-open ends.

A connection joins an ordered pair of hosts for the messages of one layer (across layers
order would undo priority); what goes back has a connection of its own. It opens with its
first segment, and each of its two ends may believe in it when the other no longer does.

- *Order.* The receiver hands segments on by number and keeps one that arrives early.
- *Loss.* A segment that a cut, a loss or a silent host swallowed is sent again when the
  retransmission time-out has passed, which doubles each time and starts afresh after any
  acknowledgement. Acknowledgements are no messages: one counts as come when a segment lands
  while the way back carries. So with the way back cut all is delivered and nothing is
  acknowledged, and the sender gives up on a connection that worked.
- *Reset.* Without progress for the connection time-out the sender gives up, drops what it
  still has to send, and tells the receiver. A receiver that knows no such connection (its
  host restarted, or its system has no such process) answers with a reset, and the sender
  drops the rest. Either way the next message opens a new connection.
- *Half-open.* A power loss, or a reset that a cut swallowed, leaves the other end believing.
  A sender notices when it next sends, a receiver when a new connection replaces the old one
  or, at the latest, after the time-out. Segments of a connection that was replaced, or that
  an earlier life of the host knew, are refused.
- *What is under way stays under way*: segments on the wire when the sender gives up or dies
  may still be delivered. A caller that saw a time-out knows nothing.

Left out: handshake, windows, congestion control, and acknowledgements' own delay. The
time-out for retransmission is taken to have adapted to delay: nothing is sent again merely
because it is slow.

Source: RFC 9293 (resets, half-open), RFC 6298 (back-off), RFC 5482 (user time-out).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappush
from typing import TYPE_CHECKING, Any

from sim.kernel import CALL
from sim.message import Layer, Message
from sim.network.lanes import CONNECTION_RESET, CUT_IN_FLIGHT, HOST_DOWN, Lane, Link, Segment, Stage
from sim.network.stream import ConnectionOptions, ConnectionView, Stream

if TYPE_CHECKING:
    from sim.network.network import Network

__all__ = ["Connections"]

#: What an end does when it is told of a reset, with the trace row that tells it.
_Act = Callable[[Stream, int], None]


class Connections:
    """All connections of one network.

    Attributes:
        opened: How many there have been.
        resets: Ends that stopped believing, by how they learnt it.
        landing: What a segment lands by.
    """

    def __init__(self, network: Network, options: ConnectionOptions) -> None:
        self._network = network
        self._options = options
        self._env = network.env
        self._trace = network.trace
        self.opened = 0
        self.resets: Counter[str] = Counter()
        self.landing = self._land
        self._signalled = self._take_signal
        self._retransmitting = self._retransmit
        self._watching = self._watch
        self._noticing = self._notice

    # -- the sender's end ----------------------------------------------------------------

    def send(self, lane: Lane, message: Message, meta: Any, row: int, size: int) -> None:
        """Send one message on the connection of its layer, opening one if there is none."""
        link = lane.link
        stream = None if link.sending is None else link.sending.get(lane.layer)
        if stream is None:
            stream = self._open(link, lane.layer)
        now_us: int = self._env._now  # type: ignore[assignment]
        segment = Segment(lane, message, meta, row, size, stream, now_us)
        stream.next_number += 1
        if not stream.unacknowledged:
            stream.progress_us = now_us
            if not stream.watched:
                stream.watched = True
                self._at(now_us + self._options.timeout_us, self._watching, stream)
        stream.unacknowledged.append(segment)
        if link.open and link.weather is None and link.transmitter is None:
            # What `enter` would come to, without its questions.
            segment.epoch = link.epoch
            self.fly(segment, now_us + (link.sampler.delays or link.sampler.refill()).pop())
        else:
            self._network.enter(segment)

    def fly(self, segment: Segment, due_us: int) -> None:
        """Let a segment land at `due_us`."""
        heappush(self._env._queue, (due_us, CALL, next(self._env._eid), self.landing, segment))  # type: ignore[misc]

    def lose(self, segment: Segment, reason: str) -> None:
        """A copy of the segment came to nothing: send it again, unless nobody is left to."""
        stream = segment.stream
        if stream.open:
            segment.lane.link.meet(f"missed: {reason}")
            if segment.stage is Stage.WIRE:
                segment.stage = Stage.MISSING
            self._arm(stream, segment)
        elif segment.stage is Stage.WIRE:
            self._drop(segment, reason)

    def _open(self, link: Link, layer: Layer) -> Stream:
        network = self._network
        back = network.link(link.dst, link.src)
        round_trip_us = link.sampler.delay.mean_us + back.sampler.delay.mean_us
        options = self._options
        patience_us = min(max(options.retransmit_us_min, int(2 * round_trip_us)), options.retransmit_us_max)
        self.opened += 1
        stream = Stream(self.opened, link, back, layer, patience_us)
        if link.sending is None:
            link.sending = {}
        link.sending[layer] = stream
        return stream

    def _arm(self, stream: Stream, segment: Segment) -> None:
        if not stream.armed:
            stream.armed = True
            now_us: int = self._env._now  # type: ignore[assignment]
            self._at(max(now_us, segment.sent_us + stream.patience_us), self._retransmitting, stream)

    def _retransmit(self, entry: tuple[Any, ...]) -> None:
        """Send again all that is missing, and the oldest if only its acknowledgement is."""
        now_us, stream = entry[0], entry[4]
        stream.armed = False
        if not stream.open:
            return
        again = [segment for segment in stream.unacknowledged if segment.stage is Stage.MISSING]
        oldest = stream.unacknowledged[0] if stream.unacknowledged else None
        if oldest is not None and oldest.stage is Stage.DELIVERED:
            again.insert(0, oldest)
        if not again:
            return
        stream.patience_us = min(2 * stream.patience_us, self._options.retransmit_us_max)
        link = stream.link
        for segment in again:
            if segment.stage is Stage.MISSING:
                segment.stage = Stage.WIRE
            segment.sent_us = now_us
            segment.lane.retransmitted += 1
            segment.row = self._trace.message("retransmit", link.src, link.dst, segment.message, segment.row)
            self._network.enter(segment)

    def _watch(self, entry: tuple[Any, ...]) -> None:
        """Give up on a connection without progress; look again later at one that has some."""
        now_us, stream = entry[0], entry[4]
        stream.watched = False
        if not stream.open or not stream.unacknowledged:
            return
        due_us = stream.progress_us + self._options.timeout_us
        if due_us > now_us:
            stream.watched = True
            self._at(due_us, self._watching, stream)
            return
        row = self._count(stream, "timed out", stream.link.src, stream.unacknowledged[0].row)
        self._close_sender(stream)
        self._signal(stream.link, self._reset_receiver, stream, row)
        self._notice_later(stream, row)

    def _close_sender(self, stream: Stream) -> None:
        """Forget the connection at its source; what is under way stays under way."""
        stream.open = False
        sending = stream.link.sending
        assert sending is not None
        if sending.get(stream.layer) is stream:
            del sending[stream.layer]
        segments, stream.unacknowledged = stream.unacknowledged, []
        for segment in segments:
            if segment.stage is Stage.MISSING:
                self._drop(segment, CONNECTION_RESET)

    def _reset_sender(self, stream: Stream, cause: int) -> None:
        if stream.open:
            self._count(stream, "sender told", stream.link.src, cause)
            self._close_sender(stream)

    # -- the receiver's end ----------------------------------------------------------------

    def _land(self, entry: tuple[Any, ...]) -> None:
        segment: Segment = entry[4]
        stream = segment.stream
        link = stream.link
        port = link.port
        if segment.epoch != link.epoch:
            self.lose(segment, CUT_IN_FLIGHT)
        elif port.receive is None and not port.refuses:
            self.lose(segment, HOST_DOWN)
        elif port.receive is None or not self._knows(stream, segment.row):
            self.lose(segment, CONNECTION_RESET)
            if stream.open:
                self._signal(stream.back, self._reset_sender, stream, segment.row)
        elif segment.number == stream.expected:
            stream.expected += 1
            if stream.early:
                self._take_with_early(stream, segment)
            else:
                self._acknowledge(stream)
                self._deliver(link, segment)
        else:
            if segment.number > stream.expected:
                segment.stage = Stage.EARLY
                stream.early[segment.number] = segment
            self._acknowledge(stream)

    def _knows(self, stream: Stream, row: int) -> bool:
        """Whether the receiver believes in the connection, which its first segment opens."""
        link, layer = stream.link, stream.layer
        if link.receiving is None:
            link.receiving = {}
        known = link.receiving.get(layer)
        if known is stream:
            return True
        if stream.accepted or (known is not None and known.number > stream.number):
            return False  # of an earlier life, or replaced
        if known is not None:
            self._forget(known, "replaced", row)
        link.receiving[layer] = stream
        stream.accepted = True
        if not stream.open:
            self._notice_later(stream, row)
        return True

    def _take_with_early(self, stream: Stream, segment: Segment) -> None:
        """Hand on the segment that was expected, and those that waited for it."""
        ready = [segment]
        while (following := stream.early.pop(stream.expected, None)) is not None:
            ready.append(following)
            stream.expected += 1
        self._acknowledge(stream)
        port, life = stream.link.port, stream.link.port.life
        for segment in ready:
            if port.life == life:
                self._deliver(stream.link, segment)
            else:  # the host died of one that came before
                self._drop(segment, HOST_DOWN)

    def _deliver(self, link: Link, segment: Segment) -> None:
        segment.stage = Stage.DELIVERED
        segment.lane.delivered += 1
        row = -1
        if self._trace.full:
            row = self._trace.message("deliver", link.src, link.dst, segment.message, segment.row)
        receive = link.port.receive
        assert receive is not None
        receive(link.src, segment.message, segment.meta, row)

    def _acknowledge(self, stream: Stream) -> None:
        unacknowledged, expected = stream.unacknowledged, stream.expected
        if not unacknowledged:
            return
        back = stream.back
        if not (back.open if back.weather is None else self._network.carries(back)):
            self._arm(stream, unacknowledged[0])
        elif unacknowledged[0].number < expected:
            stream.progress_us = self._env._now  # type: ignore[assignment]
            stream.patience_us = stream.patience_us_min
            del unacknowledged[: expected - unacknowledged[0].number]

    def _close_receiver(self, stream: Stream) -> None:
        """Forget the connection at its sink, with what waited there for a gap to be filled."""
        receiving = stream.link.receiving
        assert receiving is not None
        assert receiving[stream.layer] is stream
        del receiving[stream.layer]
        early, stream.early = stream.early, {}
        for segment in early.values():
            segment.stage = Stage.WIRE
            self.lose(segment, CONNECTION_RESET)

    def _forget(self, stream: Stream, how: str, cause: int) -> None:
        receiving = stream.link.receiving
        if receiving is not None and receiving.get(stream.layer) is stream:
            self._count(stream, how, stream.link.dst, cause)
            self._close_receiver(stream)

    def _reset_receiver(self, stream: Stream, cause: int) -> None:
        self._forget(stream, "receiver told", cause)

    def _notice(self, entry: tuple[Any, ...]) -> None:
        self._forget(entry[4], "receiver timed out", entry[5])

    def _notice_later(self, stream: Stream, cause: int) -> None:
        """Its keep-alive goes unanswered: should no reset arrive, the receiver notices all the same."""
        due_us = int(self._env._now) + self._options.timeout_us
        heappush(self._env._queue, (due_us, CALL, next(self._env._eid), self._noticing, stream, cause))  # type: ignore[misc]

    # -- what the ends tell each other --------------------------------------------------------

    def crash(self, host: int, *, resets: bool) -> None:
        """End a host's connections; with `resets` its system tells the other ends."""
        if not self.opened:
            return
        cause = self._trace.cause
        for link in self._network.links_of(host):
            if link.src == host and link.sending:
                for stream in list(link.sending.values()):
                    self._close_sender(stream)
                    if resets:
                        self._signal(link, self._reset_receiver, stream, cause)
                    self._notice_later(stream, cause)
            if link.dst == host and link.receiving:
                for stream in list(link.receiving.values()):
                    self._close_receiver(stream)
                    if resets and stream.open:
                        self._signal(stream.back, self._reset_sender, stream, cause)

    def _signal(self, link: Link, act: _Act, stream: Stream, cause: int) -> None:
        """Send a reset, which the link may lose; resets are not messages and not counted as such."""
        if self._network.carries(link):
            due_us = int(self._env._now) + self._network.delay_us(link)
            entry = (due_us, CALL, next(self._env._eid), self._signalled, stream, link, link.epoch, act, cause)
            heappush(self._env._queue, entry)  # type: ignore[misc]

    def _take_signal(self, entry: tuple[Any, ...]) -> None:
        stream, link, epoch, act, cause = entry[4:]
        if link.epoch == epoch:
            act(stream, cause)

    # -- accounts ----------------------------------------------------------------------------

    def views(self, link: Link) -> Iterator[ConnectionView]:
        """The connections on one link that an end believes in, by layer and number."""
        sending, receiving = link.sending or {}, link.receiving or {}
        streams = {stream.number: stream for ends in (sending, receiving) for stream in ends.values()}
        for stream in sorted(streams.values(), key=lambda stream: (stream.layer, stream.number)):
            yield ConnectionView(
                link.src,
                link.dst,
                stream.layer,
                stream.number,
                stream.open,
                receiving.get(stream.layer) is stream,
                stream.accepted,
                len(stream.unacknowledged),
                len(stream.early),
            )

    @staticmethod
    def kept(link: Link) -> Iterator[Segment]:
        """Segments that an end keeps: to be sent again, or until a gap is filled."""
        for stream in (link.sending or {}).values():
            yield from (segment for segment in stream.unacknowledged if segment.stage is Stage.MISSING)
        for stream in (link.receiving or {}).values():
            yield from stream.early.values()

    def _count(self, stream: Stream, how: str, host: int, cause: int) -> int:
        self.resets[how] += 1
        trace = self._trace
        before, trace.cause = trace.cause, cause
        row = trace.event("reset", host, (how, stream.link.src, stream.link.dst, stream.number))
        trace.cause = before
        return row

    def _drop(self, segment: Segment, reason: str) -> None:
        segment.stage = Stage.DROPPED
        lane = segment.lane
        lane.drop(reason)
        self._trace.message("drop", lane.link.src, lane.link.dst, segment.message, segment.row, reason)

    def _at(self, t_us: int, fn: Callable[[tuple[Any, ...]], None], stream: Stream) -> None:
        heappush(self._env._queue, (t_us, CALL, next(self._env._eid), fn, stream))  # type: ignore[misc]
