"""Who may do what one at a time should: the owner of the latest tenure; the others wait for it to fall silent.

So effects are brought about, processes managed where there are several managers, and messages relayed by several.

The tenures are a stream of the store, which every one of them follows. Of two that ask for the next tenure one gets
it; the other hears of that when it reads the stream, and until then it takes itself for the owner: an owner that
was paused goes on where it stood. That is why tokens go outside with every request. An owner that starts again takes
a new tenure, for it knows nothing of what its last life had under way.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, Follower
from models.outbox.submitting import StoreOptions, Submitter, key_of
from models.outbox.tenures import TakenOver, TakeOver, Tenure
from models.outbox.words import Alive
from models.store.log.entries import Entry
from models.store.requests import Accepted
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["TENURE", "Owner", "OwnerOptions"]

#: A line for each life of an owner on this disk.
_LIVES: Final = "lives"
#: The one aggregate of its domain.
TENURE = Tenure.number << DOMAIN_SHIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerOptions:
    """One of those who may own.

    Attributes:
        number: Its own, from 1; the first owns at first.
        peers: The others.
        heartbeat_us: How often an owner says that it lives.
        suspect_us: After so long a silence the second takes over, after twice that the third.
    """

    number: int
    peers: tuple[Location, ...] = ()
    heartbeat_us: int = 100_000
    suspect_us: int = 600_000

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"number={self.number} is nobody's; count owners from 1")
        if not 0 < self.heartbeat_us < self.suspect_us:
            raise ValueError(
                f"heartbeat_us={self.heartbeat_us}, suspect_us={self.suspect_us}: a healthy owner would be suspected; "
                "suspect after more than a heartbeat"
            )


class Owner(Follower):
    """Follows tenures (shard 0 of its feed) and holds one at times.

    Args:
        ctx: Its host.
        feed: The shard of tenures, then what else it follows.
        store: Where it writes.
        options: Who it is.

    Attributes:
        mine: The tenure that this life has, 0 for none.
        latest: The latest it knows of.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"tenure"})

    def __init__(self, ctx: Context, feed: FeedOptions, store: StoreOptions, options: OwnerOptions) -> None:
        super().__init__(ctx, feed)
        self.options = options
        self.submitter = Submitter(ctx, store)
        self.mine = 0
        self.latest = 0
        self.owner = 0
        self._met = 0
        self._heard_us = 0
        self._life = 0
        self._began_us = 0

    def start(self) -> None:
        """Read what there is, and watch."""
        self._heard_us, self._began_us = self.ctx.mono_us(), self.ctx.now_us()
        self.follow()
        self.ctx.set_timer(0, self._watch)

    @property
    def owns(self) -> bool:
        """Whether it takes itself for the owner: a number that the log has given to another since is not its own."""
        return 0 < self.mine == self.latest and self.owner == self.options.number

    def taken(self, shard: int, entry: Entry) -> None:
        """A tenure began."""
        if isinstance(entry.event, TakenOver):
            self.owner, self.latest = entry.event.owner, entry.event.number
            self.heard_of(self.latest)
            self._heard_us = self.ctx.mono_us()

    def begun_again(self, shard: int) -> None:
        """Tenures were taken back: nobody's number is worth anything until they are read again."""
        if shard == 0:
            self.owner = self.latest = self.mine = 0

    def heard_of(self, tenure: int) -> None:
        """Somebody has, or had, this tenure."""
        self._met = max(self._met, tenure)

    def owning(self) -> None:
        """A tenure has begun."""

    def highest(self) -> int:
        """The highest number of a tenure that this life has met, whatever the log of tenures tells now; 0 for none."""
        return self._met

    @handles(Alive)
    def on_alive(self, msg: Alive, sender: Location) -> None:
        """The owner lives, if it is of the latest tenure."""
        self.heard_of(msg.tenure)
        if msg.tenure >= self.latest:
            self._heard_us = self.ctx.mono_us()

    def _watch(self) -> Generator[Wait, Any, None]:
        ctx, options = self.ctx, self.options
        self._life = ctx.disk.append(_LIVES, ctx.now_us())
        yield ctx.disk.flush(_LIVES)
        while True:
            if self.owns:
                for peer in options.peers:
                    ctx.send(peer, Alive(tenure=self.mine))
            elif self.live and self._is_due():
                yield from self._take_over()
            yield ctx.sleep(options.heartbeat_us)

    def _is_due(self) -> bool:
        """Whether nobody else will do it: it is mine from another life, or the owner is silent."""
        if self.owner == self.options.number or (self.owner == 0 and self.options.number == 1):
            return True
        # The second waits for as long as is usual, the third for twice as long: they do not race.
        rank = max(1, self.options.number - 1)
        return self.ctx.mono_us() - self._heard_us >= rank * self.options.suspect_us

    def _take_over(self) -> Generator[Wait, Any, None]:
        options, after = self.options, self.latest
        above = self.highest()
        command = TakeOver(owner=options.number, after=after, above=above)
        key = self.own_key("tenure", after, above)
        answer = yield from self.submitter.submit(TENURE, command, key, lambda: self.latest == after)
        number = max(after, above) + 1
        given = self.latest == number and self.owner != options.number  # to another, once this one's was taken back
        if isinstance(answer, Accepted) and self.latest <= number and not given:
            self.mine = self.latest = self._met = number
            self.owner = options.number
            self.ctx.note("tenure", self.mine)
            self.owning()

    def own_key(self, what: str, *of: int | str) -> int:
        """The idempotency key of what this life asks of the store.

        Of this life alone: the store would tell a next one, which has not read of it yet, that the tenure is its own.
        And where the log of tenures was taken back and two have had one number, each would be told that what the
        other wrote under it was its own, and both would act.
        """
        return key_of(what, *of, self.options.number, self._life, self._began_us)
