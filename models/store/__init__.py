"""The event store, piece by piece: what is appended, how it is found again, what shows that it is whole.

The parts that know no host: `appending` (the answer to every append is one pure function), `chain`
(the audit trail that shows a changed or missing event), `sequence` (the global order and how a
reader crosses its gaps), `dedup` (what was already done), `schemes` (when an event may be
acknowledged, and what a failure then takes), `lineage` (how much two logs share).

On a host: `shard` is the service, read it first. It is a `member`, which leads, follows or finds out
which (`group` are its words); its log is a `journal` of `entries`, what the log comes to is in
`streams`, `shipping` brings it to the others; `snapshots` and `keeping` keep it from growing for ever
(`archive`), `publishing` hands it on, `aside` keeps what was given up, `operators` change the lead.
`requests` is what clients say and hear, `options` what a member is told.
"""

from models.store.appending import (
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
from models.store.chain import ChainBroken, check_chain, link
from models.store.dedup import Window
from models.store.sequence import HoldingReader, NaiveReader, Sequence

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
