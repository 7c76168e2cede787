"""Append-only logs on a Raft shard, for clients that append and read: the strongest that a log can promise.

As registers (`models.raft.registers`), but what is asked for is to append, answered with the place, and to read it all.
"""

from __future__ import annotations

from models.domain import Command
from models.domains.append_log import Append
from models.driver import Ask, Plain
from models.raft.registers import RegisterShard

__all__ = ["LogShard"]


class LogShard(RegisterShard):
    """A shard of logs that answers as logs would; arguments as for a member."""

    def wanted(self, msg: Ask) -> Command:
        """What an append is a request for."""
        assert isinstance(msg.value, int), f"{msg} appends no number"
        return Append(value=msg.value)

    def shown(self, told: int | str | None) -> Plain:
        """All that was appended, in order."""
        return tuple(int(value) for value in str(told).split(",")) if told else ()
