"""Rows come back from the table as they went in, and the record says where they came from."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest

from experiments.experiment import Finding, run_key
from experiments.journal import open_journal
from experiments.provenance import Fingerprint, provenance
from experiments.results import Results, RunRecord, censored, collect, load, load_record, write_table
from experiments.rows import encode_result
from tests.experiments.toy import EXPERIMENT, ToyRow, run_once

MARK = Fingerprint(experiment="toy", scenarios={}, code="")


def swept(folder: Path, seeds: range) -> Results[ToyRow]:
    from experiments.experiment import Cell

    journal = open_journal(folder, MARK)
    keys = []
    for seed in reversed(seeds):
        for arm in EXPERIMENT.arms:
            key = run_key("calm", arm.name, seed)
            journal.append(key, encode_result(key, run_once(Cell(scenario="calm", arm=arm), seed)))
            keys.append(key)
    journal.close()
    return collect(folder, ToyRow, keys)


def test_rows_are_ordered_by_key_with_seeds_as_numbers(tmp_path: Path) -> None:
    results = swept(tmp_path, range(9, 12))
    assert [row.key for row in results.rows] == [
        f"calm/{arm}/{seed}" for arm in ("bent", "fair") for seed in (9, 10, 11)
    ]
    assert results.seeds == (9, 10, 11)


def test_the_table_gives_back_every_value(tmp_path: Path) -> None:
    results = swept(tmp_path, range(3))
    write_table(results, ToyRow, tmp_path)
    back = load(tmp_path, ToyRow)
    assert back.rows == results.rows
    assert {row.wait_ms for row in back.rows} == {None, math.inf}
    assert back.series("calm", "fair", 1) == results.series("calm", "fair", 1)
    assert not list(tmp_path.glob(".*"))


def test_a_column_that_is_undefined_throughout_keeps_its_type(tmp_path: Path) -> None:
    write_table(swept(tmp_path, range(1, 2)), ToyRow, tmp_path)
    with duckdb.connect() as database:
        found = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(tmp_path / "rows.parquet")]).fetchall()
    assert {row[0]: row[1] for row in found} == {
        "scenario": "VARCHAR",
        "arm": "VARCHAR",
        "seed": "BIGINT",
        "digest": "VARCHAR",
        "heads": "BIGINT",
        "share": "DOUBLE",
        "wait_ms": "DOUBLE",
        "label": "VARCHAR",
        "even": "BOOLEAN",
        "runs_censored": "BIGINT",
    }


def test_arms_are_paired_by_seed(tmp_path: Path) -> None:
    results = swept(tmp_path, range(2))
    pairs = results.pairs("calm", "fair", "bent")
    assert [(one.key, two.key) for one, two in pairs] == [
        ("calm/fair/0", "calm/bent/0"),
        ("calm/fair/1", "calm/bent/1"),
    ]
    assert results.values("even", scenario="calm", arm="fair") == (True, False)


def test_timelines_are_refused_if_the_journal_is_another(tmp_path: Path) -> None:
    results = swept(tmp_path, range(2))
    with pytest.raises(LookupError, match="no timelines of run calm/fair/7"):
        results.series("calm", "fair", 7)
    (tmp_path / "journal" / "rows.jsonl").unlink()
    with pytest.raises(LookupError, match="is gone"):
        Results(results.rows, tmp_path / "journal" / "rows.jsonl").series("calm", "fair", 0)


def test_unfinished_runs_are_counted(tmp_path: Path) -> None:
    assert censored(swept(tmp_path, range(3)).rows) == {"runs_censored": 2}
    assert censored([]) == {}


def test_a_record_comes_back_whole(tmp_path: Path) -> None:
    record = RunRecord(
        experiment="toy",
        question="?",
        answer="!",
        size="quick",
        provenance=provenance(command="./lab run toy", seeds=2),
        fingerprint=MARK,
        digests={"calm/fair/0": "d"},
        findings=(Finding(claim="c", holds=None, detail="d"),),
        censored={"runs_censored": 1},
        ran=4,
        wall_s=1.5,
    )
    record.write(tmp_path)
    assert load_record(tmp_path) == record


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\.parquet is not there"):
        load(tmp_path, ToyRow)
    with pytest.raises(ValueError, match=r"run\.json is not there"):
        load_record(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="not a run record"):
        load_record(tmp_path)
