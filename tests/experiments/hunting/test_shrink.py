"""What a shrinker leaves is a scenario that still breaks its claim, and would not with anything less."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from experiments.hunting import NO_CRASH, Shrunk, Trial, claims, shrink, try_out
from experiments.nemesis import with_nemesis
from experiments.scenario import Scenario, parse
from tests.experiments.hunting.scenes import FRESH, STALE


def scene(text: str = STALE, **workload: Any) -> Scenario:
    document = tomllib.loads(text)
    document["workload"] |= workload
    return parse(document, name="stale")


@pytest.fixture(scope="module")
def drawn() -> Scenario:
    return with_nemesis(scene(), 0)[0]


@pytest.fixture(scope="module")
def shrunk(drawn: Scenario) -> Shrunk:
    return shrink(drawn, 0, FRESH)


def broken(document: dict[str, Any], seed: int = 0) -> bool:
    scenario = parse(document, name="stale")
    return FRESH in try_out(scenario, seed, scenario.properties).broken


def test_little_is_left_and_it_still_breaks_the_claim(shrunk: Shrunk) -> None:
    assert shrunk.before.faults > 10
    assert shrunk.before.operations > 100
    assert shrunk.after.faults <= 3
    assert shrunk.after.operations <= 10
    assert shrunk.after.hosts < shrunk.before.hosts
    assert shrunk.after.until_us < shrunk.before.until_us
    assert shrunk.whole
    assert broken(dict(shrunk.scenario.document))


def test_no_single_fault_and_no_single_operation_can_be_left_out(shrunk: Shrunk) -> None:
    document = dict(shrunk.scenario.document)
    faults, only = document["fault"], document["workload"]["only"]
    assert len(only) == shrunk.after.operations
    fewer_faults = [{**document, "fault": [f for f in faults if f is not fault]} for fault in faults]
    fewer_operations = [
        {**document, "workload": document["workload"] | {"only": [op for op in only if op != out]}} for out in only
    ]
    assert [broken(less) for less in (*fewer_faults, *fewer_operations)] == [False] * (len(faults) + len(only))


def test_shrinking_again_changes_nothing(shrunk: Shrunk) -> None:
    again = shrink(shrunk.scenario, 0, FRESH)
    assert again.scenario.document == shrunk.scenario.document
    assert again.before == again.after == shrunk.after


def test_side_by_side_the_same_is_left(drawn: Scenario, shrunk: Shrunk) -> None:
    def both(scenarios: Sequence[Scenario]) -> Iterator[Trial]:
        return iter([try_out(scenario, 0, scenario.properties) for scenario in scenarios])

    wide = shrink(drawn, 0, FRESH, side_by_side=3, runner=both)
    assert wide.scenario.document == shrunk.scenario.document
    assert wide.runs == shrunk.runs


def test_a_budget_of_runs_ends_it_early_at_something_that_breaks(drawn: Scenario, shrunk: Shrunk) -> None:
    hurried = shrink(drawn, 0, FRESH, runs=10)
    assert not hurried.whole
    assert hurried.runs == 10
    assert hurried.after.operations > shrunk.after.operations
    assert broken(dict(hurried.scenario.document))


def test_a_crash_is_shrunk_to_the_same_crash() -> None:
    document = tomllib.loads(STALE)
    document["system"]["raises"] = True
    drawn, _ = with_nemesis(parse(document, name="stale"), 1)
    trial = try_out(drawn, 1, claims(drawn))
    assert list(trial.broken) == [NO_CRASH]
    reason = trial.broken[NO_CRASH].reason
    assert reason.startswith("RuntimeError in tests/experiments/hunting/registers.py, on_ask: no copy of ")
    assert 'raise RuntimeError(f"no copy of {msg.key}")\nRuntimeError: no copy of ' in trial.failure
    shrunk = shrink(drawn, 1, NO_CRASH)
    assert shrunk.after.operations == 1
    assert shrunk.after.faults <= 1
    assert shrunk.trial.broken[NO_CRASH].reason.partition(":")[0] == reason.partition(":")[0]


def test_time_to_come_right_is_not_cut_away() -> None:
    """The audit stays as far behind load and faults as it was, or a slow copy would pass for a lost one."""
    drawn, _ = with_nemesis(scene(), 2)
    document = dict(drawn.document)
    document["property"] = [{"name": "tests.experiments.hunting.registers:audited_alike", "mode": "always"}]
    sound = parse(document, name="stale")
    trial = try_out(sound, 2, claims(sound))
    assert list(trial.broken) == ["tests.experiments.hunting.registers:audited_alike"]
    shrunk = shrink(sound, 2, next(iter(trial.broken)))
    load = shrunk.scenario.workload
    assert load.audit_us is not None
    ends = [fault.at + fault.for_us for fault in shrunk.scenario.faults]  # type: ignore[operator]
    assert load.audit_us - max([load.ends_us, *ends]) >= 3_000_000
    assert shrunk.after.until_us < shrunk.before.until_us


def test_a_claim_that_nothing_satisfies_shrinks_to_nothing_and_comes_to_rest() -> None:
    document = tomllib.loads(STALE)
    document["property"] = [{"name": "tests.experiments.regression_props:never", "mode": "always"}]
    shrunk = shrink(parse(document, name="never"), 0, document["property"][0]["name"])
    assert (shrunk.after.faults, shrunk.after.operations, shrunk.whole) == (0, 0, True)


def test_what_is_not_broken_cannot_be_shrunk(drawn: Scenario) -> None:
    with pytest.raises(ValueError, match="stale does not violate no_crash under seed 0; name what it violates"):
        shrink(drawn, 0, NO_CRASH)
    with pytest.raises(ValueError, match="runs=0 is no budget"):
        shrink(drawn, 0, FRESH, runs=0)


def test_smaller_topologies_leave_the_operations_of_the_remaining_clients_alone(drawn: Scenario) -> None:
    from experiments.hunting.simpler import smaller_topologies

    def asked(document: dict[str, Any]) -> set[tuple[object, ...]]:
        from experiments.measures import gather

        rows: Iterable[Any] = gather(parse(document, name="stale"), 0).history
        return {(row.client, row.f, row.key, row.op % (1 << 40)) for row in rows if row.kind == "invoke"}

    document = {**drawn.document, "fault": []}
    before = asked(document)
    smaller = list(smaller_topologies(document))
    assert [len(one["topology"]["regions"]) for one in smaller[:3]] == [2, 2, 2]
    after = asked(smaller[0])
    assert after == {row for row in before if str(row[0])[0] in smaller[0]["topology"]["regions"]}


def test_shaken_delays_are_other_delays_within_bounds() -> None:
    from experiments.hunting.simpler import other_delays

    document = tomllib.loads(STALE)
    shaken = [other["latency"].pop("jitter") for other in other_delays(document)]
    assert len(set(shaken) | {0.1}) == len(shaken) + 1
    assert all(0 < jitter <= 1 for jitter in shaken)
    del document["latency"]["jitter"]
    assert list(other_delays(document)) == []


def test_what_is_claimed_of_a_core_is_not_shrunk_by_faults_that_may_strike_it() -> None:
    document = tomllib.loads(STALE.replace("fresh_reads", "core_is_fresh"))
    document["property"][0]["params"] = {"core": ["a", "b"]}
    drawn, _ = with_nemesis(parse(document, name="stale"), 0)
    claim = document["property"][0]["name"]
    shrunk = shrink(drawn, 0, claim)
    left = {fault.id: fault for fault in shrunk.scenario.faults}
    assert left
    assert {name: fault.kind for name, fault in left.items()} == {
        fault.id: fault.kind for fault in drawn.faults if fault.id in left
    }
