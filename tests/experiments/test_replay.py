"""`./lab replay` stops a run where it is told to, shows what is there, and refuses what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cli import main
from experiments.measures import observe
from experiments.scenario import load
from sim.trace_file import SHIVIZ_PARSER, read_jsonl
from tests.experiments.test_scenario import SMALL

FAULTS = """
[[fault]]
id = "cut"
kind = "partition-full"
targets = ["a"]
at = "1s"
for = "500ms"

[[fault]]
id = "dead"
kind = "process-crash"
targets = ["b/c1/h2"]
at = "1200ms"
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL.split("[[fault]]")[0] + FAULTS)
    return str(path)


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["replay", *arguments, "--seed", "3"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out.splitlines()


def test_a_run_is_shown_at_the_instant_asked_for(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = replayed(capsys, small, "--until", "1.3s")
    assert lines[0] == "small, seed 3, at 1.3 s of 3 s"
    assert lines[3] == (
        "live faults: cut (partition-full of a, since 1 s, until 1.5 s); "
        "dead (process-crash of b/c1/h2, since 1.2 s, for ever)"
    )
    assert "a/c1/h1: up" in lines
    assert "b/c1/h2: down" in lines
    assert "  service store (LosableShard)" in lines
    assert "    ready = True" in lines
    assert any(line.startswith("    store/log.0: ") and line.endswith(" durable") for line in lines)


def test_one_host_can_be_shown_alone_with_its_own_last_events(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = replayed(capsys, small, "--until", "1.3s", "--host", "b/c1/h2", "--last", "5")
    assert [line for line in lines if line.endswith((": up", ": down"))] == ["b/c1/h2: down"]
    events = lines[lines.index("last events: 5") + 1 :]
    assert len(events) == 5
    assert any("b/c1/h2: 1.2 s: crash process-crash" in line for line in events)
    assert not any(line.startswith("last events") for line in replayed(capsys, small, "--last", "0"))


def test_connections_and_what_a_pause_puts_aside_are_shown(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        Path(small).read_text()
        + """
[[fault]]
id = "still"
kind = "host-pause"
targets = ["b/c1/h1"]
at = "900ms"
for = "1s"

[connections]
messages = ["Ship"]
"""
    )
    Path(small).write_text(text)
    lines = replayed(capsys, small, "--until", "1.4s", "--host", "b/c1/h1", "--last", "0")
    aside = next(n for n, line in enumerate(lines) if line.startswith("  put aside by a pause: "))
    assert lines[aside + 1].startswith("    task goes on: RememberingShard.start > SplitShard.start, line ")
    told = [line for line in lines if line.endswith((" not acknowledged", ": idle"))]
    assert "    to a/c1/h1, host layer: idle" in told
    assert any(line.startswith("    from a/c1/h1, host layer: ") and " not acknowledged" in line for line in told)
    assert not any("put aside" in line for line in replayed(capsys, small, "--until", "800ms"))


def test_a_whole_run_has_the_digest_of_every_other_run_of_its_seed(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replayed(capsys, small)[1] == f"digest: {observe(load(small), 3).digest}"


def test_another_system_can_be_laid_over_the_world(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--system", "factory=models.deployment:home_region", "--system", "home=a"]
    lines = replayed(capsys, small, "--until", "1s", *options, "--system", "heartbeat=70ms")
    assert "  service store (Shard)" in lines


def test_the_trace_goes_into_files(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, shiviz = tmp_path / "t.jsonl", tmp_path / "log"
    lines = replayed(capsys, small, "--until", "400ms", "--trace", str(trace), "--shiviz", str(shiviz))
    rows = read_jsonl(trace)
    assert rows[0].i == 0
    assert max(row.t_us for row in rows) < 400_000
    assert lines[-2:] == [f"{len(rows):,} events: {trace}", f"{len(rows):,} events: {shiviz}"]
    text = shiviz.read_text()
    assert text.startswith(SHIVIZ_PARSER + "\n\n")
    assert text.count("\n") == 2 * len(rows) + 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "a/c1/hh1"], "did you mean 'a/c1/h1'"),
        (["--until", "4s"], "4s is past the end of small; give more than 0 s and at most 3 s"),
        (["--until", "0s"], "not after the beginning"),
        (["--until", "2"], "unit"),
        (["--system", "heartbeat"], "'heartbeat' is no KEY=VALUE"),
        (["--system", "hartbeat=1s"], "did you mean 'heartbeat'?"),
        (["--trace", "nowhere/at/all.jsonl"], "there is no folder nowhere/at; make it first"),
        (["--last", "-1"], "x>=0"),
    ],
)
def test_bad_input_is_told_with_the_way_out(
    arguments: list[str], told: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", small, "--seed", "1", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_an_unknown_scenario_or_no_seed_is_refused(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "github_2081", "--seed", "1"]) == 2
    assert "did you mean 'github_2018'" in capsys.readouterr().err
    assert main(["replay", small]) == 2
    assert "--seed" in capsys.readouterr().err
