"""One scheme under one seed: balance, movement, hot keys, probes, and who is reachable in a cut."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import Cell, Row, RunResult
from experiments.keyspace.arms import COPIES, REGIONS, SIZES, Space, lists, nodes_in, scheme, space
from experiments.keyspace.formulas import zipf
from experiments.keyspace.stores import STORE, STORE_NODES, store_metrics
from models.keyspace import SlotTable, SpaceSaving, TabletMap
from models.keyspace.hotkeys import isolate
from models.keyspace.master import balance
from models.store.schemes import Spread
from sim.chance import Chance

__all__ = ["EXPONENT", "LOADS", "PROBED", "SPREADS", "KeySpaceRow", "run_once"]

SPREADS: Final = (Spread.HOST, Spread.CLUSTER, Spread.REGION)
#: Of Zipf's law of accesses; 0.99 is YCSB's.
EXPONENT: Final = 0.99
LOADS: Final = (50, 75, 90)
#: Slots of the table that is probed.
PROBED: Final = 4096
_CUT_KEYS: Final = 400
_ACCESSES: Final = 20_000
_COUNTERS: Final = 200
_TOP: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpaceRow(Row):
    """One run; None where the scheme has no such thing.

    `keys_...` are keys a node relative to an equal share, `moved_...` shares of the keys whose first owner changed,
    `needless` those that moved between two nodes that were there before and after. `hot_...` are the load of the
    busiest node relative to an equal share under Zipf's law: as placed, with reads spread over three copies, and where
    hot keys get tablets of their own. In a cut of one region `majority` and `any` are shares of keys with so many of
    three copies on that side (`cut`) or the other (`rest`), by what copies are spread over. Where the store runs,
    `served` are shares of the commands that were answered: with nothing going on, while a host joins and another
    leaves, and on both sides of a cut; `lost` and `twice` count commands in all of these.
    """

    keys_max: float
    keys_cv2: float
    moved_join: float
    moved_leave: float
    needless_join: float
    hot_key: float
    hot_max: float
    hot_spread: float
    hot_split: float | None
    hot_found: float
    hot_wrong: int
    majority_cut_host: float
    any_cut_host: float
    majority_rest_host: float
    any_rest_host: float
    majority_cut_cluster: float
    any_cut_cluster: float
    majority_rest_cluster: float
    any_rest_cluster: float
    majority_cut_region: float
    any_cut_region: float
    majority_rest_region: float
    any_rest_region: float
    probes_hit_50: float | None = None
    probes_miss_50: float | None = None
    probes_hit_75: float | None = None
    probes_miss_75: float | None = None
    probes_hit_90: float | None = None
    probes_miss_90: float | None = None
    served_calm: float | None = None
    served_change: float | None = None
    served_cut_side: float | None = None
    served_other_side: float | None = None
    calm_p99_ms: float | None = None
    change_p99_ms: float | None = None
    stretches_moved: int | None = None
    routes_refused: int | None = None
    lost: int | None = None
    twice: int | None = None


def run_once(cell: Cell, seed: int) -> RunResult:
    """Measure one scheme at one size."""
    arm, count = cell.arm.name, SIZES.get(cell.scenario, STORE_NODES)
    # Sizes and seeds differ in every hash; schemes under one seed share theirs, so they are paired.
    root = int.from_bytes(blake2b(f"{seed}/{cell.scenario}".encode(), digest_size=8).digest(), "big")
    digest = blake2b(digest_size=16)
    made = space(arm, count, root)
    before, joined, left = (lists(one, made.keys, 1)[:, 0] for one in (made.placement, made.joined, made.left))
    for owners in (before, joined, left):
        digest.update(owners.astype("<i8").tobytes())
    loads = np.bincount(before, minlength=count) * count / made.keys
    values: dict[str, Any] = {
        "keys_max": float(loads.max()),
        "keys_cv2": float(((loads - 1) ** 2).mean()),
        "moved_join": float((before != joined).mean()),
        "moved_leave": float((before != left).mean()),
        "needless_join": float(((before != joined) & (joined != count)).mean()),
    }
    values |= _hot(made, before, arm, count, root)
    values |= _cut(arm, count, root, digest)
    if arm == "slots":
        values |= _probes(count, root)
    if cell.scenario == STORE:
        values |= store_metrics(cell.arm, seed, digest)
    row = KeySpaceRow(scenario=cell.scenario, arm=arm, seed=seed, digest=digest.hexdigest(), **values)
    return RunResult(row=row)


def _hot(made: Space, before: NDArray[np.int64], arm: str, count: int, root: int) -> dict[str, Any]:
    """The busiest node under Zipf's law, and how well a bounded counter finds who makes it so."""
    by_rank = np.array(zipf(made.keys, EXPONENT))
    chance = Chance(root)
    order = chance.generator("ranks").permutation(made.keys)  # which key has which rank
    shares = np.empty(made.keys)
    shares[order] = by_rank
    copies = scheme(arm, nodes_in(count), Spread.HOST, root)
    spread = np.zeros(count)
    for column in lists(copies, made.keys, COPIES).T:
        spread += np.bincount(column, shares / COPIES, count)
    counter = SpaceSaving(_COUNTERS)
    seen = order[chance.generator("accesses").choice(made.keys, size=_ACCESSES, p=by_rank)]
    for index in seen.tolist():
        counter.saw(index + 1)
    truth = np.bincount(seen, minlength=made.keys)
    wrong = sum(not one.times - one.error <= truth[one.key - 1] <= one.times for one in counter.hottest(_COUNTERS))
    wrong += int((truth > _ACCESSES / _COUNTERS).sum()) - sum(
        truth[one.key - 1] > _ACCESSES / _COUNTERS for one in counter.hottest(_COUNTERS)
    )
    top = {int(index) + 1 for index in order[:_TOP]}
    return {
        "hot_key": float(by_rank[0] * count),
        "hot_max": float(np.bincount(before, shares, count).max() * count),
        "hot_spread": float(spread.max() * count),
        "hot_split": _split(made, shares, counter, count) if isinstance(made.placement, TabletMap) else None,
        "hot_found": len(top & {one.key for one in counter.hottest(_TOP)}) / _TOP,
        "hot_wrong": int(wrong),
    }


