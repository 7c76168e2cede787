"""Round trips from CSV: both layouts, and every malformed row at once."""

from __future__ import annotations

import pytest

from sim.imports import MalformedRows, read_rtt_matrix

LIST = """\
# measured on a Tuesday
from,to,rtt_ms,source

a,b,72.7,ours
b,a,71.6,ours
"""
MATRIX = """\
rtt_us,a,b,c
a,10,70000,90000.5
b,69000,,-
"""


def problems(text: str) -> list[str]:
    with pytest.raises(MalformedRows) as refused:
        read_rtt_matrix(text, "rtt.csv")
    assert all(line.startswith("rtt.csv: line ") for line in str(refused.value).splitlines())
    return [line.removeprefix("rtt.csv: ") for line in str(refused.value).splitlines()]


def test_a_list_is_read_as_measured() -> None:
    assert read_rtt_matrix(LIST, "rtt.csv") == {("a", "b"): 72_700, ("b", "a"): 71_600}


def test_a_matrix_reads_from_the_side_to_the_top() -> None:
    assert read_rtt_matrix(MATRIX, "rtt.csv") == {("a", "b"): 70_000, ("a", "c"): 90_001, ("b", "a"): 69_000}


@pytest.mark.parametrize("edit", ["\ufeff", ""])
def test_marks_and_line_ends_of_other_systems_do_not_matter(edit: str) -> None:
    assert read_rtt_matrix(edit + LIST.replace("\n", "\r\n"), "rtt.csv") == read_rtt_matrix(LIST, "rtt.csv")


def test_a_region_to_itself_is_left_to_the_tiers() -> None:
    assert read_rtt_matrix("from,to,rtt_s\na,a,0\na,b,0.07\n", "rtt.csv") == {("a", "b"): 70_000}


def test_every_malformed_row_is_told_at_once() -> None:
    text = (
        "from,to,rtt_ms\n"
        "a,b,72.7\n"
        "a,b,72.9\n"
        "a,c\n"
        ",c,80\n"
        "a,d/e,1\n"
        "a,e,-4\n"
        "a,f,fast\n"
        "a,g,nan\n"
        "a,h,0\n"
        "a,i,1e3\n"
        '"a,j,3\n'
        "a,k,\n"
        "x*,y/z,-1\n"
        "a,l,999999999999999\n"
    )
    number = "not a number; write one of at least 0, as in 72.7"
    region = "cannot name a region, being empty or with / or *; rename it"
    assert problems(text) == [
        'line 3: "a to b": line 2 has this pair already; keep one',
        'line 4: "a,c": has 2 cells under 3 titles; give each title one cell',
        f'line 5: from = "": {region}',
        f'line 6: to = "d/e": {region}',
        'line 7: rtt_ms = "-4": negative; write one of at least 0, as in 72.7',
        f'line 8: rtt_ms = "fast": {number}',
        f'line 9: rtt_ms = "nan": {number}',
        'line 10: rtt_ms = "0": no time at all; give a time above half a microsecond',
        f'line 11: rtt_ms = "1e3": {number}',
        'line 12: "\\"a,j,3": not a row of CSV: unexpected end of data; mind the quotes',
        f'line 13: rtt_ms = "": {number}',
        f'line 14: from = "x*": {region}',
        f'line 14: to = "y/z": {region}',
        'line 14: rtt_ms = "-1": negative; write one of at least 0, as in 72.7',
        'line 15: rtt_ms = "999999999999999": longer than 31 years; check the unit',
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: (nothing): the file is empty; begin it with a line of titles"),
        ("from,to,rtt_ms\n", 'line 1: "from,to,rtt_ms": no row follows the titles; add one'),
        ("form,to,rtt_ms\na,b,1\n", "no column is called from; did you mean 'form'?"),
        ("from,to,rtt\na,b,1\n", "no column is called one of rtt_us, rtt_ms, rtt_s; have one"),
        ("from,to,rtt_ms,rtt_us\na,b,1,1000\n", "more than one column is called one of"),
        ("from,to,to,rtt_ms\na,b,c,1\n", 'line 1: "to": two columns have this title; rename one'),
        ("rtt_ms,a,b/c\na,0,1\n", 'line 1: title = "b/c": cannot name a region'),
        (
            f"rtt_ms,a,b\na,0,{10**16}\n",
            f'line 2: b = "{10**16}": more than 15 digits; round it, or check the unit',
        ),
        ("rtt_ms,a,b\na,0,x\n", 'line 2: b = "x": not a number'),
        ("rtt_ms\na\n", "no region stands beside the corner"),
        ("rtt_ms,a\na,0\n", "no pair of two regions; add one"),
        ("rtt_ms,a,b\na,0,1\na,0,2\n", 'line 3: "a to a": line 2 has this pair already'),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, told: str) -> None:
    assert told in "\n".join(problems(text))


def test_the_refusal_keeps_line_value_and_rule_apart() -> None:
    with pytest.raises(MalformedRows) as refused:
        read_rtt_matrix("from,to,rtt_ms\na,b,x\n", "rtt.csv")
    (problem,) = refused.value.problems
    assert (problem.line, problem.value, problem.rule) == (2, 'rtt_ms = "x"', "not a number")
