"""Claims about a scenario as a test: a decorator for pytest that needs neither plugin nor fixture.

    @scenario_test("store.toml", seeds=50, nemesis=True, always=["durable"], sometimes=["fault_fired"])
    def test_my_store():
        pass

The test runs every seed. The first run that breaks an *always* is shrunk, kept as a bundle, and told in a few lines
that end with the command which replays it; a *sometimes* fails if no run met it. The body runs after that and may
assert more: under a parameter called `runs` it gets the evidence of every run. All other parameters are pytest's, so
fixtures and `parametrize` work as ever. What is wrong with the scenario or with a claim is told in full by the test
that uses it.
"""

from __future__ import annotations

import functools
import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from experiments.evidence import Evidence
from experiments.experiment import MOST_SEEDS
from experiments.journal import Refused
from experiments.nemesis import with_nemesis
from experiments.regression.claiming import Claim, claiming
from experiments.regression.runs import asked_for, witness_rows
from experiments.regression.telling import fault_lines, witness_lines
from experiments.regression.weighing import Standing, weigh
from experiments.scenario import Mode, PropertyUse, Scenario, ScenarioError, load
from experiments.scenario.problems import raised
from sim.checkers import Outcome, Verdict
from sim.nemesis import Knobs

__all__ = ["assert_holds", "scenario_test"]

R = TypeVar("R")

#: Under this name the body gets what the runs left.
_RUNS: Final = "runs"
_SHRINK_RUNS: Final = 400
_BUNDLES: Final = Path("reports") / "hunts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the decorator was given."""

    source: str | Path | Scenario
    folder: Path
    seeds: tuple[int, ...]
    nemesis: bool | None
    always: Sequence[Claim]
    sometimes: Sequence[Claim]
    system: Mapping[str, Any]
    shrink_runs: int
    bundles: Path


class _Broken(Exception):
    """The claims do not hold; the text is all that a reader needs."""


