"""`./lab compare`: did a change make anything worse? Two results of one experiment, held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path

import click

from experiments.comparison import Change, Compared, Contrast, Side, read_side
from experiments.comparison import compare as compare_sides
from experiments.experiment import Better
from experiments.registry import find, names
from experiments.statistics import format_interval

__all__ = ["compare"]

_ALPHA = 0.05
_MOST_SUSPECTS = 10
_TITLES = ("", "scenario", "arm", "metric", "before", "after", "difference [95 %]", "runs", "p (Holm)")


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", multiple=True, help="Compare this metric only; may be repeated.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=_ALPHA,
    show_default=True,
    help="Chance of a false alarm over all metrics together.",
)
def compare(old: Path, new: Path, *, metrics: tuple[str, ...], alpha: float) -> int:
    """Find metrics that got worse from the result in folder OLD to the one in folder NEW.

    Exit 1 if one did, or if NEW lacks a scenario, an arm, or a metric that has a better side.
    """
    if isnan(alpha):  # lies in every range, to click
        raise click.BadParameter(f"{alpha} is no chance; give a number between 0 and 1", param_hint="--alpha")
    try:
        before, after = read_side(old), read_side(new)
        found = compare_sides(before, after, _better(before, after), metrics)
    except ValueError as refused:
        raise click.UsageError(str(refused)) from None
    for line in _lines(before, after, found, alpha):
        click.echo(line)
    worse = any(contrast.change(alpha) is Change.WORSE for contrast in found.contrasts)
    return 1 if worse or found.missing else 0


def _better(old: Side, new: Side) -> Mapping[str, Better]:
    """Which way metrics should go: as the new result says; of what it does not tell any more, as the old one said."""
    return {name: way for name, way in _said(old).items() if name not in new.columns} | dict(_said(new))


def _said(side: Side) -> Mapping[str, Better]:
    """As the result says, or as its experiment says now where the result is older."""
    name = side.record.experiment
    return side.record.better or (find(name).better if name in names() else {})


def _lines(old: Side, new: Side, found: Compared, alpha: float) -> Iterator[str]:
    yield f"{old.record.experiment}: {_source(old)} -> {_source(new)}"
    for line in found.missing:
        yield f"missing: {line}"
    for note in found.notes:
        yield f"note: {note}"
    if found.equal:
        yield f"digests equal in all {found.equal} runs that both have: nothing changed"
        return
    by_change = {change: [c for c in found.contrasts if c.change(alpha) is change] for change in Change}
    told = [(change, c) for change in (Change.WORSE, Change.BETTER, Change.CHANGED) for c in by_change[change]]
    if told:
        yield from _table([_TITLES, *(_row(str(change), contrast) for change, contrast in told)])
    suspects = [c for c in found.contrasts if c.suspect(alpha)]
    if suspects:
        yield f"perhaps worse (p below {alpha:g} alone, not among {_family(found)} comparisons; more seeds would tell):"
        yield from _table([_TITLES, *(_row("", contrast) for contrast in suspects[:_MOST_SUSPECTS])])
        if len(suspects) > _MOST_SUSPECTS:
            yield f"  ... and {len(suspects) - _MOST_SUSPECTS} more"
    counts = ", ".join(f"{len(contrasts)} {change}" for change, contrasts in by_change.items())
    yield f"{len(found.contrasts)} comparisons: {counts}"
    if single := sum(contrast.p_value is None for contrast in found.contrasts):
        yield f"{single} of them over a single run, which tells nothing; run more seeds"


def _source(side: Side) -> str:
    commit = (side.record.provenance.commit or "no commit")[:12]
    seeds = len({seed for runs in side.runs.values() for seed in runs})
    return f"{side.folder} ({commit}, {side.record.size}, {seeds} seed{'s' * (seeds != 1)})"


def _family(found: Compared) -> int:
    return sum(contrast.better is not None for contrast in found.contrasts)


def _row(word: str, contrast: Contrast) -> tuple[str, ...]:
    runs = f"{contrast.difference.n} {'pairs' if contrast.paired else 'in all'}"
    adjusted = "" if contrast.adjusted is None else f"{contrast.adjusted:.2g}"
    shown = (f"{contrast.before:.4g}", f"{contrast.after:.4g}", format_interval(contrast.difference, "+.3g"))
    return (word, contrast.scenario, contrast.arm, contrast.metric, *shown, runs, adjusted)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
