"""Every row of the tables: what was published or follows, where it is measured, and what would do.

What would do was fixed before any run. A relative half-width of at most 2 %, 5 % for what happens less than
once in ten. A closed form lies in our interval. A published figure is itself a measurement: it lies where its own
procedure (a million reads, or the first step of a grid) puts it with our legs, rounded as it was printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import Final

from experiments.quorums.cells import CLOSED, MEAN_MS, STORES, VERSIONS, visible_cell
from experiments.quorums.published import EXPONENTIAL, FRESH, LEGS, SWEPT, TABLE
from experiments.quorums.wars import Quorum, closed_form

__all__ = ["CLAIMS", "COMMON", "RARE", "Claim", "Kind"]

COMMON: Final = 0.02
RARE: Final = 0.05
#: What is rarer counts as rare.
_RARE_BELOW: Final = 0.1


class Kind(StrEnum):
    """How a row is judged."""

    LATENCY = "latency"  # published: inside what a million operations give
    STEP = "step"  # published t: inside what the first step of the grid gives
    UNSAID = "unsaid"  # published t, its procedure unsaid: as STEP, or within 2 % of the quantile
    FRESH = "fresh"  # published share of consistent reads: inside what ten thousand give
    ZERO = "zero"  # published t of 0: no more than one in a thousand is stale at once
    CLOSED = "closed"  # a closed form: inside our interval
    MEASURED = "measured"  # another way to the same number: the intervals meet


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A row.

    Attributes:
        group: The table that it stands in.
        title: What it is.
        cell: Where it is measured.
        metric: As what.
        kind: How it is judged.
        printed: As it was published; "" where it was not.
        value: The same as a number, or a closed form; None where it is measured elsewhere.
        limit: Largest relative half-width.
        other: The cell that measures it another way.
    """

    group: str
    title: str
    cell: str
    metric: str
    kind: Kind
    printed: str = ""
    value: float | None = None
    limit: float = COMMON
    other: str = ""


def _table() -> list[Claim]:
    rows = []
    for legs, r, w, read, write, t in TABLE:
        name, quorum = LEGS[legs].title, Quorum(3, r, w)
        at, group = f"R={r} W={w}", f"{name}: p99.9 latencies and 99.9 % t-visibility, N=3, ms"
        rows.append(_published(group, f"{at}: read", f"{legs}-r{r}", "latency_ms", Kind.LATENCY, read))
        rows.append(_published(group, f"{at}: write", f"{legs}-w{w}", "latency_ms", Kind.LATENCY, write))
        if r + w <= 3:
            kind = Kind.STEP if float(t) else Kind.ZERO
            metric = "step_ms" if float(t) else "stale_0"
            rows.append(_published(group, f"{at}: t", visible_cell(legs, quorum), metric, kind, t, limit=RARE))
    return rows


def _texts() -> list[Claim]:
    rows = []
    group = "Consistent reads so long after the write, N=3, R=W=1, %"
    for legs, pause, share in FRESH:
        title = f"{LEGS[legs].title}: {'at once' if not pause else f'after {pause} ms'}"
        cell = visible_cell(legs, Quorum(3, 1, 1))
        rows.append(_published(group, title, cell, f"stale_{pause}", Kind.FRESH, share))
    swept = "t-visibility by number of replicas, R=W=1, ms"
    for legs, quorum, t in SWEPT:
        title = f"{LEGS[legs].title}, N={quorum.n}"
        rows.append(_published(swept, title, visible_cell(legs, quorum), "step_ms", Kind.UNSAID, t, limit=RARE))
    legs_group = "Exponential legs, N=3, R=W=1, A=R=S of mean 1 ms: consistent at once, %, and t-visibility, ms"
    for legs, share, t in EXPONENTIAL:
        cell = visible_cell(legs, Quorum(3, 1, 1))
        rows.append(_published(legs_group, f"{LEGS[legs].title}: at once", cell, "stale_0", Kind.FRESH, share))
        rows.append(_published(legs_group, f"{LEGS[legs].title}: t", cell, "step_ms", Kind.UNSAID, t, limit=RARE))
    return rows


def _published(
    group: str, title: str, cell: str, metric: str, kind: Kind, printed: str, *, limit: float = COMMON
) -> Claim:
    return Claim(
        group=group,
        title=title,
        cell=cell,
        metric=metric,
        kind=kind,
        printed=printed,
        value=float(printed),
        limit=limit,
    )


def _closed() -> list[Claim]:
    rows = []
    for quorum in CLOSED:
        for pause in (0, 5):
            # What is not there when the write is acknowledged comes an exponential time later, whatever came before.
            value = closed_form(quorum) * exp(-quorum.r * (pause + 0.002) / MEAN_MS)
            rows.append(
                Claim(
                    group="Closed form C(N-W,R)/C(N,R) exp(-R t / mean W): P(stale), W exponential of mean 10 ms",
                    title=f"N={quorum.n} R={quorum.r} W={quorum.w}: {'at once' if not pause else f'{pause} ms later'}",
                    cell=visible_cell("closed", quorum),
                    metric=f"stale_{pause}",
                    kind=Kind.CLOSED,
                    value=value,
                    limit=_limit(value),
                )
            )
    return rows


def _versions() -> list[Claim]:
    rows = []
    for quorum in VERSIONS:
        for k in (1, 2, 3):
            value = closed_form(quorum) ** k
            rows.append(
                Claim(
                    group="k-staleness p_s^k of the store, random quorums that do not grow: P(the last k are missed)",
                    title=f"N={quorum.n} R={quorum.r} W={quorum.w}: k={k}",
                    cell=f"versions-n{quorum.n}r{quorum.r}w{quorum.w}",
                    metric=f"missed_{k}",
                    kind=Kind.CLOSED,
                    value=value,
                    limit=_limit(value),
                )
            )
    return rows


def _stores() -> list[Claim]:
    return [
        Claim(
            group="The store in the world against WARS: P(stale)",
            title=f"{LEGS[legs].title}, N={q.n} R={q.r} W={q.w}: {'at once' if not pause else f'{pause} ms later'}",
            cell=f"store-{visible_cell(legs, q)}",
            metric=f"stale_{pause}",
            kind=Kind.MEASURED,
            limit=RARE,
            other=visible_cell(legs, q),
        )
        for legs, q in STORES
        for pause in (0, 1, 5)
        if not pause or (legs != "ssd" and (pause == 1 or q.r == 1))
    ]


def _limit(value: float) -> float:
    return RARE if value < _RARE_BELOW else COMMON


CLAIMS: Final = (*_table(), *_texts(), *_closed(), *_versions(), *_stores())
