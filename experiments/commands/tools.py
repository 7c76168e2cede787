"""`./lab list`, `test`, `lint`, `bench` and `notebook`: for whoever works on the lab."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from typing import Any

import click

from experiments.provenance import ROOT
from experiments.registry import find, names
from sim.wording import way_to

__all__ = ["bench", "lint", "list_experiments", "notebook", "test"]

# pytest's codes in the lab's terms: passed, failed, interrupted, internal error, usage, nothing collected.
_PYTEST_CODES = (0, 1, 130, 3, 2, 2)


@click.command(name="list")
def list_experiments() -> int:
    """Name every experiment with its question."""
    for name in names():
        experiment = find(name)
        mark = "headline, " if experiment.headline else ""
        quick, full = (
            f"{len(experiment.cells(size))} cells x {size.seeds} seeds" for size in (experiment.quick, experiment.full)
        )
        click.echo(f"{name}  ({mark}quick {quick}, full {full})")
        click.echo(f"    {experiment.question}")
    return 0


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> int:
    """Run the tests in two processes; ARGUMENTS go to pytest."""
    code = _python("pytest", "-n", "2", *arguments)
    return _PYTEST_CODES[code] if 0 <= code < len(_PYTEST_CODES) else 3


@click.command()
def lint() -> int:
    """Check style, format and types."""
    steps = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
    # Every step runs, so that one round of mending serves all.
    failed = [step for step in steps if _python(*step)]
    return 1 if failed else 0


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="End stdout with one line of JSON, and tell progress on stderr.")
def bench(name: str, *, as_json: bool) -> int:
    """Measure the speed of a part of the lab."""
    package = import_module("experiments.bench")
    known = [module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")]
    if name not in known:
        raise click.BadParameter(f"no bench is called {name!r}; {way_to(name, known)}", param_hint="NAME")
    measured: dict[str, Any] = import_module(f"experiments.bench.{name}").run(lambda text: click.echo(text, err=True))
    numbers = {key: value for key, value in measured.items() if key != "detail"}
    assert all(type(value) in (int, float) for value in numbers.values()), "a bench's top level holds plain numbers"
    if as_json:
        click.echo(json.dumps(measured, allow_nan=False))
    else:
        for key, value in numbers.items():
            click.echo(f"{key:32} {value:,.2f}")
    return 0


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def notebook(arguments: tuple[str, ...]) -> int:
    """Open the notebooks; ARGUMENTS go to Jupyter."""
    folder = ROOT / "notebooks"
    os.chdir(folder if folder.is_dir() else ROOT)
    return _python("jupyterlab", *arguments, at_root=False)


def _python(module: str, *arguments: str, at_root: bool = True) -> int:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT if at_root else None, check=False).returncode
