"""`./lab check-history`: judge a history that was recorded elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final

import click

from experiments.history_models import MODELS, HistoryModel
from sim.checkers import DEFAULT_BUDGET, Budget, Outcome, Verdict
from sim.checkers.specifications import Shape
from sim.history import History, HistoryRow, Kind, Value
from sim.imports import MalformedRows, RecordedHistory, read_history_edn, read_history_lines
from sim.imports.rows import quoted
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["check_history"]

_MOST_MISTAKES: Final = 20
_MOST_OPERATIONS: Final = 20
_LONGEST_SHOWN: Final = 60
_DEEPEST: Final = 20
_TOO_DEEP: Final = f"lists are nested at most {_DEEPEST} deep; write a flatter one"
_CODES: Final[Mapping[Outcome, int]] = {Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.UNKNOWN: 2}


@click.command(name="check-history")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--model", "name", required=True, help=f"What it is held against: {', '.join(sorted(MODELS))}.")
@click.option("--initial", help="The value before the first operation, as JSON, such as 0 or '[1, 2]'.")
@click.option("--format", "form", type=click.Choice(["jsonl", "edn"]), help="By default the file's ending tells.")
@click.option(
    "--independent/--no-independent",
    default=None,
    help="Whether a key stands first in each value of an EDN file, as in [3 [0 1]]. "
    "By default it does where every invocation is of a pair, as those of one register of pairs are too.",
)
@click.option(
    "--within",
    help="How stale a read may be, how late a delivery, or how long after a heal operations must succeed again: "
    "a duration, such as 100ms.",
)
@click.option("--heal", "heals", multiple=True, help="When all was healed, such as 10s; once for each heal.")
@click.option("--fault", "faults", multiple=True, help="When a fault began, such as 4s; once for each.")
@click.option("--versions", type=click.IntRange(min=0), help="How many versions behind a read may be.")
@click.option("--budget-seconds", type=click.FloatRange(min=0), help="Give up after so long instead of so many steps.")
def check_history(
    file: Path,
    *,
    name: str,
    initial: str | None,
    form: str | None,
    independent: bool | None,
    within: str | None,
    heals: tuple[str, ...],
    faults: tuple[str, ...],
    versions: int | None,
    budget_seconds: float | None,
) -> int:
    """Judge the history in FILE: exit 0 if it is valid, 1 if invalid, 2 if it cannot be told or read."""
    within_us = None if within is None else _duration(within, "--within")
    times = {"heals_us": _durations(heals, "--heal"), "faults_us": _durations(faults, "--fault")}
    model = _model(name, initial, lambda model: model.bounded(within_us, versions, **times))
    form = form or ("edn" if file.suffix == ".edn" else "jsonl")
    if independent is not None and form != "edn":
        rule = "rows of JSON lines name their keys, so this is for EDN; leave it out"
        raise click.BadParameter(rule, param_hint="--independent")
    try:
        recorded = _read(file, form, model.shapes, independent)
    except MalformedRows as error:
        told = [f"{error.file}: {problem}" for problem in error.problems[:_MOST_MISTAKES]]
        if len(error.problems) > _MOST_MISTAKES:
            told.append(f"{error.file}: and {len(error.problems) - _MOST_MISTAKES} more")
        _print(told, err=True)
        return 2
    if within_us and not recorded.timed:
        _print([f"{file}: no row has a time, so {within} cannot be told; record the time of every row"], err=True)
        return 2
    budget = DEFAULT_BUDGET
    if budget_seconds is not None:
        if not isfinite(budget_seconds):
            rule = f"{budget_seconds} is no time; give a number of seconds"
            raise click.BadParameter(rule, param_hint="--budget-seconds")
        budget = Budget(
            states=10**15, memory_bytes=DEFAULT_BUDGET.memory_bytes, seconds=budget_seconds, clock=time.monotonic
        )
    verdict = model.check(recorded.history, budget)
    _print(_told(verdict, recorded, model))
    return _CODES[verdict.outcome]


def _print(lines: list[str], *, err: bool = False) -> None:
    # A foreign text may hold half of a character, which no terminal takes.
    click.echo("\n".join(lines).encode("utf-8", "backslashreplace").decode("utf-8"), err=err)


def _duration(text: str, option: str) -> int:
    try:
        return duration_us(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _durations(texts: tuple[str, ...], option: str) -> tuple[int, ...]:
    return tuple(_duration(text, option) for text in texts)


def _model(name: str, initial: str | None, bounded: Callable[[HistoryModel], HistoryModel]) -> HistoryModel:
    if name not in MODELS:
        raise click.BadParameter(f"no model is called {name!r}; {way_to(name, MODELS)}", param_hint="--model")
    try:
        model = bounded(MODELS[name])
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if initial is None:
        return model
    try:
        return model.starting(_value(initial, flags=model.initials is Shape.FLAG))
    except ValueError as error:
        raise click.BadParameter(f"{quoted(initial)}: {error}", param_hint="--initial") from None


def _value(text: str, *, flags: bool) -> Value:
    """What a person typed: JSON, or else a text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return value if flags and isinstance(value, bool) else _tuples(value, _DEEPEST)


