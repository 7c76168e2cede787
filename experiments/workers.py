"""Worker processes that carry out runs, and the knowledge of what each was doing when it died.

Workers are spawned, not forked: a fork would copy the parent's generators, locks and open files. Each names its run in
a file before it begins, so a death by signal can be told as "this run killed it".
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import traceback
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from experiments.experiment import Cell, run_key
from experiments.rows import encode_result
from models.domain import DomainFailed

__all__ = ["Crew", "Outcome", "Task", "attempted", "calm_collector", "cores", "marked", "perform", "run_line"]

ResultT = TypeVar("ResultT")
#: How long Ctrl-C may go unnoticed while nothing is done.
_PATIENCE_S: Final = 0.1


class Task(NamedTuple):
    """One run to carry out; small and picklable, so a worker imports the experiment by its module's name."""

    module: str
    scenario: str
    arm: str
    seed: int

    @property
    def key(self) -> str:
        """The run's name."""
        return run_key(self.scenario, self.arm, self.seed)


class Outcome(NamedTuple):
    """What became of a run: the journal's line, or the traceback of the run that raised, and whether a domain did."""

    key: str
    line: str | None
    failure: str | None
    of_domain: bool = False


class Crew:
    """A pool of worker processes that remembers its members, and takes Ctrl-C between two waits only.

    An interrupt inside the pool's own code can leave a future locked for ever, and then the pool's thread, and the
    exit of the lab that waits for it, would hang. So from its making to its dismissal a crew notes the interrupt, and
    `first` raises it.

    Args:
        jobs: Number of processes.
        doing: Folder for the files in which workers name their run; files of earlier crews are removed here.

    Attributes:
        executor: The pool.
        doing: That folder.
    """

    def __init__(self, jobs: int, doing: Path) -> None:
        self.moves(doing)
        self._context = _Context()
        self._interrupted = False
        self._handler: Any = None
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._note)
        self.executor: Executor = ProcessPoolExecutor(jobs, mp_context=self._context, initializer=_begin)

    def moves(self, doing: Path) -> None:
        """From now on workers name their runs in this folder; call while no run is under way."""
        self.doing = doing
        doing.mkdir(exist_ok=True)
        for stale in doing.iterdir():
            if stale.is_file():  # a folder is nothing that a worker left
                stale.unlink()

    def first(self, under_way: Collection[Future[ResultT]]) -> set[Future[ResultT]]:
        """Those that are done, once there is one.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed since the last time.
        """
        while True:
            if self._interrupted:
                self._interrupted = False
                raise KeyboardInterrupt
            done, _ = wait(under_way, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
            if done:
                return done

    def dismiss(self) -> None:
        """End every worker now and wait until it is gone; an interrupt that was not raised yet is raised after that."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in self._context.started:
            process.terminate()
        for process in self._context.started:
            process.join()
        handler, self._handler = self._handler, None
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
            if self._interrupted:
                self._interrupted = False
                signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: object) -> None:
        self._interrupted = True

    def casualties(self) -> list[tuple[str, str]]:
        """Runs whose worker died by itself, each with a phrase for how; call once the pool is broken.

        A broken pool ends its other workers by SIGTERM, so a death of another kind marks the culprit. If all died of
        SIGTERM, somebody outside sent one and every run under way is named.
        """
        # The pool's own thread reaps its workers; only once it has ended are all exit codes known.
        self.executor.shutdown()
        culprits = [process for process in self._context.started if process.exitcode not in (0, -signal.SIGTERM)]
        suspects = [process for process in culprits or self._context.started if self._marker(process).is_file()]
        return [(self._marker(process).read_text(), _how(process.exitcode)) for process in suspects]

    def _marker(self, process: SpawnProcess) -> Path:
        return self.doing / str(process.pid)


def perform(task: Task, doing: Path) -> Outcome:
    """Carry out a run in a worker, which survives whatever the run raises."""
    with marked(doing, task.key):
        return attempted(task)


def attempted(task: Task) -> Outcome:
    """What became of a run, whatever it raises."""
    try:
        return Outcome(task.key, run_line(task), None)
    except DomainFailed:
        return Outcome(task.key, None, traceback.format_exc(), of_domain=True)
    except Exception:  # noqa: BLE001 - a run may fail in any way, and the sweep tells of each
        return Outcome(task.key, None, traceback.format_exc())


@contextmanager
def marked(doing: Path, key: str) -> Iterator[None]:
    """Name this worker's run while it is under way, so that a death can be told."""
    marker = doing / str(os.getpid())
    marker.write_text(key)
    try:
        yield
    finally:
        marker.unlink()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_line(task: Task) -> str:
    """Carry out a run here and return the line that the journal keeps."""
    experiment: Any = import_module(task.module).EXPERIMENT
    cell = Cell(scenario=task.scenario, arm=experiment.arm(task.arm))
    return encode_result(task.key, experiment.run_once(cell, task.seed))


class _Process(SpawnProcess):
    """A worker that Ctrl-C does not reach: the parent alone decides what an interrupt means."""

    def start(self) -> None:
        # A blocked signal stays blocked across exec, so not even the worker's start-up can be interrupted.
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)


class _Context(SpawnContext):
    """A spawn context that remembers the processes it made; the pool forgets them when it breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802 - its name
        process = _Process(*args, **kwargs)
        self.started.append(process)
        return process


def calm_collector() -> None:
    """Let the garbage collector look less often: a run makes few cycles and many small values that stay."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _begin() -> None:
    _watch_parent()
    calm_collector()


def _watch_parent() -> None:
    """End this worker when its parent is gone; holding both ends of its queue, it would else wait for ever."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"killed by {signal.Signals(-exitcode).name}"
    return f"exit {exitcode}"
