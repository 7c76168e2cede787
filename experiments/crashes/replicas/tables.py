"""The crash table of replication: every cell run, judged, and told.

A cell that applies has to be struck; one that does not lists its reason, and in its rehearsal the point is not
passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from experiments.crashes.replicas.cells import POINTS, SCHEMES, WEATHER, ReplicaCell, Weather, cells, told_of, why_not
from experiments.crashes.replicas.promises import outcome_of
from experiments.crashes.replicas.runs import Rehearsal, act, choose, rehearse
from experiments.crashes.tables import in_words
from models.store.shard import Shard

__all__ = ["ReplicaResult", "of_scheme", "summary", "table", "to_html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaResult:
    """What one cell showed.

    Attributes:
        cell: Which.
        reason: Why its point cannot be passed; empty if it can.
        hits: How often it was struck there.
        promised: What the scheme promises for it.
        lost: Acknowledged commands that are gone from the log.
        lost_allowed: Acknowledged commands that the promise would have let go.
        aside: Commands that a deposed leader set aside.
        retracted: Events that the consumer had and took back.
        wrong: What the promise does not allow, and strikes that did not come about; empty if nothing.
    """

    cell: ReplicaCell
    reason: str = ""
    hits: int = 0
    promised: str = ""
    lost: int = 0
    lost_allowed: int = 0
    aside: int = 0
    retracted: int = 0
    wrong: tuple[str, ...] = ()


def table(*, schemes: Sequence[str] = SCHEMES, count: int = 1) -> tuple[ReplicaResult, ...]:
    """Run every cell, in the order of the table, each struck so many times as far as its point is passed so often."""
    return tuple(result for scheme in schemes for result in of_scheme(scheme, count=count))


def of_scheme(
    scheme: str, points: Sequence[str] = tuple(POINTS), *, count: int = 1, make: type[Shard] = Shard
) -> Iterator[ReplicaResult]:
    """The cells of one scheme, or of some of its points; a test may replace the store by a broken one."""
    known: dict[Weather, Rehearsal] = {}
    for cell in cells(scheme):
        if cell.point in points:
            weather = WEATHER[cell.point]
            if weather not in known:
                known[weather] = rehearse(scheme, weather, make)
            yield _result(cell, known[weather], count)


def _result(cell: ReplicaCell, rehearsal: Rehearsal, count: int) -> ReplicaResult:
    reason = why_not(cell.point, cell.scheme)
    if reason is not None:
        passed = sum(one.point == cell.point for one in rehearsal.passages)
        wrong = [f"it was passed {passed} times all the same"] if passed else []
        return ReplicaResult(cell=cell, reason=reason, wrong=(*wrong, *outcome_of(rehearsal.ended).verdict.wrong))
    passages = choose(rehearsal, cell.point, count)
    wrong = [] if passages else ["it was never passed"]
    hits = lost = may_go = aside = retracted = 0
    promised = ""
    for passage in passages:
        at = f"at {passage.host}, {passage.t_us} us: "
        try:
            ended = act(cell, rehearsal, passage)
            outcome = outcome_of(ended)
        except Exception as raised:  # noqa: BLE001 - a store may fail in any way, and the table tells of each
            wrong.append(f"{at}{raised!r}")
            continue
        if ended.crashed_us == passage.t_us:
            hits += 1
        else:
            wrong.append(f"{at}it was not struck there")
        wrong += [at + one for one in outcome.verdict.wrong]
        lost, may_go = lost + len(outcome.verdict.lost), may_go + len(outcome.verdict.may_go)
        aside, retracted = aside + outcome.aside, retracted + outcome.retracted
        promised = promised or in_words(ended.promise)
    return ReplicaResult(
        cell=cell,
        hits=hits,
        promised=promised,
        lost=lost,
        lost_allowed=may_go,
        aside=aside,
        retracted=retracted,
        wrong=tuple(wrong),
    )


# -- how it is told ------------------------------------------------------------------------------


def summary(results: Sequence[ReplicaResult]) -> str:
    """The whole table in a sentence."""
    run = [one for one in results if not one.reason]
    bad = sum(bool(one.wrong) for one in results)
    kept = "every promise was kept" if not bad else f"{bad} cells differ from their promise"
    return (
        f"{len(results)} cells: {len(run)} apply and were struck {sum(one.hits for one in run)} times, "
        f"{len(results) - len(run)} do not apply. Lost {sum(one.lost for one in run)} acknowledged commands of "
        f"{sum(one.lost_allowed for one in run)} that were allowed to be; {sum(one.aside for one in run)} events were "
        f"set aside, and {sum(one.retracted for one in run)} taken back by the consumer: {kept}."
    )


def to_html(results: Sequence[ReplicaResult]) -> str:
    """The table for a report, without a page around it: a row for each point, a column for what strikes."""
    pieces = [f'<p class="{"bad" if any(one.wrong for one in results) else "good"}">{escape(summary(results))}</p>']
    for scheme in dict.fromkeys(one.cell.scheme for one in results):
        mine = [one for one in results if one.cell.scheme == scheme]
        titles = list(dict.fromkeys(told_of(one.cell.kind, one.cell.recovery) for one in mine))
        head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
        body = "".join(_row(point, mine, titles) for point in dict.fromkeys(one.cell.point for one in mine))
        reasons = {one.cell.point: one.reason for one in mine if one.reason}
        notes = "".join(f"<li>{point}: {escape(reason)}</li>" for point, reason in reasons.items())
        pieces.append(
            f'<div class="wide"><table><caption>{escape(scheme)}</caption><thead>'
            f'<tr><th scope="col">acknowledged commands lost / allowed to be</th>{head}</tr>'
            f"</thead><tbody>{body}</tbody></table></div>" + (f'<ul class="note">{notes}</ul>' if notes else "")
        )
    return "\n".join(pieces)


def _row(point: str, mine: Iterable[ReplicaResult], titles: Iterable[str]) -> str:
    found = {told_of(one.cell.kind, one.cell.recovery): one for one in mine if one.cell.point == point}
    told = "".join(_told(found[title]) if title in found else "<td></td>" for title in titles)
    return f"<tr><td>{point} {escape(POINTS[point])}</td>{told}</tr>"


def _told(one: ReplicaResult) -> str:
    style = "" if one.reason and not one.wrong else f' class="{"bad" if one.wrong else "good"}"'
    hint = (
        "; ".join(one.wrong)
        or one.reason
        or (f"{one.promised}; hits: {one.hits}; set aside: {one.aside}; retracted: {one.retracted}")
    )
    shown = "-" if one.reason else f"{one.lost}/{one.lost_allowed}"
    return f'<td{style} title="{escape(hint)}">{shown}</td>'
