"""The decision on an append, cell by cell of its table, and against a store that simply remembers everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.store import (
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

ANY, NONE, SOME = Expect.ANY, Expect.NO_STREAM, Expect.STREAM_EXISTS


def head(*ids: int, replicated: int | None = None, remembered: int = 10, **more: Any) -> StreamHead:
    """A stream that holds events of these ids, of which the last `remembered` are in the window."""
    window = {event_id: version for version, event_id in enumerate(ids, 1) if version > len(ids) - remembered}
    return StreamHead(
        version=len(ids),
        replicated=len(ids) if replicated is None else replicated,
        id_at=lambda version: ids[version - 1] if 1 <= version <= len(ids) else None,
        window=window.get,
        **more,
    )


def truncated(whole: StreamHead) -> StreamHead:
    """A stream of which the log keeps nothing."""
    return replace(whole, id_at=lambda version: None)


@pytest.mark.parametrize(
    ("stream", "append", "decision"),
    [
        (head(7, 8), Append(9, 2), Ok(3)),
        (head(7, 8), Append(9, 3), WrongExpectedVersion(3, 2)),
        (head(7, 8), Append(9, 1), WrongExpectedVersion(1, 2)),
        (head(7, 8), Append(8, 1), Idempotent(2)),
        (head(7, 8), Append(7, 0), Idempotent(1)),
        (head(7, 8), Append(8, 0), WrongExpectedVersion(0, 2)),
        (head(7, 8, replicated=1), Append(8, 1), IdempotentNotReady(2)),
        (head(7, 8, replicated=1), Append(7, 0), Idempotent(1)),
        (head(), Append(7, 0), Ok(1)),
        (head(), Append(7, NONE), Ok(1)),
        (head(7), Append(7, NONE), Idempotent(1)),
        (head(7), Append(8, NONE), WrongExpectedVersion(NONE, 1)),
        (head(), Append(7, SOME), WrongExpectedVersion(SOME, 0)),
        (head(7), Append(8, SOME), Ok(2)),
        (head(7), Append(7, SOME), Idempotent(1)),
        (head(7, 8), Append(9), Ok(3)),
        (head(7, 8), Append(7), Idempotent(1)),
        (head(7, 8, replicated=0), Append(7), IdempotentNotReady(1)),
        # Beyond the window nobody remembers: that is the bound which the store promises.
        (head(7, 8, remembered=1), Append(7), Ok(3)),
        # An exact version needs no window.
        (head(7, 8, remembered=1), Append(7, 0), Idempotent(1)),
        # A deleted stream is empty, and its versions go on.
        (head(7, deleted=True), Append(8, NONE), Ok(2)),
        (head(7, 8, first=2), Append(8, NONE), Idempotent(2)),
        (head(7, 8, 9, first=2), Append(9, NONE), WrongExpectedVersion(NONE, 3)),
        # Who is late, and began a stream that was deleted since, hears what became of it.
        (head(7, 8, first=2), Append(7, NONE), Idempotent(1)),
        (head(7, 9, deleted=True), Append(7, NONE), Idempotent(1)),
        (head(7, 9, deleted=True), Append(7, SOME), Idempotent(1)),
        # What the log no longer has the window may know.
        (truncated(head(7, 8, 9)), Append(7, 0), Idempotent(1)),
        (truncated(head(7, 8, 9)), Append(7, NONE), Idempotent(1)),
        (truncated(head(7, 8, 9)), Append(8, 0), WrongExpectedVersion(0, 3)),
        (truncated(head(7, 8, 9, remembered=1)), Append(7, 0), WrongExpectedVersion(0, 3)),
        # A tombstone is the last event, and who wrote it is told so again.
        (head(7, 8, tombstone=True), Append(8, ANY), Idempotent(2)),
        (head(7, 8, tombstone=True), Append(7, 0), Deleted()),
        (head(7, deleted=True), Append(8, SOME), WrongExpectedVersion(SOME, 1)),
        (head(7, deleted=True), Append(8, 1), Ok(2)),
        *((head(7, tombstone=True), Append(8, expected), Deleted()) for expected in (0, 1, 2, ANY, NONE, SOME)),
    ],
)
def test_the_table(stream: StreamHead, append: Append, decision: object) -> None:
    assert decide_append(stream, append) == decision


def test_a_version_below_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected=-1 is no version; give 0 for an empty stream"):
        decide_append(head(), Append(1, -1))


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 1, 2, 3, 4, ANY, NONE, SOME])), max_size=40))
def test_an_event_is_in_the_stream_at_most_once_and_a_retry_finds_it(asked: list[tuple[int, int | Expect]]) -> None:
    ids: list[int] = []
    for event_id, expected in asked:
        append = Append(event_id, expected)
        decision = decide_append(head(*ids), append)
        if isinstance(decision, Ok):
            assert decision.version == len(ids) + 1
            # With an exact version a writer vouches that it saw that very stream, so it may repeat an id.
            assert isinstance(expected, int) or event_id not in ids or (expected is NONE and not ids)
            ids.append(event_id)
            retry = decide_append(head(*ids), append)
            first = ids.index(event_id) + 1
            assert retry in (Idempotent(decision.version), Idempotent(first))
        elif isinstance(decision, Idempotent):
            assert ids[decision.version - 1] == event_id
