"""Histories: appending, pairing, and a file format whose errors name their line."""

from pathlib import Path

import pytest

from sim.history import History, Kind, Operation


def history(*rows: tuple[int, int, Kind]) -> History:
    """Rows of (instant, operation, kind) by one client."""
    made = History()
    for t_us, op, kind in rows:
        made.append(t_us, "c", Operation(op, kind, "deposit", 7, 10))
    return made


def test_rows_are_numbered_as_they_come() -> None:
    made = history((0, 1, Kind.INVOKE), (5, 1, Kind.OK))
    assert list(made) == [
        (0, 0, "c", "", 1, "invoke", "deposit", 7, 10, None),
        (1, 5, "c", "", 1, "ok", "deposit", 7, 10, None),
    ]


def test_a_row_before_the_last_is_refused() -> None:
    made = history((5, 1, Kind.INVOKE))
    with pytest.raises(ValueError, match="lies before"):
        made.append(4, "c", Operation(1, Kind.OK, "deposit", 7, 10))


def test_pairs_come_by_invocation_and_the_open_one_has_no_ending() -> None:
    made = history((0, 1, Kind.INVOKE), (1, 2, Kind.INVOKE), (2, 3, Kind.INVOKE), (3, 2, Kind.INFO), (4, 1, Kind.FAIL))
    pairs = [(begin.op, end and (end.t_us, end.kind)) for begin, end in made.pairs()]
    assert pairs == [(1, (4, "fail")), (2, (3, "info")), (3, None)]


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 1, Kind.OK)],
        [(0, 1, Kind.INVOKE), (1, 1, Kind.INVOKE)],
        [(0, 1, Kind.INVOKE), (1, 1, Kind.OK), (2, 1, Kind.INFO)],
    ],
)
def test_a_history_that_is_not_well_formed_has_no_pairs(rows: list[tuple[int, int, Kind]]) -> None:
    with pytest.raises(ValueError, match="does not fit what came before"):
        list(history(*rows).pairs())


def test_a_file_holds_all_that_a_history_held(tmp_path: Path) -> None:
    made = History()
    made.append(0, "a/b/c", Operation(1 << 48, Kind.INVOKE, "read", "k", None))
    made.append(3, "a/b/c", Operation(1 << 48, Kind.OK, "read", "k", (1, ("x", None)), 4, "s1"))
    made.to_jsonl(tmp_path / "h.jsonl")
    assert History.from_jsonl(tmp_path / "h.jsonl") == made


GOOD = '{"i":0,"t_us":0,"client":"c","session":"","op":1,"kind":"invoke","f":"f","key":1,"value":1,"version":null}'


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("{", "Expecting"),
        ("[]", "exactly i, t_us, client"),
        ('{"i":0}', "exactly i, t_us, client"),
        (GOOD, "rows count 0, 1, 2"),
        (GOOD.replace('"i":0', '"i":1').replace('"invoke"', '"maybe"'), "use one of invoke, ok, fail, info"),
        (GOOD.replace('"i":0', '"i":1').replace('"t_us":0', '"t_us":0.5'), "t_us = 0.5: this field holds int"),
        (GOOD.replace('"i":0', '"i":true'), "i = True"),
        (GOOD.replace('"i":0', '"i":1').replace('"t_us":0', '"t_us":-1'), "a run begins at 0"),
        (GOOD.replace('"i":0', '"i":1').replace('"value":1', '"value":{}'), "int or str or null"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(line: str, rule: str, tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n")
    with pytest.raises(ValueError, match=rf"h\.jsonl:3: .*{rule}"):
        History.from_jsonl(path)
