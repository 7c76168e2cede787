"""The crash table: every cell run, judged, and told.

Cells of one scheme share a rehearsal; each is a world of its own, so schemes can be shared out to processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from experiments.crashes.cells import SCHEMES, Cell, Setting, cells, setting_of, why_not
from experiments.crashes.judge import Verdict, judge
from experiments.crashes.world import Ended, Passage, act, pick, rehearse
from models.store.schemes import Loss, Promise, Recovery
from models.store.shard import Shard
from sim.faults import CrashKind
from sim.units import format_us

__all__ = ["CellResult", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What one cell showed.

    Attributes:
        point: Where the crash struck.
        kind: How.
        recovery: What went on afterwards.
        scheme: Under which, in words.
        applies: Whether the point can be passed under the scheme.
        reason: Why not; empty if it can.
        hits: How often the crash struck there with a command in flight; 0 is a failure where it applies.
        promised: What the scheme promises, in words.
        lost: Acknowledged commands that are gone.
        lost_allowed: Acknowledged commands that the promise would have let go.
        duplicated: Commands that took effect twice.
        holds: Whether the promise was kept, and the cell counts.
        detail: What was wrong; empty if nothing.
    """

    point: str
    kind: CrashKind
    recovery: Recovery
    scheme: str
    applies: bool
    reason: str
    hits: int
    promised: str
    lost: int
    lost_allowed: int
    duplicated: int
    holds: bool
    detail: str


def table(
    progress: Callable[[int, int], object] | None = None,
    jobs: int = 1,
    *,
    schemes: Sequence[str] = SCHEMES,
    make: type[Shard] = Shard,
) -> tuple[CellResult, ...]:
    """Run every cell, in the order of the table; the result does not depend on `jobs`.

    Args:
        progress: Told (cells done, cells in all) from time to time.
        jobs: Processes to share the schemes out to; 1 runs all of them here.
        schemes: In words.
        make: The store, which a test may replace by a broken one.
    """
    total = sum(len(list(cells(scheme))) for scheme in schemes)
    found: list[CellResult] = []

    def tell() -> None:
        if progress is not None:
            progress(len(found), total)

    if jobs == 1:
        for scheme in schemes:
            for result in of_scheme(scheme, make):
                found.append(result)
                tell()
        return tuple(found)
    with ProcessPoolExecutor(min(jobs, len(schemes)), mp_context=get_context("spawn")) as crew:
        for results in crew.map(_all_of, schemes, [make] * len(schemes)):
            found += results
            tell()
    return tuple(found)


def of_scheme(scheme: str, make: type[Shard] = Shard, points: Sequence[str] | None = None) -> Iterator[CellResult]:
    """The cells of one scheme, or of some of its points."""
    rehearsed: dict[Setting, tuple[tuple[Passage, ...], Ended]] = {}
    for cell in cells(scheme):
        if points is not None and cell.point not in points:
            continue
        setting = setting_of(cell.point, scheme)
        if setting not in rehearsed:
            rehearsed[setting] = rehearse(scheme, setting, make)
        passages, control = rehearsed[setting]
        yield _result(cell, passages, control, make)


def _all_of(scheme: str, make: type[Shard]) -> tuple[CellResult, ...]:
    return tuple(of_scheme(scheme, make))


def _result(cell: Cell, passages: Iterable[Passage], control: Ended, make: type[Shard]) -> CellResult:
    reason = why_not(cell.point, cell.scheme)
    if reason is not None:
        passed = Counter(one.point for one in passages)[cell.point]
        wrong = [f"it was passed {passed} times all the same"] if passed else []
        return _told(cell, reason, 0, None, judge(control), wrong)
    passage = pick(passages, cell.point)
    if passage is None:
        return _told(cell, "", 0, None, judge(control), ["it was never passed with a command in flight"])
    ended = act(cell, passage, make)
    hits = int(ended.crashed_us is not None and bool(ended.in_flight))
    wrong = [] if hits else ["the crash never struck there with a command in flight"]
    return _told(cell, "", hits, ended.promise, judge(ended), wrong)


def _told(
    cell: Cell, reason: str, hits: int, promise: Promise | None, verdict: Verdict, wrong: list[str]
) -> CellResult:
    wrong = [*wrong, *verdict.wrong]
    return CellResult(
        point=cell.point,
        kind=cell.kind,
        recovery=cell.recovery,
        scheme=cell.scheme,
        applies=not reason,
        reason=reason,
        hits=hits,
        promised="" if promise is None else in_words(promise),
        lost=len(verdict.lost),
        lost_allowed=len(verdict.may_go),
        duplicated=len(verdict.duplicated),
        holds=not wrong,
        detail="; ".join(wrong),
    )


def in_words(promise: Promise) -> str:
    """What may be lost, how old it may be, and whether there is service afterwards."""
    told = str(promise.lost)
    if promise.lost is not Loss.NOTHING and promise.window_us is not None:
        told += f" ({format_us(promise.window_us)})"
    return told if promise.served else f"{told}, no service"
