"""Bounded staleness in time and in versions, and the same by looking at every write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.checkers import Budget, Outcome
from sim.checkers.reading import attempts_of
from sim.checkers.staleness import StalenessSpec, bounded_staleness, staleness
from sim.history import History, Kind
from tests.sim.checkers.draws import drawn, histories
from tests.sim.checkers.scripts import script

BEHIND = """
1 invoke write x 5 t0
1 ok 5 v1 t100
2 invoke write x 6
2 ok 6 v2 t200
3 invoke write x 7
3 ok 7 v3 t300
4 invoke read x t900
4 ok 5 v1 t950
"""


@pytest.mark.parametrize(
    ("spec", "witness"),
    [
        (StalenessSpec(bound_us=700), ()),
        (StalenessSpec(bound_us=699), (2, 4)),
        (StalenessSpec(bound_versions=2), ()),
        (StalenessSpec(bound_versions=1), (3, 4)),
        (StalenessSpec(bound_us=700, bound_versions=1), (3, 4)),
    ],
)
def test_bounds_are_inclusive(spec: StalenessSpec, witness: tuple[int, ...]) -> None:
    verdict = bounded_staleness(script(BEHIND), spec)
    assert verdict.witness == witness
    assert verdict.valid is (not witness)


def test_the_reason_says_how_stale() -> None:
    by_time = bounded_staleness(script(BEHIND), StalenessSpec(bound_us=0)).reason
    by_version = bounded_staleness(script(BEHIND), StalenessSpec(bound_versions=0)).reason
    assert by_time == "read 4 of 'x' misses write 2, acknowledged 700 us before; allowed are 0 us"
    assert by_version == "read 4 of 'x' is 2 versions behind write 3; allowed are 0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 invoke write x 5\n1 info\n2 invoke read x\n2 ok - v0",
        "1 invoke write x 5\n1 fail\n2 invoke read x\n2 ok - v0",
        "1 invoke write x 5\n2 invoke read x\n1 ok 5 v1\n2 ok - v0",  # at once
        "1 invoke write x 5\n1 ok 5 v1\n2 invoke read y\n2 ok - v0",
        "1 invoke write x 5 t5\n1 info\n2 invoke read x t7\n2 ok 5 v1",  # what was in doubt did happen
    ],
)
def test_only_what_was_acknowledged_before_makes_a_read_stale(text: str) -> None:
    assert bounded_staleness(script(text), StalenessSpec(bound_us=0, bound_versions=0)).valid


def test_at_one_instant_a_read_is_stale_by_nothing() -> None:
    history = script("1 invoke write x 5 t7\n1 ok 5 v1 t7\n2 invoke read x t7\n2 ok - v0 t7")
    assert bounded_staleness(history, StalenessSpec(bound_us=0)).valid
    assert bounded_staleness(history, StalenessSpec(bound_versions=0)).witness == (1, 2)


def test_streams_have_versions_too() -> None:
    history = script("1 invoke append x 5\n1 ok - v1\n2 invoke read x\n2 ok ()")
    assert bounded_staleness(history, StalenessSpec(bound_versions=0)).witness == (1, 2)


def test_without_versions_nothing_is_said() -> None:
    history = script("1 invoke write x 5\n1 ok 5\n2 invoke read x\n2 ok 5")
    verdict = bounded_staleness(history, StalenessSpec(bound_us=0))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (1, 2))
    assert bounded_staleness(history, StalenessSpec(bound_us=0), Budget(states=3)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("bounds", [{}, {"bound_us": -1}, {"bound_us": 1, "bound_versions": -1}])
def test_a_bound_is_needed(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give a bound"):
        StalenessSpec(**bounds)
    with pytest.raises(ValueError, match="give a StalenessSpec"):
        bounded_staleness(History())


OPERATIONS = st.one_of(
    drawn(f=st.just("write"), key=st.sampled_from("xxy"), asked=st.integers(1, 9), version=st.integers(1, 5)),
    drawn(f=st.just("read"), key=st.sampled_from("xxy"), answer=st.integers(1, 9), version=st.integers(0, 5)),
    drawn(f=st.just("write"), ending=st.sampled_from([Kind.INFO, None])),
)


@given(histories(OPERATIONS, most=8))
def test_it_agrees_with_looking_at_every_write(history: History) -> None:
    attempts = attempts_of(history)
    expected = []
    for read in attempts:
        if read.f == "read" and read.version is not None:
            writes = [a for a in attempts if a.key == read.key and a.f == "write" and a.ok and a.precedes(read)]
            newer = [(w.end_us, w.version) for w in writes if w.end_us is not None and w.version > read.version]
            if newer:
                by_us = read.begin_us - min(end_us for end_us, _ in newer)
                expected.append((read.op, by_us, max(version for _, version in newer) - read.version))
    assert [(one.read.op, one.by_us, one.versions) for one in staleness(attempts)[0]] == expected
