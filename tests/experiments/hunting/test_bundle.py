"""A bundle reads back, is the same each time and everywhere, and says what is wrong with it or with the code."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from experiments.cli import main
from experiments.hunting import (
    Found,
    Hands,
    Sighting,
    claims,
    pin_down,
    read_bundle,
    replay_bundle,
    try_out,
    write_bundle,
)
from experiments.hunting.recording import Recording
from experiments.journal import Refused
from experiments.nemesis import with_nemesis
from experiments.scenario import parse
from sim.checkers import Outcome
from sim.faults import schedule_from_json
from sim.history import History
from tests.experiments.hunting.scenes import FRESH, STALE

FILES = [
    "diagram.svg",
    "history.jsonl",
    "original.toml",
    "replay.txt",
    "scenario.toml",
    "schedule.json",
    "verdict.json",
]


def caught_in(folder: Path) -> tuple[Path, Found]:
    drawn, knobs = with_nemesis(parse(tomllib.loads(STALE), name="stale"), 0)
    trial = try_out(drawn, 0, claims(drawn))
    sighting = Sighting(scenario=drawn, seed=0, knobs=knobs, trial=trial)
    with Hands(1) as hands:
        caught = pin_down(sighting, FRESH, folder, hands=hands)
    return caught.folder, caught.found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Found]:
    return caught_in(tmp_path_factory.mktemp("hunts"))


@pytest.fixture
def copied(made: tuple[Path, Found], tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in made[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_bundle_is_named_and_holds_everything(made: tuple[Path, Found]) -> None:
    folder, found = made
    assert folder.name == "stale-fresh_reads-0"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["knobs"]["seed"] == 0
    assert verdict["shrunk_from"]["faults"] == len(tomllib.loads((folder / "original.toml").read_text())["fault"])
    assert schedule_from_json((folder / "schedule.json").read_text()) == found.scenario.faults
    operations = {row.op for row in History.from_jsonl(folder / "history.jsonl")}
    assert len(operations) == found.after.operations
    assert set(verdict["witness"]) <= operations


def test_nothing_in_it_depends_on_machine_or_folder(made: tuple[Path, Found], tmp_path: Path) -> None:
    again, _ = caught_in(tmp_path / "elsewhere")
    for name in FILES:
        content = (again / name).read_bytes()
        assert content == (made[0] / name).read_bytes(), name
        assert str(tmp_path.parent).encode() not in content


def test_it_reads_back_and_replays_as_recorded(made: tuple[Path, Found]) -> None:
    folder, found = made
    bundle = read_bundle(folder)
    assert bundle.scenario.document == found.scenario.document
    assert (bundle.claim, bundle.seed, bundle.expects) == (FRESH, 0, Outcome.INVALID)
    replayed = replay_bundle(bundle)
    assert list(replayed.differences()) == []
    assert not replayed.code_changed
    assert list(replayed.lines())[-1] == "as recorded"


def test_words_tell_what_happened(made: tuple[Path, Found]) -> None:
    text = (made[0] / "replay.txt").read_text()
    assert "Claimed:  No read misses a write that was acknowledged a second before it began." in text
    assert re.search(r"Witness:  #\d, #\d\n", text)
    assert re.search(
        r"\* #1 \w/clients/client1 s\d, [\d.]+ m?s to [\d.]+ m?s: write 0 = \d+ > ok \(version 1\)\n", text
    )
    assert "./lab replay PATH/TO/stale-fresh_reads-0" in text


def test_another_outcome_is_told_and_whether_the_code_has_changed(copied: Path) -> None:
    path = copied / "verdict.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"digest": "0" * 32, "witness": [7]}))
    same_code = list(replay_bundle(read_bundle(copied)).lines())
    assert f"  witness: 7 was recorded, it is {', '.join(map(str, values['witness']))}" in same_code
    assert f"  digest: {'0' * 32} was recorded, it is {values['digest']}" in same_code
    assert same_code[-1].startswith(f"the code is the same, {values['code']}")
    path.write_text(json.dumps(values | {"code": "f" * 24}))
    other_code = list(replay_bundle(read_bundle(copied)).lines())
    assert other_code[-2] == "as recorded"
    assert other_code[-1].startswith("the code has changed since: it was " + "f" * 24)


def test_a_mended_bug_is_expected_to_stay_mended(copied: Path) -> None:
    path = copied / "verdict.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"expects": "valid"}))
    bundle = read_bundle(copied)
    assert list(replay_bundle(bundle).differences()) == [
        f"outcome: valid is expected, it is invalid ({bundle.verdict.reason})"
    ]
    mended = replace(bundle, scenario=bundle.scenario.without_faults())
    assert list(replay_bundle(mended).differences()) == []
    assert list(replay_bundle(mended).lines())[-1] == "as mended: the bug does not show any more"


def stale_record(folder: Path) -> dict[str, bytes]:
    """Make a bundle one that earlier code has recorded; what its files were before."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    values = json.loads(before["verdict.json"])
    stale = {"digest": "0" * 32, "witness": [7], "reason": "operation 7 misses 6", "code": "f" * 24}
    del values["faults_drawn_afresh"]  # which bundles did not always tell
    (folder / "verdict.json").write_text(json.dumps({"noticed_by": "somebody"} | values | stale))
    rows = (folder / "history.jsonl").read_text().splitlines(keepends=True)
    (folder / "history.jsonl").write_text("".join(rows[:2]))
    (folder / "replay.txt").write_text("#7 misses #6")
    (folder / "diagram.svg").write_text("<svg/>")
    (folder / "notes.md").write_text("why this one matters")
    return before


