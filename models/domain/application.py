"""An application: several domains behind one API, each a context of its own.

It owns what clients may ask for (which command belongs to which domain), the processes that run across
domains, and nothing of what the domains decide. Two tenants of one application never meet: a tenant
is part of every key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from models.domain.kit import Command, Domain
from sim.wording import Refused

__all__ = ["Application"]


class Process(Protocol):
    """What an application needs to know of a process; `models.processes` has them."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def domain(self) -> Domain[Any]:
        """Whose aggregates remember how far it is."""
        ...

    def commands(self) -> Iterable[type[Command]]:
        """Kinds of commands that it sends to others."""
        ...


class Application:
    """Domains composed.

    Args:
        name: For messages.
        domains: What it is made of; names, numbers and command types are each of one domain.
        processes: What runs across them.

    Attributes:
        domains: By name.
        processes: By name.

    Raises:
        Refused: two domains share a name, a number or a command type, or a process sends what none of
            them decides; all at once.
    """

    def __init__(self, name: str, domains: Iterable[Domain[Any]], processes: Iterable[Process] = ()) -> None:
        self.name = name
        found = tuple(domains)
        self.domains: Mapping[str, Domain[Any]] = MappingProxyType({domain.name: domain for domain in found})
        self._owners: dict[type[Command], Domain[Any]] = {}
        clashes = [
            f"application {name!r}: two domains have the {what} {twice!r}; give each its own"
            for what, values in (("name", [one.name for one in found]), ("number", [one.number for one in found]))
            for twice in _twice(values)
        ]
        for domain in found:
            for command in domain.decisions:
                other = self._owners.setdefault(command, domain)
                if other is not domain:
                    clashes.append(
                        f"application {name!r}: {other.name!r} and {domain.name!r} both decide {command.__name__}; "
                        "give each commands of its own"
                    )
        if not found:
            clashes.append(f"application {name!r}: it has no domains; give it one")
        if clashes:
            raise Refused(clashes)
        managed = tuple(processes)
        self.processes: Mapping[str, Process] = MappingProxyType({process.name: process for process in managed})
        astray = [
            f"application {name!r}: two processes have the name {twice!r}; give each its own"
            for twice in _twice(process.name for process in managed)
        ]
        for process in managed:
            of = f"application {name!r}, process {process.name!r}"
            if self.domains.get(process.domain.name) is None:
                astray.append(f"{of}: domain {process.domain.name!r}, which remembers it, is not there; add it")
            unknown = {command.__name__ for command in process.commands() if command not in self._owners}
            astray += [
                f"{of}: it sends {command}, which no domain decides; add the one that does"
                for command in sorted(unknown)
            ]
        if astray:
            raise Refused(astray)

    def domain_of(self, command: Command) -> Domain[Any]:
        """The domain that decides a command.

        Raises:
            ValueError: none does.
        """
        owner = self._owners.get(type(command))
        if owner is None:
            known = ", ".join(sorted(kind.__name__ for kind in self._owners))
            raise ValueError(
                f"{type(command).__name__} is no request of application {self.name!r}; send one of {known}"
            )
        return owner


def _twice(values: Iterable[Any]) -> list[Any]:
    """What occurs more than once, in order."""
    return sorted(value for value, count in Counter(values).items() if count > 1)
