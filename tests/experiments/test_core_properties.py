"""What a healed core owes: runs written by hand, accepted and rejected, and the core that a nemesis drew."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from experiments.evidence import Evidence
from experiments.nemesis import with_nemesis
from experiments.properties import PROPERTIES, judge
from experiments.regression import judge_seed
from experiments.scenario import Scenario, load, parse
from experiments.scenario.property import Mode, PropertyUse, Sort
from sim.checkers import Outcome
from sim.faults import Encounter, Fault
from sim.history import History, Kind, Operation

S = 1_000_000
SCENARIO = load("isolate_region")
CLIENT = "us-west-2/clients/client1/client"
CORE: dict[str, Any] = {"core": ("us-west-2", "eu-west-1"), "since_us": 10 * S, "within_us": 5 * S}


def run(*rows: tuple[float, str, int, Kind], client: str = CLIENT) -> Evidence:
    history = History()
    for t_s, session, op, kind in sorted(rows, key=lambda row: row[0]):
        operation = Operation(op=op, kind=kind, f="write", key=1, value=1, session=session)
        history.append(round(t_s * S), client, operation)
    return Evidence(scenario=SCENARIO, seed=0, history=history, utilisation={}, network={}, digest="")


def asked(*times: float, first: int = 1, session: str = "") -> list[tuple[float, str, int, Kind]]:
    return [(t_s, session, first + n, Kind.INVOKE) for n, t_s in enumerate(times)]


def done(t_s: float, op: int, kind: Kind = Kind.OK) -> tuple[float, str, int, Kind]:
    return (t_s, "", op, kind)


@pytest.mark.parametrize(
    "seen",
    [
        run(*asked(11, 13, 15), done(15.5, 3)),
        run(*asked(1, 3, 5, 11), done(12, 4)),  # what fails before the core is whole does not count
        run(*asked(11, 30, 31), done(12, 1), done(32, 3)),  # nobody asked in between
        run(*asked(11, 15)),  # no answer yet, and no longer than it may take
        run(*asked(11, 12, 40, session="audit/1"), *asked(11, first=9), done(12, 9)),
    ],
)
def test_a_core_that_serves_is_accepted(seen: Evidence) -> None:
    assert PROPERTIES["core_serves"].holds(seen, **CORE).outcome is Outcome.VALID


def test_a_core_that_stalls_is_rejected_with_what_was_asked_meanwhile() -> None:
    never = PROPERTIES["core_serves"].holds(run(*asked(11, 13, 17), done(13.5, 1, Kind.FAIL)), **CORE)
    assert (never.outcome, never.witness) == (Outcome.INVALID, (1, 2))
    assert never.reason == f"from 11 s to 17 s nothing succeeded for {CLIENT} of the core"
    late = PROPERTIES["core_serves"].holds(run(*asked(11, 14, 18, 19), done(12, 1), done(20, 4)), **CORE)
    assert (late.outcome, late.witness) == (Outcome.INVALID, (2, 3, 4))


def test_without_a_core_or_its_clients_nothing_is_known() -> None:
    outside = run(*asked(11, 17), client="us-east-1/clients/client1/client")
    assert PROPERTIES["core_serves"].holds(outside, **CORE).outcome is Outcome.UNKNOWN
    assert PROPERTIES["core_serves"].holds(run(*asked(11, 17))).outcome is Outcome.UNKNOWN


def audits(*held: tuple[str, str, int], session: str = "audit/") -> Evidence:
    """What each client's audit of its one replica read, after one acknowledged write of 5."""
    history = History()
    rows = [(CLIENT, "", "write", 5, 5)]
    rows += [(f"{host}/client", f"{session}{replica}", "read", None, value) for host, replica, value in held]
    for op, (client, name, f, asked_for, answer) in enumerate(rows):
        for kind, value in ((Kind.INVOKE, asked_for), (Kind.OK, answer)):
            operation = Operation(op=op, kind=kind, f=f, key=1, value=value, session=name)
            history.append(2 * op + (kind is Kind.OK), client, operation)
    return Evidence(
        scenario=SCENARIO, seed=0, records="register", history=history, utilisation={}, network={}, digest=""
    )


def test_replicas_of_the_core_agree_whatever_those_outside_hold() -> None:
    core = CORE["core"]
    inside, outside = ("us-west-2/clients/client1", "1", 5), ("us-east-1/clients/client1", "0", 4)
    behind = ("eu-west-1/clients/client1", "2", 4)
    converges = PROPERTIES["core_converges"]
    assert converges.holds(audits(inside, outside, (*behind[:2], 5)), core=core).outcome is Outcome.VALID
    assert converges.holds(audits(inside, outside, behind), core=core).outcome is Outcome.INVALID
    assert converges.holds(audits(inside, outside, behind)).outcome is Outcome.UNKNOWN


def test_what_ought_to_come_right_is_unknown_while_faults_last() -> None:
    torn = audits(("us-west-2/clients/client1", "1", 5), ("eu-west-1/clients/client1", "2", 4))
    use = PropertyUse(name="converged", mode=Mode.ALWAYS)
    assert judge(torn, [use])["converged"].outcome is Outcome.INVALID
    cut = Fault(id="cut", kind="partition-full", targets=("us-east-1",), at=0, for_us=None)
    for fault, ended_us, outcome in (
        (cut, None, Outcome.UNKNOWN),
        (cut, 5, Outcome.INVALID),
        (replace(cut, kind="region-destroyed"), None, Outcome.INVALID),
    ):
        met = Encounter(fault=fault, ended_us=ended_us, grown={})
        assert judge(replace(torn, encounters=(met,)), [use])["converged"].outcome is outcome


def scenario() -> Scenario:
    document = deepcopy(dict(SCENARIO.document))
    document.pop("fault")
    document["run"]["until"] = "25s"
    document["run"]["warm_up"] = "0s"
    document["workload"]["ends"] = "20s"
    document["nemesis"] = {"mode": "core", "core_from": "8s"}
    document["property"] = [{"name": "core_serves", "mode": "always", "params": {"within": "6s"}}]
    return parse(document, name="core")


@pytest.mark.parametrize("seed", range(3))
def test_a_claim_is_told_the_core_that_was_drawn(seed: int) -> None:
    drawn, knobs = with_nemesis(scenario(), seed)
    (use,) = drawn.properties
    assert dict(use.params) == {"core": knobs.core, "since_us": 8 * S, "within_us": 6 * S}
    # A design that accepts everywhere serves in any core, and a check asks with what was drawn.
    assert judge_seed(scenario(), seed).verdicts["core_serves"].outcome is Outcome.VALID


def test_it_can_be_demanded_although_faults_never_end() -> None:
    assert {PROPERTIES[name].sort for name in ("core_serves", "core_converges")} == {Sort.SAFETY}


def test_what_faults_hold_up_at_the_end_is_unknown_not_wrong() -> None:
    document = deepcopy(dict(scenario().document))
    del document["nemesis"]
    document["fault"] = [{"id": "cut", "kind": "partition-full", "targets": ["us-east-1"], "at": "2s"}]
    names = ("conservation", "convergence", "settled")
    document["property"] = [{"name": name, "mode": "always"} for name in names]
    cut_off = parse(document, name="cut")
    verdicts = judge_seed(cut_off, 1).verdicts
    assert {verdicts[name].outcome for name in names} == {Outcome.UNKNOWN}
    assert all("cut had not ended" in verdicts[name].reason for name in names)
    document["fault"][0]["for"] = "5s"
    healed = judge_seed(parse(document, name="healed"), 1).verdicts
    assert {healed[name].outcome for name in names} == {Outcome.VALID}
