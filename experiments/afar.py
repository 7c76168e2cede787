"""Workers on other machines: an existing Dask cluster, used as an executor like any other.

The cluster carries out the same function of a run's name, so its rows are the same. That holds only while it runs the
same code, so scheduler and workers are asked for the digest of theirs before the first run. Runs are submitted as not
pure: a run that failed is to be tried again, not remembered.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from importlib import import_module
from typing import Any, Final, TypeVar

from experiments.journal import Refused
from experiments.provenance import code_digest
from experiments.workers import Outcome, Task, attempted

__all__ = ["DASK", "Cluster", "address_of", "perform_afar"]

ResultT = TypeVar("ResultT")

#: How a cluster's address begins on the command line.
DASK: Final = "dask:"
_PATIENCE_S: Final = 0.1
_CONNECT_S: Final = 10


def address_of(text: str) -> str:
    """The scheduler's address in what was typed, `dask:HOST:PORT` or `dask:tcp://HOST:PORT`.

    Raises:
        ValueError: it is no such address.
    """
    address = text.removeprefix(DASK)
    _, _, port = address.rpartition(":")
    if address == text or not address or not port.isdecimal():
        raise ValueError(f"{text!r} is no cluster; give {DASK}HOST:PORT, the address that its scheduler printed")
    return address


class Cluster:
    """A connection to a Dask cluster.

    Args:
        address: Of its scheduler.

    Attributes:
        executor: To submit runs to.
        threads: How many runs it carries out at once.

    Raises:
        Refused: the library is missing, nobody answers, or it has no workers.
    """

    def __init__(self, address: str) -> None:
        try:
            connect = import_module("distributed").Client
        except ImportError:
            rule = "install the extra with: .venv/bin/python -m pip install -c constraints.txt -e '.[dask]'"
            raise Refused(f"--on {DASK}{address} needs the library distributed; {rule}") from None
        try:
            self._client: Any = connect(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Refused(f"no Dask scheduler answers at {address} ({error}); start one, or mend the address") from None
        self.threads = sum(self._client.nthreads().values())
        if self.threads == 0:
            self.dismiss()
            raise Refused(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
        self.executor: Executor = self._client.get_executor(pure=False)

    def require_code(self, module: str) -> None:
        """Refuse a cluster that would run other code than this.

        Raises:
            Refused: naming those that have other code, or none.
        """
        ours = code_digest([module])
        try:
            theirs: Mapping[str, str] = dict(self._client.run(code_of, module, on_error="return"))
            theirs = {**theirs, "the scheduler": self._client.run_on_scheduler(code_of, module)}
        except Exception as error:  # noqa: BLE001 - whatever it cannot import there is for the user to mend
            raise Refused(
                f"the cluster cannot import the lab ({type(error).__name__}: {error}); install the project on the "
                "scheduler and on every worker"
            ) from None
        others = sorted(where for where, digest in theirs.items() if digest != ours)
        if others:
            rule = "bring the project there to this state, or this one to theirs"
            raise Refused(f"{', '.join(others)} would run other code than this; {rule}")

    def first(self, under_way: Collection[Future[ResultT]]) -> set[Future[ResultT]]:
        """Those that are done, once there is one; Ctrl-C is raised between two looks."""
        while True:
            done, _ = wait(under_way, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
            if done:
                return done

    def dismiss(self) -> None:
        """Leave the cluster, which forgets what was asked of it."""
        self._client.close()


def code_of(module: str) -> str:
    """The digest of the code where this is carried out."""
    return code_digest([module])


def perform_afar(task: Task) -> Outcome:
    """Carry out a run on a worker of the cluster."""
    # Numeric libraries that start threads of their own would fight with the other runs of this worker.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return attempted(task)
