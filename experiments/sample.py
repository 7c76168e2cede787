"""A few runs of an experiment, here and now: for a notebook that finds no finished sweep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.experiment import Experiment
from experiments.journal import open_journal
from experiments.provenance import fingerprint
from experiments.registry import module_of
from experiments.results import collect, write_table
from experiments.workers import Task, run_line

__all__ = ["sample"]


def sample(experiment: Experiment[Any], keys: Iterable[str], folder: Path) -> Path:
    """Carry out the runs named "scenario/arm/seed" in this process.

    Returns:
        The folder, which `experiments.results.load` now reads like a finished sweep's.
    """
    wanted = sorted(keys)
    module = module_of(experiment.name)
    journal = open_journal(folder, fingerprint(experiment, module))
    try:
        for key in wanted:
            if key not in journal.finished:
                scenario, arm, seed = key.split("/")
                journal.append(key, run_line(Task(module, scenario, arm, int(seed))))
    finally:
        journal.close()
    write_table(collect(folder, experiment.row, wanted), experiment.row, folder)
    return folder
