"""Projections: what is made of each event, row by row, and the rows.

A projection is a pure fold: a row, one more event of its aggregate, the next row. It knows no host and
no disk, so all modes (inline, async, live) and every rebuild run the same. A row counts what it was made
of (`applied`, `skipped`), so that a view can be held against the log.

Whether an event that comes again counts again is the projection's own choice: an *idempotent* one looks
at the version that it has; one that is not adds up whatever it is given.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.domains.bank_account import Deposited, Withdrawn
from models.store.log.entries import Entry

__all__ = ["Balances", "Poisoned", "Row", "Unprojectable", "projected"]

_VERSION: Final = (1 << 32) - 1
_INSTANCE: Final = (1 << 64) - 1


class Unprojectable(ValueError):
    """A projection cannot make anything of an event."""


class Row(NamedTuple):
    """What is known of one aggregate.

    Attributes:
        key: The aggregate.
        version: Of the last event that went in.
        event_id: Its id.
        value: What the projection makes of it.
        applied: Events that went in.
        skipped: Versions that were passed over.
        shard: In whose log the last event stands.
        position: Where.
    """

    key: int
    version: int
    event_id: int
    value: int
    applied: int
    skipped: int
    shard: int
    position: int


class Balances:
    """What is on each account, added up from its events; accounts of like wealth are of one *band*.

    Args:
        opening: Cents that an account begins with.
        idempotent: Whether an event that comes again is passed over.
        band: Cents that a band is wide, at least 1.
        alarm: A withdrawal of so many cents is announced; 0 for none.

    Raises:
        ValueError: a band of no width.
    """

    def __init__(self, opening: int, *, idempotent: bool = True, band: int = 5_000, alarm: int = 0) -> None:
        if band < 1:
            raise ValueError(f"{band=} holds no account; give at least 1")
        self.opening = opening
        self.idempotent = idempotent
        self.band = band
        self.alarm = alarm

    def announces(self, entry: Entry) -> bool:
        """Whether somebody outside is to hear of an event."""
        event = entry.event
        return self.alarm > 0 and isinstance(event, Withdrawn) and event.amount >= self.alarm

    def first(self, key: int, shard: int) -> Row:
        """The row of an aggregate without events."""
        return Row(key, 0, 0, self.opening, 0, 0, shard, 0)

    def apply(self, row: Row | None, entry: Entry, shard: int) -> Row:
        """The row with one more event.

        Raises:
            Unprojectable: nothing can be made of it.
        """
        address = entry.address
        version = address & _VERSION
        if row is None:
            row = self.first(address >> 32 & _INSTANCE, shard)
        key, had, _, value, applied, skipped, _, _ = row
        if version <= had and self.idempotent:
            return row
        event = entry.event
        if event.__class__ is Deposited:
            value += event.amount
        elif event.__class__ is Withdrawn:
            value -= event.amount
        if version > had + 1:
            skipped += version - had - 1
        return Row(key, version, entry.event_id, value, applied + 1, skipped, shard, entry.position)

    def attribute(self, row: Row) -> int:
        """The band that an account is in: what it is found by, beside its key."""
        return row.value // self.band


class Poisoned(Balances):
    """Balances by code with a bug: it raises on one amount in `every`.

    Args:
        opening: As for `Balances`.
        every: Amounts that this divides cannot be projected, at least 2.
        idempotent: As for `Balances`.
        band: As for `Balances`.
        alarm: As for `Balances`.

    Raises:
        ValueError: a bug that meets every event.
    """

    def __init__(self, opening: int, *, every: int, idempotent: bool = True, band: int = 5_000, alarm: int = 0) -> None:
        super().__init__(opening, idempotent=idempotent, band=band, alarm=alarm)
        if every < 2:
            raise ValueError(f"poison_every={every} poisons every event; give at least 2, or 0 for none")
        self.every = every

    def apply(self, row: Row | None, entry: Entry, shard: int) -> Row:
        """As `Balances`, but for the bug."""
        event = entry.event
        if isinstance(event, Deposited | Withdrawn) and event.amount % self.every == 0:
            raise Unprojectable(f"no projection of {type(event).__name__} with amount={event.amount}")
        return super().apply(row, entry, shard)


def projected(projection: Balances, row: Row | None, entry: Entry, shard: int) -> Row:
    """What a projection makes of one more event.

    Raises:
        Unprojectable: it raised; code with a bug raises whatever it does, a missing key or a wrong type.
    """
    try:
        return projection.apply(row, entry, shard)
    except Unprojectable:
        raise
    except Exception as failed:
        raise Unprojectable(f"{type(failed).__name__}: {failed}") from failed