def test_a_bundle_is_recorded_anew(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = stale_record(copied)
    (copied / "original.toml").write_text("# with a comment of somebody's\n" + before["original.toml"].decode())
    assert main(["replay", str(copied)]) == 1
    assert main(["replay", str(copied), "--record"]) == 0
    assert capsys.readouterr().out.endswith(f"recorded anew: {copied}\n")
    assert main(["replay", str(copied)]) == 0
    for name in ("history.jsonl", "diagram.svg", "scenario.toml", "schedule.json"):
        assert (copied / name).read_bytes() == before[name], name
    text = before["replay.txt"].decode().replace("PATH/TO/stale-fresh_reads-0", "PATH/TO/copy")
    assert (copied / "replay.txt").read_text() == text
    verdict = json.loads((copied / "verdict.json").read_text())
    assert verdict == json.loads(before["verdict.json"]) | {"noticed_by": "somebody"}
    assert (copied / "notes.md").read_text() == "why this one matters"
    assert (copied / "original.toml").read_text().startswith("# with a comment")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": "unknown", "expects": "unknown"}, "was unknown and is invalid (operation "),
        ({"expects": "valid"}, "says that its bug is mended"),
        ({"shrunk_from": 3}, "does not tell how it was shrunk"),
    ],
)
def test_a_run_that_is_another_one_is_not_recorded(
    changes: dict[str, object], told: str, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale_record(copied)
    path = copied / "verdict.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    assert main(["replay", str(copied), "--record"]) == 1
    out = capsys.readouterr().out
    assert "\nnot recorded: " in out
    assert told in out.partition("not recorded: ")[2]
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_only_a_bundle_can_be_recorded_anew(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(copied), "--record", "--until", "1s"]) == 2
    assert "--record goes alone" in capsys.readouterr().err
    assert main(["replay", "github_2018", "--seed", "0", "--record"]) == 2
    assert "--record is for bundles" in capsys.readouterr().err


def test_every_mistake_of_a_broken_bundle_is_told(copied: Path) -> None:
    path = copied / "verdict.json"
    values = json.loads(path.read_text())
    del values["digest"]
    path.write_text(json.dumps(values | {"seed": -1, "outcome": "bad", "witness": "1", "format": 2, "expects": True}))
    (copied / "history.jsonl").unlink()
    (copied / "schedule.json").write_text("[]\n")
    text = (copied / "scenario.toml").read_text()
    (copied / "scenario.toml").write_text(re.sub(r'until = "[^"]*"', 'until = "5.1"', text, count=1))
    with pytest.raises(Refused) as refused:
        read_bundle(copied)
    told = str(refused.value).splitlines()
    assert [line.removeprefix(f"{copied}/") for line in told[1:]] == [
        "verdict.json: format = 2: this lab reads format 1; replay it with the lab that wrote it",
        "verdict.json: seed = -1 is negative; seeds count from 0",
        "verdict.json: outcome = 'bad' is not one of valid, invalid, unknown; write one",
        "verdict.json: expects = true is of the wrong type; restore the file",
        'verdict.json: witness = "1" is of the wrong type; restore the file',
        "verdict.json: digest is missing; restore the file",
        'scenario.toml: run.until = "5.1": a duration without a unit; add one of us, ms, s, min, h',
        "history.jsonl: there is no such file; restore it",
    ]


