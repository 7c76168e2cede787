"""Rows between memory, the journal's lines and the table's columns.

A row class is its own schema: the annotations say which columns there are and which may be empty. Every row of a sweep
passes through its journal line, resumed or not, so both kinds of sweep hold equal values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from experiments.experiment import Row, RunResult

__all__ = ["Column", "Metric", "columns", "decode_row", "encode_result"]

Metric = int | float | str | bool | None
R = TypeVar("R", bound=Row)
_KINDS = (int, float, str, bool)
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One field of a row: its type, and whether it may be None."""

    name: str
    kind: type
    nullable: bool

    def accept(self, value: object) -> Metric:
        """Return the value as the column stores it; an int serves as a float, and nothing else is converted.

        Raises:
            ValueError: Wrong type, None where it may not be, NaN, or an int past 64 bits.
        """
        if value is None and self.nullable:
            return None
        if self.kind is float and type(value) is int:
            return float(value)
        if type(value) is not self.kind:
            # numpy's scalars too: they print like numbers and compare unequal after a round trip through JSON.
            raise ValueError(f"{self.name}={value!r} is {type(value).__name__}; the row declares {self.kind.__name__}")
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"{self.name} is NaN; use None for undefined and infinity for never")
        if type(value) is int and abs(value) > _LARGEST:
            raise ValueError(f"{self.name}={value} does not fit 64 bits; store it as a float or a str")
        return value  # type: ignore[return-value]  # its exact type was compared above


def columns(row_type: type[Row]) -> tuple[Column, ...]:
    """The columns of a row class, in the order that it declares them.

    Raises:
        ValueError: A field is annotated with something that a column cannot hold.
    """
    hints = get_type_hints(row_type)
    return tuple(_column(field.name, hints[field.name]) for field in fields(row_type))


def encode_result(key: str, result: RunResult) -> str:
    """Write a result as one line of JSON without a newline.

    Raises:
        ValueError: The row is another run's, or holds a value that its columns cannot.
    """
    if result.row.key != key:
        raise ValueError(f"run {key} returned the row of {result.row.key}; copy scenario, arm and seed from the cell")
    row = {column.name: column.accept(getattr(result.row, column.name)) for column in columns(type(result.row))}
    for name, values in result.series.items():
        if any(value != value for value in values):  # only NaN differs from itself
            raise ValueError(f"series {name!r} holds NaN; leave the point out")
    series = {name: list(values) for name, values in result.series.items()}
    return json.dumps({"key": key, "row": row, "series": series}, separators=(",", ":"))


def decode_row(row_type: type[R], values: Mapping[str, Any]) -> R:
    """Make a row from a journal line's `row` or from a table's record.

    Raises:
        ValueError: A field is missing or has the wrong type; the row class has changed since.
    """
    schema = columns(row_type)
    differing = {column.name for column in schema} ^ set(values)
    if differing:
        raise ValueError(f"fields {sorted(differing)} differ from those of {row_type.__name__}; run it again")
    accepted: dict[str, Any] = {column.name: column.accept(values[column.name]) for column in schema}
    return row_type(**accepted)


def _column(name: str, hint: object) -> Column:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [option for option in options if option is not NoneType]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise ValueError(
            f"metric {name!r} is annotated {hint}; a column is int, float, str or bool, or one of them | None"
        )
    return Column(name=name, kind=kinds[0], nullable=NoneType in options)
