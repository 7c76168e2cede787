"""The nemesis of a scenario: `[nemesis]` says what is drawn, and what is drawn stands in the document."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest

from experiments.nemesis import with_nemesis
from experiments.scenario import Scenario, ScenarioError, load, parse
from sim.faults import Trigger
from sim.nemesis import FAMILIES, Mode


def scenario(**nemesis: Any) -> Scenario:
    document = deepcopy(dict(load("isolate_region").document))
    document.pop("fault")
    document["run"]["until"] = "30s"
    document["run"]["warm_up"] = "1s"
    document["workload"]["ends"] = "20s"
    if nemesis:
        document["nemesis"] = {key.rstrip("_"): value for key, value in nemesis.items()}
    return parse(document, name="x", file="x.toml")


def told(**nemesis: Any) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        scenario(**nemesis)
    return [line.removeprefix("x.toml: ") for line in refused.value.lines()]


def test_the_schedule_stands_in_the_document_and_nothing_is_left_to_draw() -> None:
    drawn, knobs = with_nemesis(scenario(mode="healing"), 3)
    assert drawn.nemesis is None
    assert "nemesis" not in drawn.document
    assert len(drawn.faults) == knobs.faults == len(drawn.document["fault"]) > 0
    assert with_nemesis(scenario(mode="healing"), 3)[0].fingerprint() == drawn.fingerprint()
    assert with_nemesis(scenario(mode="healing"), 4)[0].fingerprint() != drawn.fingerprint()
    assert pickle.loads(pickle.dumps(drawn)).faults == drawn.faults


def test_where_faults_may_last_nobody_asks_what_is_at_rest() -> None:
    def audited(mode: str) -> int | None:
        document = deepcopy(dict(scenario(mode=mode).document))
        document["workload"]["audit"] = "25s"
        return with_nemesis(parse(document, name="x"), 1)[0].workload.audit_us

    assert {mode: audited(mode) for mode in Mode} == {"unlimited": None, "healing": 25_000_000, "core": 25_000_000}


def test_without_a_word_faults_begin_with_the_load_and_heal_in_time_for_rest() -> None:
    _, knobs = with_nemesis(scenario(), 1)
    assert (knobs.mode, knobs.begins_us, knobs.ends_us, knobs.until_us) == ("healing", 0, 20_000_000, 30_000_000)
    document = deepcopy(dict(scenario().document))
    document["run"]["until"] = "22s"
    _, knobs = with_nemesis(parse(document, name="x"), 1)
    assert knobs.ends_us == 17_000_000


def test_a_run_too_short_to_heal_is_refused() -> None:
    document = deepcopy(dict(scenario().document))
    document["run"]["until"] = "5s"
    document["workload"]["ends"] = "4s"
    with pytest.raises(ScenarioError, match="faults that heal 5 s before the end at 5 s have no time; run longer"):
        with_nemesis(parse(document, name="x"), 1)


def test_the_section_is_heeded() -> None:
    asked = scenario(
        mode="core", families=["crash", "pause"], density=3.0, from_="2s", core_from="8s", core=["us-east-1"]
    )
    drawn, knobs = with_nemesis(asked, 5)
    assert set(knobs.families) <= {"crash", "pause"}
    assert (knobs.mode, knobs.begins_us, knobs.core_us, knobs.core) == ("core", 2_000_000, 8_000_000, ("us-east-1",))
    assert all(isinstance(f.at, Trigger) or f.at >= 2_000_000 for f in drawn.faults)
    rest = scenario(without=["crash", "pause"]).nemesis
    assert rest is not None
    assert rest.families == set(FAMILIES) - {"crash", "pause"}
    kinds = {
        f.kind
        for seed in range(40)
        for f in with_nemesis(scenario(allow=["disk-loss"], families=["disk"]), seed)[0].faults
    }
    assert kinds == {"disk-slow", "disk-full", "power-loss", "disk-loss"}


def test_own_faults_stay_and_keep_their_names() -> None:
    document = deepcopy(dict(scenario(families=["crash"]).document))
    document["fault"] = [{"id": "crash-1", "kind": "host-pause", "targets": ["us-east-1"], "at": "1s", "for": "1s"}]
    own = parse(document, name="x")
    drawn, _ = with_nemesis(own, 1)
    assert drawn.faults[0] == own.faults[0]
    assert "nemesis-crash-1" in {fault.id for fault in drawn.faults}


def test_the_control_has_no_nemesis() -> None:
    assert scenario(mode="unlimited").without_faults().nemesis is None


def test_every_mode_can_be_asked_for() -> None:
    for mode in Mode:
        found = scenario(mode=mode.value).nemesis
        assert found is not None
        assert found.mode is mode


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            {"mode": "heeling", "families": ["halfs"], "allow": ["disk-los"], "density": 0.0, "until": "31s", "x": 1},
            [
                "nemesis.mode = \"heeling\": not one of unlimited, healing, core; did you mean 'healing'?",
                "nemesis.density = 0.0: must be above 0; raise it",
                "nemesis.x = 1: unknown key; known: allow, core, core_from, density, families, from, mode,",
                "nemesis.families = \"halfs\": no such family of faults; did you mean 'halves'?",
                "nemesis.allow = \"disk-los\": no kind that has to be allowed; did you mean 'disk-loss'?",
                'nemesis.until = "31 s": is past the end of the run, "30 s"; end it earlier or run longer',
            ],
        ),
        (
            {"surely": ["disk-loss", "rack"]},
            [
                'nemesis.surely = "rack": no kind that is struck for sure; known: disk-loss',
                'nemesis.surely = "disk-loss": it is not allowed; add it, as in allow = ["disk-loss"]',
            ],
        ),
        (
            {"families": ["halves"], "without": ["crash"]},
            ['nemesis.without = ["crash"]: families are named already; leave one out'],
        ),
        ({"without": list(FAMILIES)}, None),
        ({"families": []}, ["nemesis.families = []: holds fewer than 1; add one"]),
        (
            {"core": ["us-east-9"], "core_from": "5s"},
            [
                'nemesis.core = ["us-east-9"]: mode is "healing"; set mode = "core"',
                'nemesis.core_from = "5 s": mode is "healing"; set mode = "core"',
                'nemesis.core = "us-east-9": names no host here; did you mean',
            ],
        ),
        (
            {"from_": "20s"},
            ['nemesis = { from = "20s" }: faults from 20 s until 20 s have no room; give them at least 10 ms'],
        ),
        (
            {"mode": "core", "core_from": "25s"},
            [
                (
                    'nemesis = { mode = "core", core_from = "25s" }: '
                    "core_from 25 s is not within the faults from 0 s until 20 s; move it"
                )
            ],
        ),
    ],
)
def test_every_mistake_is_told_at_once(section: dict[str, Any], expected: list[str] | None) -> None:
    lines = told(**section)
    if expected is None:
        assert lines[0].endswith("leaves no family; leave one in")
    else:
        assert len(lines) == len(expected), lines
        assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True)), lines
