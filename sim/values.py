"""How values are built: as a dataclass builds them, in half the time.

A run makes values by the million: every message is one, and much of what messages carry. What
`dataclasses` writes for a frozen class sets each field by `object.__setattr__`, which finds the slot by its
name first. Here the slots are bound once, when the class is made, and filled directly; arguments, defaults,
`__post_init__` and errors are the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import update_wrapper
from types import MemberDescriptorType
from typing import Any

__all__ = ["quicken"]


def quicken(cls: type) -> None:
    """Give a frozen, slotted dataclass a quick `__init__`; leave any other class as it is.

    Also left are those with a field that is no plain parameter: one with a factory, or kept out of `__init__`.
    """
    if "__dataclass_params__" not in cls.__dict__ or "__slots__" not in cls.__dict__:
        return  # a dataclass with slots is made twice, and has neither of them, or both, the second time
    made = cls.__init__  # type: ignore[misc]
    fields = dataclasses.fields(cls)
    plain = all(field.init and field.default_factory is dataclasses.MISSING for field in fields)
    slots = {field.name: getattr(cls, field.name) for field in fields}
    if not (fields and plain and cls.__dataclass_params__.frozen and _takes(made, list(slots))):  # type: ignore[attr-defined]
        return
    if all(isinstance(slot, MemberDescriptorType) for slot in slots.values()):
        cls.__init__ = update_wrapper(_written(cls, fields, slots), made)  # type: ignore[misc]


def _takes(init: Callable[..., Any], names: list[str]) -> bool:
    """Whether an `__init__` was written by `dataclasses` for these fields alone, in their order or by keyword."""
    code = getattr(init, "__code__", None)
    if code is None or code.co_filename != "<string>":
        return False
    taken = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    return sorted(taken) == sorted(names)


def _written(cls: type, fields: tuple[dataclasses.Field[Any], ...], slots: dict[str, Any]) -> Callable[..., None]:
    """The source of it, as `dataclasses` would write it but for the way in which fields are set."""
    knows: dict[str, Any] = {f"_set_{name}": slot.__set__ for name, slot in slots.items()}
    by_place = ["self"]
    by_name: list[str] = []
    for field in fields:
        parameter = field.name
        if field.default is not dataclasses.MISSING:
            knows[f"_usual_{field.name}"] = field.default
            parameter += f"=_usual_{field.name}"
        (by_name if field.kw_only else by_place).append(parameter)
    parameters = ", ".join([*by_place, *(["*"] if by_name else []), *by_name])
    lines = [f"_set_{name}(self, {name})" for name in slots]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__({parameters}):\n " + "\n ".join(lines)
    exec(source, knows)  # noqa: S102  # the names of fields, which are identifiers, and nothing else
    written: Callable[..., None] = knows["__init__"]
    return written
