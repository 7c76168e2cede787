"""A scenario's document as TOML, and schedules written into it: what is written reads back equal."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.nemesis import drawn_for
from experiments.scenario import load, parse, shipped
from experiments.scenario.toml import to_toml
from sim.faults import Fault, Trigger

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_any_document_reads_back_equal(document: dict[str, Any]) -> None:
    read = tomllib.loads(to_toml(document))
    assert read == document
    assert repr(read) == repr({key: read[key] for key in read})  # true stays true and 1.0 stays a float
    assert types_in(read) == types_in(document)


def types_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: types_in(inner) for key, inner in value.items()}
    return [types_in(inner) for inner in value] if isinstance(value, list) else type(value)


def test_a_document_is_written_as_a_person_would() -> None:
    document = {
        "question": 'Who is "home"?',
        "topology": {"regions": ["a", "b"], "hosts": 2},
        "latency": {"table": "uniform", "noise": {"kind": "constant"}, "slow": [{"kind": "loss", "loss": 0.5}]},
        "fault": [{"id": "x", "at": {"point": "C7"}, "params": {"torn": True}}, {"id": "y"}],
    }
    assert to_toml(document).splitlines() == [
        'question = "Who is \\"home\\"?"',
        "",
        "[topology]",
        'regions = ["a", "b"]',
        "hosts = 2",
        "",
        "[latency]",
        'table = "uniform"',
        "",
        "[latency.noise]",
        'kind = "constant"',
        "",
        "[[latency.slow]]",
        'kind = "loss"',
        "loss = 0.5",
        "",
        "[[fault]]",
        'id = "x"',
        'at = { point = "C7" }',
        "params = { torn = true }",
        "",
        "[[fault]]",
        'id = "y"',
    ]


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="None has no place in a scenario"):
        to_toml({"run": {"until": None}})


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_is_the_same_when_it_was_written_and_read(name: str) -> None:
    scenario = load(name)
    again = parse(tomllib.loads(scenario.to_toml()), name=scenario.name, beside=scenario.beside)
    assert again.fingerprint() == scenario.fingerprint()
    # Faults alone written afresh, imports among them resolved, are the same faults to the microsecond.
    written = scenario.with_faults(scenario.faults)
    assert written.faults == scenario.faults
    assert parse(tomllib.loads(written.to_toml()), name="x", beside=scenario.beside).faults == scenario.faults


def test_faults_are_exact_to_the_microsecond_in_a_document() -> None:
    scenario = load("isolate_region")
    faults = (
        Fault(id="a", kind="partition-full", targets=("us-east-1",), at=1_234_567, for_us=7_654_321),
        Fault(
            id="b",
            kind="power-loss",
            targets=("@here",),
            at=Trigger(point="C7", nth=3, host="us-east-1/c1/h1", since_us=1, until_us=59_999_999),
            for_us=None,
            params={"torn": True},
        ),
        Fault(id="c", kind="clock-jump", targets=("*",), at=0, for_us=None, params={"by": "-1.000001 s"}),
        Fault(
            id="d",
            kind="partition-partial",
            targets=("us-west-2", "us-east-1/c1"),
            at=Trigger(note="stable"),
            for_us=1,
            params={"against": ("eu-west-1",)},
        ),
    )
    changed = scenario.with_faults(faults)
    assert changed.faults == faults
    assert parse(tomllib.loads(changed.to_toml()), name="x").faults == faults
    assert changed.fingerprint() != scenario.fingerprint()
    assert scenario.with_faults(()).faults == ()
    assert parse(tomllib.loads(scenario.with_faults(()).to_toml()), name="x").faults == ()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_drawn_can_be_written(seed: int) -> None:
    scenario = load("isolate_region")
    faults = drawn_for(scenario, seed).faults
    written = scenario.with_faults(faults)
    assert parse(tomllib.loads(written.to_toml()), name="x").faults == faults
