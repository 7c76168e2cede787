"""What a command leaves behind in the memory of a whole world, and where.

Memory is measured as the interpreter hands it out (tracemalloc), at many instants of one run. Where the log is cut
it goes up and down with the segments, so what counts is the lowest of the early instants against the lowest of
the late ones. The client history, which grows by design, is weighed by letting go of it, and kept apart.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

from experiments.bench._profile import place
from sim.world import World

__all__ = ["Growth", "growth"]


class Growth(NamedTuple):
    """Bytes that each command adds, on average.

    Attributes:
        held: In everything but the client history.
        history: In the client history.
        by_file: The first, by the file that allocated it; the largest five of at least a tenth of a byte.
        commands: On how many the averages rest.
    """

    held: float
    history: float
    by_file: dict[str, float]
    commands: int


class _Sample(NamedTuple):
    commands: int
    held: int
    history: int
    by_file: dict[str, int]


def growth(build: Callable[[], World], *, warm_us: int, until_us: int, instants: int = 30) -> Growth:
    """Run a world and weigh it again and again.

    Args:
        build: Makes the world, with load until after `until_us`.
        warm_us: From when on it is weighed: windows are full and caches warm.
        until_us: Until when.
        instants: How often, a multiple of 3; the first third is early and the last one late.
    """
    gc.collect()
    tracemalloc.start()
    try:
        world = build()
        samples: list[_Sample] = []
        for number in range(instants):
            world.run(warm_us + (until_us - warm_us) * (number + 1) // instants)
            samples.append(_weighed(world, samples[-1].commands if samples else 0))
    finally:
        tracemalloc.stop()
    early = min(samples[: instants // 3], key=_held)
    late = min(samples[-instants // 3 :], key=_held)
    commands = late.commands - early.commands
    between = [sample.history for sample in samples if early.commands < sample.commands <= late.commands]
    return Growth(
        held=(late.held - early.held) / commands,
        history=sum(between) / commands,
        by_file=_by_file(early, late, commands),
        commands=commands,
    )


def _weighed(world: World, before: int) -> _Sample:
    """What the world takes now; its history is let go of, and thereby weighed."""
    gc.collect()
    rows = world.history.rows
    commands = before + sum(row.kind == "invoke" for row in rows)
    with_history, _ = tracemalloc.get_traced_memory()
    rows.clear()
    held, _ = tracemalloc.get_traced_memory()
    history = with_history - held
    by_file: dict[str, int] = {}
    # Only sums are kept: a snapshot would take more than what it tells of.
    for statistic in tracemalloc.take_snapshot().statistics("filename"):
        name = place(statistic.traceback[0].filename)
        by_file[name] = by_file.get(name, 0) + statistic.size
    held -= by_file.pop(place(__file__), 0)  # the samples themselves
    return _Sample(commands, held, history, by_file)


def _held(sample: _Sample) -> int:
    return sample.held


def _by_file(early: _Sample, late: _Sample, commands: int) -> dict[str, float]:
    found = {name: (size - early.by_file.get(name, 0)) / commands for name, size in late.by_file.items()}
    largest = sorted(found.items(), key=lambda one: -one[1])[:5]
    return {name: round(size, 2) for name, size in largest if size >= 0.1}
