"""What becomes of an append: one pure function from what is asked and what is there.

A writer says which version of the stream it has seen. If the stream has moved on, either this
very event did it (a retry: *idempotent*) or somebody else's (a conflict). A retry of an event
that is not yet held by all that must hold it waits: to answer *done* would promise too much,
to append again would do it twice.

| expected | stream at `c` | answer |
|---|---|---|
| exactly `e` | `e == c` | Ok |
| exactly `e` | `e > c` | WrongExpectedVersion |
| exactly `e` | `e < c` | Idempotent if the event at `e + 1` has this id, else WrongExpectedVersion |
| none | empty | Idempotent if the id is in the window, else Ok |
| none | not empty | Idempotent if the stream begins, or once began, with this event, else WrongExpectedVersion |
| some | empty | Idempotent if the id is in the window, else WrongExpectedVersion |
| some | not empty | as any |
| any | | Idempotent if the id is in the window, else Ok |
| whatever | tombstone | Idempotent to who wrote the tombstone, else Deleted |

Where the answer would be Idempotent and the event is known but not yet replicated, it is
IdempotentNotReady. Where the log was truncated the window stands in for it. A deleted stream is empty
to readers; its versions go on where they stopped, so that no address ever stands for two events.
Sources: the append semantics that KurrentDB documents; the window where a stream was deleted or
closed is a departure, since a late copy of a request that took effect must not take effect twice,
nor be told that it failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = [
    "Append",
    "Deleted",
    "Expect",
    "Idempotent",
    "IdempotentNotReady",
    "Ok",
    "StreamHead",
    "WrongExpectedVersion",
    "decide_append",
]


class Expect(Enum):
    """What a writer expects of a stream, where it is no version."""

    ANY = "any"
    NO_STREAM = "no stream"
    STREAM_EXISTS = "stream exists"


class Append(NamedTuple):
    """What is asked.

    Attributes:
        event_id: The writer's own id of the event, the same on every retry.
        expected: Version that the writer has seen, from 0 for none; or less than that.
    """

    event_id: int
    expected: int | Expect = Expect.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHead:
    """What a store knows of one stream.

    Attributes:
        version: Of its last event, 0 if there never was one.
        replicated: Up to which version all that must hold the events are known to.
        id_at: The id of the event of a version; None where it was truncated away.
        window: The version of an event by its id, if it is among those remembered.
        first: Version that readers find first; above 1 if it was deleted once and written to again.
        deleted: Whether readers find it empty; it may be written to again.
        tombstone: Whether it is closed for ever.
    """

    version: int
    replicated: int
    id_at: Callable[[int], int | None]
    window: Callable[[int], int | None]
    first: int = 1
    deleted: bool = False
    tombstone: bool = False


class Ok(NamedTuple):
    """It is to be appended as this version."""

    version: int


class Idempotent(NamedTuple):
    """It is there already, as this version, and as safe as the scheme promises."""

    version: int


class IdempotentNotReady(NamedTuple):
    """It is there already, as this version, and the caller must wait until it is replicated."""

    version: int


class WrongExpectedVersion(NamedTuple):
    """The stream is not where the writer thought."""

    expected: int | Expect
    current: int


class Deleted(NamedTuple):
    """The stream is closed for ever."""


Decision = Ok | Idempotent | IdempotentNotReady | WrongExpectedVersion | Deleted


def decide_append(head: StreamHead, append: Append) -> Decision:
    """The one answer to an append.

    Raises:
        ValueError: a version below 0.
    """
    expected = append.expected
    if isinstance(expected, int) and expected < 0:
        raise ValueError(f"{expected=} is no version; give 0 for an empty stream, or Expect.ANY")
    known = head.window(append.event_id)
    if head.tombstone:
        return Deleted() if known != head.version else _again(head, known)  # who closed it hears so each time
    if expected is Expect.ANY or expected is Expect.STREAM_EXISTS:
        if known is not None:
            return _again(head, known)
        fits = expected is Expect.ANY or _exists(head)
        return Ok(head.version + 1) if fits else WrongExpectedVersion(expected, head.version)
    if expected is Expect.NO_STREAM:
        if known is not None and (known <= head.first or not _exists(head)):
            return _again(head, known)  # one that is late may find the stream deleted that it began
        if not _exists(head):
            return Ok(head.version + 1)
        began = head.id_at(head.first) == append.event_id
        return _again(head, head.first) if began else WrongExpectedVersion(expected, head.version)
    assert isinstance(expected, int)
    if expected == head.version:
        return Ok(expected + 1)
    if expected < head.version and _is_at(head, expected + 1, append.event_id, known):
        return _again(head, expected + 1)
    return WrongExpectedVersion(expected, head.version)


def _exists(head: StreamHead) -> bool:
    return head.version > 0 and not head.deleted


def _is_at(head: StreamHead, version: int, event_id: int, known: int | None) -> bool:
    """Whether the event of a version has this id, as the log knows, or, where that was truncated, the window."""
    there = head.id_at(version)
    return known == version if there is None else there == event_id


def _again(head: StreamHead, version: int) -> Idempotent | IdempotentNotReady:
    return Idempotent(version) if version <= head.replicated else IdempotentNotReady(version)
