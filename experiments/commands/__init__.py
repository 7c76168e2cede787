"""What `./lab` can do, a module a family of commands; `experiments.cli` gathers them.

`run` answers questions, `check` holds scenarios to their properties, `hunt` looks for a seed that breaks one, `replay`
shows one run from inside or holds a bundle against the code of today, `compare` tells what got worse, `check-history`
judges a history from elsewhere, `confluence` says what can be split before anything is run, `obligations` whether merge
policies keep what they promise, `tools` serves whoever
works on the lab. Each returns its exit code: 0 good, 1 a claim failed or a property is violated, 2 bad input or
unknown, 3 the lab failed.
"""

from experiments.commands.check import check
from experiments.commands.check_history import check_history
from experiments.commands.compare import compare
from experiments.commands.confluence import confluence
from experiments.commands.hunt import hunt_command
from experiments.commands.obligations import obligations
from experiments.commands.replay import replay
from experiments.commands.run import run
from experiments.commands.tools import bench, lint, list_experiments, notebook, test

__all__ = [
    "bench",
    "check",
    "check_history",
    "compare",
    "confluence",
    "hunt_command",
    "lint",
    "list_experiments",
    "notebook",
    "obligations",
    "replay",
    "run",
    "test",
]
