"""A domain of a user's own by its name in a scenario: `package.module:attribute`, a `Domain` or what makes one.

Of a shipped domain the lab knows what clients ask (`mixes`) and which few commands bring it to its limits. One's own
says both in one method: `asks` lists commands, and clients draw each as often as the others. A `Domain` checks
its own rules when its class is made; what else does not fit is told here before anything runs, all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, Protocol, runtime_checkable

from models.domain import Command, Denied, Domain, DomainFailed
from models.domains.append_log import AppendLog
from models.domains.auction import Auction
from models.domains.floored_counter import FlooredCounter
from models.domains.household import Household
from models.domains.shipped import shipped
from sim.wording import Refused

__all__ = ["Asked", "domain_named"]

_WRITE: Final = 'write "package.module:attribute"'
_ASKS: Final = "define asks(self), which returns a tuple of the commands that clients send it"


@runtime_checkable
class Asked(Protocol):
    """What a domain of one's own says beside its rules."""

    def asks(self) -> tuple[Command, ...]:
        """Commands that clients send, each as likely as the others; a few that bring the domain to its limits."""
        ...


def domain_named(words: str) -> Domain[Any]:
    """The domain that `package.module:attribute` names; it is `Asked`.

    Raises:
        Refused: there is nothing by that name, or it is no domain, or nobody can tell what to ask of it.
    """
    module, _, attribute = words.partition(":")
    if not attribute.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise Refused([f"domain={words!r} names nothing; {_WRITE}"])
    told = f"domain={words!r}:"
    try:
        found = getattr(import_module(module), attribute, None)
    except KeyboardInterrupt:
        raise
    except BaseException as failed:  # somebody else's module may raise anything, and call exit(), while it is imported
        raise Refused([f"{told} {module} cannot be imported: {_raised(failed)}; repair it"]) from failed
    if found is None:
        raise Refused([f"{told} {module} has nothing by the name {attribute!r}; define it there"])
    try:
        made = found() if callable(found) and not isinstance(found, Domain) else found
        problems = [f"{told} {one}" for one in _unfit(made)]
    except KeyboardInterrupt:
        raise
    except BaseException as failed:  # somebody else's code
        raise Refused([f"{told} it raised {_raised(failed)}; it is made without arguments"]) from failed
    if problems:
        raise Refused(problems)
    assert isinstance(made, Domain)
    return made


def _unfit(made: Any) -> Iterator[str]:
    """Why it is no domain that can be stored and asked, a sentence each."""
    if not isinstance(made, Domain):
        yield f"it is a {type(made).__name__}; give a models.domain.Domain, or what makes one without arguments"
        return
    taken = {*shipped().domains, *(one.name for one in (AppendLog, Auction, FlooredCounter, Household))}
    if made.name in taken:
        yield f"name={made.name!r} is a shipped domain's, by which its requests are drawn; give it its own"
    first = made.initial()
    if not isinstance(first, made.states):
        known = " or ".join(kind.__name__ for kind in made.states)
        yield f"initial() gave a {type(first).__name__}; return a {known}"
        return
    if broken := made.violated(first):
        yield f"its first state breaks {', '.join(broken)}; begin with one that keeps every invariant"
    if not isinstance(made, Asked):
        yield f"nobody knows what to ask of it; {_ASKS}"
        return
    yield from _unasked(made, first, made.asks())


def _unasked(domain: Domain[Any], first: Any, asked: object) -> Iterator[str]:
    """What is wrong with the commands that it asks for."""
    if not isinstance(asked, tuple) or not asked:
        yield f"asks() gave {asked!r}, and no commands; {_ASKS}"
        return
    known = ", ".join(sorted(kind.__name__ for kind in domain.decisions))
    strange = [one for one in asked if one.__class__ not in domain.decisions]
    for one in strange:
        yield f"asks() gave {one!r}, which is no command of it; give some of {known}"
    if strange:
        return
    accepted = 0
    for command in asked:
        try:
            frozenset((command,))  # hashes it: a field may hold what its annotation does not say
            accepted += domain.decide(first, command).__class__ is not Denied
        except (DomainFailed, TypeError) as failed:
            yield f"asked {command} at first, it failed: {failed}; mend it"
            return
    if not accepted:
        yield "its first state denies all that asks() gave, so that nothing could happen; add what it accepts"


def _raised(failed: BaseException) -> str:
    return f"{type(failed).__name__}: {failed}"
