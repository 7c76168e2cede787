"""A row keeps its values through a journal line, and refuses what a column cannot hold."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest

from experiments.experiment import Row, RunResult
from experiments.rows import columns, decode_row, encode_result
from tests.experiments.toy import ToyRow

ROW = ToyRow(
    scenario="calm", arm="fair", seed=3, digest="d", heads=7, share=0.1 + 0.2, wait_ms=math.inf, label="é", even=False
)
KEY = "calm/fair/3"


def test_a_row_survives_its_line() -> None:
    row = decode_row(ToyRow, json.loads(encode_result(KEY, RunResult(row=ROW)))["row"])
    assert row == ROW


def test_a_whole_number_serves_as_a_float_and_comes_back_as_one() -> None:
    row = replace(ROW, share=1, wait_ms=None)
    back = decode_row(ToyRow, json.loads(encode_result(KEY, RunResult(row=row)))["row"])
    assert (type(back.share), back.wait_ms) == (float, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"share": math.nan}, "share is NaN"),
        ({"heads": 1.0}, "heads=1.0 is float"),
        ({"heads": True}, "heads=True is bool"),
        ({"heads": None}, "heads=None is NoneType"),
        ({"heads": 2**63}, "does not fit 64 bits"),
        ({"seed": 4}, "returned the row of calm/fair/4"),
    ],
)
def test_a_wrong_metric_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        encode_result(KEY, RunResult(row=replace(ROW, **change)))


def test_nan_in_a_timeline_is_refused() -> None:
    with pytest.raises(ValueError, match="series 'x' holds NaN"):
        encode_result(KEY, RunResult(row=ROW, series={"x": [1.0, math.nan]}))


def test_a_row_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="heads"):
        decode_row(ToyRow, {"scenario": "calm"})


def test_a_metric_that_no_column_holds_is_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Bad(Row):
        counts: tuple[int, ...]

    with pytest.raises(ValueError, match="'counts' is annotated"):
        columns(Bad)
