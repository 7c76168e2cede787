"""What a finished sweep leaves: its rows in memory and as a Parquet table, and `run.json`, which says where from.

`load` serves notebooks and later reports: the table gives the rows, and the journal, where it was kept, the timelines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar, cast

import numpy as np

from experiments.experiment import Better, Finding, Row, run_key
from experiments.files import read_json, write_json
from experiments.journal import read_lines
from experiments.provenance import Fingerprint, Provenance
from experiments.rows import Column, Metric, columns, decode_row

__all__ = ["Results", "RunRecord", "censored", "collect", "load", "load_record", "load_values", "write_table"]

R = TypeVar("R", bound=Row)
T = TypeVar("T")
_TABLE: Final = "rows.parquet"
_RECORD: Final = "run.json"
_SQL_TYPES: Final = MappingProxyType({int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"})


class Results(Generic[R]):
    """The rows of a sweep, in the order of their keys: scenario, arm, then seed as a number.

    Args:
        rows: In any order; each key once.
        journal: The journal's rows, for `series`; it may have been thrown away.
    """

    def __init__(self, rows: Iterable[R], journal: Path) -> None:
        self.rows: tuple[R, ...] = tuple(sorted(rows, key=lambda row: (row.scenario, row.arm, row.seed)))
        self._journal = journal
        cells: dict[tuple[str, str], list[R]] = {}
        for row in self.rows:
            cells.setdefault((row.scenario, row.arm), []).append(row)
        self._cells = {cell: tuple(rows) for cell, rows in cells.items()}
        self._ends: dict[str, int] | None = None
        self._made: dict[Callable[[], Any], Any] = {}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that some row has, ascending."""
        return tuple(sorted({row.seed for row in self.rows}))

    def among(self, seeds: Collection[int]) -> Results[R]:
        """The rows of some seeds alone."""
        return Results([row for row in self.rows if row.seed in seeds], self._journal)

    def at(self, scenario: str, arm: str) -> tuple[R, ...]:
        """The rows of one cell by seed; empty if the sweep had no such cell."""
        return self._cells.get((scenario, arm), ())

    def values(self, metric: str, *, scenario: str, arm: str) -> tuple[Metric, ...]:
        """One metric of one cell by seed; AttributeError if rows have none of that name."""
        return tuple(getattr(row, metric) for row in self.at(scenario, arm))

    def pairs(self, scenario: str, first: str, second: str) -> tuple[tuple[R, R], ...]:
        """The rows of two arms side by side, for every seed that both have."""
        seconds = {row.seed: row for row in self.at(scenario, second)}
        return tuple((row, seconds[row.seed]) for row in self.at(scenario, first) if row.seed in seconds)

    def once(self, make: Callable[[], T]) -> T:
        """What stands beside the rows and is a function of the code alone, made once for claims and report."""
        if make not in self._made:
            self._made[make] = make()
        return cast(T, self._made[make])

    def series(self, scenario: str, arm: str, seed: int) -> Mapping[str, list[float]]:
        """The timelines of one run, read from the journal.

        Raises:
            LookupError: The journal was thrown away, or holds other rows than these.
        """
        key = run_key(scenario, arm, seed)
        if not self._journal.is_file():
            raise LookupError(f"{self._journal} is gone, and timelines are kept only there; run the sweep again")
        if self._ends is None:
            self._ends = _offsets(self._journal)
        known = {row.key: row.digest for row in self.rows}
        start = self._ends.get(key)
        line = next(read_lines(self._journal, start))[0] if start is not None else None
        if line is None or line["row"]["digest"] != known.get(key):
            raise LookupError(
                f"{self._journal} has no timelines of run {key} as these rows know it; run the sweep again"
            )
        return cast(dict[str, list[float]], line["series"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The content of `run.json`.

    Attributes:
        experiment: Its name.
        question: What it asks.
        answer: One sentence with its numbers.
        size: "quick" or "full".
        provenance: Commit, lock, Python and command.
        fingerprint: Whose rows these are.
        digests: Digest of each run by key, in the rows' order.
        findings: Claims as held against the rows.
        censored: Sum of each metric called `censored` or `..._censored`.
        ran: Runs that this command carried out; the others were in the journal.
        wall_s: What this command's sweep took.
        better: Which way a metric should go, as the experiment said then.
    """

    experiment: str
    question: str
    answer: str
    size: str
    provenance: Provenance
    fingerprint: Fingerprint
    digests: Mapping[str, str]
    findings: tuple[Finding, ...]
    censored: Mapping[str, int]
    ran: int
    wall_s: float
    better: Mapping[str, Better] = field(default_factory=lambda: MappingProxyType({}))

    def write(self, folder: Path) -> None:
        """Write `run.json`; it is the last file of a run, so its presence says that the others are whole."""
        flat = asdict(self.provenance)
        flat["seeds"] = list(range(self.provenance.seeds))
        write_json(
            folder / _RECORD,
            {
                "experiment": self.experiment,
                "question": self.question,
                "answer": self.answer,
                "size": self.size,
                **flat,
                "findings": [asdict(finding) for finding in self.findings],
                "censored": dict(self.censored),
                "ran": self.ran,
                "wall_s": round(self.wall_s, 1),
                "better": {name: better.value for name, better in self.better.items()},
                "fingerprint": self.fingerprint.to_json(),
                "digests": dict(self.digests),
            },
        )


def censored(rows: Sequence[Row]) -> dict[str, int]:
    """Sum every metric that counts what a run's end cut short."""
    if not rows:
        return {}
    names = [column.name for column in columns(type(rows[0])) if column.name.split("_")[-1] == "censored"]
    return {name: sum(getattr(row, name) or 0 for row in rows) for name in names}


def collect(folder: Path, row: type[R], keys: Iterable[str]) -> Results[R]:
    """Gather finished runs from a journal.

    Raises:
        LookupError: A run is missing.
    """
    wanted = set(keys)
    path = folder / "journal" / "rows.jsonl"
    rows = {line["key"]: decode_row(row, line["row"]) for line, _ in read_lines(path) if line["key"] in wanted}
    if missing := wanted - rows.keys():
        raise LookupError(
            f"{path} lacks {len(missing)} runs, {min(missing)} among them; start the sweep again to go on"
        )
    return Results(rows.values(), path)


def load(folder: Path | str, row: type[R]) -> Results[R]:
    """Read back the rows of a finished sweep.

    Args:
        folder: Such as "reports/quick/merge-domains".
        row: The experiment's row class.

    Raises:
        ValueError: There is no such table, or another experiment's.
    """
    rows = [decode_row(row, record) for record in load_values(folder)]
    return Results(rows, Path(folder) / "journal" / "rows.jsonl")


def load_values(folder: Path | str) -> list[dict[str, Metric]]:
    """Read back the rows of a finished sweep as plain values by metric, whatever their class has become since.

    Raises:
        ValueError: There is no such table, or it is none.
    """
    import duckdb

    table = Path(folder) / _TABLE
    if not table.is_file():
        raise ValueError(f"{table} is not there; make it with ./lab run")
    try:
        with duckdb.connect() as database:
            cursor = database.execute("SELECT * FROM read_parquet(?)", [str(table)])
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, record, strict=True)) for record in cursor.fetchall()]
    except duckdb.Error as error:
        told = str(error).partition("\n")[0]
        raise ValueError(f"{table} is no table of the lab's ({told}); make it anew with ./lab run") from None


