"""What one run measures: a function from a seed to numbers for every kind of cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

import numpy as np

from experiments.quorums import store
from experiments.quorums.legs import Floats, Legs, exponential
from experiments.quorums.published import FRESH, LATENCIES, LEGS, SWEPT, TABLE
from experiments.quorums.visibility import Grid, first_step, nodes, quantile
from experiments.quorums.wars import Quorum, latency, stale, trials
from sim.chance import Chance
from sim.latency import Constant, Uniform

__all__ = ["BEYOND", "CELLS", "CLOSED", "MEAN_MS", "PAUSES_MS", "STORES", "VERSIONS", "Measures", "closed_legs"]

#: What lies beyond each end of a tolerance: of a hundred published figures, all are inside with 99 %.
BEYOND: Final = 0.01 / 100 / 2
_DEVIATIONS: Final = 3.891  # of a normal, with BEYOND above it
#: Pauses at which staleness is told, milliseconds.
PAUSES_MS: Final = (0, 1, 5, 10)

_LATENCY_DRAWS: Final = 600
_STALE_DRAWS: Final = 4_500
_CLOSED_DRAWS: Final = 10_000
_STORE_TRIALS: Final = 50_000
_VERSIONS: Final = 120_000
_OPERATIONS: Final = 60
MEAN_MS: Final = 10.0
_TINY_US: Final = 1
_WRITES: Final = 3

#: N from 2 to 10, R and W so that neither chance nor certainty is all there is.
CLOSED: Final = (
    *(Quorum(n, 1, 1) for n in range(2, 11)),
    *(Quorum(n, 2, 1) for n in range(3, 11)),
    *(Quorum(n, 1, 2) for n in (3, 6, 10)),
    *(Quorum(n, 2, 2) for n in range(5, 11)),
    *(Quorum(n, 3, 2) for n in (7, 10)),
    Quorum(10, 3, 3),
)
#: The store beside WARS on the same legs.
STORES: Final = (
    ("disk", Quorum(3, 1, 1)),
    ("disk", Quorum(3, 2, 1)),
    ("disk", Quorum(5, 2, 2)),
    ("ssd", Quorum(3, 1, 1)),
    ("ymmr", Quorum(3, 1, 1)),
)
#: The store with quorums that do not grow.
VERSIONS: Final = (Quorum(2, 1, 1), Quorum(3, 1, 1), Quorum(5, 2, 2), Quorum(10, 3, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What one run measured.

    Attributes:
        values: By metric.
        digest: Of the world, or of the draws' name.
        operations: That went through the world.
        mismatches: Of these, reads that found something else than WARS does on the same legs.
        error_us: Largest difference of a latency from WARS's; None where there is no world.
    """

    values: Mapping[str, float]
    digest: str
    operations: int = 0
    mismatches: int | None = None
    error_us: int | None = None


def closed_legs() -> Legs:
    """Legs with a closed form: an exponential write leg, and the others as good as nothing."""
    return Legs(w=exponential(MEAN_MS), a=Constant(_TINY_US), r=Constant(_TINY_US), s=Uniform(1, 1_000))


def _latency(name: str, quorum: Quorum, write: bool, seed: int) -> Measures:
    legs, level = LEGS[name].legs, 0.999
    off = _DEVIATIONS * (level * (1 - level) / LATENCIES) ** 0.5
    levels = (level, level - off, level + off)
    at, low, high = latency(_rng(seed), legs, quorum, _LATENCY_DRAWS, levels, write=write)
    return Measures(values={"latency_ms": at, "low_ms": low, "high_ms": high}, digest=_digest(seed, at))


def _visible(name: str, quorum: Quorum, grid: Grid, seed: int) -> Measures:
    pauses = nodes(2 * grid.end)
    chance = stale(_rng(seed), LEGS[name].legs, quorum, _STALE_DRAWS, [*pauses, *PAUSES_MS])
    curve, told = chance[: len(pauses)], chance[len(pauses) :]
    values = {"t_ms": quantile(pauses, curve), **_stale(told)}
    if curve[0] > 0.001:
        step = first_step(pauses, curve, grid, beyond=BEYOND)
        values |= {"step_ms": step.mean, "step_low_ms": step.low, "step_high_ms": step.high}
    else:
        values |= {"step_ms": 0.0, "step_low_ms": 0.0, "step_high_ms": 0.0}
    return Measures(values=values, digest=_digest(seed, float(chance[0])))


def _closed(quorum: Quorum, seed: int) -> Measures:
    shares = stale(_rng(seed), closed_legs(), quorum, _CLOSED_DRAWS, PAUSES_MS)
    return Measures(values=_stale(shares), digest=_digest(seed, float(shares[0])))


