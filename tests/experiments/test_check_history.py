"""`./lab check-history` is right on a recorded history of every model, and refuses with line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cli import main
from experiments.history_models import MODELS
from sim.checkers import SPECIFICATIONS

HISTORIES = Path(__file__).parents[1] / "histories"
#: What a model has to be told beside its name.
BOUNDS = {
    "bounded-staleness": ("--within", "100ms"),
    "recovers-after-each-heal": ("--fault", "0s", "--heal", "2s", "--fault", "8s", "--heal", "9s", "--within", "1s"),
}


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
    assert main(["check-history", str(path), "--model", name, *BOUNDS.get(name, ())]) == 0
    assert capsys.readouterr().out.startswith("valid: ")


@pytest.mark.parametrize(("name", "path"), recorded("invalid"), ids=lambda value: getattr(value, "name", value))
def test_an_invalid_history_exits_1_and_shows_the_operations(
    name: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-history", str(path), "--model", name, *BOUNDS.get(name, ())]) == 1
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
        (["--model", "register", "--initial", "true"], "a value is a whole number, a text, null, or a list of these"),
        (["--model", "register", "--initial", "[1, [false]]"], "a value is a whole number, a text, null"),
        (["--model", "counter", "--initial", "true"], "a value is a whole number"),
        (["--model", "mutex", "--initial", "1"], "mutex begins with true or false"),
        (["--model", "register", "--initial", "[" * 21 + "]" * 21], "lists are nested at most 20 deep"),
        (["--model", "register", "--initial", "[" * 99_999 + "]" * 99_999], "lists are nested at most 20 deep"),
        (["--model", "register", "--no-independent"], "rows of JSON lines name their keys"),
        (["--model", "bounded-staleness"], "needs a bound; give --within, such as 100ms, or --versions, or both"),
        (["--model", "bounded-staleness", "--within", "100"], "unit"),
        (["--model", "bounded-staleness", "--versions", "-1"], "-1 is not in the range"),
        (["--model", "register", "--within", "1s"], "register has no bound --within, which is for bounded-staleness"),
        (
            ["--model", "subscription-reliable", "--versions", "1"],
            "no bound --versions, which is for bounded-staleness",
        ),
        (["--model", "recovers-after-each-heal", "--within", "1s"], "give --heal, such as 10s, once for each heal"),
        (["--model", "recovers-after-each-heal", "--heal", "1s"], "and --within"),
        (["--model", "recovers-after-each-heal", "--heal", "1", "--within", "1s"], "unit"),
        (["--model", "recovers-after-each-heal", "--heal", "1s", "--within", "0s"], "nothing is served in no time"),
        (["--model", "register", "--heal", "1s"], "no bound --heal, which is for recovers-after-each-heal"),
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


STALE = """\
{"client":"a","kind":"invoke","f":"write","value":1,"t_us":0}
{"client":"a","kind":"ok","f":"write","version":1,"t_us":10}
{"client":"b","kind":"invoke","f":"read","t_us":60}
{"client":"b","kind":"ok","f":"read","value":0,"version":0,"t_us":70}
"""


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (("--within", "50us"), 0),
        (("--within", "49us"), 1),
        (("--versions", "1"), 0),
        (("--versions", "0"), 1),
        (("--versions", "0", "--within", "1s"), 1),
        (("--within", "50us", "--initial", "0"), 0),
    ],
)
def test_how_stale_a_read_may_be_is_told(tmp_path: Path, bounds: tuple[str, ...], code: int) -> None:
    file = tmp_path / "stale.jsonl"
    file.write_text(STALE)
    assert main(["check-history", str(file), "--model", "bounded-staleness", *bounds]) == code


def test_a_delivery_may_have_a_deadline(tmp_path: Path) -> None:
    row = '{{"client":"{}","kind":"{}","f":"{}","value":{},"version":{},"session":"s","t_us":{}}}\n'
    file = tmp_path / "late.jsonl"
    file.write_text(
        row.format("a", "invoke", "append", 1, "null", 0)
        + row.format("a", "ok", "append", "null", 1, 10)
        + row.format("b", "invoke", "subscribe", "null", "null", 20)
        + row.format("b", "ok", "subscribe", "null", 0, 110)
    )
    command = ["check-history", str(file), "--model", "subscription-reliable"]
    assert main([*command, "--within", "100us"]) == 0
    assert main([*command, "--within", "99us"]) == 1


def test_without_times_no_duration_can_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "h.jsonl"
    file.write_text('{"client":"a","kind":"invoke","f":"read"}')
    command = ["check-history", str(file), "--model", "bounded-staleness", "--within"]
    assert main([*command, "1ms"]) == 2
    assert capsys.readouterr().err == (
        f"{file}: no row has a time, so 1ms cannot be told; record the time of every row\n"
    )
    assert main([*command, "0us"]) == 0  # the order of rows is enough


def test_a_mutex_may_be_held_at_first(tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    file.write_text('{"client":"a","kind":"invoke","f":"acquire"}\n{"client":"a","kind":"ok","f":"acquire"}')
    assert main(["check-history", str(file), "--model", "mutex", "--initial", "true"]) == 1
    assert main(["check-history", str(file), "--model", "mutex", "--initial", "false"]) == 0


def test_one_register_of_pairs_is_told_from_independent_keys(tmp_path: Path) -> None:
    file = tmp_path / "pairs.edn"
    row = "{:type %s, :f :write, :value [%d %d], :process 0}\n"
    read = "{:type :invoke, :f :read, :value [0 0], :process 1}\n{:type :ok, :f :read, :value [1 1], :process 1}\n"
    file.write_text(
        row % (":invoke", 0, 0) + row % (":ok", 0, 0) + row % (":invoke", 1, 1) + row % (":ok", 1, 1) + read
    )
    command = ["check-history", str(file), "--model", "register"]
    assert main([*command, "--no-independent"]) == 0
    assert main(command) == main([*command, "--independent"]) == 2  # the read ends on another key


@pytest.mark.parametrize("name", sorted(name for name, model in MODELS.items() if model.shapes))
def test_what_is_foreign_to_a_model_is_refused_with_its_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "foreign.jsonl"
    known = next(iter(MODELS[name].shapes))
    value = '"value":[1,2],' if known == "transaction" else '"value":1,'
    file.write_text(
        f'{{"client":"a","kind":"invoke",{value}"f":"{known}"}}\n{{"client":"b","kind":"invoke","f":"launch"}}\n'
    )
    assert main(["check-history", str(file), "--model", name, *BOUNDS.get(name, ())]) == 2
    told = capsys.readouterr().err
    assert f'{file}: line 2: f = "launch": not one of the model\'s operations, {known}' in told


@pytest.mark.parametrize(
    ("name", "row", "told"),
    [
        ("subscription-ordered", '"f":"subscribe","value":"x"', "subscribe is asked a whole number, or null"),
        ("subscription-atomic", '"f":"transaction","value":1', "transaction is asked a list"),
        ("no-lost-updates", '"f":"add","value":"x"', "add is asked a whole number"),
        ("converged", '"f":"cas","value":1', "cas is asked a pair [old, new]"),
        ("durable", '"f":"enqueue"', "enqueue is asked a value other than null"),
        ("register", '"f":"write","value":true', "expected whole numbers, texts, null, or lists of these"),
        ("counter", '"f":"add","value":true', "expected whole numbers, texts, null, or lists of these"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused(
    name: str, row: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "foreign.jsonl"
    file.write_text(f'{{"client":"a","kind":"invoke",{row}}}\n')
    assert main(["check-history", str(file), "--model", name]) == 2
    assert f"{file}: line 1: " in (err := capsys.readouterr().err)
    assert told in err


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_a_budget_that_is_no_time_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(HISTORIES / "valid/linearizable__register.jsonl")
    assert main(["check-history", file, "--model", "register", "--budget-seconds", seconds]) == 2
    assert f"{seconds} is no time; give a number of seconds" in capsys.readouterr().err
