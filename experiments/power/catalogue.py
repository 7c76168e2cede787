"""Known-broken systems: how long the default nemesis, told nothing, takes to break a claim of each.

The catalogue (`tests/broken/catalogue.toml`) is read by path and its factories by their names,
since nothing here may import tests. A twin is the scenario as it stands; a variant has another
factory. A catch is a verdict of *invalid* on a claim of the scenario, or a run that raises; *unknown* is none.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from time import process_time
from typing import NamedTuple

from experiments.hunting import NO_CRASH
from experiments.measures import gather
from experiments.nemesis import with_nemesis
from experiments.properties import judge
from experiments.provenance import ROOT
from experiments.scenario import Mode, Scenario, load
from sim.checkers import Outcome

__all__ = ["CATALOGUE", "Search", "Silence", "Variant", "listen", "read", "search"]

CATALOGUE = ROOT / "tests" / "broken" / "catalogue.toml"


class Variant(NamedTuple):
    """A broken system and its bug."""

    name: str
    scenario: str
    broken: str
    reference: str
    bug: str


class Search(NamedTuple):
    """What a range of seeds showed: how many were run, for how long, and what the last one broke."""

    seeds: int
    cpu_s: float
    claim: str | None
    seed: int | None


class Silence(NamedTuple):
    """How often a sound twin was accused, and how often nobody could tell."""

    seeds: int
    alarms: tuple[str, ...]
    unknown: tuple[str, ...]


def read(path: Path = CATALOGUE) -> list[Variant]:
    """Every variant; scenarios are beside the catalogue.

    Raises:
        ValueError: the file is not there, which is so where the tests are not.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not there; run this in a checkout, which has the tests")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["variant"]
    return [Variant(**(entry | {"scenario": str(path.parent / entry["scenario"])})) for entry in entries]


def search(scenario: str, factory: str, begin: int, seeds: int) -> Search:
    """Run a variant under seeds from `begin` on until a claim breaks, at most so many."""
    broken = load(scenario).with_system({"factory": factory})
    begun = process_time()
    for number in range(seeds):
        invalid = _outcomes(broken, begin + number, Outcome.INVALID)
        if invalid:
            return Search(number + 1, process_time() - begun, invalid[0], begin + number)
    return Search(seeds, process_time() - begun, None, None)


def listen(scenario: str, begin: int, seeds: int) -> Silence:
    """Run the sound twin under so many seeds from `begin` on."""
    sound = load(scenario)
    alarms, unknown = [], []
    for seed in range(begin, begin + seeds):
        found = _verdicts(sound, seed)
        alarms += [f"{seed}: {claim}" for claim, outcome in found.items() if outcome is Outcome.INVALID]
        unknown += [f"{seed}: {claim}" for claim, outcome in found.items() if outcome is Outcome.UNKNOWN]
    return Silence(seeds, tuple(alarms), tuple(unknown))


def _outcomes(scenario: Scenario, seed: int, wanted: Outcome) -> list[str]:
    return [claim for claim, outcome in _verdicts(scenario, seed).items() if outcome is wanted]


def _verdicts(scenario: Scenario, seed: int) -> dict[str, Outcome]:
    under_faults, _ = with_nemesis(scenario, seed)
    # What is claimed sometimes is no claim about a single run: failing it is neither a catch nor an alarm.
    always = [use for use in under_faults.properties if use.mode is Mode.ALWAYS]
    try:
        seen = gather(under_faults, seed)
    except Exception:  # noqa: BLE001 - as a hunt has it: what a system raises is a catch, and of a twin a false alarm
        return {NO_CRASH: Outcome.INVALID}
    found = judge(seen, always)
    return {claim: verdict.outcome for claim, verdict in found.items()}
