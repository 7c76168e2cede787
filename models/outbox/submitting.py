"""Commands of a service to the store: until they are answered for sure, each under a key that says what it is for.

A service that dies and asks again, or a second one that asks for the same, uses the same key and gets the same
answer: the store knows what it has done. A key is made from what the command is for, never from when or how often.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.addressing import plain_hash
from models.domain import Command
from models.layout import shard_of
from models.mixes import DOMAIN_SHIFT
from models.store.requests import Accepted, Gone, Refused, Submit
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["StoreOptions", "Submitter", "key_of"]

#: Clients number their commands from below this.
_DERIVED: Final = 1 << 64


def key_of(*parts: int | str) -> int:
    """The idempotency key of what these parts name; the same in every process."""
    return _DERIVED | plain_hash(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Where the store is, for those who write to it.

    Attributes:
        shards: By number of a domain, its shards, each as its members.
        patience_us: With one attempt.
        backoff_us: Pause after the first that failed; doubles up to `backoff_us_max`.
        backoff_us_max: Longest pause.
    """

    shards: tuple[tuple[int, tuple[tuple[Location, ...], ...]], ...]
    patience_us: int = 300_000
    backoff_us: int = 20_000
    backoff_us_max: int = 320_000

    def __post_init__(self) -> None:
        for name in ("patience_us", "backoff_us", "backoff_us_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")


class Submitter:
    """Submits commands on behalf of a service.

    Args:
        ctx: The service's.
        store: Where to.

    Attributes:
        attempts: How often it has asked.
    """

    def __init__(self, ctx: Context, store: StoreOptions) -> None:
        self.attempts = 0
        self._ctx = ctx
        self._store = store
        self._shards: Mapping[int, tuple[tuple[Location, ...], ...]] = dict(store.shards)
        self._turns: dict[tuple[int, int], int] = {}

    def submit(
        self, aggregate: int, command: Command, key: int, still: Callable[[], bool] = lambda: True
    ) -> Generator[Wait, Any, Accepted | Refused | Gone | None]:
        """Ask until it is answered for sure; None once it is not wanted any more, and it may have happened."""
        ctx, store = self._ctx, self._store
        domain = aggregate >> DOMAIN_SHIFT
        shards = self._shards[domain]
        shard = shard_of(aggregate, len(shards)) if len(shards) > 1 else 0
        members = shards[shard]
        request = Submit(command_id=key, aggregate=aggregate, command=command)
        pause_us = store.backoff_us
        while still():
            turn = self._turns.get((domain, shard), 0)
            self.attempts += 1
            answer = yield ctx.call(members[turn % len(members)], request, store.patience_us)
            if isinstance(answer, Accepted | Refused | Gone):
                return answer
            # Whoever answered last is asked first the next time: mostly it leads.
            self._turns[domain, shard] = turn + 1
            yield ctx.sleep(pause_us)
            pause_us = min(2 * pause_us, store.backoff_us_max)
        return None