def _store(name: str, quorum: Quorum, seed: int) -> Measures:
    """The store's share of stale reads, less WARS's over the same legs, plus its share over many more."""
    legs, pauses = LEGS[name].legs, [1_000 * ms for ms in PAUSES_MS]
    seen = store.probe(seed, legs, quorum, pauses, _OPERATIONS)
    expected = store.recursion(seed, legs, quorum, pauses, _OPERATIONS)
    far = _share_stale(trials(_rng(seed), legs, quorum, _STORE_TRIALS).visible)
    off = [float((expected.fresh - seen.fresh)[place :: len(pauses)].mean()) for place in range(len(pauses))]
    errors = np.abs(np.concatenate([seen.read - expected.read, seen.write - expected.write]))
    return Measures(
        values=_stale(far + np.array(off)),
        digest=seen.digest,
        operations=2 * _OPERATIONS,
        mismatches=int((seen.fresh != expected.fresh).sum()),
        error_us=int(errors.max()),
    )


def _versions(quorum: Quorum, seed: int) -> Measures:
    """How often the store's reads miss the last k versions, by the same control as `_store`."""
    seen = store.versions(seed, quorum, _WRITES, _OPERATIONS)
    far = _missed(_rng(seed), quorum, _VERSIONS)
    values = {
        f"missed_{k}": float((far >= k).mean() + (seen.missed >= k).mean() - (seen.expected >= k).mean())
        for k in range(1, _WRITES + 1)
    }
    return Measures(
        values=values,
        digest=seen.digest,
        operations=_OPERATIONS * (_WRITES + 1),
        mismatches=int((seen.missed != seen.expected).sum()),
    )


def _missed(rng: np.random.Generator, quorum: Quorum, count: int) -> Floats:
    """By read: how many of the last versions its quorum misses, each write's quorum being drawn afresh."""
    # Whichever R replicas are read, a write's quorum is as likely to be any W of all N.
    met = rng.hypergeometric(quorum.r, quorum.n - quorum.r, quorum.w, (count, _WRITES)) > 0
    return np.where(met.any(axis=1), met.argmax(axis=1), _WRITES).astype(float)


def _share_stale(visible: Floats) -> Floats:
    return np.array([(visible > pause).mean() for pause in PAUSES_MS])


def _stale(shares: Floats) -> dict[str, float]:
    return {f"stale_{pause}": float(share) for pause, share in zip(PAUSES_MS, shares, strict=True)}


def _rng(seed: int) -> np.random.Generator:
    return Chance(seed).afresh("wars")


def _digest(seed: int, value: float) -> str:
    # numpy's powers differ in their last bits from one processor to another, so a run of the Monte Carlo
    # alone is told by its seed and what it found to six digits.
    return blake2b(f"{seed}/{value:.6g}".encode(), digest_size=16).hexdigest()


def visible_cell(name: str, quorum: Quorum) -> str:
    """The name of the cell that measures t."""
    return f"{name}-n{quorum.n}r{quorum.r}w{quorum.w}"


def _cells() -> dict[str, Callable[[int], Measures]]:
    cells: dict[str, Callable[[int], Measures]] = {}
    for name in ("ssd", "disk", "ymmr", "wan"):
        for need in (1, 2, 3):
            for write in (False, True):
                quorum = Quorum(3, 1, need) if write else Quorum(3, need, 1)
                cells[f"{name}-{'w' if write else 'r'}{need}"] = partial(_latency, name, quorum, write)
    cells["ymmr-printed-w1"] = partial(_latency, "ymmr-printed", Quorum(3, 1, 1), True)
    partial_quorums = [(entry.legs, Quorum(3, entry.r, entry.w)) for entry in TABLE if entry.r + entry.w <= 3]
    partial_quorums.append(("ymmr-printed", Quorum(3, 1, 1)))
    partial_quorums += [(name, Quorum(3, 1, 1)) for name, _, _ in FRESH]
    partial_quorums += [(name, quorum) for name, quorum, _ in SWEPT]
    partial_quorums += [(name, Quorum(3, 1, 1)) for name in ("exp-quarter", "exp-ten")]
    partial_quorums += STORES
    for name, quorum in dict.fromkeys(partial_quorums):
        cells[visible_cell(name, quorum)] = partial(_visible, name, quorum, LEGS[name].grid)
    for quorum in CLOSED:
        cells[visible_cell("closed", quorum)] = partial(_closed, quorum)
    for name, quorum in STORES:
        cells[f"store-{visible_cell(name, quorum)}"] = partial(_store, name, quorum)
    for quorum in VERSIONS:
        cells[f"versions-n{quorum.n}r{quorum.r}w{quorum.w}"] = partial(_versions, quorum)
    return cells


CELLS: Final[Mapping[str, Callable[[int], Measures]]] = MappingProxyType(_cells())
