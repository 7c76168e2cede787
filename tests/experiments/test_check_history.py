"""`./lab check-history` is right on a recorded history of every model, and refuses with line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cli import main
from experiments.history_models import MODELS
from sim.checkers import SPECIFICATIONS

HISTORIES = Path(__file__).parents[1] / "histories"


def recorded(folder: str) -> list[tuple[str, Path]]:
    """Every model with each history that is recorded for it."""
    return [
        (name, path)
        for name, model in MODELS.items()
        for path in sorted((HISTORIES / folder).iterdir())
        if path.name.split(".")[0].startswith(_stem(name))
    ]


def _stem(name: str) -> str:
    word = name.replace("-", "_")
    return f"linearizable__{word}" if name in SPECIFICATIONS else word


@pytest.mark.parametrize("folder", ["valid", "invalid"])
def test_every_model_has_recorded_histories(folder: str) -> None:
    assert {name for name, _ in recorded(folder)} == set(MODELS)


@pytest.mark.parametrize(("name", "path"), recorded("valid"), ids=lambda value: getattr(value, "name", value))
def test_a_valid_history_exits_0(name: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-history", str(path), "--model", name]) == 0
    assert capsys.readouterr().out.startswith("valid: ")


@pytest.mark.parametrize(("name", "path"), recorded("invalid"), ids=lambda value: getattr(value, "name", value))
def test_an_invalid_history_exits_1_and_shows_the_operations(
    name: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-history", str(path), "--model", name]) == 1
    verdict, *witness = capsys.readouterr().out.splitlines()
    assert verdict.startswith("invalid: ")
    assert witness
    assert all("client " in line for line in witness)


def test_a_witness_is_told_by_the_lines_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-history", str(HISTORIES / "invalid/linearizable__mutex.edn"), "--model", "mutex"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "invalid: 3 operations as mutex; key 'all': no order of 2 explains their answers",
        "          lines 1 to 2: client 0: acquire all",
        "          lines 3 to 4: client 1: acquire all",
    ]


def test_an_initial_value_and_a_format_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "history.log"
    file.write_text("{:type :invoke :f :read :value nil :process 0}{:type :ok :f :read :value 7 :process 0}")
    command = ["check-history", str(file), "--model", "register", "--format", "edn"]
    assert main([*command, "--initial", "7"]) == 0
    assert main([*command, "--initial", "8"]) == 1
    assert main(command) == 1


def test_seconds_that_are_too_few_end_in_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = '{{"client":"c{}","kind":"{}","f":"{}","value":{}}}\n'
    writes = [row.format(n, "invoke", "write", n % 9) for n in range(60)]
    read = [row.format("r", "invoke", "read", "null"), row.format("r", "ok", "read", 99)]
    file = tmp_path / "hostile.jsonl"
    file.write_text("".join([*writes, *read, *(row.format(n, "ok", "write", "null") for n in range(60))]))
    assert main(["check-history", str(file), "--model", "register", "--budget-seconds", "0"]) == 2
    out = capsys.readouterr().out
    assert out == "unknown: 61 operations as register; more than the budget of 0 s is needed; raise it\n"


def test_bad_input_names_its_lines_and_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cut.jsonl"
    file.write_text("\n".join(["nonsense"] * 30))
    assert main(["check-history", str(file), "--model", "register"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 21
    way_out = "expected one JSON object; mend or remove the line; it may be cut off"
    assert told[4] == f'{file}: line 5: "nonsense": {way_out}'
    assert told[-1] == f"{file}: and 10 more"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "registre"], "did you mean 'register'?"),
        (["--model", "counter", "--initial", "many"], "counter begins with a whole number"),
        (["--model", "append-only", "--initial", "1"], "append-only has no initial value"),
        ([], "Missing option '--model'"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-history", str(HISTORIES / "valid/well_formed.jsonl"), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "picture.jsonl"
    file.write_bytes(b"{}\n\x89PNG")
    assert main(["check-history", str(file), "--model", "set"]) == 2
    assert f"{file}: line 2: byte 0x89: expected UTF-8 text" in capsys.readouterr().err


def test_what_is_no_operation_map_is_told_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.edn"
    file.write_text('{:type :invoke, :f :read, :value nil, :process 0}\n"foo"\n\n[1\n 2]\n')
    assert main(["check-history", str(file), "--model", "register"]) == 2
    told = [line.removeprefix(str(file)) for line in capsys.readouterr().err.splitlines()]
    assert told == [
        f': line {line}: "{value}": expected operation maps; write {{:type ...}}'
        for line, value in ((2, "foo"), (4, 1), (4, 2))
    ]


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_a_budget_that_is_no_time_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(HISTORIES / "valid/linearizable__register.jsonl")
    assert main(["check-history", file, "--model", "register", "--budget-seconds", seconds]) == 2
    assert f"{seconds} is no time; give a number of seconds" in capsys.readouterr().err
