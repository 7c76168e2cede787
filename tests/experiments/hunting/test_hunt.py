"""`./lab hunt` finds the same whatever the jobs or the hash seed, and tells what it did; `replay` agrees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.hunting import Hands, hunt, judged_of, narrowed
from experiments.nemesis import with_nemesis
from experiments.scenario import load
from tests.experiments.hunting.scenes import FRESH, STALE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stale(tmp_path: Path) -> str:
    path = tmp_path / "stale.toml"
    path.write_text(STALE)
    return str(path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_neither_jobs_nor_the_hash_seed_change_what_is_found(stale: str, tmp_path: Path) -> None:
    found = []
    for number, (jobs, hash_seed) in enumerate((("1", "1"), ("2", "2"))):
        out = tmp_path / str(number)
        command = [sys.executable, "-P", "-m", "experiments.cli", "hunt", stale, "--jobs", jobs, "--out", str(out)]
        done = subprocess.run(
            [*command, "--seeds", "3", "--shrink-runs", "60"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        found.append(contents(out))
    assert "stale-fresh_reads-0/verdict.json" in found[0]
    assert found[0] == found[1]


def test_the_first_seed_by_number_decides(stale: str) -> None:
    scenario = load(stale)
    with Hands(1) as hands:
        listened = [sighting.seed for sighting in hunt(scenario, range(3), hands)]
        alone = next(hunt(scenario, [2], hands))
    assert listened == [0, 1, 2]
    assert alone.knobs == with_nemesis(scenario, 2)[1]
    assert alone.scenario.faults == with_nemesis(scenario, 2)[0].faults


def test_a_find_is_told_shrunk_and_kept(stale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "hunts"
    assert main(["hunt", stale, "--seeds", "2", "--jobs", "1", "--out", str(out), "--verbose"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 0: mode: healing; ")
    knobs = with_nemesis(load(stale), 0)[1]
    told = lines.index(f"  {knobs.lines()[0]}")
    assert lines[1].startswith(f"stale, seed 0: {FRESH} is violated: operation ")
    assert lines[told : told + len(knobs.lines())] == [f"  {line}" for line in knobs.lines()]
    assert lines[-2:] == [
        f"bundle: {out}/stale-fresh_reads-0",
        f"replay it with: ./lab replay {out}/stale-fresh_reads-0",
    ]
    assert (out / "knobs-stale.jsonl").read_text() == knobs.to_json() + "\n"


def test_a_sound_system_is_told_to_be_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calm.toml"
    path.write_text(STALE)
    arguments = ["hunt", str(path), "--no-nemesis", "--seeds", "2", "--jobs", "1", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"calm: nothing found in 2 runs; judged: {FRESH}, no_crash\n"


UNDECIDED = "tests.experiments.regression_props:undecided"
SEED_TWO = "tests.experiments.regression_props:unknown_but_under_seed_two"


@pytest.mark.parametrize(
    ("properties", "code", "told"),
    [
        ([UNDECIDED], 2, f"{UNDECIDED} is unknown in 3 of them, the first under seed 0: too much to look at"),
        ([SEED_TWO], 2, f"{SEED_TWO} is unknown in 2 of them, the first under seed 0: seed 0"),
        ([UNDECIDED, FRESH], 1, f"calm, seed 0: {FRESH} is violated"),
        ([FRESH, UNDECIDED], 1, f"calm, seed 0: {FRESH} is violated"),
    ],
)
def test_what_could_not_be_decided_is_no_clean_hunt_and_what_is_violated_comes_first(
    properties: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calm.toml"
    path.write_text(STALE)
    calm = [] if code == 1 else ["--no-nemesis"]
    named = [word for name in properties for word in ("--property", name)]
    arguments = ["hunt", str(path), *calm, *named, "--seeds", "3", "--jobs", "1", "--shrink-runs", "3"]
    assert main([*arguments, "--out", str(tmp_path)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert any(line.strip().startswith(told) for line in lines), lines
    if code == 2:
        assert lines[0].startswith("calm: nothing found, but not everything could be decided, in 3 runs; judged: ")


def test_what_is_right_once_faults_have_ended_is_no_property_to_hunt_for_where_they_need_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "unlimited.toml"
    path.write_text(STALE + '\n[nemesis]\nmode = "unlimited"\n')
    arguments = ["hunt", str(path), "--property", "converged", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]
    assert main(arguments) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert 'converged: what is right once faults have ended cannot be asked for under a nemesis in mode "unlimi' in told
    assert main([*arguments, "--no-nemesis"]) == 0


def test_a_property_can_be_judged_alone_claimed_or_not(stale: str) -> None:
    scenario = load(stale)
    other = "tests.experiments.hunting.registers:audited_alike"
    assert [use.name for use in narrowed(scenario, [other]).properties] == [other]
    assert [use.name for use in narrowed(scenario, [other, FRESH, other]).properties] == [other, FRESH]
    assert narrowed(scenario, []) is scenario


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--property", "monotonic_red"], "'monotonic_red' is no property; did you mean 'monotonic_reads'?"),
        (["--property", "fault_fired"], "'fault_fired' says that a run was worth judging and breaks nothing"),
        (["--property", "convergence"], "needs a ledger, which this system does not keep"),
        (["--property", "nowhere.at:all"], "there is no module 'nowhere'"),
        (
            ["--property", "convergd", "--property", "fault_fired"],
            "'convergd' is no property; did you mean 'converged'? 'fault_fired' says that a run was worth judging",
        ),
        (["--seed", "3", "--seeds", "4"], "--seed 3 runs one seed alone and --seeds 4 several; leave one out"),
        (["--seeds", "0"], "1<=x<="),
        (["--jobs", "0"], "1<=x<="),
        (["--out", "/proc/nowhere"], "/proc/nowhere cannot be written"),
    ],
)
def test_bad_input_is_told_with_the_way_out(
    arguments: list[str], told: str, stale: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hunt", stale, *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_nemesis_without_room_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tight.toml"
    path.write_text(STALE + '\n[nemesis]\nbegins = "19s"\n')
    assert main(["hunt", str(path), "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]) == 2
    assert "nemesis" in capsys.readouterr().err


def test_a_bundle_is_replayed_and_shown_from_inside(
    stale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hunt", stale, "--seeds", "1", "--jobs", "1", "--shrink-runs", "80", "--out", str(tmp_path)]) == 1
    folder = tmp_path / "stale-fresh_reads-0"
    capsys.readouterr()
    assert main(["replay", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    values = json.loads((folder / "verdict.json").read_text())
    assert lines[0] == f"stale, seed 0: {FRESH}: invalid ({values['reason']})"
    assert lines[-2:] == [f"digest: {values['digest']}", "as recorded"]
    trace = tmp_path / "trace.jsonl"
    assert main(["replay", str(folder), "--until", "1s", "--host", "c/c1/h1", "--trace", str(trace)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "c/c1/h1: up" in lines
    assert lines[-1].endswith(f" events: {trace}")
    assert (
        main(["replay", str(folder), "--until", "7", "--host", "b", "--trace", "/nowhere/x", "--shiviz", "/proc/x"])
        == 2
    )
    told = capsys.readouterr()
    assert told.out == "", "nothing is run before everything is right"
    for option in ("--until: '7' is a duration without a unit", "--host: ", "--trace: /nowhere/x cannot be written: "):
        assert option in told.err
    assert "--shiviz: /proc/x cannot be written: /proc refuses it" in told.err
    assert main(["replay", str(folder) + "x"]) == 2
    assert "is no folder of a bundle, no scenario's file and no scenario that" in " ".join(
        capsys.readouterr().err.split()
    )
    assert main(["replay", str(folder), "--seed", "1"]) == 2
    assert "has a seed and a system of its own" in capsys.readouterr().err
    (folder / "verdict.json").write_text(json.dumps(values | {"digest": "0" * 32}))
    assert main(["replay", str(folder)]) == 1
    assert main(["replay", str(tmp_path)]) == 2
    assert "verdict.json: there is no such file" in capsys.readouterr().err


def test_a_run_that_raised_is_shown_up_to_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "loud.toml"
    path.write_text(STALE.replace("[workload]", "raises = true\n\n[workload]"))
    hunted = ["hunt", str(path), "--seed", "1", "--jobs", "1", "--shrink-runs", "40", "--out", str(tmp_path)]
    assert main(hunted) == 1
    (folder,) = tmp_path.glob("loud-no_crash-1")
    trace = tmp_path / "trace.jsonl"
    capsys.readouterr()
    assert main(["replay", str(folder), "--last", "3", "--trace", str(trace)]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = next(number for number, line in enumerate(lines) if line.startswith("the run raises at "))
    assert lines[told].endswith("; the state is that of then:")
    assert any(line.startswith("  RuntimeError: no copy of ") for line in lines[told:])
    assert any(line.startswith("last events: 3") for line in lines[told:])
    assert trace.stat().st_size > 0
    assert main(["replay", str(folder), "--until", "1ms"]) == 0
    assert "the run raises" not in capsys.readouterr().out, "it does so later"
    shown = ["replay", str(path), "--seed", "1", "--system", "raises=true"]
    assert main([*shown, "--until", "1ms"]) == 0


def test_what_is_claimed_of_its_own_schedule_is_left_out_where_other_faults_are_drawn() -> None:
    scenario = load("raft_membership")
    own = {use.name for use in judged_of(scenario, nemesis=False)}
    assert own - {use.name for use in judged_of(scenario)} == {"answered", "voters_are"}
    alone = narrowed(scenario, ["answered"])
    assert [use.name for use in judged_of(alone)] == ["answered"]
