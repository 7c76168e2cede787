"""Two detectors side by side: the system that scenarios of detectors choose from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.measures.observation import Observation, observe
from experiments.properties import PROPERTIES
from experiments.scenario import Scenario, load, parse
from models.detection_end import DetectionEnd, Mind
from models.ledger import Ledger
from sim.checkers import Outcome

NAMES = ("calm", "copied_heartbeats", "paused_monitor", "simplex_cut")


def of(name: str, **system: object) -> Scenario:
    document = dict(load(f"detector_{name}").document)
    return parse(document | {"system": {**document["system"], **system}}, name=name)


@pytest.mark.parametrize("name", NAMES)
def test_each_trouble_fools_the_one_and_not_the_other(name: str) -> None:
    scenario = load(f"detector_{name}")
    seen = observe(scenario, 3)
    for use in scenario.properties:
        verdict = PROPERTIES[use.name].holds(seen, **use.params)
        assert verdict.outcome is Outcome.VALID, f"{use.name}: {verdict.reason}"


@pytest.mark.parametrize("kind", ["fixed:1s", "mean-new", "nfd-e", "akka", "cassandra", "swim", "lifeguard"])
def test_every_kind_notices_a_host_that_died(kind: str) -> None:
    document = dict(of("calm", fails=kind).document)
    fault = {"id": "dead", "kind": "process-crash", "targets": ["east/c1/h5"], "at": "25s"}
    scenario = parse(document | {"fault": [fault], "property": []}, name="dead")
    end = observe(scenario, 1).ledger.detection
    assert end is not None
    assert {mind.subject for mind in end.verdicts["fails"] if mind.suspected} == {"east/c1/h5"}


def test_without_a_guard_the_fooled_would_not_be_the_only_one() -> None:
    seen = observe(of("paused_monitor", holds="cassandra"), 0)
    assert PROPERTIES["suspects_at_most"].holds(seen).outcome is Outcome.INVALID


def seen(end: DetectionEnd | None) -> Observation:
    ledger = Ledger(final={}, balances={}, divergent=(), conflicts=0, watermark="applied")
    return Observation(
        scenario=load("detector_calm"),
        seed=0,
        utilisation={},
        network={},
        digest="d",
        answers=(),
        ledger=replace(ledger, detection=end),
        progress=(),
        noted={},
        cut=None,
    )


def test_properties_count_what_was_suspected_and_what_was_declared_dead() -> None:
    minds = (Mind(5, "a", "b", True), Mind(6, "a", "b", False), Mind(7, "a", "c", True))
    found = seen(DetectionEnd(minds={"fails": minds, "holds": ()}, verdicts={"fails": minds[2:], "holds": ()}))

    def outcome(name: str, **params: object) -> Outcome:
        return PROPERTIES[name].holds(found, **params).outcome

    assert outcome("suspects_at_most", who="fails", most=1) is Outcome.INVALID
    assert outcome("suspects_at_most", who="fails", most=1, but="c") is Outcome.VALID
    assert outcome("suspects_at_least", least=2) is Outcome.VALID
    assert outcome("convicts_at_least", least=2) is Outcome.INVALID
    assert outcome("convicts_at_most", who="fails") is Outcome.INVALID
    assert outcome("convicts", who="fails", whom="c", from_us=2, within_us=5) is Outcome.VALID
    assert outcome("convicts", who="fails", whom="c", from_us=2, within_us=4) is Outcome.INVALID
    assert outcome("convicts", who="fails", whom="b", from_us=2, within_us=4) is Outcome.INVALID
    assert outcome("suspects_at_most", who="neither") is Outcome.UNKNOWN
    assert PROPERTIES["convicts_at_most"].holds(seen(None)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ({"fails": "mean:0", "holds": "phi of 0"}, "(?s)factor=0.0 is not above 0.*count=0 is not above 0"),
        ({"holds": "guarded cassandra"}, "a guard needs looks"),
        ({"eta": "1us"}, 'eta = "1 us": no interval'),
        ({"fails": "hunch"}, "hunch"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(system: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        of("calm", **system)
