"""What the bench of merging times is a conflict in every aggregate, and what waits takes memory as it waits."""

import pytest

from experiments.bench.merge import Cut, memory
from models.merging import Compensated, Merged, MergeFold
from models.merging.policies import POLICIES


def outputs(name: str, aggregates: int) -> list[object]:
    cut = Cut(name, aggregates=aggregates)
    fold = MergeFold(cut.policy, tuple(cut.logs))
    for write in cut.writes:
        assert fold.ingest(write)
    settled = fold.settle(cut.writes[-1].stamp_us)
    assert settled is not None
    return list(settled.outputs)


@pytest.mark.parametrize("name", ["canonical-replay", "accept-and-apologise", "last-writer", "first-writer"])
def test_every_aggregate_has_somebody_who_is_owed(name: str) -> None:
    owed = {one.address >> 32 & (1 << 64) - 1 for one in outputs(name, 5) if isinstance(one, Compensated)}
    assert len(owed) == 5


@pytest.mark.parametrize("name", POLICIES)
def test_every_write_is_merged_under_every_policy(name: str) -> None:
    assert any(isinstance(one, Merged) for one in outputs(name, 2))


def test_what_waits_takes_memory_in_proportion() -> None:
    # What the fold itself holds counts less among more.
    few, many = (memory("canonical-replay", aggregates)[0] for aggregates in (200, 800))
    assert many == pytest.approx(few, rel=0.1)
