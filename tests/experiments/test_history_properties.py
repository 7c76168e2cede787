"""Properties that a history alone answers: each accepts a sound one and rejects one that shows its anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest

from experiments.evidence import Evidence
from experiments.properties import PROPERTIES, judge
from experiments.properties.histories import HISTORIES
from experiments.scenario import Mode, PropertyUse, ScenarioError, load, parse
from experiments.scenario.property import claim
from sim.checkers import Outcome, Verdict
from sim.history import History, Kind, Operation

SCENARIO = load("no_fault")
S = 1_000_000


def seen(*rows: Sequence[Any], records: str, **more: Any) -> Evidence:
    """Evidence of operations that follow each other: (f, argument, answer, version, session), a second apart."""
    history = History()
    for op, row in enumerate(rows, 1):
        f, asked, answer, version, session = (*row, *(None,) * (4 - len(row)), "s0")[:5]
        client = f"{session}-client" if session and session.startswith("audit/") else "a"
        history.append(op * S, client, Operation(op, Kind.INVOKE, f, 0, asked, None, session or ""))
        history.append(op * S + S // 2, client, Operation(op, Kind.OK, f, 0, answer, version, session or ""))
    base: dict[str, Any] = {"scenario": SCENARIO, "seed": 0, "utilisation": {}, "network": {}, "digest": ""}
    return Evidence(history=history, records=records, **base | more)


SOUND = {
    "append-log": seen(
        ("append", 7, None, 1),
        ("read", None, (7,), 1),
        ("append", 8, None, 2),
        ("read", None, (7, 8), 2, "audit/0"),
        records="append-log",
    ),
    "register": seen(
        ("write", 7, 7, 1),
        ("read", None, 7, 1),
        ("write", 8, 8, 2),
        ("read", None, 8, 2, "audit/0"),
        records="register",
    ),
}
REJECTED = {
    "linearizable": seen(("write", 7, 7, 1), ("read", None, None, 0), records="register"),
    "append_only": seen(("append", 7, None, 1), ("append", 8, None, 3), ("read", None, (8,), 3), records="append-log"),
    "read_your_writes": seen(("write", 7, 7, 2), ("read", None, 5, 1), records="register"),
    "monotonic_reads": seen(("read", None, 7, 2), ("read", None, 5, 1), records="register"),
    "monotonic_writes": seen(("write", 7, 7, 2), ("write", 8, 8, 1), records="register"),
    "causal": seen(("write", 7, 7, 1), ("read", None, 9, 1), records="register"),
    "bounded_staleness": seen(("write", 7, 7, 1), ("read", None, None, 0), records="register"),
    "converged": seen(
        ("add", 7, None),
        ("read", None, (7,), None, "audit/0"),
        ("read", None, (), None, "audit/1"),
        records="set",
    ),
    "durable": seen(("add", 7, None), ("read", None, (), None, "audit/0"), records="set"),
    "no_lost_updates": seen(("write", 7, 7, 1), ("write", 8, 8, 1), records="register"),
    "no_duplicate_effects": seen(("append", 7, None, 1), ("read", None, (7, 7), 2), records="append-log"),
    "no_aborted_reads": seen(("write", 7, 7, 1), ("read", None, 9, 2), records="register"),
    "writes_follow_reads": seen(("read", None, 7, 2), ("write", 8, 8, 1), records="register"),
}


def test_every_property_of_histories_has_a_rejected_one() -> None:
    assert set(REJECTED) == {prop.name for prop in HISTORIES}


@pytest.mark.parametrize("prop", HISTORIES, ids=lambda prop: prop.name)
def test_a_sound_history_is_accepted_and_its_anomaly_rejected(prop: Any) -> None:
    for records, evidence in SOUND.items():
        if records in prop.records:
            assert prop.holds(evidence).outcome is Outcome.VALID
    verdict = prop.holds(REJECTED[prop.name])
    assert verdict.outcome is Outcome.INVALID
    assert verdict.witness
    assert verdict.reason


def test_parameters_of_a_claim_reach_its_judge() -> None:
    stale = seen(("append", 7, None, 1), ("read", None, (), 0), records="append-log")
    strict = PropertyUse(name="append_only", mode=Mode.ALWAYS)
    lenient = PropertyUse(name="append_only", mode=Mode.ALWAYS, params={"stale_reads": True})
    assert judge(stale, [strict])["append_only"].outcome is Outcome.INVALID
    assert judge(stale, [lenient])["append_only"].outcome is Outcome.VALID


# -- how a scenario claims them -----------------------------------------------------------------


def quiet(evidence: Evidence, *, most: int = 4) -> Verdict:
    """A user's own claim: few operations."""
    good = len(evidence.history) <= 2 * most
    return Verdict(Outcome.VALID if good else Outcome.INVALID, (), "" if good else "too many")


def problems(*claims: dict[str, Any]) -> list[str]:
    document = deepcopy(dict(SCENARIO.document))
    document["property"] = list(claims)
    try:
        parse(document, name="x", file="x.toml")
    except ScenarioError as refused:
        return [line.removeprefix("x.toml: ") for line in refused.lines()]
    return []


def test_a_user_names_a_property_of_their_own() -> None:
    name = f"{__name__}:quiet"
    document = deepcopy(dict(SCENARIO.document))
    document["property"] = [{"name": name, "mode": "always", "params": {"most": 1}}]
    use = parse(document, name="x").properties[0]
    assert use.params == {"most": 1}
    assert judge(SOUND["register"], [use])[name].outcome is Outcome.INVALID
    assert judge(SOUND["register"], [PropertyUse(name=name, mode=Mode.ALWAYS)])[name].outcome is Outcome.VALID


def test_what_cannot_be_claimed_is_told_at_once() -> None:
    told = problems(
        {"name": "append_only", "mode": "always"},
        {"name": "read_your_writes", "mode": "always"},
    )
    assert told == [
        (
            'property[0].name = "append_only": is about append-log, and the clients of this system record "bank"; '
            "claim another"
        ),
        (
            'property[1].name = "read_your_writes": is about append-log or cas-register or reading or register, and '
            'the clients of this system record "bank"; claim another'
        ),
    ]
    assert problems({"name": "settled", "mode": "always", "params": {"wihtin": "5s"}}) == [
        'property[0].params.wihtin = "5s": unknown option; it takes none'
    ]
    (missing,) = problems({"name": "tests.nowhere:claim", "mode": "always"})
    assert missing.startswith("property[0].name = \"tests.nowhere:claim\": there is no module 'tests.nowhere'")


def test_every_property_says_what_it_claims() -> None:
    for prop in PROPERTIES.values():
        assert prop.doc.endswith("."), prop.name
        assert len(prop.doc) > 20


def test_a_claim_needs_no_docstring() -> None:
    def bare(evidence: Evidence) -> Verdict:
        return Verdict(Outcome.VALID)

    assert claim(bare).doc == ""
