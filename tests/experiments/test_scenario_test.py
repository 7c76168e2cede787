"""The decorator: claims over seeds become a test, and a failure tells all that its reader needs and nothing more."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from experiments.cli import main
from experiments.evidence import Evidence
from experiments.regression import assert_holds, scenario_test
from experiments.scenario import ScenarioError, load, parse
from sim.checkers import Outcome, Verdict
from sim.testing.strategies import schedules

ROOT = Path(__file__).parents[2]
STORE = ROOT / "tests" / "example" / "store.toml"
PROPS = "tests.experiments.regression_props"
MENDED = {"flush_first": True}


def seeds_below_three(seen: Evidence, *, limit: int = 3) -> Verdict:
    """Valid under the first seeds."""
    return Verdict(Outcome.VALID if seen.seed < limit else Outcome.INVALID, (), f"seed {seen.seed}")


def failure_of(test: Callable[[], Any]) -> str:
    with pytest.raises(pytest.fail.Exception) as failed:
        test()
    return str(failed.value)


def test_a_broken_always_tells_seed_schedule_witness_bundle_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @scenario_test(STORE, seeds=20, always=["linearizable"], bundles="kept")
    def test_mine() -> None:
        raise AssertionError("the body runs only if the claims hold")

    monkeypatch.chdir(tmp_path)
    lines = failure_of(test_mine).splitlines()
    assert re.fullmatch(r"store: linearizable \(always\): VIOLATED under seed 0: .*; witness \d+, \d+", lines[0])
    shrunk = re.fullmatch(r"shrunk from (\d+) faults and (\d+) operations to (\d+) and (\d+), in (\d+) runs:", lines[1])
    assert shrunk is not None
    faults, operations, faults_left, operations_left, runs = map(int, shrunk.groups())
    assert faults_left == 1 < faults
    assert operations_left <= 3 < operations
    assert runs <= 400
    assert re.fullmatch(r"  fault \S+: (power-loss|cluster-power) of .*", lines[2])
    assert [re.search(r"(asks to|ok:) (\w+)", line).groups() for line in lines[3:7]] == [  # type: ignore[union-attr]
        ("asks to", "write"),
        ("ok:", "write"),
        ("asks to", "read"),
        ("ok:", "read"),
    ]
    bundle = "kept/test_scenario_test/test_mine/store-linearizable-0"
    assert lines[7:] == [f"bundle: {bundle}", f"replay it with: ./lab replay {bundle}"]
    assert main(["replay", bundle]) == 0
    assert "as recorded" in capsys.readouterr().out


def test_the_body_gets_what_every_run_left_and_fixtures_pass_through() -> None:
    @scenario_test(STORE, seeds=[4, 7], nemesis=False, system=MENDED, always=["linearizable"])
    def test_mine(runs: list[Evidence], tmp_path: Path) -> tuple[list[int], Path]:
        return [run.seed for run in runs], tmp_path

    assert list(inspect.signature(test_mine).parameters) == ["tmp_path"]
    assert test_mine(tmp_path=Path("x")) == ([4, 7], Path("x"))


def test_a_nemesis_is_drawn_or_not_as_the_test_says() -> None:
    def fault_counts(nemesis: bool | None, source: Any = STORE) -> list[int]:
        @scenario_test(source, seeds=2, nemesis=nemesis, system=MENDED, always=["linearizable"])
        def test_mine(runs: list[Evidence]) -> list[int]:
            return [len(run.scenario.faults) for run in runs]

        return list(test_mine())

    assert fault_counts(None) == fault_counts(True)
    assert min(fault_counts(True)) > 0
    assert fault_counts(False) == [0, 0]
    calm = load(STORE).without_faults()
    assert fault_counts(None, calm) == [0, 0]
    assert min(fault_counts(True, calm)) > 0


def test_claims_may_be_functions_and_have_parameters(tmp_path: Path) -> None:
    def judged(claim: Any) -> Callable[[], Any]:
        @scenario_test(STORE, seeds=4, nemesis=False, system=MENDED, always=[claim], bundles=tmp_path)
        def test_mine() -> None:
            pass

        return test_mine

    judged((seeds_below_three, {"limit": 4}))()
    judged(("bounded_staleness", {"within": "1s"}))()
    told = failure_of(judged(seeds_below_three))
    assert told.startswith(
        f"store: {__name__}:seeds_below_three (always): VIOLATED under seed 3: seed 3\nshrunk from 0"
    )
    assert f"bundle: {tmp_path}/test_scenario_test/test_mine/store-seeds_below_three-3" in told


def test_a_sometimes_fails_only_if_no_run_meets_it() -> None:
    def expecting(claim: str, seeds: int) -> Callable[[], Any]:
        @scenario_test(STORE, seeds=seeds, nemesis=False, system=MENDED, sometimes=[f"{PROPS}:{claim}"])
        def test_mine() -> None:
            pass

        return test_mine

    expecting("seed_two", 3)()
    assert failure_of(expecting("seed_two", 2)).splitlines() == [
        f"store: {PROPS}:seed_two (sometimes): VIOLATED in none of 2 runs, the first under seed 0: seed 0",
        "run more seeds, or make its faults meet more",
    ]


@pytest.mark.parametrize(("claim", "why"), [("undecided", "too much to look at"), ("raises", "raised KeyError")])
def test_unknown_is_no_pass(claim: str, why: str) -> None:
    @scenario_test(STORE, seeds=1, nemesis=False, always=[f"{PROPS}:{claim}"])
    def test_mine() -> None:
        pass

    assert re.search(rf"\(always\): unknown under seed 0: .*{why}", failure_of(test_mine))


def test_a_run_that_raises_is_told_with_its_seed_and_kept(tmp_path: Path) -> None:
    @scenario_test(
        "fault_partition_full",
        seeds=3,
        system={"factory": "tests.experiments.regression_systems:raising"},
        always=["no_acknowledged_loss"],
        bundles=tmp_path,
        shrink_runs=5,
    )
    def test_mine() -> None:
        pass

    told = failure_of(test_mine)
    assert told.startswith("fault_partition_full: the run raises under seed 0: ZeroDivisionError: no luck")
    assert "replay it with: ./lab replay " in told


def test_mistakes_are_told_all_at_once_by_the_test_that_makes_them() -> None:
    local = lambda seen: Verdict(Outcome.VALID)  # noqa: E731 - it has no name to be found by

    def told(**options: Any) -> list[str]:
        @scenario_test(options.pop("scenario", STORE), seeds=1, **options)
        def test_mine() -> None:
            pass

        return [line.removeprefix(f"{STORE}: ") for line in failure_of(test_mine).splitlines()]

    assert told(always=["linearisable"], sometimes=["durable", "durable"]) == [
        "property[0].name = \"linearisable\": no such property; did you mean 'linearizable'?",
        'property[2].name = "durable": claimed twice; leave one out',
    ]
    assert told(scenario="stoer.toml")[0].startswith("stoer.toml: file = ")
    assert "did you mean 'flush_first'?" in told(system={"flush_frist": True})[0]
    assert "this module does not hold" in told(always=[local])[0].replace("its", "this")
    assert "is a claim about the end" in told(scenario=unlimited(), always=["converged"])[0].replace(
        "cannot be asked for: it says what is right once faults have ended", "is a claim about the end"
    )


def unlimited() -> Any:

    document = dict(load(STORE).document) | {"nemesis": {"mode": "unlimited"}}
    return parse(document, name="store", file=str(STORE))


def test_what_is_no_claim_is_told_with_what_is_a_wrong_one() -> None:
    @scenario_test(STORE, seeds=1, always=[3, "linearisable", ("durable",)], sometimes=[("fault_fired", [])])  # type: ignore[list-item]
    def test_mine() -> None:
        pass

    told = [line.removeprefix(f"{STORE}: ") for line in failure_of(test_mine).splitlines()]
    way_out = 'write it as "name", function or ("name", {"key": value})'
    rule = "no property: neither a name, nor a function, nor a pair of one of these and its parameters"
    assert told == [
        f"property = 3: {rule}; {way_out}",
        f'property = ["durable"]: {rule}; {way_out}',
        f'property = ["fault_fired", []]: {rule}; {way_out}',
        "property[0].name = \"linearisable\": no such property; did you mean 'linearizable'?",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": 0},
        {"seeds": [-1]},
        {"seeds": [1.5]},
        {"seeds": "3"},
        {"seeds": True},
        {"seeds": 10**9},
        {"seeds": 1, "shrink_runs": 0},
        {"seeds": 1, "shrink_runs": "4"},
    ],
)
def test_numbers_out_of_range_are_refused_where_they_stand(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"; give"):
        scenario_test(STORE, **options)


def test_all_that_the_decorator_is_wrongly_given_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"(?s)seeds=0 .*always='durable' is no list.*shrink_runs=0 "):
        scenario_test(STORE, seeds=0, always="durable", shrink_runs=0)


def test_a_body_that_would_never_run_is_refused() -> None:
    async def awaited() -> None:
        pass

    def iterated() -> Iterator[None]:
        yield

    for body, why in (
        (awaited, "its body would never run"),
        (iterated, "its body would never run"),
        (staticmethod(seeds_below_three), "put @staticmethod or @classmethod above"),
        (classmethod(seeds_below_three), "put @staticmethod or @classmethod above"),  # type: ignore[arg-type]
        (Evidence, "a test is a plain function"),
    ):
        with pytest.raises(ValueError, match=why):
            scenario_test(STORE, seeds=1)(body)  # type: ignore[type-var]


def test_tests_of_one_name_keep_their_failures_apart(tmp_path: Path) -> None:
    class TestOne:
        @scenario_test(STORE, seeds=1, shrink_runs=1, bundles=tmp_path)
        def test_mine(self) -> None:
            pass

    class TestOther:
        @scenario_test(STORE, seeds=1, shrink_runs=1, bundles=tmp_path)
        def test_mine(self) -> None:
            pass

    for test in (TestOne().test_mine, TestOther().test_mine):
        failure_of(test)
    kept = [path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("verdict.json")]
    assert sorted(kept) == [
        "test_scenario_test/TestOne.test_mine/store-linearizable-0",
        "test_scenario_test/TestOther.test_mine/store-linearizable-0",
    ]


def test_a_drawn_schedule_is_judged_and_shrunk_by_hypothesis() -> None:
    """What the judge of the decorator refuses, hypothesis can make small."""
    scenario = load(STORE)

    def told(faults: Any) -> str:
        try:
            assert_holds(scenario.with_faults(faults), seed=0, always=["linearizable"])
        except AssertionError as broken:
            return str(broken)
        return ""

    once = settings(max_examples=60, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    strategy = schedules(scenario.topology, ends_us=8_000_000, heal=True, kinds={"power-loss"}, max_faults=2)
    found = find(strategy, told, settings=once)
    assert {fault.kind for fault in found} == {"power-loss"}
    assert told(found).startswith("store: linearizable (always): VIOLATED under seed 0: ")
    assert "asks to write" in told(found)
    with pytest.raises(ScenarioError, match="no such property"):
        assert_holds(scenario, seed=0, always=["linear"])


def test_plain_pytest_shows_the_message_and_no_frame_of_ours(tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text(STORE.read_text())
    (tmp_path / "test_mine.py").write_text(
        """
import pytest
from experiments.regression import scenario_test

@scenario_test("store.toml", seeds=2, nemesis=False, sometimes=["any_fault_fired"])
def test_red():
    pass

@pytest.mark.parametrize("least", [1, 10**9])
@scenario_test("store.toml", seeds=1, nemesis=False, always=["linearizable"])
def test_body(runs, least, tmp_path):
    assert len(runs[0].history) >= least
"""
    )
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    out = done.stdout
    assert out.splitlines()[-1].startswith("2 failed, 1 passed")
    assert "\nstore: any_fault_fired (sometimes): VIOLATED in none of 2 runs" in out
    assert "assert len(runs[0].history) >= least" in out
    assert "pytesting.py" not in out
    assert "Traceback" not in out
