"""Mutants of the store: which there are, which are tried, and what became of them.

All sites of the modules that some design runs are put in an order that depends on what they are
and on nothing else, and the first so many are tried, each in a process of its own, under every
design that runs the module, seed by seed, until one is caught or the seeds are used up.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from experiments.power.designs import MODULES
from experiments.power.operators import Site, equal, sites
from experiments.power.trial import MOST_CPU_S
from experiments.provenance import ROOT

__all__ = ["Fate", "Mutant", "all_mutants", "chosen", "score", "try_out"]

#: Real time, so that a process that waits for nothing ends at last. What is stuck in a loop is ended by its own
#: processor time: a machine that is busy with something else must not convict anybody.
_LONGEST_S: Final = 3_600
#: (design, seed), and for the store as it is the digest there and the claims that hold.
Runs = Mapping[tuple[str, int], tuple[str, tuple[str, ...]]]


class Mutant(NamedTuple):
    """A module with one change."""

    module: str
    number: int
    site: Site

    @property
    def name(self) -> str:
        """File, line and change."""
        path = self.module.replace(".", "/")
        return f"{path}.py:{self.site.line} {self.site.operator}: {self.site.before} -> {self.site.after}"


class Fate(NamedTuple):
    """What became of a mutant.

    Attributes:
        mutant: Which.
        outcome: *caught*; *survived*, while its runs differ from the store's; *unseen*, while none of them does, since
            nothing went where it is or it does the same; *equal*, of the same compiled code, so that it was not run;
            *unborn*, for it cannot be imported.
        by: What told it from the store, or why it could not be imported.
        runs: How many it took.
        cpu_s: And how long.
        differ: In how many of them it did anything else than the store.
    """

    mutant: Mutant
    outcome: str
    by: str | None
    runs: int
    cpu_s: float
    differ: int = 0


def all_mutants() -> list[Mutant]:
    """Every site of every module that a design runs."""
    return [
        Mutant(module, number, site)
        for module in MODULES
        for number, site in enumerate(sites(_origin(module).read_text(encoding="utf-8")))
    ]


def chosen(mutants: Sequence[Mutant], count: int) -> list[Mutant]:
    """So many of them, the same each time, whatever order they come in."""
    return sorted(mutants, key=_rank)[:count]


def try_out(mutant: Mutant, runs: Runs) -> Fate:
    """Run a mutant in a process of its own.

    Raises:
        RuntimeError: the process itself failed.
    """
    if equal(_origin(mutant.module).read_text(encoding="utf-8"), mutant.number):
        return Fate(mutant, "equal", None, 0, 0.0)
    mine = [(seed, design, *known) for (design, seed), known in runs.items() if design in MODULES[mutant.module]]
    order = {
        "module": mutant.module,
        "origin": str(_origin(mutant.module)),
        "number": mutant.number,
        "runs": [(design, seed, digest, claims) for seed, design, digest, claims in sorted(mine)],
    }
    command = [sys.executable, "-m", "experiments.power.trial"]
    try:
        done = subprocess.run(
            command, input=json.dumps(order), capture_output=True, text=True, timeout=_LONGEST_S, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return Fate(mutant, "caught", "endless run", 0, float(_LONGEST_S))
    if done.returncode == -signal.SIGXCPU:
        return Fate(mutant, "caught", "endless run", 0, float(MOST_CPU_S))
    if done.returncode:
        raise RuntimeError(f"the trial of {mutant.name} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return Fate(mutant, **told)


def score(fates: Sequence[Fate]) -> float:
    """Caught of those that are another program and could be imported; 0 if there was none."""
    counted = [fate for fate in fates if fate.outcome not in ("equal", "unborn")]
    return sum(fate.outcome == "caught" for fate in counted) / len(counted) if counted else 0.0


def _rank(mutant: Mutant) -> bytes:
    return blake2b(mutant.name.encode(), digest_size=8).digest()


def _origin(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"
