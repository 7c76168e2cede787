"""The crash table: every cell run, judged, and told.

Cells of one scheme share a rehearsal; each is a world of its own, so schemes can be shared out to processes.
Where a rehearsal passes a point only while nobody waits for an answer, worlds of other seeds are
rehearsed until one passes it with a command in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from experiments.crashes.cells import SCHEMES, Cell, cells, lags, why_not
from experiments.crashes.judge import judge
from experiments.crashes.results import CellResult
from experiments.crashes.world import Passage, Rehearsal, act, pick, rehearse
from models.store.schemes import Loss, Promise
from models.store.shard import Shard
from sim.units import format_us

__all__ = ["of_scheme", "table"]

_SEEDS: Final = range(1, 9)


def table(
    progress: Callable[[int, int], object] | None = None,
    jobs: int = 1,
    *,
    schemes: Sequence[str] = SCHEMES,
    strikes: int = 1,
) -> tuple[CellResult, ...]:
    """Run every cell, in the order of the table; the result does not depend on `jobs`.

    Args:
        progress: Told (cells done, cells in all) from time to time.
        jobs: Processes to share the schemes out to; 1 runs all of them here.
        schemes: In words.
        strikes: Worlds a cell, each with its crash at another passage of the point, as far as there are such.
    """
    total = sum(1 for scheme in schemes for _ in cells(scheme))
    found: list[CellResult] = []

    def take(results: Sequence[CellResult]) -> None:
        found.extend(results)
        if progress is not None:
            progress(len(found), total)

    if jobs == 1:
        for scheme in schemes:
            for result in of_scheme(scheme, strikes=strikes):
                take([result])
        return tuple(found)
    with ProcessPoolExecutor(min(jobs, len(schemes)), mp_context=get_context("spawn")) as crew:
        for results in crew.map(_all_of, schemes, [strikes] * len(schemes)):
            take(results)
    return tuple(found)


def of_scheme(
    scheme: str, points: Sequence[str] | None = None, *, strikes: int = 1, make: type[Shard] = Shard
) -> Iterator[CellResult]:
    """The cells of one scheme, or of some of its points; a test may replace the store by a broken one."""
    known: dict[tuple[bool, int], Rehearsal] = {}
    chosen: dict[str, tuple[Rehearsal, tuple[Passage, ...]]] = {}
    for cell in cells(scheme):
        if points is not None and cell.point not in points:
            continue
        if cell.point not in chosen:
            chosen[cell.point] = _choose(cell, known, strikes, make)
        yield _result(cell, *chosen[cell.point])


def _all_of(scheme: str, strikes: int) -> tuple[CellResult, ...]:
    return tuple(of_scheme(scheme, strikes=strikes))


def _choose(
    cell: Cell, known: dict[tuple[bool, int], Rehearsal], strikes: int, make: type[Shard]
) -> tuple[Rehearsal, tuple[Passage, ...]]:
    """The first world that passes a point with a command in flight, and where it does; else the first of all."""
    slow, applies = lags(cell.point, cell.scheme), why_not(cell.point, cell.scheme) is None
    for seed in _SEEDS:
        if (slow, seed) not in known:
            known[slow, seed] = rehearse(cell.scheme, slow=slow, seed=seed, make=make)
        passages = pick(known[slow, seed], cell.point, strikes)
        if passages or not applies:
            return known[slow, seed], passages
    return known[slow, _SEEDS[0]], ()


def _result(cell: Cell, rehearsal: Rehearsal, passages: Sequence[Passage]) -> CellResult:
    reason = why_not(cell.point, cell.scheme)
    if reason is not None:
        passed = sum(one.point == cell.point for one in rehearsal.passages)
        wrong = [f"it was passed {passed} times all the same"] if passed else []
        wrong += judge(rehearsal.ended).wrong
        return _told(cell, reason, wrong=wrong)
    wrong = [] if passages else ["it was never passed with a command in flight"]
    hits = lost = may_go = twice = 0
    promised = ""
    for passage in passages:
        at = f"at {passage.host}, {passage.t_us} us, seed {rehearsal.seed}: "
        try:
            ended = act(cell, rehearsal, passage)
            verdict = judge(ended)
        except Exception as raised:  # noqa: BLE001 - a store may fail in any way, and the table tells of each
            wrong.append(f"{at}{raised!r}")
            continue
        if ended.crashed_us is not None and ended.in_flight:
            hits += 1
        else:
            wrong.append(f"{at}the crash did not strike with a command in flight")
        wrong += [at + one for one in verdict.wrong]
        lost, may_go, twice = lost + len(verdict.lost), may_go + len(verdict.may_go), twice + len(verdict.duplicated)
        promised = promised or in_words(ended.promise)
    return _told(cell, "", hits, promised, lost, may_go, twice, wrong)


def _told(
    cell: Cell,
    reason: str,
    hits: int = 0,
    promised: str = "",
    lost: int = 0,
    may_go: int = 0,
    twice: int = 0,
    wrong: Sequence[str] = (),
) -> CellResult:
    return CellResult(
        point=cell.point,
        kind=cell.kind,
        recovery=cell.recovery,
        scheme=cell.scheme,
        applies=not reason,
        reason=reason,
        hits=hits,
        promised=promised,
        lost=lost,
        lost_allowed=may_go,
        duplicated=twice,
        holds=not wrong,
        detail="; ".join(wrong),
    )


def in_words(promise: Promise) -> str:
    """What may be lost, how old it may be, and whether there is service afterwards."""
    told = {Loss.SINCE_SNAPSHOT: "since last saved", Loss.UNSHIPPED: "what was not shipped"}.get(
        promise.lost, str(promise.lost)
    )
    if promise.window_us:
        told += f", {format_us(promise.window_us)}"
    return told if promise.served else f"{told}; no service"
