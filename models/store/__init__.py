"""The event store, piece by piece: what is appended, how it is found again, what shows that it is whole.

Read `appending` first: the answer to every append is one pure function. `chain` is the audit
trail that shows a changed or missing event, `sequence` the global order and how a reader crosses
its gaps, `dedup` what was already done, `schemes` when an event may be acknowledged and what a
failure then takes. None of them knows a host.
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
