"""What a consumer records of its deliveries: an event is delivered once the view has it, surely, perhaps, or not.

The vocabulary is that of `sim.checkers.deliveries`: a stream is an aggregate, its positions are versions, and
all consumers of one version of a projection are one subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.reading.options import Checkpoint, ProjectorOptions
from models.reading.views import Parked
from models.store.log.entries import Entry, instance_of, version_of
from sim.history import Kind, Operation
from sim.host import Context

__all__ = ["Deliveries"]

#: Ids of deliveries are from here on, out of the way of what users ask.
_FIRST: Final = 1 << 60


class Deliveries:
    """The records of one consumer.

    Args:
        ctx: Its host.
        options: Who it is, and whether it records at all.
    """

    def __init__(self, ctx: Context, options: ProjectorOptions) -> None:
        self._ctx = ctx
        self._count = 0
        self._records = options.records
        self._first = _FIRST | options.number << 52
        self._session = f"view-{options.version}"
        self._atomic = options.checkpoint is Checkpoint.ATOMIC

    def begin(self, entries: Sequence[tuple[int, Entry]], parked: Sequence[Parked]) -> list[Operation]:
        """Events are on their way into the view, but those that are parked."""
        if not self._records:
            return []
        aside = {(event.shard, event.position) for event in parked}
        begun = []
        for shard, entry in entries:
            if (shard, entry.position) not in aside:
                self._count += 1
                # Of no two lives the same: time goes on.
                op = self._first | (self._ctx.mono_us() & (1 << 40) - 1) << 12 | self._count & 4095
                key, version = instance_of(entry.address), version_of(entry.address)
                one = Operation(op, Kind.INVOKE, "deliver", key, entry.event_id, version, self._session)
                self._ctx.record(one)
                begun.append(one)
        return begun

    def end(self, begun: Sequence[Operation], fine: bool, refused: str) -> None:
        """They are in it; or surely not, where one write holds all and was refused; or nobody can tell."""
        kind = Kind.OK if fine else Kind.FAIL if refused and self._atomic else Kind.INFO
        for one in begun:
            self._ctx.record(Operation(one.op, kind, one.f, one.key, None, one.version, one.session))
