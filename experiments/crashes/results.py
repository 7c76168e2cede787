"""What one cell showed, and the table of all cells as text and as HTML.

The table of a scheme has a row for each point and a column for each kind of crash and recovery. A cell
reads `lost/allowed`: acknowledged commands that are gone, of those young enough to be; hits, where there were
more than one, follow after a cross. A point that does not apply has a dash and its reason below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from experiments.crashes.cells import FAILURES, POINTS
from models.store.schemes import Recovery
from sim.faults import CrashKind

__all__ = ["CellResult", "summary", "to_html", "to_text"]


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
        promised: What the scheme promises where the leader's host is struck, or whoever passes the point.
        lost: Acknowledged commands that are gone.
        lost_allowed: Acknowledged commands that the promise would have let go.
        duplicated: Commands that took effect twice.
        holds: Whether the promise was kept, and every strike counts.
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


def summary(results: Sequence[CellResult]) -> str:
    """The whole table in a sentence."""
    run = [one for one in results if one.applies]
    bad = sum(not one.holds for one in results)
    kept = "every promise was kept" if not bad else f"{bad} cells differ from their promise"
    return (
        f"{len(results)} cells: {len(run)} apply and were hit {sum(one.hits for one in run)} times with a command in "
        f"flight, {len(results) - len(run)} do not apply. Lost {sum(one.lost for one in run)} acknowledged commands of "
        f"{sum(one.lost_allowed for one in run)} that were allowed to be, and {sum(one.duplicated for one in run)} "
        f"took effect twice: {kept}."
    )


def to_text(results: Sequence[CellResult]) -> str:
    """The table for a terminal."""
    lines = [summary(results)]
    for scheme, mine in _by_scheme(results):
        lines += ["", scheme]
        lines += [f"  {title}: {promised}" for title, promised in zip(_titles(), _promises(mine), strict=True)]
        lines.append(f"  {'':4} {'':33}" + "".join(f"{title:>18}" for title in _titles(short=True)))
        for point, row in _rows(mine):
            told = "".join(f"{_shown(one) + ('' if one.holds else ' !!'):>18}" for one in row)
            lines.append(f"  {point:4} {POINTS[point]:33}{told}")
        lines += [f"  {point}: {reason}" for point, reason in _reasons(mine)]
        lines += [f"  !! {one.point}, {one.kind}, {one.recovery}: {one.detail}" for one in mine if not one.holds]
    return "\n".join(lines) + "\n"


def to_html(results: Sequence[CellResult]) -> str:
    """The table for a report, without a page around it."""
    pieces = [f'<p class="{"good" if all(one.holds for one in results) else "bad"}">{escape(summary(results))}</p>']
    for scheme, mine in _by_scheme(results):
        titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in _titles())
        promises = "".join(f"<th>{escape(promised)}</th>" for promised in _promises(mine))
        body = "".join(
            f"<tr><td>{point} {escape(POINTS[point])}</td>" + "".join(_cell(one) for one in row) + "</tr>"
            for point, row in _rows(mine)
        )
        notes = "".join(f"<li>{point}: {escape(reason)}</li>" for point, reason in _reasons(mine))
        pieces.append(
            f'<div class="wide"><table><caption>{escape(scheme)}</caption><thead>'
            f'<tr><th scope="col">acknowledged commands lost / allowed to be</th>{titles}</tr>'
            f"<tr><th>promised</th>{promises}</tr></thead><tbody>{body}</tbody></table></div>"
            + (f'<ul class="note">{notes}</ul>' if notes else "")
        )
    return "\n".join(pieces)


def _cell(one: CellResult) -> str:
    style = "" if not one.applies and one.holds else f' class="{"good" if one.holds else "bad"}"'
    hint = one.detail or one.reason or f"{one.promised}; hits: {one.hits}; duplicated: {one.duplicated}"
    return f'<td{style} title="{escape(hint)}">{escape(_shown(one))}</td>'


def _shown(one: CellResult) -> str:
    if not one.applies:
        return "-"
    return f"{one.lost}/{one.lost_allowed}" + (f" x{one.hits}" if one.hits != 1 else "")


def _titles(*, short: bool = False) -> list[str]:
    if short:
        words = [recovery.removeprefix("same host ").replace("another host", "elsewhere") for recovery in Recovery]
        return [f"{kind.split('-')[0]} {word}" for kind in FAILURES for word in words]
    return [f"{kind}, {recovery}" for kind in FAILURES for recovery in Recovery]


def _by_scheme(results: Sequence[CellResult]) -> Iterator[tuple[str, list[CellResult]]]:
    for scheme in dict.fromkeys(one.scheme for one in results):
        yield scheme, [one for one in results if one.scheme == scheme]


def _rows(mine: Iterable[CellResult]) -> list[tuple[str, list[CellResult]]]:
    """By point, the cells in the order of the titles."""
    rows: dict[str, list[CellResult]] = {}
    for one in mine:
        rows.setdefault(one.point, []).append(one)
    return list(rows.items())


def _promises(mine: Sequence[CellResult]) -> list[str]:
    """What is promised where the leader is struck, as at C3, which every scheme passes there."""
    return [one.promised for one in mine if one.point == "C3"] or [""] * (len(FAILURES) * len(Recovery))


def _reasons(mine: Iterable[CellResult]) -> list[tuple[str, str]]:
    return list({one.point: one.reason for one in mine if not one.applies}.items())
