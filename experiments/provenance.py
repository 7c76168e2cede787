"""Where rows came from: commit, lock and command, and a fingerprint that says whether two sweeps may be mixed."""

from __future__ import annotations

import ast
import json
import platform
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast

from experiments.experiment import Experiment, Row
from experiments.files import Json

__all__ = ["ROOT", "SCENARIOS", "Fingerprint", "Provenance", "code_digest", "fingerprint", "provenance"]

ROOT: Final = Path(__file__).resolve().parents[1]
SCENARIOS: Final = ROOT / "experiments" / "scenarios"

# Rooms whose code cannot change a row, so that mending a table or a button does not throw away a night's runs.
_LOOKS_ONLY: Final = tuple(f"experiments/{room}" for room in ("report", "commands", "bench", "regression", "hunting"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a reader needs to make the same rows again.

    Attributes:
        commit: Full hash of the commit that ran; None where there is no repository.
        clean: Whether the tree held that commit and nothing else outside `reports/`; None with `commit`.
        lock: Digest of constraints.txt.
        python: Version of the interpreter.
        command: What to type.
        seeds: How many seeds, from 0.
    """

    commit: str | None
    clean: bool | None
    lock: str
    python: str
    command: str
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Identity of a sweep's rows: rows of equal fingerprints belong together, whatever the number of seeds.

    Attributes:
        experiment: Its name.
        scenarios: Digest of each scenario's content by name; comments and layout do not count.
        code: Digest of the sources and the lock that produce a row.
    """

    experiment: str
    scenarios: Mapping[str, str]
    code: str

    def to_json(self) -> dict[str, Json]:
        """As stored beside the rows."""
        return {"experiment": self.experiment, "scenarios": dict(self.scenarios), "code": self.code}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Fingerprint:
        """Parse what `to_json` wrote.

        Raises:
            ValueError: It was not written by `to_json`.
        """
        match value:
            case {"experiment": str(experiment), "scenarios": dict(scenarios), "code": str(code)}:
                return cls(experiment=experiment, scenarios=cast(dict[str, str], scenarios), code=code)
        raise ValueError(f"{value!r} is not a fingerprint of a sweep; this folder is not one of the lab's")


def provenance(*, command: str, seeds: int) -> Provenance:
    """Look at the repository and the interpreter as they are now."""
    commit = _git("rev-parse", "HEAD")
    # An unpacked archive inside somebody else's repository must not claim that repository's commit.
    if commit is None or _git("rev-parse", "--show-prefix") != "":
        commit = clean = None
    else:
        clean = _git("status", "--porcelain", "--", ".", ":(exclude)reports") == ""
    lock = _digest([(ROOT / "constraints.txt").read_bytes()])
    return Provenance(
        commit=commit, clean=clean, lock=lock, python=platform.python_version(), command=command, seeds=seeds
    )


def fingerprint(experiment: Experiment[Row], module: str) -> Fingerprint:
    """Identify the rows that the experiment would produce now."""
    return Fingerprint(
        experiment=experiment.name,
        scenarios={name: _scenario_digest(name) for name in sorted(experiment.scenarios)},
        code=code_digest([module]),
    )


def _scenario_digest(name: str) -> str:
    path = SCENARIOS / f"{name}.toml"
    if not path.is_file():  # a scenario that the experiment builds in code, which the code's digest covers
        return _digest([name.encode()])
    try:
        content = json.dumps(tomllib.loads(path.read_text(encoding="utf-8-sig")), sort_keys=True, default=str).encode()
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}; mend the file") from None
    return _digest([content])


def code_digest(modules: Iterable[str]) -> str:
    """Identify the code that produces a run: the three rooms, the lock, and what else these modules are made of.

    Args:
        modules: Modules that a run needs; those of somebody's own lie outside the three rooms.
    """
    paths = [path for room in ("sim", "models", "experiments") for path in (ROOT / room).rglob("*.*")]
    sources = {path.relative_to(ROOT).as_posix(): path for path in paths if path.suffix in {".py", ".csv"}}
    kept = {name: path for name, path in sources.items() if not name.startswith(_LOOKS_ONLY)}
    for module in modules:
        _add_own(module, kept)
    kept["constraints.txt"] = ROOT / "constraints.txt"
    return _digest(part for name in sorted(kept) for part in (name.encode(), kept[name].read_bytes()))


def _add_own(module: str, kept: dict[str, Path]) -> None:
    """Add a module's source and, where it is somebody's own, those of its neighbours that it imports."""
    path = _source_of(module)
    if path is None or path in kept.values():
        return
    kept[module] = path
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.partition(".")[0] == module.partition(".")[0]:
                _add_own(name, kept)


def _source_of(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except ImportError:  # the last part is no module but a name in one
        return None
    found = None if spec is None or spec.origin is None else Path(spec.origin)
    return found if found is not None and found.suffix == ".py" and found.is_file() else None


def _digest(parts: Iterable[bytes]) -> str:
    hasher = blake2b(digest_size=12)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()


def _git(*arguments: str) -> str | None:
    try:
        found = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
