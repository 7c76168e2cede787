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

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from experiments.files import Json, whole_folder, write_json, write_text
from experiments.hunting.recording import Recording, record
from experiments.hunting.shrink import Size
from experiments.hunting.telling import story
from experiments.hunting.trial import NO_CRASH
from experiments.journal import Refused
from experiments.provenance import code_digest, provenance
from experiments.scenario import Scenario, ScenarioError, parse
from experiments.scenario.factory import resolve
from experiments.scenario.problems import Finding
from sim.checkers import Outcome, Verdict
from sim.faults import schedule_from_json, schedule_to_json
from sim.history import History

__all__ = [
    "Bundle",
    "Found",
    "bundle_name",
    "code_of",
    "is_bundle",
    "read_bundle",
    "require_free",
    "write_bundle",
]

SCENARIO: Final = "scenario.toml"
VERDICT: Final = "verdict.json"
_ORIGINAL: Final = "original.toml"
_SCHEDULE: Final = "schedule.json"
_HISTORY: Final = "history.jsonl"
_DIAGRAM: Final = "diagram.svg"
_STORY: Final = "replay.txt"
_TRACEBACK: Final = "traceback.txt"
_OWN: Final = frozenset({SCENARIO, VERDICT, _ORIGINAL, _SCHEDULE, _HISTORY, _DIAGRAM, _STORY, _TRACEBACK})
_FORMAT: Final = 1
#: What a verdict must hold, and as what.
_KEYS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "format": int,
    "scenario": str,
    "property": str,
    "seed": int,
    "outcome": str,
    "expects": str,
    "witness": list,
    "reason": str,
    "digest": str,
    "code": str,
    "commit": (str, type(None)),
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A folder that was found right.

    Attributes:
        folder: Where it lies.
        scenario: The shrunk one, by its first name.
        claim: What it is about.
        seed: Root of the run.
        verdict: As recorded.
        expects: What a run is to say today: the recorded outcome, or `valid` once the bug is mended.
        digest: As recorded; "" if the run raised.
        code: Digest of the code that made it.
        commit: Where that was committed, None if it was not known.
        history: What the clients recorded.
    """

    folder: Path
    scenario: Scenario
    claim: str
    seed: int
    verdict: Verdict
    expects: Outcome
    digest: str
    code: str
    commit: str | None
    history: History


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


# -- writing -----------------------------------------------------------------------------------


def write_bundle(folder: Path, found: Found, *, typed: str) -> Recording:
    """Run a counterexample once more, in full, and write it down: whole, or not at all if it is stopped meanwhile.

    Args:
        folder: Made if missing; an older bundle in it is replaced, what somebody has laid beside it stays.
        found: The counterexample.
        typed: The folder as a reader should type it.

    Raises:
        Refused: the folder holds something else, or cannot be written.
    """
    from experiments.hunting.diagram import draw

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
            write_text(new / _SCHEDULE, schedule_to_json(scenario.faults))
            run.history.to_jsonl(new / _HISTORY)
            write_json(new / VERDICT, _verdict(found, run))
            write_text(new / _STORY, "\n".join(story(found, run, typed)) + "\n")
            if run.failure:
                write_text(new / _TRACEBACK, run.failure)
            draw(run, new / _DIAGRAM)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}); choose another folder (--out, in a test bundles=)"
        ) from None
    return run


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
        "format": _FORMAT,
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


# -- reading -----------------------------------------------------------------------------------


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle back.

    Raises:
        Refused: it is none, or broken; with everything that is wrong.
    """
    problems: list[str] = []
    values = _read_verdict(folder, problems)
    scenario = _read_scenario(folder, str(values.get("scenario", folder.name)), problems)
    if scenario is not None:
        problems += _misfits(folder, scenario, str(values.get("property", NO_CRASH)))
    history = _read_history(folder / _HISTORY, problems)
    if problems:
        raise Refused("\n".join([f"{folder} is no bundle that can be replayed:", *problems]))
    assert scenario is not None
    return Bundle(
        folder=folder,
        scenario=scenario,
        claim=values["property"],
        seed=values["seed"],
        verdict=Verdict(Outcome(values["outcome"]), tuple(values["witness"]), values["reason"]),
        expects=Outcome(values["expects"]),
        digest=values["digest"],
        code=values["code"],
        commit=values["commit"],
        history=history,
    )