@pytest.mark.parametrize("name", ["verdict.json", "schedule.json", "scenario.toml", "history.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"at": ', b"\x00"])
def test_a_file_of_a_bundle_that_is_none_is_named(name: str, content: bytes, copied: Path) -> None:
    (copied / name).write_bytes(content)
    if name == "history.jsonl" and content == b"":
        assert list(replay_bundle(read_bundle(copied)).differences())
        return
    with pytest.raises(Refused) as refused:
        read_bundle(copied)
    told = str(refused.value).splitlines()
    assert told[1].startswith(f"{copied}/{name}:")
    assert all(line.startswith(f"{copied}/") for line in told[1:])


def test_a_bundle_is_whole_or_not_there_however_its_writer_is_stopped(
    made: tuple[Path, Found], copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "notes.md").write_text("why this one matters")
    before = {path.name: path.read_bytes() for path in copied.iterdir()}

    def stopped(run: Recording, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("experiments.hunting.diagram.draw", stopped)
        for folder in (copied, copied.with_name("new")):
            with pytest.raises(KeyboardInterrupt):
                write_bundle(folder, made[1], typed="x")
    assert [path.name for path in copied.parent.iterdir()] == [copied.name], "nothing half is left"
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before
    write_bundle(copied, made[1], typed="PATH/TO/stale-fresh_reads-0")
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before, "the notes are still there"
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


def test_code_that_a_bundle_needs_and_that_is_gone_is_named(copied: Path) -> None:
    path = copied / "scenario.toml"
    text = path.read_text().replace("hunting.registers:register", "hunting.vanished:register")
    path.write_text(text.replace("registers:fresh_reads", "registers:forgotten_reads"))
    with pytest.raises(Refused) as refused:
        read_bundle(copied)
    told = [line.removeprefix(f"{copied}/") for line in str(refused.value).splitlines()[1:]]
    way_out = "replay it where that is: in its project's folder, or with the code of the commit in verdict.json"
    rooms = "tests.experiments.hunting"
    assert told[:2] == [
        f"the bundle needs {rooms}.vanished:register, and there is no module '{rooms}.vanished'; {way_out}",
        f"the bundle needs {rooms}.registers:forgotten_reads, and {rooms}.registers has no callable 'forgotten_reads'; "
        + way_out,
    ]


def test_an_edited_schedule_is_noticed(copied: Path) -> None:
    (copied / "schedule.json").write_text("[]\n")
    with pytest.raises(Refused, match=r"schedule.json: not the faults of scenario.toml"):
        read_bundle(copied)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "stale-fresh_reads-0"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match="holds something that is no bundle; choose another folder"):
        caught_in(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    with pytest.raises(Refused, match=r"verdict.json: there is no such file; name the folder that a hunt has written"):
        read_bundle(folder)


def test_a_history_that_is_not_that_of_the_run_is_seen(made: tuple[Path, Found], tmp_path: Path) -> None:
    folder = Path(copytree(made[0], tmp_path / "bundle"))
    rows = (folder / "history.jsonl").read_text().splitlines(keepends=True)
    (folder / "history.jsonl").write_text("".join(rows[:-1]))
    replayed = replay_bundle(read_bundle(folder))
    assert list(replayed.differences()) == ["history: history.jsonl is not what the clients of this run record"]
    assert any("what the bundle says of it is wrong" in line for line in replayed.lines())
    (folder / "history.jsonl").write_text(rows[0][:20])
    with pytest.raises(Refused, match=r"history\.jsonl:1: "):
        read_bundle(folder)