def load_record(folder: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        ValueError: There is none, or it is not one that the lab wrote.
    """
    path = folder / _RECORD
    if not path.is_file():
        raise ValueError(f"{path} is not there; make it with ./lab run")
    values: dict[str, Any] = read_json(path)
    try:
        source = {name: values[name] for name in ("commit", "clean", "lock", "python", "command")}
        return RunRecord(
            **{name: values[name] for name in ("experiment", "question", "answer", "size", "digests", "censored")},
            provenance=Provenance(**source, seeds=len(values["seeds"])),
            fingerprint=Fingerprint.from_json(values["fingerprint"]),
            findings=tuple(Finding(**finding) for finding in values["findings"]),
            ran=values["ran"],
            wall_s=values["wall_s"],
            better={name: Better(better) for name, better in values.get("better", {}).items()},
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a run record of this version ({error!r}); run the experiment again") from None


def write_table(results: Results[R], row: type[R], folder: Path) -> None:
    """Write the rows as `rows.parquet`, in their order, in one step."""
    import duckdb

    schema = columns(row)
    arrays = {column.name: _array(column, results.rows) for column in schema}
    # The cast fixes the type of a column that is None throughout.
    select = ", ".join(f'CAST("{column.name}" AS {_SQL_TYPES[column.kind]}) AS "{column.name}"' for column in schema)
    partial = folder / f".{_TABLE}.partial"
    try:
        with duckdb.connect() as database:
            database.execute("SET threads = 1")  # one thread keeps the rows in their order
            database.register("arrays", arrays)
            target = str(partial).replace("'", "''")
            database.execute(f"COPY (SELECT {select} FROM arrays) TO '{target}' (FORMAT parquet)")  # noqa: S608
        partial.replace(folder / _TABLE)
    finally:
        partial.unlink(missing_ok=True)


def _array(column: Column, rows: Sequence[Row]) -> np.ndarray[Any, Any]:
    values = [getattr(row, column.name) for row in rows]
    if column.kind is str:
        return np.array(values, dtype=object)
    absent = [value is None for value in values]
    filled = [column.kind() if value is None else value for value in values]
    return (
        np.ma.masked_array(np.array(filled, dtype=column.kind), mask=absent)
        if any(absent)
        else np.array(filled, dtype=column.kind)
    )


def _offsets(journal: Path) -> dict[str, int]:
    """Where each run's line begins; a whole line begins where the one before it ends."""
    starts: dict[str, int] = {}
    start = 0
    for line, end in read_lines(journal):
        starts[line["key"]] = start
        start = end
    return starts
