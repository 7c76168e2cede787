"""Reading a bundle back, with everything that is wrong with it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from experiments.hunting.bundle import FORMAT, HISTORY, SCENARIO, SCHEDULE, VERDICT
from experiments.hunting.trial import NO_CRASH
from experiments.journal import Refused
from experiments.scenario import Scenario, ScenarioError, parse
from experiments.scenario.factory import resolve
from experiments.scenario.problems import Finding
from sim.checkers import Outcome, Verdict
from sim.faults import schedule_from_json
from sim.history import History

__all__ = ["Bundle", "read_bundle"]

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
    history = _read_history(folder / HISTORY, problems)
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
        elif key == "format" and values[key] != FORMAT:
            yield f"{key} = {values[key]}: this lab reads format {FORMAT}; replay it with the lab that wrote it"


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
    path = folder / SCHEDULE
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
