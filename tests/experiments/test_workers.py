"""A crew takes Ctrl-C between two waits only, so that no future stays locked for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from experiments.workers import Crew


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_raised_by_the_next_wait(tmp_path: Path) -> None:
    crew = Crew(1, tmp_path)
    try:
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            crew.first([Future()])
        done: Future[int] = Future()
        done.set_result(1)
        assert crew.first([Future(), done]) == {done}
    finally:
        crew.dismiss()


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """What runs in the background of a shell is born deaf to interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_nobody_waited_for_is_raised_once_the_crew_is_gone(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    crew = Crew(1, tmp_path)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        crew.dismiss()
    assert signal.getsignal(signal.SIGINT) is before
    crew.dismiss()  # a second time does nothing
