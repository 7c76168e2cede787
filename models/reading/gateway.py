"""The door of the read side: it asks the parts of the key space that a query is about, and puts their answers together.

A part is a segment's group of view members, a shard that projects inline, or the live view of this host. A
query by key goes to the part that has the key; one by attribute to all of them, and its answer says for
each shard up to where all parts have its log, and which parts are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

from models.reading.words import Query, Rows, Token
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Gateway"]


class Gateway(Service):
    """Answers queries of one host's neighbourhood.

    Args:
        ctx: Its host.
        parts: Of each part those who answer for it, the one to ask first in front.
        part_of: The part of an aggregate.
        ask_us: Patience with one of them, beside the query's own.
    """

    def __init__(
        self, ctx: Context, parts: Sequence[tuple[Location, ...]], part_of: Callable[[int], int], *, ask_us: int
    ) -> None:
        super().__init__(ctx)
        self._parts = tuple(parts)
        self._part_of = part_of
        self._ask_us = ask_us

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Generator[Wait, Any, Rows]:
        """Ask whom it takes."""
        by_part = self._divided(msg)
        numbers = list(by_part)
        found: dict[int, Rows] = {}
        most = max(len(self._parts[number]) for number in numbers)
        until_us = self.ctx.mono_us() + msg.patience_us
        for turn in range(most):
            left = [number for number in numbers if number not in found and turn < len(self._parts[number])]
            if not left:
                break
            patience_us = max(0, until_us - self.ctx.mono_us())
            calls = [
                self.ctx.call(
                    self._parts[number][turn],
                    replace(by_part[number], patience_us=patience_us),
                    patience_us + self._ask_us,
                )
                for number in left
            ]
            answers = yield self.ctx.first(calls, need=len(calls))
            found.update({left[index]: answer for index, answer in answers if isinstance(answer, Rows)})
        return self._joined(numbers, found)

    def token_of(self, msg: Query) -> Token:
        """What an answer must have."""
        return msg.token

    def _divided(self, msg: Query) -> dict[int, Query]:
        """The query as each part is asked it: its own keys, and of the token what is its."""
        part_of = self._part_of
        tokens: dict[int, list[tuple[int, int]]] = {}
        for key, version in self.token_of(msg):
            tokens.setdefault(part_of(key), []).append((key, version))
        if not msg.keys:
            parts = range(len(self._parts))
            return {part: replace(msg, token=tuple(tokens.get(part, ()))) for part in parts}
        keys: dict[int, list[int]] = {}
        for key in msg.keys:
            keys.setdefault(part_of(key), []).append(key)
        return {part: replace(msg, keys=tuple(some), token=tuple(tokens.get(part, ()))) for part, some in keys.items()}

    def _joined(self, numbers: Sequence[int], found: dict[int, Rows]) -> Rows:
        answers = [found[number] for number in numbers if number in found]
        places: dict[int, int] = {}
        for answer in answers:
            for shard, position in answer.places:
                places[shard] = min(position, places.get(shard, position))
        return Rows(
            rows=tuple(sorted(row for answer in answers for row in answer.rows)),
            places=tuple(sorted(places.items())),
            heard_us=min((answer.heard_us for answer in answers), default=0),
            fresh=all(answer.fresh for answer in answers),
            missing=tuple(number for number in numbers if number not in found),
            stopped=next((answer.stopped for answer in answers if answer.stopped), ""),
            worth=tuple(one for answer in answers for one in answer.worth),
            parts=tuple((number, found[number].places) for number in numbers if number in found),
        )