def scenario_test(
    scenario: str | Path | Scenario,
    *,
    seeds: int | Iterable[int],
    nemesis: bool | None = None,
    always: Sequence[Claim] = (),
    sometimes: Sequence[Claim] = (),
    system: Mapping[str, Any] | None = None,
    shrink_runs: int = _SHRINK_RUNS,
    bundles: str | Path = _BUNDLES,
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Hold a scenario to claims over many seeds, as a test.

    Args:
        scenario: A file, looked for beside the test and then in the working directory; or a shipped scenario's name; or
            one that was read already.
        seeds: How many, from 0; or which.
        nemesis: Whether faults are drawn for each seed, beside the scenario's own. None does as the scenario says.
        always: Claims that every run must satisfy: a property's name, yours as `package.module:callable`, a function of
            your own at the top of its module, or one of these with its parameters, `("bounded_staleness",
            {"within": "2s"})`. With neither these nor `sometimes` the scenario's own claims hold.
        sometimes: Claims that one run at least must satisfy.
        system: Keys of `[system]` laid over the scenario's, as its file would spell them.
        shrink_runs: How many runs may be spent on shrinking a failure; 1 leaves it as it is.
        bundles: A failure is kept in a folder in here, named after the test's file, its class and itself.

    Raises:
        ValueError: what was given or decorated is of the wrong kind, or there is no seed, a negative one, or no run to
            shrink with; with everything that is wrong.
    """
    chosen = _chosen(seeds)
    wrong = [*_wrong_options(seeds, chosen, always, sometimes, shrink_runs)]
    if wrong:
        raise ValueError("\n".join(wrong))

    def decorated(body: Callable[..., R]) -> Callable[..., R]:
        file = _file_of(body)
        plan = _Plan(
            source=scenario,
            folder=file.parent,
            seeds=chosen,
            nemesis=nemesis,
            always=tuple(always),
            sometimes=tuple(sometimes),
            system=system or {},
            shrink_runs=shrink_runs,
            bundles=Path(bundles) / file.stem / body.__qualname__.rpartition("<locals>.")[2],
        )
        signature = inspect.signature(body)
        wanted = _RUNS in signature.parameters

        @functools.wraps(body)
        def test(*args: Any, **kwargs: Any) -> R:
            __tracebackhide__ = True
            try:
                runs = _held(plan, keep=wanted)
            except (_Broken, ScenarioError) as told:
                text = str(told)
            else:
                return body(*args, **kwargs, **({_RUNS: runs} if wanted else {}))
            _fail(text)

        others = [parameter for name, parameter in signature.parameters.items() if name != _RUNS]
        test.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]  # what pytest looks at
        return test

    return decorated


def _chosen(seeds: object) -> tuple[int, ...]:
    """The seeds, each once; nothing if they are none."""
    if type(seeds) is int:
        return tuple(range(min(seeds, MOST_SEEDS)))
    found = tuple(dict.fromkeys(seeds)) if isinstance(seeds, Iterable) and not isinstance(seeds, str | bytes) else ()
    return found if all(type(seed) is int for seed in found) and min(found, default=0) >= 0 else ()


def _wrong_options(
    seeds: object, chosen: Sequence[int], always: object, sometimes: object, shrink_runs: object
) -> Iterator[str]:
    if not chosen:
        yield f"{seeds=} holds no seed, or a negative one; give at least one from 0 on, as whole numbers"
    if type(seeds) is int and seeds > MOST_SEEDS:
        yield f"{seeds=} is above {MOST_SEEDS:,}; give fewer"
    for name, claims in (("always", always), ("sometimes", sometimes)):
        if isinstance(claims, str) or not isinstance(claims, Sequence):
            yield f"{name}={claims!r} is no list; write one, as in {name}=[...]"
    if type(shrink_runs) is not int or shrink_runs < 1:
        yield f"{shrink_runs=} is no whole number above 0; give 1 to keep a failure as it is"


def _file_of(body: object) -> Path:
    """The file that a test is written in.

    Raises:
        ValueError: it is no function whose body runs when it is called.
    """
    inner = inspect.unwrap(body) if callable(body) else body
    if not inspect.isfunction(inner) or isinstance(body, staticmethod | classmethod):
        rule = "a test is a plain function; decorate that, and put @staticmethod or @classmethod above"
        raise ValueError(f"{body!r} cannot be held to a scenario: {rule}")
    if inspect.iscoroutinefunction(inner) or inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        rule = "its body would never run, since nobody awaits or iterates it; write a plain function"
        raise ValueError(f"{inner.__qualname__} cannot be held to a scenario: {rule}")
    return Path(inner.__code__.co_filename)


def assert_holds(scenario: Scenario, seed: int, *, always: Sequence[Claim] = ()) -> Evidence:
    """Run a scenario under one seed and hold it to claims: the judge of the decorator, for tests that draw themselves.

    Args:
        scenario: With its faults, which a test may have drawn: `scenario.with_faults(faults)`.
        seed: Root of the run.
        always: As in `scenario_test`.

    Returns:
        What the run left.

    Raises:
        AssertionError: a claim does not hold; with the seed and the operations that show it.
        ScenarioError: a claim is no property, or does not fit the system.
    """
    from experiments.measures import gather

    __tracebackhide__ = True
    claimed = claiming(scenario, always, (), nemesis=None)
    evidence = gather(claimed, seed)
    for use, verdict in _verdicts(evidence, claimed.properties):
        if use.mode is Mode.ALWAYS and verdict.outcome is not Outcome.VALID:
            told = weigh(use, {seed: verdict}, enough_seeds=True)
            lines = [f"{claimed.name}: {told.title}: {told.told()}", *witness_lines(witness_rows(evidence, verdict))]
            raise AssertionError("\n  ".join(lines))
    return evidence


def _held(plan: _Plan, *, keep: bool) -> list[Evidence]:
    """Run every seed; the evidence, if it is to be kept.

    Raises:
        _Broken: a claim does not hold.
        ScenarioError: the scenario, a claim or the nemesis is not right.
    """
    scenario = _prepared(plan)
    uses = asked_for(scenario)
    for use in scenario.properties:
        if use not in uses and (plan.always or plan.sometimes):
            told = "says what is right once faults have ended, and in this nemesis's mode they need not"
            raise _Broken(f"{use.name} cannot be asked for: it {told}; claim it in mode healing")
    kept: list[Evidence] = []
    verdicts: dict[str, dict[int, Verdict]] = {use.name: {} for use in uses}
    for seed in plan.seeds:
        drawn, knobs = (scenario, None) if scenario.nemesis is None else with_nemesis(scenario, seed)
        run = _Run(plan, drawn, knobs, seed)
        evidence = run.evidence()
        for use, verdict in _verdicts(evidence, asked_for(scenario, drawn)):
            verdicts[use.name][seed] = verdict
            if use.mode is Mode.ALWAYS and verdict.outcome is not Outcome.VALID:
                raise _Broken(run.told(use, verdict, evidence))
        if keep:
            kept.append(evidence)
    unmet = [weigh(use, verdicts[use.name], enough_seeds=True) for use in uses if use.mode is Mode.SOMETIMES]
    lines = [f"{scenario.name}: {one.title}: {one.told()}" for one in unmet if one.standing is not Standing.HOLDS]
    if lines:
        raise _Broken("\n".join([*lines, "run more seeds, or make its faults meet more"]))
    return kept


def _prepared(plan: _Plan) -> Scenario:
    """The scenario with what the decorator lays over it."""
    scenario = plan.source if isinstance(plan.source, Scenario) else load(_found(plan.source, plan.folder))
    if plan.system:
        scenario = scenario.with_system(plan.system)
    return claiming(scenario, plan.always, plan.sometimes, nemesis=plan.nemesis)


def _found(source: str | Path, folder: Path) -> str | Path:
    """A file beside the test, where there is one; else what was given."""
    beside = folder / source
    return beside if str(source).endswith(".toml") and beside.is_file() else source


def _verdicts(evidence: Evidence, uses: Iterable[PropertyUse]) -> list[tuple[PropertyUse, Verdict]]:
    from experiments.properties import judge

    uses = tuple(uses)
    found = judge(evidence, uses)
    return [(use, found[use.name]) for use in uses]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a test, and how its failure is told."""

    plan: _Plan
    scenario: Scenario
    knobs: Knobs | None
    seed: int

    def evidence(self) -> Evidence:
        """What it leaves.

        Raises:
            _Broken: it raised.
        """
        from experiments.measures import gather

        try:
            return gather(self.scenario, self.seed)
        except (Exception, SystemExit) as failed:  # noqa: BLE001 - a user's system may raise anything
            from experiments.hunting import NO_CRASH

            lines = [f"{self.scenario.name}: the run raises under seed {self.seed}: {raised(failed)}"]
            raise _Broken("\n".join([*lines, *self._kept(NO_CRASH)])) from None

    def told(self, use: PropertyUse, verdict: Verdict, evidence: Evidence) -> str:
        """Everything that a reader of a broken *always* needs."""
        claim = weigh(use, {self.seed: verdict}, enough_seeds=True)
        lines = [f"{self.scenario.name}: {claim.title}: {claim.told()}"]
        if verdict.outcome is Outcome.INVALID:
            lines += self._kept(use.name)
        else:
            lines += witness_lines(witness_rows(evidence, verdict))
        return "\n".join(lines)

    def _kept(self, claim: str) -> Iterator[str]:
        """Shrink the run and keep it as a bundle; what is left of it, in words."""
        from experiments.hunting import Hands, Sighting, Trial, pin_down

        # Every fault written out, those of an imported log among them: a shrinker leaves out one by one.
        whole = self.scenario.with_faults(self.scenario.faults)
        sighting = Sighting(scenario=whole, seed=self.seed, knobs=self.knobs, trial=Trial())
        try:
            with Hands(1) as hands:
                caught = pin_down(sighting, claim, self.plan.bundles, hands=hands, runs=self.plan.shrink_runs)
        except (Refused, ValueError) as refused:
            yield f"it could not be shrunk and kept: {refused}"
            return
        found, before, after = caught.found, caught.found.before, caught.found.after
        least = "" if found.whole else "; it may be less still"
        yield (
            f"shrunk from {before.faults} faults and {before.operations} operations to {after.faults} and "
            f"{after.operations}, in {found.runs} runs{least}:"
        )
        yield from (f"  fault {line}" for line in fault_lines(found.scenario.faults))
        named = frozenset(caught.run.verdict.witness)
        yield from (f"  {line}" for line in witness_lines([row for row in caught.run.history if row.op in named]))
        here = Path.cwd()
        typed = str(caught.folder.relative_to(here) if caught.folder.is_relative_to(here) else caught.folder)
        yield f"bundle: {typed}"
        yield f"replay it with: {shlex.join(['./lab', 'replay', typed])}"


def _fail(text: str) -> NoReturn:
    """Fail the test with this text alone: the frames of a run explain nothing."""
    pytest = sys.modules.get("pytest")
    if pytest is None:
        raise AssertionError(text)
    pytest.fail(text, pytrace=False)
    raise AssertionError("unreachable")
