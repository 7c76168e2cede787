"""A sweep on a cluster: a scheduler and two workers on loopback give the rows that this machine gives."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.afar import address_of
from experiments.cli import main
from experiments.provenance import ROOT
from tests.experiments.toy import EXPERIMENT

MODULE = "tests.experiments.toy"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "TOY_SLOW_S": "0.2", "PYTHONWARNINGS": "ignore"}


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def carried_out(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to pass")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, which end with the tests."""
    found = tmp_path_factory.mktemp("cluster") / "scheduler.json"
    loopback = ("--host", "127.0.0.1", "--no-dashboard")
    file = ("--scheduler-file", str(found))
    members = [start("distributed.cli.dask_scheduler", "--port", "0", *loopback, *file)]
    try:
        wait_until(lambda: found.is_file() and found.read_text().strip().endswith("}"))
        worker = ("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *loopback, *file)
        members += [start(*worker), start(*worker)]
        yield json.loads(found.read_text())["address"]
    finally:
        for member in members:
            member.kill()
        for member in members:
            member.wait()


def digests(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "toy" / "run.json").read_text())["digests"]
    return found


def has_workers(address: str) -> bool:
    from distributed import Client

    client = Client(address, set_as_default=False)
    try:
        return len(client.nthreads()) == 2
    finally:
        client.close()


def test_a_cluster_gives_the_rows_of_this_machine_and_goes_on_after_a_kill(scheduler: str, tmp_path: Path) -> None:
    wait_until(lambda: has_workers(scheduler))
    afar = ["run", MODULE, "--quick", "--on", f"dask:{scheduler}", "--out", str(tmp_path / "afar")]
    rows = tmp_path / "afar" / "toy" / "journal" / "rows.jsonl"
    lab = start("experiments", *afar)
    wait_until(lambda: rows.exists() and rows.read_text().count("\n") >= 2)
    lab.kill()
    lab.wait()
    kept = rows.read_text().count("\n")
    assert 2 <= kept < 8

    again = subprocess.run(
        [sys.executable, "-m", "experiments", *afar],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert f"{kept} more from the journal" in again.stdout
    assert main(["run", MODULE, "--quick", "--jobs", "1", "--out", str(tmp_path / "here")]) == 0
    assert digests(tmp_path / "afar") == digests(tmp_path / "here")
    assert len(digests(tmp_path / "here")) == 2 * len(EXPERIMENT.arms) * len(EXPERIMENT.scenarios)


def test_whenever_a_sweep_on_a_cluster_is_killed_no_finished_run_is_lost(scheduler: str, tmp_path: Path) -> None:
    wait_until(lambda: has_workers(scheduler))
    afar = ["run", MODULE, "--quick", "--on", f"dask:{scheduler}", "--out", str(tmp_path / "afar")]
    rows = tmp_path / "afar" / "toy" / "journal" / "rows.jsonl"
    moments = random.Random(8)
    kept: list[str] = []
    # Before it has begun, between two rows and in the middle of one, as it falls out.
    for more in (0, 1, 2):
        found = killed_after(afar, rows, min(len(kept) + more, 7), moments.uniform(0.0, 0.25))
        assert found[: len(kept)] == kept
        kept = found
    assert len(kept) >= 2

    again = carried_out(*afar)
    assert again.returncode == 0, again.stderr
    finished = rows.read_text().splitlines()
    assert finished[: len(kept)] == kept
    assert len({json.loads(line)["key"] for line in finished}) == len(finished) == 8
    assert main(["run", MODULE, "--quick", "--jobs", "1", "--out", str(tmp_path / "here")]) == 0
    assert digests(tmp_path / "afar") == digests(tmp_path / "here")


def killed_after(arguments: list[str], rows: Path, count: int, pause_s: float) -> list[str]:
    """The whole lines of a journal after its sweep was killed, a while after it had written so many."""
    lab = start("experiments", *arguments)
    wait_until(lambda: len(whole_lines(rows)) >= count or lab.poll() is not None)
    time.sleep(pause_s)
    lab.kill()
    lab.wait()
    return whole_lines(rows)


def whole_lines(rows: Path) -> list[str]:
    return rows.read_text().split("\n")[:-1] if rows.exists() else []


def test_a_cluster_without_the_experiment_is_refused_before_the_first_run(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "only_here.py").write_text("from tests.experiments.toy import EXPERIMENT\n")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    lab = carried_out(
        "run", "mine.only_here", "--on", f"dask:{scheduler}", "--out", str(tmp_path / "out"), PYTHONPATH=path
    )
    assert lab.returncode == 2
    assert "would run other code than this" in lab.stderr
    assert not (tmp_path / "out" / "toy" / "run.json").exists()


def test_nobody_at_an_address_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.afar._CONNECT_S", 0.5)
        assert main(["run", MODULE, "--quick", "--on", f"dask:127.0.0.1:{port}", "--out", str(tmp_path)]) == 2
    assert "no Dask scheduler answers at" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["dask:", "127.0.0.1:8786", "dask:host", "ray:host:1", "dask:host:port"])
def test_what_is_no_address_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", MODULE, "--quick", "--on", text]) == 2
    assert "is no cluster; give dask:HOST:PORT" in capsys.readouterr().err


def test_an_address_may_name_its_protocol() -> None:
    assert address_of("dask:tcp://10.0.0.1:8786") == "tcp://10.0.0.1:8786"
    assert address_of("dask:node7:8786") == "node7:8786"


def test_a_cluster_has_its_own_number_of_workers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", MODULE, "--quick", "--jobs", "2", "--on", "dask:h:1"]) == 2
    assert "leave out one of them" in capsys.readouterr().err
