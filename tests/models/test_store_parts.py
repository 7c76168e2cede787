"""Parts of the store that know no host: the audit trail, the window of ids, the global sequence and its readers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.store import ChainBroken, HoldingReader, NaiveReader, Sequence, Window, check_chain, link
from models.store.log.chain import GENESIS, Link

# -- the audit trail -----------------------------------------------------------------------------


def chained(*contents: Any) -> list[Link]:
    tip, links = GENESIS, []
    for version, content in enumerate(contents, 1):
        tip = link(tip, version, content)
        links.append(Link(version, content, tip))
    return links


WHOLE = chained("opened", 5, ("in", 7), "closed")


def test_a_whole_trail_is_whole() -> None:
    assert check_chain(WHOLE) is None
    assert check_chain(WHOLE, kept=WHOLE[1].tip) is None
    assert check_chain(WHOLE[2:], after=2, tip=WHOLE[1].tip) is None
    assert check_chain([]) is None


@pytest.mark.parametrize(
    ("trail", "broken"),
    [
        ([WHOLE[0], WHOLE[1]._replace(content=6), *WHOLE[2:]], "version 2 is not what was written"),
        ([WHOLE[0], *WHOLE[2:]], "version 2 is missing"),
        ([WHOLE[0], WHOLE[0], *WHOLE[1:]], "version 2 is followed by 1"),
        ([WHOLE[0], WHOLE[2]._replace(version=2), WHOLE[1]._replace(version=3), WHOLE[3]], "version 2 is not what"),
        # Who recomputes the hash of what they changed breaks the next one.
        (
            [WHOLE[0], Link(2, 6, link(WHOLE[0].tip, 2, 6)), *WHOLE[2:]],
            "version 3 is not what was written, or what came before it was not",
        ),
    ],
)
def test_a_changed_or_missing_event_is_named(trail: list[Link], broken: str) -> None:
    found = check_chain(trail)
    assert found is not None
    assert found.reason.startswith(broken)
    assert str(found.version) in found.reason


def test_a_tail_that_is_gone_is_seen_by_who_kept_its_tip() -> None:
    assert check_chain(WHOLE[:2]) is None
    assert check_chain(WHOLE[:2], kept=WHOLE[3].tip) == ChainBroken(
        3, "the stream ends at version 2, and what was audited later is gone"
    )


# -- the window of ids ---------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 5))
def test_a_window_remembers_the_last_different_ids(keys: list[int], capacity: int) -> None:
    window: Window[int] = Window(capacity)
    order: list[int] = []
    for place, key in enumerate(keys):
        if key not in order[-capacity:]:
            assert window.get(key) is None
            order.append(key)
        window.put(key, place)
    remembered = order[-capacity:]
    assert [key for key, _ in window] == remembered
    assert window.forgotten == len(order) - len(remembered)
    assert len(window) == len(remembered)


def test_a_window_keeps_the_first_result() -> None:
    window: Window[str] = Window(2)
    window.put(1, "first")
    window.put(1, "second")
    assert window.get(1) == "first"
    with pytest.raises(ValueError, match="capacity=0 remembers nothing"):
        Window(0)


# -- the global sequence -------------------------------------------------------------------------


def test_sequence_order_is_not_commit_order() -> None:
    sequence: Sequence[str] = Sequence()
    early, late = sequence.begin(), sequence.begin()
    naive: NaiveReader[str] = NaiveReader()
    holding: HoldingReader[str] = HoldingReader()
    sequence.commit(late, "late")
    assert naive.read(sequence) == [(2, "late")]
    assert holding.read(sequence) == []
    sequence.commit(early, "early")
    assert naive.read(sequence) == [], "it went past the gap, and never comes back"
    assert holding.read(sequence) == [(1, "early"), (2, "late")]


def test_what_was_rolled_back_holds_nobody() -> None:
    sequence: Sequence[str] = Sequence()
    gone, kept = sequence.begin(), sequence.begin()
    sequence.commit(kept, "kept")
    sequence.roll_back(gone)
    assert sequence.settled == 2
    assert HoldingReader[str]().read(sequence) == [(2, "kept")]
    with pytest.raises(ValueError, match="position=1 is no open transaction"):
        sequence.commit(gone, "again")


@given(st.data())
def test_a_holding_reader_sees_every_entry_once_in_order(data: st.DataObject) -> None:
    sequence: Sequence[int] = Sequence()
    holding: HoldingReader[int] = HoldingReader()
    open_now: list[int] = []
    seen: list[tuple[int, int]] = []
    for _ in range(data.draw(st.integers(0, 40))):
        step = data.draw(st.sampled_from(["begin", "commit", "roll back", "read"]))
        if step == "begin":
            open_now.append(sequence.begin())
        elif step == "read":
            seen += holding.read(sequence)
        elif open_now:
            position = open_now.pop(data.draw(st.integers(0, len(open_now) - 1)))
            if step == "commit":
                sequence.commit(position, position * 10)
            else:
                sequence.roll_back(position)
    for position in open_now:
        sequence.commit(position, position * 10)
    seen += holding.read(sequence)
    assert seen == sorted(sequence.entries.items())