def _split(made: Space, shares: NDArray[np.float64], counter: SpaceSaving, count: int) -> float:
    """The busiest node once hot keys, as counted, have tablets of their own and tablets are balanced by load."""
    hot = [one.key for one in counter.above(0.1 / count)]
    tablets = isolate(made.placement, hot)
    passed = np.concatenate(([0.0], np.cumsum(shares)))

    def load(begin: int, end: int) -> float:
        first, last = min(max(begin, 1), made.keys + 1), min(max(end, 1), made.keys + 1)
        return float(passed[last - 1] - passed[first - 1])

    loads = {one.begin: load(one.begin, one.end) for one in tablets.tablets}
    leads = {move.at: move.owners[0] for move in balance(tablets, loads)}
    carried = np.zeros(count)
    for one in tablets.tablets:
        carried[leads.get(one.begin, one.owners[0])] += loads[one.begin]
    return float(carried.max() * count)


def _cut(arm: str, count: int, root: int, digest: Any) -> dict[str, float]:
    """Shares of keys by how many of their copies are in the first region, which is cut off."""
    nodes = nodes_in(count)
    inside = {node.number for node in nodes if node.region == REGIONS[0]}
    keys = range(1, min(_CUT_KEYS, 100 * count) + 1)
    step = 100 * count // len(keys)  # tablets: keys from all over the range that is in use
    found = {}
    for spread in SPREADS:
        made = scheme(arm, nodes, spread, root)
        there = []
        for key in keys:
            owners = made.owners(key * step, COPIES)
            digest.update(repr(owners).encode())
            there.append(sum(owner in inside for owner in owners))
        level = spread.name.lower()
        need = COPIES // 2 + 1
        found[f"majority_cut_{level}"] = sum(n >= need for n in there) / len(there)
        found[f"any_cut_{level}"] = sum(n >= 1 for n in there) / len(there)
        found[f"majority_rest_{level}"] = sum(COPIES - n >= need for n in there) / len(there)
        found[f"any_rest_{level}"] = sum(COPIES - n >= 1 for n in there) / len(there)
    return found


def _probes(count: int, root: int) -> dict[str, float]:
    """Mean probes of a table at several loads, for keys that are there and for keys that are not."""
    found = {}
    for load in LOADS:
        table = SlotTable(nodes_in(count), slots=PROBED, limit=0.95, seed=(root + load) % (1 << 64))
        keys = PROBED * load // 100
        for key in range(keys):
            table.insert(key)
        found[f"probes_hit_{load}"] = sum(table.find(key)[1] for key in range(keys)) / keys
        vain = range(1 << 20, (1 << 20) + PROBED)
        found[f"probes_miss_{load}"] = sum(table.find(key)[1] for key in vain) / len(vain)
    return found
