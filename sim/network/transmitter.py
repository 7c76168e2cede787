"""A link of finite bandwidth: one transmitter and a queue for each layer.

Strict priority: whenever the transmitter becomes free it takes the highest layer that waits,
first come first served within it, and finishes what it has begun. A layer may be capped by a
token bucket, so that a storm in a high layer cannot starve those below: what exceeds the cap
waits, even if the link is idle meanwhile, and lower layers go ahead of it. A link that does not
tell layers apart has one queue for all: first come, first served.

Times are exact: at a gigabyte a second a message takes less than the microsecond of the
clock, so the transmitter counts in microseconds x bytes a second, and only arrivals round.
An idle transmitter costs no heap entry of its own; one that has a queue costs one a message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from heapq import heappush
from typing import Any, Final

from sim.bucket import Bucket
from sim.kernel import CALL, Environment
from sim.message import Layer
from sim.network.lanes import Parcel

__all__ = ["Transmitter"]

_SECOND: Final = 1_000_000


class Transmitter:
    """What puts messages on one link, one after another.

    Args:
        env: The kernel.
        bytes_per_second: Bandwidth, >= 1.
        caps: Bytes a second of the layers that are capped.
        depart: Told each message and the instant at which its last byte has left.
        priority: Whether a higher layer goes first.
    """

    __slots__ = (
        "_buckets",
        "_depart",
        "_env",
        "_free",
        "_priority",
        "_queues",
        "_rate",
        "_wake_us",
        "_waking",
        "waiting",
    )

    def __init__(
        self,
        env: Environment,
        bytes_per_second: int,
        caps: Mapping[Layer, int],
        depart: Callable[[Parcel, int], None],
        priority: bool = True,
    ) -> None:
        self._env = env
        self._priority = priority
        self._rate = bytes_per_second
        self._buckets = {layer: Bucket(cap) for layer, cap in sorted(caps.items())}
        self._depart = depart
        self._free = 0  # when the last message begun will have left, microseconds x rate
        self._queues: dict[Layer, deque[Parcel]] = {}
        self._wake_us: int | None = None
        self._waking = self._wake
        self.waiting = 0

    def take(self, parcel: Parcel) -> None:
        """Transmit at once if the transmitter is free, else queue."""
        now_us: int = self._env._now  # type: ignore[assignment]
        if not self.waiting and self._free <= now_us * self._rate and self._may_go(parcel, now_us):
            self._begin(parcel, now_us * self._rate, now_us)
            return
        layer = parcel.lane.layer if self._priority else Layer.SERVICE
        queue = self._queues.get(layer)
        if queue is None:
            self._queues[layer] = queue = deque()
            self._queues = dict(sorted(self._queues.items()))  # highest layer first
        queue.append(parcel)
        self.waiting += 1
        self._pump(now_us)

    def set_rate(self, bytes_per_second: int) -> None:
        """Change the bandwidth; what is being transmitted ends when it would have."""
        if bytes_per_second != self._rate:
            self._free = self._free_us() * bytes_per_second
            self._rate = bytes_per_second

    def queued(self) -> Iterator[Parcel]:
        """What waits, highest layer first."""
        for queue in self._queues.values():
            yield from queue

    def purge(self) -> None:
        """Forget what waits."""
        self._queues.clear()
        self.waiting = 0

    def _wake(self, entry: tuple[Any, ...]) -> None:
        if entry[0] == self._wake_us:
            self._wake_us = None
        self._pump(entry[0])

    def _pump(self, now_us: int) -> None:
        """Transmit all whose turn has come; see to being woken for the rest."""
        now = now_us * self._rate
        while self.waiting:
            if self._free > now:
                self._wake_at(self._free_us())
                return
            parcel, ready_us = self._next(now_us)
            if parcel is None:
                self._wake_at(ready_us)
                return
            self.waiting -= 1
            # It became free within this microsecond: the next begins where the last ended.
            self._begin(parcel, self._free if now - self._free < self._rate else now, now_us)

    def _next(self, now_us: int) -> tuple[Parcel | None, int]:
        """The message whose turn it is, or None and when it can be somebody's."""
        soonest_us: int | None = None
        for layer, queue in self._queues.items():
            if not queue:
                continue
            bucket = self._buckets.get(layer)
            ready_us = now_us if bucket is None else bucket.ready_us(queue[0].size, now_us)
            if ready_us == now_us:
                return queue.popleft(), now_us
            soonest_us = ready_us if soonest_us is None else min(soonest_us, ready_us)
        assert soonest_us is not None, "something waits"
        return None, soonest_us

    def _may_go(self, parcel: Parcel, now_us: int) -> bool:
        bucket = self._buckets.get(parcel.lane.layer)
        return bucket is None or bucket.ready_us(parcel.size, now_us) == now_us

    def _begin(self, parcel: Parcel, start: int, now_us: int) -> None:
        bucket = self._buckets.get(parcel.lane.layer)
        if bucket is not None:
            bucket.take(parcel.size, now_us)
        self._free = start + parcel.size * _SECOND
        self._depart(parcel, self._free_us())

    def _free_us(self) -> int:
        return -(-self._free // self._rate)

    def _wake_at(self, t_us: int) -> None:
        if self._wake_us is None or t_us < self._wake_us:
            self._wake_us = t_us
            heappush(self._env._queue, (t_us, CALL, next(self._env._eid), self._waking, None))  # type: ignore[misc]
