"""`--system KEY=VALUE`: what a command lays over the `[system]` of the scenario that it is given."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

import click

__all__ = ["overlay", "system_option"]

system_option = click.option(
    "--system", "options", metavar="KEY=VALUE", multiple=True, help="Lay this over [system]; repeatable."
)


def overlay(options: Iterable[str]) -> dict[str, Any]:
    """The keys and their values, read as TOML where they are some (`3`, `true`), else as text (`200ms`).

    Raises:
        click.BadParameter: one is no KEY=VALUE.
    """
    return dict(map(_pair, options))


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is no KEY=VALUE; write one, as in commit_regions=2", param_hint="--system")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
