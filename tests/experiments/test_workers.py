"""A crew takes Ctrl-C between two waits only, so that no future stays locked for ever."""

from __future__ import annotations

import signal
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


def test_an_interrupt_that_nobody_waited_for_is_raised_once_the_crew_is_gone(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    crew = Crew(1, tmp_path)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        crew.dismiss()
    assert signal.getsignal(signal.SIGINT) is before
    crew.dismiss()  # a second time does nothing
