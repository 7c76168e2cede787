"""Every cell of the table of replication keeps its promise, and members with one thing wrong lose some cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.crashes.replicas import POINTS, SCHEMES, finding_of, summary, to_html
from experiments.crashes.replicas.cells import WEATHER, Weather, cells, why_not
from experiments.crashes.replicas.runs import act, choose, rehearse
from experiments.crashes.replicas.tables import ReplicaResult, of_scheme
from models.store.schemes import Recovery
from models.store.shard import Shard
from tests.experiments.crashes import broken_replicas as broken

SHIPPED = "delayed-ship:1/3@host+40ms"


@pytest.fixture(scope="module")
def found() -> dict[str, list[ReplicaResult]]:
    """The whole table, each cell struck twice, on two hosts where two pass the point."""
    return {scheme: list(of_scheme(scheme, count=2)) for scheme in SCHEMES}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_cell_keeps_its_promise(scheme: str, found: dict[str, list[ReplicaResult]]) -> None:
    results = found[scheme]

    assert [(str(one.cell), one.wrong) for one in results if one.wrong] == []
    assert [str(one.cell) for one in results if not one.reason and not one.hits] == []
    assert [one.cell for one in results] == list(cells(scheme))
    assert all(one.lost <= one.lost_allowed for one in results)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_only_who_acknowledges_alone_loses_or_retracts(scheme: str, found: dict[str, list[ReplicaResult]]) -> None:
    """And only where its host never comes back, or another took its place while it was cut off."""
    lossy = [one for one in found[scheme] if one.lost]

    assert bool(lossy) == (scheme == SHIPPED)
    assert all(
        one.cell.point == "R3" or one.cell.kind is None or one.cell.recovery is Recovery.ELSEWHERE for one in lossy
    )
    assert [one for one in found[scheme] if one.retracted and not one.lost] == []


def test_a_consumer_takes_back_what_a_deposed_leader_published(found: dict[str, list[ReplicaResult]]) -> None:
    (cut,) = [one for one in found[SHIPPED] if one.cell.point == "R5" and one.cell.kind is None]

    assert cut.retracted > 0
    assert cut.aside == cut.lost > 0


def test_every_point_applies_somewhere() -> None:
    assert [point for point in POINTS if all(why_not(point, scheme) for scheme in SCHEMES)] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_weather_of_a_point_makes_it_pass_where_it_applies(scheme: str) -> None:
    passed = {
        weather: {one.point for one in rehearse(scheme, weather).passages} for weather in sorted(set(WEATHER.values()))
    }

    assert {point for point in POINTS if point in passed[WEATHER[point]]} == {
        point for point in POINTS if why_not(point, scheme) is None
    }


def test_a_cell_is_small() -> None:
    ended = rehearse("multi-persist:2/3", Weather.DEPOSED).ended

    assert len({row.op for row in ended.rows if row.t_us < ended.desk_us}) <= 20
    assert len(ended.members) == 3


def test_a_cell_is_its_rehearsal_up_to_what_strikes() -> None:
    rehearsal = rehearse(SHIPPED, Weather.DEPOSED)
    (passage,) = choose(rehearsal, "R3", 1)
    for cell in cells(SHIPPED):
        if cell.point == "R3":
            ended = act(cell, rehearsal, passage)

            assert ended.crashed_us == passage.t_us
            before = [[row for row in one.rows if row.t_us <= passage.t_us] for one in (ended, rehearsal.ended)]
            assert before[0] == before[1]


# -- members with one thing wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "scheme", "points", "told"),
    [
        (broken.Careless, SHIPPED, ("R3", "R4", "R5"), "nobody has set them aside"),
        (broken.Stubborn, "multi-persist:2/3", ("R3",), "is lost"),
        (broken.Withholding, "multi-persist:2/3", ("R6",), "holds another log than the leader"),
        (broken.Presuming, "multi-mem:2/3", ("R1",), "would leave a gap"),
    ],
)
def test_a_broken_member_loses_a_cell_at_every_point(
    make: type[Shard], scheme: str, points: tuple[str, ...], told: str
) -> None:
    found = list(of_scheme(scheme, points, make=make))

    assert {one.cell.point for one in found if any(told in wrong for wrong in one.wrong)} == set(points)
    assert [str(one.cell) for one in found if any("never passed" in wrong for wrong in one.wrong)] == []


def test_no_hit_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.crashes.replicas.tables.choose", lambda rehearsal, point, count: ())

    (first, *_) = of_scheme("multi-mem:2/3", ("R1",))

    assert (first.hits, first.wrong) == (0, ("it was never passed",))


def test_a_point_that_is_passed_where_it_should_not_be_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.crashes.replicas.tables.why_not", lambda point, scheme: "it cannot be")

    (first, *_) = of_scheme("multi-mem:2/3", ("R1",))

    assert first.wrong[0].startswith("it was passed ")


# -- the table as people read it -------------------------------------------------------------------


def test_the_table_is_told() -> None:
    whole = [ReplicaResult(cell=cell, hits=1, promised="nothing") for cell in cells("multi-mem:2/3")]
    broke = [*whole[:-1], replace(whole[-1], lost=2, wrong=("2 <gone>",))]

    assert summary(whole).endswith("every promise was kept.")
    assert "1 cells differ from their promise" in summary(broke)
    assert 'class="bad" title="2 &lt;gone&gt;">2/0' in to_html(broke)
    assert to_html(whole).count("<tr>") == 1 + len(POINTS)


def test_a_red_cell_or_one_that_was_not_struck_fails_the_claim() -> None:
    whole = [ReplicaResult(cell=cell, hits=1) for cell in cells("multi-mem:2/3")]

    assert finding_of(whole).holds
    assert finding_of([*whole[:-1], replace(whole[-1], wrong=("2 are lost",))]).holds is False
    assert finding_of([*whole[:-1], replace(whole[-1], hits=0)]).holds is False
