"""Bundles: a counterexample as a folder that can be read, kept, sent on and replayed.

A folder holds the shrunk scenario with every fault written out (`scenario.toml`, and whatever
files it names), its schedule as JSON (`schedule.json`), what the clients saw (`history.jsonl`),
the verdict with its witness, digest and provenance (`verdict.json`), a space-time diagram
(`diagram.svg`), the scenario as it was before shrinking (`original.toml`), and in words what
happened and how to run it again (`replay.txt`). Of a run that raised there is a `traceback.txt`.

Nothing in it depends on the machine, the day or the folder: made again, it is the same to the
byte. A bundle that is kept after its bug was mended says so by `"expects": "valid"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from experiments.files import Json, whole_folder, write_json, write_text
from experiments.hunting.recording import Recording, record
from experiments.hunting.shrink import Size
from experiments.hunting.telling import story
from experiments.journal import Refused
from experiments.provenance import ROOT, code_digest, provenance
from experiments.scenario import Scenario, parse
from sim.faults import schedule_to_json

__all__ = [
    "FORMAT",
    "HISTORY",
    "OF_A_RUN",
    "SCENARIO",
    "SCHEDULE",
    "VERDICT",
    "Found",
    "as_typed",
    "bundle_name",
    "code_of",
    "is_bundle",
    "require_free",
    "write_bundle",
    "write_run",
]

SCENARIO: Final = "scenario.toml"
VERDICT: Final = "verdict.json"
_ORIGINAL: Final = "original.toml"
SCHEDULE: Final = "schedule.json"
HISTORY: Final = "history.jsonl"
_DIAGRAM: Final = "diagram.svg"
_STORY: Final = "replay.txt"
_TRACEBACK: Final = "traceback.txt"
_OWN: Final = frozenset({SCENARIO, VERDICT, _ORIGINAL, SCHEDULE, HISTORY, _DIAGRAM, _STORY, _TRACEBACK})
#: What a run leaves, and what is said of it; all else stays when a bundle is recorded anew.
OF_A_RUN: Final = frozenset({VERDICT, HISTORY, _DIAGRAM, _STORY, _TRACEBACK})
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A counterexample that a hunt has found and shrunk.

    Attributes:
        scenario: The shrunk one.
        claim: What it violates.
        seed: Root of the run.
        original: What it was shrunk from, its faults written out.
        before: Size of that.
        after: Size of the shrunk one.
        runs: How many runs the shrinking took.
        whole: Whether it was shrunk as far as it goes.
        knobs: What the nemesis drew; None without one.
        afresh: Whether its faults were drawn anew, in the small world that was left.
    """

    scenario: Scenario
    claim: str
    seed: int
    original: Scenario
    before: Size
    after: Size
    runs: int
    whole: bool
    knobs: Mapping[str, Json] | None
    afresh: bool = False


def bundle_name(scenario: str, claim: str, seed: int) -> str:
    """The folder of a counterexample: scenario, property and seed."""
    return f"{scenario}-{re.sub(r'[^A-Za-z0-9_]+', '-', claim.rpartition(':')[2])}-{seed}"


def is_bundle(path: Path) -> bool:
    """Whether somebody who names this path means a bundle."""
    return path.is_dir()


def code_of(scenario: Scenario) -> str:
    """Digest of the code that a run of this scenario needs."""
    names = [scenario.system.factory, *(use.name for use in scenario.properties)]
    return code_digest(sorted({name.partition(":")[0] for name in names if ":" in name}))


def write_bundle(folder: Path, found: Found, *, typed: str) -> Recording:
    """Run a counterexample once more, in full, and write it down: whole, or not at all if it is stopped meanwhile.

    Args:
        folder: Made if missing; an older bundle in it is replaced, what somebody has laid beside it stays.
        found: The counterexample.
        typed: The folder as a reader should type it.

    Raises:
        Refused: the folder holds something else, or cannot be written.
    """
    scenario, beside = _self_contained(found.scenario)
    original, _ = _self_contained(found.original)
    run = record(scenario, found.seed, found.claim)
    require_free(folder)
    try:
        with whole_folder(folder, staying=_laid_beside(folder)) as new:
            for name, text in beside.items():
                write_text(new / name, text)
            write_text(new / SCENARIO, scenario.to_toml())
            write_text(new / _ORIGINAL, original.to_toml())
            write_text(new / SCHEDULE, schedule_to_json(scenario.faults))
            write_run(new, found, run, typed=typed)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}); choose another folder (--out, in a test bundles=)"
        ) from None
    return run


def write_run(
    folder: Path, found: Found, run: Recording, *, typed: str, beside: Mapping[str, Json] = MappingProxyType({})
) -> None:
    """Write what a run of a counterexample leaves, and what is said of it, into a folder.

    Args:
        folder: It is there.
        found: The counterexample.
        run: Its run, with a full trace.
        typed: The bundle's folder as a reader should type it.
        beside: What stands in the verdict too, unless the run says otherwise.
    """
    from experiments.hunting.diagram import draw

    run.history.to_jsonl(folder / HISTORY)
    write_json(folder / VERDICT, {**beside, **_verdict(found, run)})
    write_text(folder / _STORY, "\n".join(story(found, run, typed)) + "\n")
    if run.failure:
        write_text(folder / _TRACEBACK, run.failure)
    draw(run, folder / _DIAGRAM)


def as_typed(folder: Path) -> str:
    """A bundle as a reader in the project's folder types it; elsewhere no path of this machine stands in it."""
    folder = folder.absolute()
    return folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else f"PATH/TO/{folder.name}"


def require_free(folder: Path) -> None:
    """Make sure that a bundle can be written there.

    Raises:
        Refused: the folder holds something that is no bundle, or is none.
    """
    if folder.exists() and not (folder / VERDICT).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise Refused(f"{folder} holds something that is no bundle; choose another folder (--out, in a test bundles=)")


def _laid_beside(folder: Path) -> list[Path]:
    """What is in a bundle's folder and is none of its own: somebody's notes."""
    path = folder / SCENARIO
    named = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name not in _OWN and f'"{path.name}"' not in named
    ]


def _self_contained(scenario: Scenario) -> tuple[Scenario, dict[str, str]]:
    """The scenario with the files that it names right beside it, and their contents by name."""
    renamed = {name: _beside(name, number) for number, name in enumerate(scenario.beside)}
    document = _renamed(dict(scenario.document), renamed)
    contents = {renamed[name]: text for name, text in scenario.beside.items()}
    moved = parse(document, name=scenario.name, file=scenario.file, beside=contents)
    return moved, contents


def _beside(name: str, number: int) -> str:
    return name if Path(name).name == name else f"{number}-{Path(name).name}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _verdict(found: Found, run: Recording) -> dict[str, Json]:
    made = provenance(command="", seeds=1)
    return {
        "format": FORMAT,
        "scenario": found.scenario.name,
        "property": found.claim,
        "seed": found.seed,
        "outcome": run.verdict.outcome.value,
        "expects": run.verdict.outcome.value,
        "witness": list(run.verdict.witness),
        "reason": run.verdict.reason,
        "digest": run.digest,
        "code": code_of(found.scenario),
        "commit": made.commit,
        "clean": made.clean,
        "shrunk_from": asdict(found.before),
        "shrunk_to": asdict(found.after),
        "shrink_runs": found.runs,
        "shrunk_as_far_as_it_goes": found.whole,
        "faults_drawn_afresh": found.afresh,
        "knobs": None if found.knobs is None else dict(found.knobs),
    }
