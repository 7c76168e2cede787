"""A module that is imported as somebody else wrote it: the file stays as it is."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

__all__ = ["substitute"]


class _Substitute(MetaPathFinder, Loader):
    """Finds one module, and fills it from a syntax tree."""

    def __init__(self, name: str, tree: ast.Module, origin: str) -> None:
        self._name, self._tree, self._origin = name, tree, origin

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """This one only."""
        return spec_from_loader(fullname, self, origin=self._origin) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the tree."""
        exec(compile(self._tree, self._origin, "exec"), module.__dict__)  # noqa: S102 - a module is code


def substitute(name: str, tree: ast.Module, origin: str) -> None:
    """From now on `import name` runs `tree`, in this process.

    Args:
        name: Of the module.
        tree: What it shall be.
        origin: The file that it comes from, for tracebacks.

    Raises:
        ValueError: it was imported already.
    """
    if name in sys.modules:
        raise ValueError(f"{name} was imported already; substitute it first, in a process of its own")
    sys.meta_path.insert(0, _Substitute(name, tree, origin))
