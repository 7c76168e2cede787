"""What `./lab` can do, a module a family of commands; `experiments.cli` gathers them.

`run` answers questions, `check` holds scenarios to their properties, `compare` holds two results against
each other, `replay` shows one run from inside, `tools`
serves whoever works on the lab. Each returns its exit code: 0 good, 1 a claim failed or a property is violated, 2 bad
input or unknown, 3 the lab failed.
"""

from experiments.commands.check import check
from experiments.commands.check_history import check_history
from experiments.commands.compare import compare
from experiments.commands.replay import replay
from experiments.commands.run import run
from experiments.commands.tools import bench, lint, list_experiments, notebook, test

__all__ = [
    "bench",
    "check",
    "check_history",
    "compare",
    "lint",
    "list_experiments",
    "notebook",
    "replay",
    "run",
    "test",
]
