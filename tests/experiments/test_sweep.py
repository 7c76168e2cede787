"""A sweep leaves the same rows whatever the workers, loses none to a kill, and says which run killed a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tqdm.auto import tqdm

from experiments.experiment import MOST_SEEDS, Cell, Size
from experiments.journal import Journal, open_journal
from experiments.provenance import ROOT, Fingerprint, fingerprint
from experiments.results import collect
from experiments.sweep import SweepFailed, drain, plan, sweep
from experiments.workers import Crew
from tests.experiments.toy import EXPERIMENT, ToyRow, run_once

MODULE = "tests.experiments.toy"
MARK = Fingerprint(experiment="toy", scenarios={}, code="")


def opened(folder: Path) -> Journal:
    return open_journal(folder, MARK)


def cli(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_plan_pairs_the_arms_seed_by_seed() -> None:
    keys = [task.key for task in plan(EXPERIMENT, MODULE, 2)]
    assert keys == [
        "calm/fair/0",
        "calm/bent/0",
        "windy/fair/0",
        "windy/bent/0",
        "calm/fair/1",
        "calm/bent/1",
        "windy/fair/1",
        "windy/bent/1",
    ]


def test_a_size_may_leave_cells_out() -> None:
    size = Size(seeds=1, only={"windy": ("bent",), "calm": ("bent", "fair")})
    assert [task.key for task in plan(EXPERIMENT, MODULE, 1, size)] == ["calm/fair/0", "calm/bent/0", "windy/bent/0"]


def test_a_size_that_names_no_cell_of_its_experiment_is_refused() -> None:
    with pytest.raises(ValueError, match=r"runs only .*'calm', 'odd'.*, which are none of its cells"):
        replace(EXPERIMENT, quick=Size(seeds=1, only={"calm": ("odd",)}))
    with pytest.raises(ValueError, match="leaves no cell"):
        Size(seeds=1, only={"calm": ()})


def test_a_crew_that_stays_tells_of_the_sweep_it_is_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_DIES", "calm/bent/1")
    first, second = opened(tmp_path / "first"), opened(tmp_path / "second")
    crew = Crew(1, first.doing)
    try:
        assert sweep(plan(EXPERIMENT, MODULE, 1), first, jobs=1, title="first", crew=crew).ran == 4
        with pytest.raises(SweepFailed) as failed:
            sweep(plan(EXPERIMENT, MODULE, 2), second, jobs=1, title="second", crew=crew)
    finally:
        crew.dismiss()
        first.close()
        second.close()
    assert failed.value.keys == ("calm/bent/1",)
    assert "calm/fair/1" in second.finished


def test_a_plan_of_a_million_seeds_is_not_held_in_memory() -> None:
    tracemalloc.start()
    tasks = plan(EXPERIMENT, MODULE, MOST_SEEDS)
    assert (len(tasks), tasks.count(frozenset())) == (4 * MOST_SEEDS, 0)
    assert next(iter(tasks)).key == "calm/fair/0"
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_plan_counts_its_own_keys_only() -> None:
    assert plan(EXPERIMENT, MODULE, 2).count({"calm/fair/0", "windy/bent/1", "calm/fair/2", "calm/odd/0"}) == 2


def test_a_folder_among_the_workers_markers_is_left_alone(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    (journal.doing / "1").mkdir(parents=True)
    (journal.doing / "2").touch()
    assert sweep(plan(EXPERIMENT, MODULE, 1), journal, jobs=1, title="toy").ran == 4
    journal.close()
    assert [path.name for path in journal.doing.iterdir()] == ["1"]


def test_rows_do_not_depend_on_the_executor(tmp_path: Path) -> None:
    tasks = plan(EXPERIMENT, MODULE, 3)
    rows = []
    for jobs in (1, 2):
        journal = opened(tmp_path / str(jobs))
        swept = sweep(tasks, journal, jobs=jobs, title="toy")
        journal.close()
        assert (swept.ran, swept.resumed) == (12, 0)
        rows.append(collect(tmp_path / str(jobs), ToyRow, (task.key for task in tasks)).rows)
    journal = opened(tmp_path / "threads")
    journal.doing.mkdir()
    with ThreadPoolExecutor(1) as executor, tqdm(disable=True) as bar:
        drain(tasks, journal, executor, window=1, bar=bar)
    journal.close()
    rows.append(collect(tmp_path / "threads", ToyRow, (task.key for task in tasks)).rows)
    assert rows[0] == rows[1] == rows[2]


def test_a_larger_sweep_carries_out_only_what_is_missing(tmp_path: Path) -> None:
    for seeds, ran in ((1, 4), (2, 4), (1, 0)):
        journal = opened(tmp_path)
        swept = sweep(plan(EXPERIMENT, MODULE, seeds), journal, jobs=2, title="toy")
        journal.close()
        assert swept.ran == ran
    assert len(collect(tmp_path, ToyRow, ["calm/fair/0"]).rows) == 1


def test_a_missing_run_is_not_passed_over(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.close()
    with pytest.raises(LookupError, match="lacks 1 runs, calm/fair/0"):
        collect(tmp_path, ToyRow, ["calm/fair/0"])


def test_a_run_that_raises_is_named_with_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_RAISES", "calm/bent/1")
    journal = opened(tmp_path)
    with pytest.raises(SweepFailed) as failed:
        sweep(plan(EXPERIMENT, MODULE, 2), journal, jobs=1, title="toy")
    assert failed.value.keys == ("calm/bent/1",)
    assert "RuntimeError: no luck" in failed.value.reason
    before = {"calm/fair/0", "calm/bent/0", "windy/fair/0", "windy/bent/0", "calm/fair/1"}
    # One more is under way when the failure arrives, and may arrive with it.
    assert journal.finished - {"windy/fair/1"} == before
    assert "Traceback" in (tmp_path / "journal" / "failed-calm-bent-1.txt").read_text()
    journal.close()


def test_the_run_that_killed_its_worker_is_told_from_the_bystander(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_DIES", "calm/bent/1")
    monkeypatch.setenv("TOY_SLOW_S", "0.2")
    journal = opened(tmp_path)
    with pytest.raises(SweepFailed) as failed:
        sweep(plan(EXPERIMENT, MODULE, 2), journal, jobs=2, title="toy")
    assert failed.value.keys == ("calm/bent/1",)
    assert "killed by SIGKILL" in failed.value.reason
    assert "calm/fair/0" in journal.finished
    journal.close()


def test_the_command_line_tells_how_to_replay_a_dead_run(tmp_path: Path) -> None:
    lab = cli("run", MODULE, "--quick", "--jobs", "1", "--out", str(tmp_path), TOY_DIES="windy/fair/0")
    _, told = lab.communicate(timeout=60)
    assert lab.returncode == 3
    assert f"./lab run {MODULE} --only windy/fair/0" in told
    assert f"./lab run {MODULE} --quick --jobs 1 --out {tmp_path}" in told
    assert not (tmp_path / "toy" / "run.json").exists()


def test_ctrl_c_keeps_finished_runs_and_no_half_written_file(tmp_path: Path) -> None:
    lab = cli("run", MODULE, "--quick", "--jobs", "1", "--out", str(tmp_path), TOY_STOPS="windy/bent/0")
    _, told = lab.communicate(timeout=60)
    assert lab.returncode == 130
    assert "Traceback" not in told
    rows = (tmp_path / "toy" / "journal" / "rows.jsonl").read_text().splitlines()
    kept = [json.loads(row)["key"] for row in rows]
    assert f"{len(kept)} of 8 runs are kept in {tmp_path}" in told
    # Two that arrive together are kept in either order. The third may still have been on its way; the fourth was given
    # out once the second had arrived.
    assert set(kept) in ({"calm/fair/0", "calm/bent/0"}, {"calm/fair/0", "calm/bent/0", "windy/fair/0"})
    assert sorted(path.name for path in (tmp_path / "toy").iterdir()) == ["journal"]


def test_a_sweep_killed_outright_goes_on_and_leaves_no_orphan(tmp_path: Path) -> None:
    arguments = ("run", MODULE, "--quick", "--jobs", "2", "--out", str(tmp_path))
    rows = tmp_path / "toy" / "journal" / "rows.jsonl"
    lab = cli(*arguments, TOY_SLOW_S="0.3")
    wait_until(lambda: rows.exists() and rows.read_text().count("\n") >= 2)
    doing = [int(path.name) for path in (tmp_path / "toy" / "journal" / "doing").iterdir()]
    lab.kill()
    lab.communicate(timeout=60)
    wait_until(lambda: not any(is_running(pid) for pid in doing))
    kept = rows.read_text().count("\n")
    assert 2 <= kept < 8

    again = cli(*arguments)
    told, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"{8 - kept} runs in" in told
    assert f"{kept} more from the journal" in told
    digests = json.loads((tmp_path / "toy" / "run.json").read_text())["digests"]
    rows_in_one_go = [
        run_once(Cell(scenario=scenario, arm=EXPERIMENT.arm(arm)), seed).row
        for scenario in ("calm", "windy")
        for arm in ("bent", "fair")
        for seed in (0, 1)
    ]
    assert list(digests.items()) == [(row.key, row.digest) for row in rows_in_one_go]


def test_a_fingerprint_knows_scenarios_from_code() -> None:
    mark = fingerprint(EXPERIMENT, MODULE)
    assert mark == fingerprint(EXPERIMENT, MODULE) == Fingerprint.from_json(mark.to_json())
    assert set(mark.scenarios) == {"calm", "windy"}
    # Without the toy's own module among the sources another code is seen.
    assert mark.code != fingerprint(EXPERIMENT, "experiments.registry").code


def test_only_code_that_cannot_change_a_row_is_left_out_of_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = ("experiments/report/page.py", "experiments/commands/run.py", "experiments/bench/kernel.py")
    counted = ("experiments/statistics.py", "experiments/measures/fates.py", "sim/world.py", "models/store/shard.py")
    for name in (*sources, *counted, "constraints.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr("experiments.provenance.ROOT", tmp_path)
    code = fingerprint(EXPERIMENT, MODULE).code
    changed = []
    for name in (*sources, *counted):
        (tmp_path / name).write_text("# changed")
        if fingerprint(EXPERIMENT, MODULE).code != code:
            changed.append(name)
        (tmp_path / name).write_text("")
    assert tuple(changed) == counted


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to pass")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to reap an orphan, and a zombie runs no more.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_signals_are_not_left_blocked(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    sweep(plan(EXPERIMENT, MODULE, 1), journal, jobs=1, title="toy")
    journal.close()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
