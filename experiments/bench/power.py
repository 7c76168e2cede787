"""How many known-broken systems the lab catches, how fast, and how many mutants of its own store.

Every variant of `tests/broken/catalogue.toml` is searched in three disjoint ranges of seeds; it
is caught if most of them found it. The sound twin runs the same seeds as its variants, and every
*invalid* of it is a false alarm. Of all mutants of the store a sample that is the same each time
is tried, each under the same seeds (`experiments.power`). Nothing here is told what is broken.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, Final

from experiments.power.catalogue import Search, Silence, Variant, listen, read, search
from experiments.power.designs import DESIGNS, judged
from experiments.power.mutants import Fate, Runs, all_mutants, chosen, score, try_out
from experiments.provenance import ROOT
from experiments.workers import calm_collector

__all__ = ["run"]

RANGES: Final = 3
SEEDS_A_RANGE: Final = 400
MUTANTS: Final = 100
MUTANT_SEEDS: Final = 50

Progress = Callable[[str], None]


def run(progress: Progress) -> dict[str, Any]:
    """Search the catalogue, listen to the twins, try the mutants."""
    jobs = os.cpu_count() or 1
    if str(ROOT) not in sys.path:  # the catalogue's factories are found from the root
        sys.path.insert(0, str(ROOT))
    variants = read()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=calm_collector) as pool:
        searches = _search(pool, variants, progress)
        silences = _listen(pool, variants, searches, progress)
        runs = _baseline(pool)
    fates = _try_out(jobs, runs, progress)
    caught = [variant for variant in variants if _median_seeds(searches[variant.name]) is not None]
    return {
        "caught": len(caught),
        "total": len(variants),
        "false_alarms": sum(len(silence.alarms) for silence in silences.values()),
        "mutation_score": round(score(fates), 4),
        "detail": {
            "ranges": RANGES,
            "seeds_a_range": SEEDS_A_RANGE,
            "variants": {variant.name: _told(variant, searches[variant.name]) for variant in variants},
            "twins": {_stem(name): silence._asdict() for name, silence in silences.items()},
            "mutants": _told_of_mutants(fates),
        },
    }


def _search(pool: Executor, variants: Sequence[Variant], progress: Progress) -> dict[str, list[Search]]:
    asked: dict[Future[Search], str] = {}
    for begin in range(0, RANGES * SEEDS_A_RANGE, SEEDS_A_RANGE):
        for variant in variants:
            asked[pool.submit(search, variant.scenario, variant.broken, begin, SEEDS_A_RANGE)] = variant.name
    found: dict[str, list[Search]] = {variant.name: [] for variant in variants}
    for number, done in enumerate(as_completed(asked), 1):
        result, name = done.result(), asked[done]
        found[name].append(result)
        what = "nothing" if result.claim is None else f"{result.claim} under seed {result.seed}"
        progress(f"power: search {number} of {len(asked)}: {name}: {what}, after {result.seeds} seeds")
    return found


def _listen(
    pool: Executor, variants: Sequence[Variant], searches: Mapping[str, Sequence[Search]], progress: Progress
) -> dict[str, Silence]:
    """Each sound twin under every seed that one of its variants ran."""
    asked: dict[str, list[Future[Silence]]] = {variant.scenario: [] for variant in variants}
    for scenario, futures in asked.items():
        ranges = [
            sorted(searches[variant.name], key=lambda one: -1 if one.seed is None else one.seed // SEEDS_A_RANGE)
            for variant in variants
            if variant.scenario == scenario
        ]
        for number in range(RANGES):
            longest = max(_seeds_in(found, number) for found in ranges)
            futures.append(pool.submit(listen, scenario, number * SEEDS_A_RANGE, longest))
    heard: dict[str, Silence] = {}
    for scenario, futures in asked.items():
        parts = [future.result() for future in futures]
        heard[scenario] = Silence(
            sum(part.seeds for part in parts),
            tuple(alarm for part in parts for alarm in part.alarms),
            tuple(unknown for part in parts for unknown in part.unknown),
        )
        progress(
            f"power: {_stem(scenario)}: {len(heard[scenario].alarms)} alarms in {heard[scenario].seeds} sound runs"
        )
    return heard


def _seeds_in(found: Sequence[Search], number: int) -> int:
    """How many seeds of a range were run; all of it where nothing was found."""
    inside = [one for one in found if one.seed is not None and one.seed // SEEDS_A_RANGE == number]
    return inside[0].seeds if inside else SEEDS_A_RANGE


def _baseline(pool: Executor) -> Runs:
    """For every design and seed, the digest of the store as it is and the claims that it holds."""
    asked = {(design, seed): pool.submit(judged, design, seed) for seed in range(MUTANT_SEEDS) for design in DESIGNS}
    found = {key: future.result() for key, future in asked.items()}
    return {
        key: (digest, tuple(claim for claim, outcome in outcomes.items() if outcome == "valid"))
        for key, (digest, outcomes) in found.items()
    }


def _try_out(jobs: int, runs: Runs, progress: Progress) -> list[Fate]:
    mutants = chosen(all_mutants(), MUTANTS)
    fates: list[Fate] = []
    # The work is done by the processes that the threads wait for.
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(try_out, mutant, runs) for mutant in mutants]):
            fate = done.result()
            fates.append(fate)
            by = "" if fate.by is None else f" by {fate.by}"
            progress(f"power: mutant {len(fates)} of {len(mutants)}: {fate.outcome}{by}: {fate.mutant.name}")
    return sorted(fates, key=lambda fate: (fate.mutant.module, fate.mutant.number))


def _median_seeds(found: Sequence[Search]) -> float | None:
    """Median over the ranges of the seeds to the first catch; None if most ranges found nothing."""
    if sum(one.claim is not None for one in found) * 2 <= len(found):
        return None
    return statistics.median([one.seeds for one in found])


def _told(variant: Variant, found: Sequence[Search]) -> dict[str, Any]:
    return {
        "median_seeds": _median_seeds(found),
        "median_cpu_s": round(statistics.median([one.cpu_s for one in found]), 3),
        "seeds": sorted(one.seeds for one in found),
        "claims": sorted({one.claim for one in found if one.claim is not None}),
        "reference": variant.reference,
    }


def _told_of_mutants(fates: Sequence[Fate]) -> dict[str, Any]:
    outcomes = Counter(fate.outcome for fate in fates)
    errors = sum(fate.outcome == "caught" and str(fate.by).startswith(("raised", "endless")) for fate in fates)
    by_outcome = {outcome: [f for f in fates if f.outcome == outcome] for outcome in ("survived", "unseen", "equal")}
    # First what changed the most and was not convicted: there a claim is missing, or a judge is blind.
    survivors = sorted(by_outcome["survived"], key=lambda fate: -fate.differ / fate.runs)
    operators = Counter((fate.mutant.site.operator, fate.outcome) for fate in fates)
    return {
        "sites": len(all_mutants()),
        "sampled": len(fates),
        "seeds": MUTANT_SEEDS,
        "caught_by_a_claim": outcomes["caught"] - errors,
        "caught_by_an_error": errors,
        "survived": outcomes["survived"],
        "unseen": outcomes["unseen"],
        "equal": outcomes["equal"],
        "unborn": outcomes["unborn"],
        "operators": {f"{operator} {outcome}": count for (operator, outcome), count in sorted(operators.items())},
        "survivors": [f"{f.mutant.name} ({f.differ} of {f.runs} runs differ, every claim holds)" for f in survivors],
        "unseen_mutants": [fate.mutant.name for fate in by_outcome["unseen"]],
        "equal_mutants": [fate.mutant.name for fate in by_outcome["equal"]],
        "cpu_s": round(sum(fate.cpu_s for fate in fates), 1),
    }


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".toml")
