"""Every cell of the crash table keeps its promise, and a store with one thing wrong loses some cell."""

from __future__ import annotations

import pytest

from experiments.crashes import POINTS, SCHEMES, CellResult, replicas, summary, table, to_html, to_text
from experiments.crashes.cells import cells, why_not
from experiments.crashes.tables import of_scheme
from experiments.crashes.world import act, pick, rehearse
from models.store.schemes import Recovery
from models.store.shard import Shard
from sim.faults import CrashKind
from sim.history import Kind
from tests.experiments.crashes import broken

CRASH, POWER = CrashKind.PROCESS_CRASH, CrashKind.POWER_LOSS
#: Where a scheme may lose something, which some cell must show: (kind, recovery).
LOSSES = {
    "local-mem+40ms": {(kind, recovery) for kind in CrashKind for recovery in Recovery},
    "local-persist": {(kind, Recovery.ELSEWHERE) for kind in CrashKind},
    "local-persist-periodic+40ms": {
        *((POWER, recovery) for recovery in Recovery),
        (CRASH, Recovery.ELSEWHERE),
    },
    "multi-mem:2/3": set(),
    "multi-persist:2/3": set(),
    "delayed-ship:1/3@host+40ms": {(kind, Recovery.ELSEWHERE) for kind in CrashKind},
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_cell_keeps_its_promise(scheme: str) -> None:
    """Each struck twice, on two hosts where two pass the point."""
    results = list(of_scheme(scheme, strikes=2))

    assert [(one.point, one.kind, one.recovery, one.detail) for one in results if not one.holds] == []
    assert len(results) == 108
    assert [one.point for one in results if one.applies and not one.hits] == []
    assert {(one.kind, one.recovery) for one in results if one.lost} == LOSSES[scheme]
    assert {one.duplicated for one in results} == {0}
    assert all(one.lost <= one.lost_allowed for one in results)


def test_every_point_applies_somewhere() -> None:
    assert [point for point in POINTS if all(why_not(point, scheme) for scheme in SCHEMES)] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_rehearsal_meets_just_the_points_that_apply(scheme: str) -> None:
    passed = {one.point for slow in (False, True) for one in rehearse(scheme, slow=slow).passages}

    assert passed - set(replicas.POINTS) == {point for point in POINTS if why_not(point, scheme) is None}


def test_a_cell_is_small() -> None:
    rehearsal = rehearse("multi-persist:2/3")

    assert len({row.op for row in rehearsal.ended.rows}) <= 20
    assert len(rehearsal.ended.members) == 3


def test_a_cell_is_its_rehearsal_up_to_the_crash() -> None:
    scheme = "delayed-ship:1/3@host+40ms"
    rehearsal = rehearse(scheme)
    for cell in cells(scheme):
        if cell.point == "N2":
            (passage,) = pick(rehearsal, cell.point)
            ended = act(cell, rehearsal, passage)
            before = [row for row in rehearsal.ended.rows if row.t_us <= passage.t_us]

            assert ended.crashed_us == passage.t_us
            assert [row for row in ended.rows if row.t_us <= passage.t_us] == before


def test_a_client_that_comes_back_is_told_the_same_once_more() -> None:
    rehearsal = rehearse("local-persist")
    (cell,) = [cell for cell in cells("local-persist") if cell[:3] == ("C13", CRASH, Recovery.AT_ONCE)]
    ended = act(cell, rehearsal, pick(rehearsal, "C13")[0])
    told: dict[int, set[tuple[object, ...]]] = {}
    for row in ended.rows:
        if row.kind is not Kind.INVOKE:
            told.setdefault(row.op, set()).add((row.kind, row.value, row.version))

    assert sum(row.op == 3 and row.kind is Kind.OK for row in ended.rows) == 2
    assert all(len(answers) == 1 for answers in told.values())


def test_the_table_is_the_same_again_and_in_two_processes() -> None:
    told: list[tuple[int, int]] = []
    two = SCHEMES[:2]
    once = table(lambda done, total: told.append((done, total)), schemes=two)

    assert table(jobs=2, schemes=two) == once
    assert told[0] == (1, 216)
    assert told[-1] == (216, 216)
    assert [(one.point, one.kind, one.recovery, one.scheme) for one in once] == [
        tuple(cell) for scheme in two for cell in cells(scheme)
    ]


# -- stores with one thing wrong -----------------------------------------------------------------


#: Points of the leader that a command passes.
SERVED = ("C3", "C5", "C10", "C11")


@pytest.mark.parametrize(
    ("make", "scheme", "points", "kinds", "told"),
    [
        # What the page cache has outlives the process: only the power tells.
        (broken.Hasty, "local-persist", SERVED, {POWER}, "is lost"),
        (broken.Sluggish, "local-mem+40ms", SERVED, {CRASH, POWER}, "is lost"),
        (broken.Sluggish, "local-persist-periodic+40ms", SERVED, {POWER}, "is lost"),
        (broken.Trusting, "multi-mem:2/3", SERVED, {CRASH, POWER}, "is lost"),
        (broken.Credulous, "local-mem+40ms", ("N4",), {CRASH, POWER}, ""),
        (broken.Amnesiac, "local-persist", ("C14",), {CRASH, POWER}, "has two events"),
        (broken.Amnesiac, "multi-mem:2/3", ("C13",), {CRASH, POWER}, "has two events"),
        (broken.Forgetful, "local-persist", ("N3",), {CRASH, POWER}, "has two events"),
        (broken.Rash, "local-persist", ("N3",), {CRASH, POWER}, "is lost"),
        (broken.Presuming, "local-persist", ("C11",), {CRASH, POWER}, "the subscriber has"),
    ],
)
def test_a_broken_store_loses_a_cell(
    make: type[Shard], scheme: str, points: tuple[str, ...], kinds: set[CrashKind], told: str
) -> None:
    found = list(of_scheme(scheme, points, strikes=3, make=make))

    red = [one for one in found if not one.holds]
    assert {one.kind for one in red if told in one.detail} == kinds
    assert {one.kind for one in red} == kinds
    assert all(one.hits for one in found)


def test_no_hit_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.crashes.tables.pick", lambda rehearsal, point, strikes: ())

    (first, *_) = of_scheme("local-persist", ("C5",))

    assert (first.hits, first.holds) == (0, False)
    assert first.detail == "it was never passed with a command in flight"


def test_a_point_that_is_passed_where_it_should_not_be_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.crashes.tables.why_not", lambda point, scheme: "it cannot be")

    (first, *_) = of_scheme("local-persist", ("C14",))

    assert (first.applies, first.holds) == (False, False)
    assert first.detail == "it was passed 2 times all the same"


# -- the table as people read it -----------------------------------------------------------------


def result(**changes: object) -> CellResult:
    plain: dict[str, object] = {
        "point": "C3",
        "kind": CRASH,
        "recovery": Recovery.AT_ONCE,
        "scheme": "local-persist",
        "applies": True,
        "reason": "",
        "hits": 1,
        "promised": "nothing",
        "lost": 0,
        "lost_allowed": 0,
        "duplicated": 0,
        "holds": True,
        "detail": "",
    }
    return CellResult(**plain | changes)  # type: ignore[arg-type]


def test_the_table_is_told() -> None:
    whole = [result(kind=kind, recovery=recovery) for kind in CrashKind for recovery in Recovery]
    broke = [*whole[:-1], result(kind=POWER, recovery=Recovery.ELSEWHERE, lost=2, holds=False, detail="2 <gone>")]

    assert summary(whole).endswith("every promise was kept.")
    assert "1 cells differ from their promise" in summary(broke)
    assert "!! C3, power-loss, another host: 2 <gone>" in to_text(broke)
    assert 'class="bad" title="2 &lt;gone&gt;">2/0' in to_html(broke)
    assert to_html(whole).count("<tr>") == 3
