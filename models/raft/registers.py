"""Registers on a Raft shard, for clients that read what they and others wrote: what linearizability is judged by.

A register is a profile with one field, so a write is a command like any other, deduplicated by its id, and a
read is a `Look` at the aggregate. Whoever does not lead passes the request on, once.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from models.domain import Command
from models.domains.profile import Change
from models.driver import Ask, Plain, Reply
from models.raft.shard import RaftShard
from models.store.requests import Accepted, Look, RolledBack, Seen, Submit, Unavailable
from sim.host import Wait, handles
from sim.topology import Location

__all__ = ["RegisterShard"]

_FIELD: Final = "value"


class RegisterShard(RaftShard):
    """A shard of profiles that answers as registers would; arguments as for a member."""

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Any:
        """Serve it here, or have the leader serve it."""
        if self.leads:
            return self._answer_read(msg) if msg.f == "read" else self._answer_write(msg)
        leader = self.leads_elsewhere
        if leader is None or any(sender == peer for _, peer in self.options.peers):
            return Reply(op=msg.op, ok=False, value="no leader")
        return self._pass_on(msg, leader)

    def _pass_on(self, msg: Ask, leader: Location) -> Generator[Wait, Any, Reply | None]:
        answer = yield self.ctx.call(leader, msg, self.options.forward_timeout_us)
        return answer if isinstance(answer, Reply) else None

    def _answer_read(self, msg: Ask) -> Generator[Wait, Any, Reply | None]:
        seen = yield from self._look(Look(aggregate=msg.key))
        if not isinstance(seen, Seen):
            return None
        return Reply(op=msg.op, value=self.shown(seen.told), version=seen.version)

    def _answer_write(self, msg: Ask) -> Generator[Wait, Any, Reply | None]:
        answer = yield from self._serve(Submit(command_id=msg.op, aggregate=msg.key, command=self.wanted(msg)))
        if isinstance(answer, Accepted):
            return Reply(op=msg.op, version=answer.version)
        if isinstance(answer, Unavailable | RolledBack):
            return Reply(op=msg.op, ok=False, value="not the leader")
        return None

    def wanted(self, msg: Ask) -> Command:
        """What a write is a request for."""
        return Change(field=_FIELD, value=str(msg.value))

    def shown(self, told: int | str | None) -> Plain:
        """The value that a profile tells of."""
        return int(str(told).partition("=")[2]) if told else None
