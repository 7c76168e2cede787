"""The event store, piece by piece: what is appended, how it is found again, what shows that it is whole.

`log` is a log and what it comes to; `group` holds one under a persistence scheme; `sequence` orders
events over all shards; `schemes` says when an event may be acknowledged, and what a failure then takes.

`shard` is the service, and all it does is in its two halves: `serving` (with `writing`) decides
commands and answers, on whatever replicates its log; `group.replica` replicates it. What both see of
the log is `holding`. `publishing` hands committed events on, `requests` is what clients say and hear,
`options` what a member is told, `inspection` what judges ask.
"""

from models.store.log.appending import (
    Append,
    Deleted,
    Expect,
    Idempotent,
    IdempotentNotReady,
    Ok,
    StreamHead,
    WrongExpectedVersion,
    decide_append,
)
from models.store.log.chain import ChainBroken, check_chain, link
from models.store.log.dedup import Window
from models.store.sequence.order import HoldingReader, NaiveReader, Sequence

__all__ = [
    "Append",
    "ChainBroken",
    "Deleted",
    "Expect",
    "HoldingReader",
    "Idempotent",
    "IdempotentNotReady",
    "NaiveReader",
    "Ok",
    "Sequence",
    "StreamHead",
    "Window",
    "WrongExpectedVersion",
    "check_chain",
    "decide_append",
    "link",
]
