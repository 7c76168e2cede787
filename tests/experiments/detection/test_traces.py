"""A user's own trace is read, or refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.detection.traces import long_enough, read_trace
from models.detection import Fixed, Mean, Recent


def written(folder: Path, *lines: str) -> Path:
    path = folder / "trace.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_arrivals_alone_are_numbered_as_they_came(tmp_path: Path) -> None:
    found = read_trace(written(tmp_path, "arrived_ms", "10.5", "20", "31"))
    assert found.trace.arrivals_us.tolist() == [0, 9_500, 20_500]
    assert found.trace.sequences.tolist() == [0, 1, 2]
    assert (found.sent_us, found.lost) == (None, 0)


def test_sendings_number_heartbeats_and_show_which_were_lost(tmp_path: Path) -> None:
    path = written(tmp_path, "sent_s,arrived_s", "1,1.02", "2,", "3,3.01")
    found = read_trace(path)
    assert found.trace.sequences.tolist() == [0, 2]
    assert found.trace.arrivals_us.tolist() == [20_000, 2_010_000]
    assert found.sent_us is not None
    assert found.sent_us.tolist() == [0, 2_000_000]
    assert found.lost == 1
    numbered = read_trace(written(tmp_path, "sent_s,arrived_s", "1,1.02", "4,4.01"), eta_us=1_000_000)
    assert numbered.trace.sequences.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["arived_us", "1"], r"trace.csv:1: no column is called 'arived_us'; did you mean 'arrived_us'"),
        (["sent_us", "1"], r"trace.csv:1: nothing says when heartbeats arrived"),
        (["arrived_us,arrived_s", "1,1"], r"arrived stands there in 2 units; keep one"),
        (["arrived_us", "1", "soon"], r"trace.csv:3: arrived_us='soon' is no number; leave it empty"),
        (["arrived_us", "1", "nan"], r"trace.csv:3: arrived_us='nan' is no number"),
        (["arrived_us", "-1"], r"trace.csv:2: arrived_us=-1 is below 0"),
        (["arrived_us", "5", "", "4"], r"trace.csv:4: arrived_us=4 is before 5 of line 2; sort the file by arrival"),
        (["arrived_us", "5", "5"], r"trace.csv:3: arrived_us=5 stands in line 2 already; drop the copy"),
        (["sequence,arrived_us", "3,5", "3,6"], r"trace.csv: heartbeat 3 came more than once"),
        (["sequence,arrived_us", "1.5,5"], r"trace.csv:2: sequence=1.5 is no whole number"),
        (["sent_us,arrived_us", ",5"], r"trace.csv:2: sent_us is empty; every heartbeat was sent"),
        (["arrived_us", ""], r"has no arrival"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_trace(written(tmp_path, *lines))


def test_an_empty_file_and_a_trace_shorter_than_the_window_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    with pytest.raises(ValueError, match=r"none.csv cannot be read \(No such file"):
        read_trace(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="is empty; the first line names columns"):
        read_trace(path)
    trace = read_trace(written(tmp_path, "arrived_us", "1", "2", "3")).trace
    long_enough(trace, Fixed(timeout_us=5))
    with pytest.raises(ValueError, match=r"3 arrivals and Mean.* needs 101 before its window is full"):
        long_enough(trace, Mean(eta_us=1, recent=Recent(100)))
