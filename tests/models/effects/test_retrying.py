"""What each policy does on what may be known."""

from __future__ import annotations

import pytest

from models.effects.retrying import AskFirst, AtLeastOnce, AtMostOnce, Known, Move, policy_of


def known(**more: object) -> Known:
    values: dict[str, object] = {"may_have_acted": False, "attempts": 0, "silence_us": 0, "undone": False}
    return Known(**values | more)  # type: ignore[arg-type]


def test_at_most_once_leaves_what_may_have_been_done() -> None:
    assert AtMostOnce().move(known()) is Move.ACT
    assert AtMostOnce().move(known(may_have_acted=True)) is Move.LEAVE


def test_at_least_once_acts_again_after_a_pause() -> None:
    policy = AtLeastOnce(pause_us=100)
    assert policy.move(known(may_have_acted=True)) is Move.ACT
    assert policy.move(known(may_have_acted=True, attempts=1, silence_us=99)) is Move.WAIT
    assert policy.move(known(may_have_acted=True, attempts=1, silence_us=100)) is Move.ACT


def test_ask_first_acts_again_only_on_a_no() -> None:
    policy = AskFirst(pause_us=100)
    assert policy.move(known()) is Move.ACT
    assert policy.move(known(may_have_acted=True)) is Move.ASK
    assert policy.move(known(may_have_acted=True, attempts=1, silence_us=1)) is Move.WAIT
    assert policy.move(known(may_have_acted=True, attempts=1, undone=True)) is Move.ACT


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'at-most-once'"):
        policy_of("at-most")