def _read_history(path: Path, problems: list[str]) -> History:
    try:
        return History.from_jsonl(path)
    except OSError:
        problems.append(f"{path}: there is no such file; restore it")
    except UnicodeDecodeError:
        problems.append(f"{path}: not UTF-8 text; restore it")
    except ValueError as error:
        problems.append(f"{error}; restore the file")
    except RecursionError as error:
        problems.append(f"{path}: not JSON lines ({error}); restore the file")
    return History()


def _read_verdict(folder: Path, problems: list[str]) -> dict[str, Any]:
    path = folder / VERDICT
    try:
        values = json.loads(path.read_bytes())
    except OSError:
        problems.append(f"{path}: there is no such file; name the folder that a hunt has written")
        return {}
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not JSON ({error}); restore the file")
        return {}
    if not isinstance(values, dict):
        problems.append(f"{path}: no JSON object; restore the file")
        return {}
    problems += (f"{path}: {problem}" for problem in _bad_values(values))
    return values


def _bad_values(values: Mapping[str, Any]) -> Iterator[str]:
    for key, wanted in _KEYS.items():
        if key not in values:
            yield f"{key} is missing; restore the file"
        elif not isinstance(values[key], wanted) or isinstance(values[key], bool):
            yield f"{key} = {json.dumps(values[key])} is of the wrong type; restore the file"
        elif key in ("outcome", "expects") and values[key] not in list(Outcome):
            yield f"{key} = {values[key]!r} is not one of {', '.join(Outcome)}; write one"
        elif key == "witness" and any(type(op) is not int for op in values[key]):
            yield f"{key} = {json.dumps(values[key])} holds what is no operation; restore the file"
        elif key == "seed" and values[key] < 0:
            yield f"{key} = {values[key]} is negative; seeds count from 0"
        elif key == "format" and values[key] != _FORMAT:
            yield f"{key} = {values[key]}: this lab reads format {_FORMAT}; replay it with the lab that wrote it"


def _read_scenario(folder: Path, name: str, problems: list[str]) -> Scenario | None:
    path = folder / SCENARIO
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse(document, name=name, file=str(path), folder=folder)
    except OSError:
        problems.append(f"{path}: there is no such file; restore it")
    except ScenarioError as error:
        gone = dict(_gone(document))
        problems += (gone.get(problem.value, str(problem)) for problem in error.problems)
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not TOML ({error}); restore the file")
    return None


def _gone(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By the name of a system or property as its file spells it, that the code which it names is not here any more."""
    system, uses = document.get("system"), document.get("property", [])
    sections = [system, *(uses if isinstance(uses, list) else ())]
    names = [section.get(key) for section in sections if isinstance(section, dict) for key in ("factory", "name")]
    for name in names:
        if isinstance(name, str) and ":" in name and isinstance(missing := resolve(name), Finding):
            told = f"the bundle needs {name}, and {missing.rule}"
            way_out = "replay it where that is: in its project's folder, or with the code of the commit in verdict.json"
            yield missing.value, f"{told}; {way_out}"


def _misfits(folder: Path, scenario: Scenario, claim: str) -> Iterable[str]:
    """Where the files of a bundle contradict each other."""
    claimed = [use.name for use in scenario.properties]
    if claim not in (NO_CRASH, *claimed):
        yield f"{folder / SCENARIO}: claims {', '.join(claimed) or 'nothing'}, the verdict is on {claim}; restore it"
    path = folder / _SCHEDULE
    try:
        schedule = schedule_from_json(path.read_text(encoding="utf-8"))
    except OSError:
        yield f"{path}: there is no such file; restore it"
    except UnicodeDecodeError:
        yield f"{path}: not UTF-8 text; restore it"
    except ValueError as error:
        yield f"{path}: {error}"
    else:
        if schedule != scenario.faults:
            yield f"{path}: not the faults of {SCENARIO}; restore both, or edit both alike"
