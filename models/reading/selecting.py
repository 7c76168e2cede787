"""What a query by attribute was answered, as a note (`selected`) tells it to judges.

A history says how many rows there were, and up to where; whether they are the right ones takes the rows themselves,
and of each part of the key space how far it was.
"""

from __future__ import annotations

from typing import NamedTuple

from models.reading.words import Rows

__all__ = ["Selected", "told_of"]


class Selected(NamedTuple):
    """One answer.

    Attributes:
        op: The operation.
        attribute: What was asked for.
        places: By part of the key space, and in it by shard, up to which position its log went in.
        rows: By aggregate, version and id of the last event that went in.
    """

    op: int
    attribute: int
    places: dict[int, tuple[int, ...]]
    rows: dict[int, tuple[int, int]]

    @classmethod
    def read(cls, text: str) -> Selected:
        """What a note says."""
        head, parts, rows = text.split("|")
        op, attribute = (int(word) for word in head.split())
        places = {}
        for word in parts.split():
            part, _, at = word.partition(":")
            places[int(part)] = tuple(int(one) for one in at.split(",") if one)
        of = {}
        for word in rows.split():
            key, version, event_id = (int(one) for one in word.split(":"))
            of[key] = (version, event_id)
        return cls(op, attribute, places, of)


def told_of(op: int, attribute: int, answer: Rows) -> str:
    """The note of an answer; one that came past no gateway is of a single part."""
    parts = answer.parts or ((0, answer.places),)
    places = " ".join(f"{part}:{_by_shard(places)}" for part, places in parts)
    rows = " ".join(f"{row.key}:{row.version}:{row.event_id}" for row in answer.rows)
    return f"{op} {attribute}|{places}|{rows}"


def _by_shard(places: tuple[tuple[int, int], ...]) -> str:
    """Positions in order of shards; 0 for one of which a part has nothing."""
    known = dict(places)
    return ",".join(str(known.get(shard, 0)) for shard in range(max(known, default=-1) + 1))
