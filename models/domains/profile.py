"""A profile: a document of named fields, of which two people may edit different ones.

Its event has a second schema, as events of real stores get: at first a change was one text,
`field=value`; now the two are apart, and a field can be removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, upcasts

__all__ = ["Change", "Changed", "Document", "Profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Command):
    """A request to set a field, or to remove it with None."""

    field: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Event):
    """A field was set, or removed with None."""

    SCHEMA: ClassVar[int] = 2
    field: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(State):
    """Pairs of field and value, in order of field."""

    fields: tuple[tuple[str, str], ...] = ()


class Profile(Domain[Document], name="profile", number=23):
    """Profiles of a few fields.

    Args:
        most_fields: How many a profile may have.
    """

    def __init__(self, most_fields: int = 100) -> None:
        if most_fields < 1:
            raise ValueError(f"{most_fields=} leaves nothing to write; allow at least 1")
        self.most_fields = most_fields

    def initial(self) -> Document:
        """An empty page."""
        return Document()

    @decides
    def change(self, state: Document, command: Change) -> Changed | Denied:
        """Any named field, as long as there are not too many; only what is there can be removed."""
        known = dict(state.fields)
        if not command.field or "=" in command.field:
            return Denied(reason="no name for a field")
        if command.value is None and command.field not in known:
            return Denied(reason="no such field")
        if command.value is not None and command.field not in known and len(known) >= self.most_fields:
            return Denied(reason="too many fields")
        return Changed(field=command.field, value=command.value)

    @evolves
    def changed(self, state: Document, event: Changed) -> Document:
        """The document with that field as it is now."""
        known = dict(state.fields)
        if event.value is None:
            known.pop(event.field, None)
        else:
            known[event.field] = event.value
        return Document(fields=tuple(sorted(known.items())))

    @upcasts(Changed, schema=1)
    def changed_from_1(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`field=value` in one text."""
        name, _, value = fields["change"].partition("=")
        return {"field": name, "value": value}

    def told(self, state: Document) -> str:
        """The whole of it, a line for each field."""
        return "\n".join(f"{field}={value}" for field, value in state.fields)

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        return Change(field=event.field, value=event.value) if isinstance(event, Changed) else None
