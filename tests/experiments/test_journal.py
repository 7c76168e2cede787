"""A journal resumes after a kill, starts over after a change of code, and leaves other people's folders alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.files import read_json, write_json
from experiments.journal import Refused, open_journal, read_lines
from experiments.provenance import Fingerprint

MINE = Fingerprint(experiment="toy", scenarios={"calm": "1"}, code="a")


def written(folder: Path, *keys: str, fingerprint: Fingerprint = MINE) -> Path:
    journal = open_journal(folder, fingerprint)
    for key in keys:
        journal.append(key, f'{{"key":"{key}"}}')
    journal.close()
    return folder / "journal" / "rows.jsonl"


def test_finished_runs_are_found_again(tmp_path: Path) -> None:
    written(tmp_path, "calm/a/0", "calm/a/1")
    journal = open_journal(tmp_path, MINE)
    assert (journal.finished, journal.note) == ({"calm/a/0", "calm/a/1"}, "")
    journal.close()


@pytest.mark.parametrize("torn", [b'{"key":"calm/a/1', b'{"key":"calm/a/1"}', b"\0\0\0\n"])
def test_a_torn_last_line_is_forgotten_and_not_built_upon(tmp_path: Path, torn: bytes) -> None:
    rows = written(tmp_path, "calm/a/0")
    with rows.open("ab") as file:
        file.write(torn)
    written(tmp_path, "calm/a/2")
    assert [line["key"] for line, _ in read_lines(rows)] == ["calm/a/0", "calm/a/2"]


def test_damage_before_the_last_line_is_told(tmp_path: Path) -> None:
    rows = written(tmp_path, "calm/a/0")
    rows.write_bytes(b"junk\n" + rows.read_bytes())
    with pytest.raises(Refused, match="damaged after byte 0"):
        open_journal(tmp_path, MINE)


def test_rows_of_other_code_are_set_aside(tmp_path: Path) -> None:
    written(tmp_path, "calm/a/0")
    for number in (1, 2):
        journal = open_journal(tmp_path, replace(MINE, code=f"b{number}"))
        assert journal.finished == frozenset()
        assert f"journal.old-{number}; starting over" in journal.note
        journal.close()
    assert (tmp_path / "journal.old-1" / "rows.jsonl").read_text() == '{"key":"calm/a/0"}\n'


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(MINE, experiment="coin"), "another experiment, 'toy'"),
        (replace(MINE, scenarios={"calm": "2"}), "another scenario \\(calm"),
        (replace(MINE, scenarios={"calm": "1", "windy": "1"}), "another scenario \\(windy"),
    ],
)
def test_results_of_something_else_are_refused_until_told(tmp_path: Path, other: Fingerprint, told: str) -> None:
    rows = written(tmp_path, "calm/a/0")
    with pytest.raises(Refused, match=told):
        open_journal(tmp_path, other)
    assert rows.read_text() == '{"key":"calm/a/0"}\n'
    journal = open_journal(tmp_path, other, fresh=True)
    assert journal.finished == frozenset()
    journal.close()


def test_fresh_sets_equal_rows_aside_too(tmp_path: Path) -> None:
    written(tmp_path, "calm/a/0")
    journal = open_journal(tmp_path, MINE, fresh=True)
    assert journal.finished == frozenset()
    assert "earlier rows moved" in journal.note
    journal.close()


def test_a_folder_of_somebody_else_is_refused_even_if_fresh(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    for fresh in (False, True):
        with pytest.raises(Refused, match="did not write"):
            open_journal(tmp_path, MINE, fresh=fresh)


@pytest.mark.parametrize("garbage", [b"{", b"\xff", b"{}", b"[]"])
def test_a_garbled_fingerprint_is_refused_until_told(tmp_path: Path, garbage: bytes) -> None:
    rows = written(tmp_path, "calm/a/0")
    rows.with_name("fingerprint.json").write_bytes(garbage)
    with pytest.raises(Refused, match=r"nothing says whose.*--fresh"):
        open_journal(tmp_path, MINE)
    journal = open_journal(tmp_path, MINE, fresh=True)
    assert journal.finished == frozenset()
    journal.close()
    assert (tmp_path / "journal.old-1" / "rows.jsonl").read_text() == '{"key":"calm/a/0"}\n'
    written(tmp_path, "calm/a/1")


def test_a_file_in_place_of_the_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    with pytest.raises(Refused, match="journal cannot be written"):
        open_journal(tmp_path, MINE)


def test_a_start_killed_before_its_fingerprint_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "lock").touch()
    written(tmp_path, "calm/a/0")
    assert (tmp_path / "journal" / "rows.jsonl").read_text() == '{"key":"calm/a/0"}\n'


def test_results_whose_journal_was_thrown_away_are_known_by_their_record(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"fingerprint": MINE.to_json()})
    (tmp_path / "index.html").touch()
    with pytest.raises(Refused, match="another experiment, 'toy'"):
        open_journal(tmp_path, replace(MINE, experiment="coin"))
    written(tmp_path, "calm/a/0")


def test_one_sweep_at_a_time(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MINE)
    with pytest.raises(Refused, match="being written by another run"):
        open_journal(tmp_path, MINE)
    journal.close()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be written"):
        open_journal(tmp_path / "file" / "toy", MINE)


def test_json_files_are_whole_or_absent(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(ValueError, match="no JSON object"):
        read_json(tmp_path / "b.json")
