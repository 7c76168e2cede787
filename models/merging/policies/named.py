"""A policy by its name in a scenario: a shipped one's, or `package.module:attribute` of a user's own.

A user's own is anything that is called with a domain, what is known of its events, and the numbers of the sub-domains,
and gives a `Policy`; to subclass a shipped one and override `judge` or `step` takes a few lines. What does not fit is
told before anything runs, all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from models.domain import Domain
from models.merging.meaning import meaning_of
from models.merging.policies.shipped import POLICIES, MakePolicy
from models.merging.policy import Obligation, Policy, UnfitPolicy, fit, refused_by

__all__ = ["policy_for", "policy_named"]

_METHODS = ("begin", "step", "state", "forget", "refusals")


def policy_named(words: str) -> MakePolicy:
    """How the policy of a name is made.

    Raises:
        ValueError: it names no shipped one, and nothing that can be called.
    """
    if words in POLICIES:
        return POLICIES[words]
    known = f"choose one of {', '.join(POLICIES)}"
    module, colon, attribute = words.partition(":")
    if not colon:
        raise ValueError(f'merge={words!r} is no policy; {known}, or name your own, "package.module:attribute"')
    if not attribute.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f'merge={words!r} names nothing; write "package.module:attribute", or {known}')
    try:
        made = getattr(import_module(module), attribute, None)
    except KeyboardInterrupt:
        raise
    except BaseException as failed:  # somebody else's module may raise anything, and call exit(), while it is imported
        raise ValueError(f"merge={words!r}: {module} cannot be imported: {_told(failed)}; repair it") from failed
    if not callable(made):
        raise ValueError(f"merge={words!r}: {module} has nothing to call by the name {attribute!r}; define it there")
    return made  # type: ignore[no-any-return]


def policy_for(words: str, domain: Domain[Any], sources: Sequence[int]) -> Policy:
    """The policy of a name for a domain that is split into sub-domains of these numbers.

    Raises:
        ValueError: there is none of that name, or it cannot be made, or it is none; every reason at once.
        UnfitPolicy: it has no rule for something that the domain does; every reason at once.
    """
    make = policy_named(words)
    if words in POLICIES:
        shipped = make(domain, meaning_of(domain), sources)
        try:
            return fit(shipped, domain, asked=True)  # `models.split` asks
        except UnfitPolicy as unfit:
            reasons = [one.replace(f"policy {shipped.name}", f"merge={words!r}", 1) for one in unfit.problems]
            raise UnfitPolicy(reasons) from None
    try:
        policy = make(domain, meaning_of(domain), sources)
        problems = tuple(_misshapen(policy, domain))
    except KeyboardInterrupt:
        raise
    except BaseException as failed:  # somebody else's code, and it may call exit()
        told = f"merge={words!r} raised {_told(failed)}; it is called with a domain, its meaning and the sub-domains"
        raise ValueError(told) from failed
    if problems:
        raise UnfitPolicy([f"merge={words!r} cannot merge domain {domain.name!r}: {one}" for one in problems])
    return policy


def _misshapen(policy: Any, domain: Domain[Any]) -> Iterator[str]:
    """What is missing for it to be a policy of this domain, a sentence each."""
    name, promises = getattr(policy, "name", None), getattr(policy, "promises", None)
    if not isinstance(name, str) or not name:
        yield f"name={name!r} is part of the key of every compensation; give it one"
    elif name in POLICIES:
        yield f"name={name!r} is a shipped policy's, and compensations would share their keys; give it its own"
    if not isinstance(promises, frozenset) or not all(isinstance(one, Obligation) for one in promises):
        yield f"promises={promises!r} is no frozenset of obligations; say what it takes on"
    missing = [method for method in _METHODS if not callable(getattr(policy, method, None))]
    for method in missing:
        yield f"it has no method {method!r}; define it, or subclass a shipped policy"
    if not missing:
        first = policy.state(policy.begin())
        if not isinstance(first, domain.states):
            known = " or ".join(kind.__name__ for kind in domain.states)
            yield f"the state of what it begins with is a {type(first).__name__}; return a {known}"
        yield from refused_by(policy)


def _told(failed: BaseException) -> str:
    return f"{type(failed).__name__}: {failed}"