def _tuples(value: Any, deepest: int) -> Value:
    if isinstance(value, list):
        if deepest == 0:
            raise ValueError(_TOO_DEEP)
        return tuple(_tuples(item, deepest - 1) for item in value)
    # True is 1 to Python, and never to a history.
    if isinstance(value, bool | float | dict):
        raise ValueError("a value is a whole number, a text, null, or a list of these; write one")
    assert value is None or isinstance(value, int | str)
    return value


def _read(
    file: Path, form: str, shapes: Mapping[str, tuple[Shape, Shape]], independent: bool | None
) -> RecordedHistory:
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + raw.count(b"\n", 0, error.start)
        rule = "expected UTF-8 text; give a history as JSON lines or EDN"
        raise click.UsageError(f"{file}: line {line}: byte {raw[error.start]:#04x}: {rule}") from None
    if form == "edn":
        return read_history_edn(text, str(file), shapes, independent)
    return read_history_lines(text, str(file), shapes)


def _told(verdict: Verdict, recorded: RecordedHistory, model: HistoryModel) -> list[str]:
    operations = "1 operation" if len(recorded.lines) == 1 else f"{len(recorded.lines)} operations"
    lines = [f"{verdict.outcome}: {operations} as {model.name}" + (f"; {verdict.reason}" if verdict.reason else "")]
    shown = verdict.witness[:_MOST_OPERATIONS]
    rows = _rows(recorded.history, frozenset(shown))
    lines += [_operation(op, *rows[op], recorded) for op in shown if op in rows]
    if more := len(verdict.witness) - len(shown):
        lines.append(f"  and {more} more")
    return lines


def _rows(history: History, ops: frozenset[int]) -> dict[int, tuple[HistoryRow, HistoryRow | None]]:
    return {begin.op: (begin, end) for begin, end in history.pairs() if begin.op in ops}


def _operation(op: int, begin: HistoryRow, end: HistoryRow | None, recorded: RecordedHistory) -> str:
    first, last = recorded.lines[op]
    where = f"lines {first} to {last}" if last is not None else f"line {first}, no end"
    asked = "" if begin.value is None else f" {_short(begin.value)}"
    answer = ""
    if end is None or end.kind is Kind.INFO:
        answer = "  (no answer)"
    elif end.kind is Kind.FAIL:
        answer = "  (failed)"
    elif end.value is not None or begin.value is None:
        answer = f" -> {_short(end.value)}" if end.value != begin.value else ""
    version = "" if end is None or end.version is None else f" at version {end.version}"
    return f"  {where:>20}: client {begin.client}: {begin.f} {begin.key}{asked}{answer}{version}"


def _short(value: Value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 4]} ..."
