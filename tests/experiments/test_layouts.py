"""Every cell of every experiment makes its scenario, so that none is found out by whoever runs it at full size."""

from __future__ import annotations

import pytest

from experiments.commands.run import lay_out
from experiments.registry import find, names


@pytest.mark.parametrize("name", names())
def test_every_cell_of_both_sizes_makes_its_scenario(name: str) -> None:
    experiment = find(name)
    for size in (experiment.quick, experiment.full):
        lay_out(experiment, experiment.cells(size))
