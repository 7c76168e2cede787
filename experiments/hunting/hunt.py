"""The hunt: seeds under a nemesis until a claim breaks, then the least that still breaks it.

Each seed is the scenario with the faults that its nemesis draws for that seed, beside the faults it
has of its own; without a `[nemesis]` section the defaults hold. A run is held to what the scenario
claims *always*, and besides to ending without an exception. What must come right in the end can be
asked for only where all faults end, so in the nemesis's other modes only safety is judged. The
first seed by number decides, and of its broken claims the first in the scenario's order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.hunting.bundle import Found, as_typed, bundle_name, require_free, write_bundle
from experiments.hunting.hands import Hands, Run
from experiments.hunting.recording import Recording
from experiments.hunting.shrink import DEFAULT_RUNS, shrink
from experiments.hunting.trial import Trial, claims
from experiments.nemesis import with_nemesis
from experiments.scenario import Mode, PropertyUse, Scenario, parse
from experiments.scenario.property import Sort
from sim.nemesis import Knobs
from sim.nemesis import Mode as NemesisMode
from sim.wording import way_to

__all__ = ["Caught", "Sighting", "hunt", "judged_of", "narrowed", "pin_down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A run of a hunt.

    Attributes:
        scenario: With every fault written out.
        seed: Root of the run.
        knobs: What the nemesis drew; None without one.
        trial: What it came to.
    """

    scenario: Scenario
    seed: int
    knobs: Knobs | None
    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """A counterexample in its bundle."""

    found: Found
    folder: Path
    run: Recording


def narrowed(scenario: Scenario, names: Sequence[str]) -> Scenario:
    """The scenario claiming always what is named, and nothing else; all it claims where nothing is named.

    Raises:
        ValueError: names are no properties, or such as say only that a run was worth judging; with all of them.
        ScenarioError: a property does not fit the system.
    """
    from experiments.properties import PROPERTIES, find

    if not names:
        return scenario
    claimed = {use["name"]: use for use in scenario.document.get("property", [])}
    known = {*PROPERTIES, *claimed}
    wrong = []
    for name in dict.fromkeys(names):
        if name not in known and ":" not in name:
            wrong.append(f"{name!r} is no property; {way_to(name, known)}")
        elif name in known and find(name).sort is Sort.EVIDENCE:
            wrong.append(f"{name!r} says that a run was worth judging and breaks nothing; name another")
    if wrong:
        raise ValueError("\n".join(wrong))
    uses = [{**claimed.get(name, {"name": name}), "mode": Mode.ALWAYS.value} for name in dict.fromkeys(names)]
    document = dict(scenario.document) | {"property": uses}
    return parse(document, name=scenario.name, file=scenario.file, text=scenario.text, beside=scenario.beside)


def judged_of(scenario: Scenario, *, nemesis: bool = True) -> tuple[PropertyUse, ...]:
    """What the runs of a hunt are held to, besides ending without an exception.

    Where faults are drawn for a scenario that asks for none, what it claims of its own schedule is left out,
    unless that is all there is to judge: its author counted on nothing else happening.

    Args:
        scenario: What is hunted.
        nemesis: Whether faults are drawn.
    """
    from experiments.properties import find

    mode = NemesisMode.HEALING if scenario.nemesis is None or not nemesis else scenario.nemesis.mode
    uses = claims(scenario, healed=mode is NemesisMode.HEALING)
    if nemesis and scenario.nemesis is None:
        return tuple(use for use in uses if not find(use.name).scheduled) or uses
    return uses


def hunt(
    scenario: Scenario,
    seeds: Iterable[int],
    hands: Hands,
    *,
    nemesis: bool = True,
    before: Callable[[int, Knobs | None], object] = lambda seed, knobs: None,
) -> Iterator[Sighting]:
    """Run seeds in order; whoever finds a sighting broken stops listening.

    Args:
        scenario: What to run.
        seeds: Which seeds, in which order.
        hands: Carries out the runs.
        nemesis: Whether faults are drawn, or only the scenario's own strike.
        before: Hears the knobs of each run before it begins.

    Raises:
        ScenarioError: the nemesis finds no time or nobody to strike.
        HandsLost: a worker died.
    """
    ahead: dict[int, tuple[Scenario, Knobs | None]] = {}
    judged = tuple(use.name for use in judged_of(scenario, nemesis=nemesis))

    def runs() -> Iterator[Run]:
        for seed in seeds:
            drawn, knobs = ahead[seed] = _prepared(scenario, seed, nemesis=nemesis)
            before(seed, knobs)
            yield Run(drawn, seed, judged)

    for trial in hands.trials(runs()):
        seed = next(iter(ahead))
        drawn, knobs = ahead.pop(seed)
        yield Sighting(scenario=drawn, seed=seed, knobs=knobs, trial=trial)


def pin_down(
    sighting: Sighting,
    claim: str,
    out: Path,
    *,
    hands: Hands,
    runs: int = DEFAULT_RUNS,
    told: Callable[[int, str], object] = lambda spent, size: None,
) -> Caught:
    """Shrink a broken run and write its bundle.

    Args:
        sighting: A run that violates `claim`.
        claim: Which of its violations.
        out: The bundle becomes a folder in this one, named by scenario, property and seed.
        hands: Carries out the runs.
        runs: How many the shrinking may spend.
        told: Hears how many were spent and what is left of the scenario.

    Raises:
        Refused: the folder cannot be written.
    """
    folder = out / bundle_name(sighting.scenario.name, claim, sighting.seed)
    require_free(folder)
    shrunk = shrink(
        sighting.scenario,
        sighting.seed,
        claim,
        runs=runs,
        knobs=sighting.knobs,
        side_by_side=hands.jobs,
        runner=lambda some: hands.trials(
            Run(one, sighting.seed, tuple(use.name for use in one.properties)) for one in some
        ),
        told=told,
    )
    found = Found(
        scenario=shrunk.scenario,
        claim=claim,
        seed=sighting.seed,
        original=sighting.scenario,
        before=shrunk.before,
        after=shrunk.after,
        runs=shrunk.runs,
        whole=shrunk.whole,
        afresh=shrunk.afresh,
        knobs=None if sighting.knobs is None else json.loads(sighting.knobs.to_json()),
    )
    return Caught(found=found, folder=folder, run=write_bundle(folder, found, typed=as_typed(folder)))


def _prepared(scenario: Scenario, seed: int, *, nemesis: bool = True) -> tuple[Scenario, Knobs | None]:
    """What is run under a seed, every fault written out, and what was drawn for it.

    Raises:
        ScenarioError: the nemesis finds no time or nobody to strike.
    """
    return with_nemesis(scenario, seed) if nemesis else (scenario.with_faults(scenario.faults), None)
