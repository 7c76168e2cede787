"""The command line refuses before it runs, suggests the nearest name, and exits with the code that the design gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.commands.concluding import verdict
from experiments.experiment import Finding
from experiments.registry import MODULES, find, names
from experiments.results import load_record

TOY = "tests.experiments.toy"


def finding(*, holds: bool | None, sometimes: bool = False) -> Finding:
    return Finding(claim="c", holds=holds, detail="d", sometimes=sometimes)


def test_a_run_ends_with_its_report_and_the_front_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", TOY, "--quick", "--jobs", "1", "--out", "here"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-2:] == ["report: here/toy/index.html", "here/index.html"]
    assert printed.err == ""
    record = load_record(tmp_path / "here" / "toy")
    assert record.answer in printed.out
    assert (record.ran, record.size, record.censored) == (8, "quick", {"runs_censored": 4})
    # The page is the same wherever it lies, so the command on it leaves --out and --jobs away.
    assert record.provenance.command == f"./lab run {TOY} --quick"
    assert "Do coins &amp; dice" in (tmp_path / "here" / "index.html").read_text()
    assert {path.name for path in (tmp_path / "here" / "toy").iterdir()} == {
        "index.html",
        "journal",
        "rows.parquet",
        "run.json",
    }


def test_below_the_quick_seed_count_a_sometimes_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", TOY, "--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]) == 0
    assert "warning, too few seeds to tell: a run was odd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("findings", "enough", "code"),
    [
        ((finding(holds=True),), True, 0),
        ((finding(holds=False), finding(holds=None)), True, 1),
        ((finding(holds=None), finding(holds=True)), True, 2),
        ((finding(holds=None), finding(holds=False, sometimes=True)), False, 0),
        ((finding(holds=False, sometimes=True),), True, 1),
        ((finding(holds=False),), False, 1),
    ],
)
def test_claims_decide_the_exit_code(findings: tuple[Finding, ...], enough: bool, code: int) -> None:
    assert verdict(findings, enough_seeds=enough) == code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "merge-domian"], "did you mean 'merge-domains'?"),
        (["run", "no.such.module"], "no module 'no' can be imported"),
        (["run", "tests.experiments.test_cli"], "holds no EXPERIMENT"),
        (["rum"], "did you mean 'run'?"),
        (["run", TOY, "--all"], "contradict"),
        (["run", "--only", "calm/fair/0"], "say which"),
        (["run", TOY, "--only", "calm/fare/0"], "there is no arm 'fare'; did you mean 'fair'?"),
        (["run", TOY, "--only", "clam/fair/0"], "there is no scenario 'clam'; did you mean 'calm'?"),
        (["run", TOY, "--only", "calm/fair"], "it has no seed; write calm/fair/0"),
        (["run", TOY, "--only", "calm/fair/x"], "'x' is no seed; write calm/fair/0"),
        (["run", "merge-domains", "--only", "cool/zzz/0"], "there is no arm 'zzz'; known: apologise, escrow"),
        (["run", TOY, "--seeds", "0"], "1<=x<=1000000"),
        (["run", TOY, "--seeds", "1000001"], "1<=x<=1000000"),
        (["run", TOY, "--out", ""], "names no folder"),
        (["run", TOY, "--only", "calm/fair/0", "--quick", "--out", "x"], "leave out --quick, --out"),
        (["run", TOY, "--only", "calm/fair/0", "--seeds", "2", "--jobs", "1"], "leave out --seeds, --jobs"),
        (["bench", "kernal"], "did you mean 'kernel'?"),
        (["check", "no_such_scenario"], "no_such_scenario"),
        (["check", "no_fault", "--seeds", "1000001"], "1<=x<=1000000"),
        (["check", ""], "a file's path ends in .toml; known: "),
    ],
)
def test_bad_input_is_told_with_the_way_out(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_foreign_folder_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "thesis.tex").touch()
    assert main(["run", TOY, "--quick", "--out", str(tmp_path)]) == 2
    assert "did not write" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "toy").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["index.html", "toy/index.html"])
def test_a_page_of_somebody_else_is_refused_before_the_run(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / name
    page.parent.mkdir(exist_ok=True)
    page.write_text("my home page")
    assert main(["run", TOY, "--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    assert page.read_text() == "my home page"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [page]


def test_pages_of_the_lab_are_written_over(tmp_path: Path) -> None:
    arguments = ["run", TOY, "--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]
    assert main(arguments) == 0
    for page in (tmp_path / "index.html", tmp_path / "toy" / "index.html"):
        assert '<meta name="generator" content="cutset">' in page.read_text()
    assert main(arguments) == 0


def test_a_front_page_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").mkdir()
    assert main(["run", TOY, "--quick", "--out", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_one_run_can_be_replayed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", TOY, "--only", "calm/fair/3"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["scenario"], row["arm"], row["seed"]) == ("calm", "fair", 3)


def test_a_replay_that_raises_is_a_failure_of_the_lab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_RAISES", "calm/fair/3")
    assert main(["run", TOY, "--only", "calm/fair/3"]) == 3
    assert "no luck with calm/fair/3" in capsys.readouterr().err


@pytest.mark.parametrize("alone", [True, False])
def test_a_domain_that_fails_in_a_run_is_bad_input(
    alone: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FAILS", "calm/fair/0")
    whole = ["--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]
    assert main(["run", TOY, *(["--only", "calm/fair/0"] if alone else whole)]) == 2
    told = capsys.readouterr().err
    assert "domain 'toy', Toy.flip: returned 2 events to Flip; return exactly one event" in told
    assert alone or f"replay it with: ./lab run {TOY} --only calm/fair/0" in told


def test_help_needs_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    for command in ("run", "list", "check", "replay", "test", "lint", "bench", "notebook"):
        assert f"  {command} " in told


def test_every_shipped_experiment_is_called_as_its_module(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    for name, module in zip(names(), MODULES, strict=True):
        assert find(name).name == name == module.rpartition(".")[2].replace("_", "-")
        assert find(name).question in told
