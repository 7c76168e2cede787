"""Events in a form that later code can read: a name, a schema number and plain fields.

An event outlives the code that wrote it. In a real store the form is what lies on the disk. Here
a log keeps the event itself, an immutable value, since one process runs the code of all ages; a
form is made where an event of an older class of the same name is read (`lift`), and takes the way
that it would from a disk: old schemas are lifted one step at a time by the domain's upcasters, and
what the code is too old for is refused. What is hashed is `content_of` an event (see `content`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

from models.domain.content import Content, content_of
from models.domain.kit import Domain
from models.domain.words import Denied, DomainFailed, Event, Neutral

__all__ = ["Content", "StoredEvent", "content_of", "from_form", "lift", "to_form"]


class StoredEvent(NamedTuple):
    """One event's form.

    Attributes:
        kind: Name of its type.
        schema: Under which it was written, from 1.
        fields: Pairs of name and value, in order of declaration.
    """

    kind: str
    schema: int
    fields: tuple[tuple[str, Any], ...]


def to_form(event: Event) -> StoredEvent:
    """The form of an event."""
    kind = type(event)
    pairs = tuple((field.name, getattr(event, field.name)) for field in fields(kind))
    return StoredEvent(kind.__name__, getattr(kind, "SCHEMA", 1), pairs)


def from_form(domain: Domain[Any], stored: StoredEvent) -> Event:
    """The event of a form, in today's schema.

    Raises:
        DomainFailed: the domain has no such event, the form is of a later schema than this code
            knows, an upcaster raised, or the fields do not make an event, or one that is no value.
    """
    kind: Any = domain.kinds.get(stored.kind)
    if kind is None:
        raise DomainFailed(domain.name, "reading", f"{stored.kind!r} is no event of it; keep old types and upcast them")
    newest = getattr(kind, "SCHEMA", 1)
    if not 1 <= stored.schema <= newest:
        rule = f"{stored.kind} has schema {stored.schema}, and this code knows 1..{newest}; deploy newer code first"
        raise DomainFailed(domain.name, "reading", rule)
    try:
        values = dict(stored.fields)
    except (TypeError, ValueError) as failed:
        rule = f"{stored.kind} of schema {stored.schema} has fields {stored.fields!r}, which are no pairs"
        raise DomainFailed(domain.name, "reading", f"{rule}; each is a name and a value") from failed
    for schema in range(stored.schema, newest):
        method = domain.upcasters[kind, schema]
        try:
            values = dict(getattr(domain, method)(values))
        except Exception as failed:
            raise DomainFailed(domain.name, method, f"raised {type(failed).__name__}: {failed}") from failed
    try:
        event: Event = kind(**values)
        content_of(event)  # a field may hold what is no value
    except Exception as failed:
        told = f"{stored.kind} of schema {newest}: {type(failed).__name__}: {failed}"
        raise DomainFailed(domain.name, "reading", told) from failed
    return event


def lift(domain: Domain[Any], event: Event) -> Event:
    """The event in today's schema: itself, unless older code wrote it.

    Args:
        domain: Whose event it is.
        event: Of one of its classes, or of an older class of the same name, with its SCHEMA.

    Raises:
        DomainFailed: as `from_form`.
    """
    kind = event.__class__
    if kind in domain.effects or kind is Denied or issubclass(kind, Neutral):
        return event
    return from_form(domain, to_form(event))
