"""A command handler in front of the store: it decides by itself, on a state that it has to come by.

It is stateless: what it remembers is a cache. Whatever it begins with, nothing leaves it, no answer and no image,
before the store has confirmed it: a decision leaves as an event that the store appended at the version after the
one that it was decided on, and an image holds nothing but what the store told or acknowledged.

    consistent    snapshot, then look-up, then work, then append
    speculative   snapshot, then work, beside it the look-up; equal versions or an equal decision keep the work
    optimistic    snapshot, then work, then append; a conflict is looked up and decided again
    adaptive      the one of these that fits how often the aggregate's snapshot was behind; or, by a rule, how likely
                  it is behind now, and what work in vain and waiting cost (`believing`)

The store's denial of a domain's rule is an event like any other, so that a denial too is confirmed by its append. A
command that was done before is found by its id among the latest of the aggregate's: a repeated one that comes
later than `remembered` others would be done again, so that must be more than come to an aggregate before a
deadline.

Limit: an append is confirmed by a version, and versions name one event each only where the store keeps what it has
acknowledged. Where it lost some and has grown to the same version since, an optimistic handler that still has an image
of before has its decision appended all the same; a look-up shows the difference (`images.lineage_differs`).

Crash points: H1 as a decision stands that nothing confirms yet, H2 before the append, H3 after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain, Event
from models.loading.asking import Store
from models.loading.believing import Weighing
from models.loading.images import Key, Memory, Rates, blank, grown, lineage_differs, rest_of
from models.loading.options import LoadingOptions, Strategy
from models.loading.words import Fetch, Fetched, Image, Keep, Recall, Recalled
from models.store.log.entries import Entry, tip_after
from models.store.requests import (
    Accepted,
    Answer,
    Conflict,
    Refused,
    StreamSlice,
    Submit,
    Unavailable,
    answer_of,
)
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Draft", "Handler"]

#: Why a handler could not serve.
_SILENT: Final = "the store does not answer"
_CONTENDED: Final = "others were faster each time"


class Draft(NamedTuple):
    """A decision that nothing has confirmed yet.

    Attributes:
        image: What it was taken on.
        event: What it came to.
        looked: Whether that was the newest when it was looked up.
    """

    image: Image
    event: Event
    looked: bool = False


#: What a handler has come to: a draft, or an answer; None is silence, where the outcome is not known.
_Found = Draft | Answer | None


class Handler(Service):
    """One handler of one domain.

    Attributes:
        counts: What it did, by word: `handled`, `cold` (no snapshot was there), `matched`, `equal`, `redone` (the
            snapshot was the newest; it was not, and the decision was the same; or another), `stale` (snapshots that
            were behind), `conflicts`, `worked` (decisions worked out), `repeated` (the command was done before), one
            for each strategy that was taken; by a rule, `doubted` and `trusted` (a snapshot was there, and it waited
            for the look-up all the same, or did not).
        behind: Events by which snapshots were behind, summed over those whose newest version became known.
        compared: How many those are.
        memory: The images that it keeps itself.
        store: Whom it asks.
        weighing: What it believes of its snapshots, where it loads by a rule; else None.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"H1", "H2", "H3"})

    def __init__(self, ctx: Context, options: LoadingOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.options = options
        self.domain = domain
        self.counts: Counter[str] = Counter()
        self.behind = 0
        self.compared = 0
        self.memory = Memory(options.cache)
        self.weighing = None if options.rule is None else Weighing(options)
        self.store = Store(ctx, options) if self.weighing is None else Store(ctx, options, self.weighing.looked)
        self._rates = Rates(options)
        self._kept: dict[Key, int] = {}

    @handles(Submit)
    def on_submit(self, msg: Submit, sender: Location) -> Generator[Wait, Any, Answer | None]:
        """Decide it, have the store confirm that, and answer."""
        self.counts["handled"] += 1
        key = (msg.tenant, msg.aggregate)
        if self.weighing is None:
            found = yield from self._begin(msg, key, self._rates.strategy(key))
        else:
            found = yield from self._weigh(msg, key, self.weighing)
        answer = yield from self._confirm(msg, key, found)
        if self.weighing is not None:
            self.weighing.done(msg.command_id)
        return answer

    def _confirm(self, msg: Submit, key: Key, found: _Found) -> Generator[Wait, Any, Answer | None]:
        """Have the store append what it came to, and decide again for as long as others were faster."""
        for _ in range(self.options.attempts):
            if not isinstance(found, Draft):
                return found
            if (early := self.unconfirmed(msg, found)) is not None:
                return early
            self.ctx.point("H2")
            answer = yield from self.store.append(msg, found.event, found.image.version)
            if isinstance(answer, Accepted):
                self.ctx.point("H3")
                return self._confirmed(msg, key, found, answer)
            if not isinstance(answer, Conflict):
                return answer  # type: ignore[no-any-return]
            self.counts["conflicts"] += 1
            found = yield from self._catch_up(msg, key, found)
        return Unavailable(command_id=msg.command_id, reason=_CONTENDED) if isinstance(found, Draft) else found

    def unconfirmed(self, msg: Submit, draft: Draft) -> Answer | None:
        """What leaves before the store has confirmed a draft: nothing ever does."""
        return None

    def left_of(self, draft: Draft) -> Image:
        """What remains of a draft that was refused: what it was decided on, and nothing of the decision."""
        return draft.image

    # -- by strategy -------------------------------------------------------------------------

    def _weigh(self, msg: Submit, key: Key, weighing: Weighing) -> Generator[Wait, Any, _Found]:
        """Come by a snapshot and its age, and take the strategy that its chance of being the newest calls for."""
        image, age_us = yield from self._aged(key, weighing)
        if image is None:
            self.counts.update((Strategy.CONSISTENT, "cold"))
            return (yield from self._wait(msg, key, None))
        strategy = weighing.strategy(msg.command_id, key, age_us)
        self.counts["doubted" if strategy is Strategy.CONSISTENT else "trusted"] += 1
        return (yield from self._begin(msg, key, strategy, image))

    def _begin(
        self, msg: Submit, key: Key, strategy: Strategy, held: Image | None = None
    ) -> Generator[Wait, Any, _Found]:
        """Decide by a strategy, on a snapshot that is held already or on the one to begin with."""
        self.counts[strategy] += 1
        if strategy is Strategy.SPECULATIVE:
            return (yield from self._speculate(msg, key, held))
        image = held
        if image is None:
            image = yield from self._snapshot(key)
        self.counts["cold"] += image is None
        if strategy is Strategy.OPTIMISTIC and image is not None:
            return (yield from self._work(msg, image, looked=False))
        return (yield from self._wait(msg, key, image))

    def _wait(self, msg: Submit, key: Key, image: Image | None) -> Generator[Wait, Any, _Found]:
        """Look up the newest before the work."""
        newest = yield from self._newest(msg, key, image or blank(self.domain), None)
        if newest is None:
            return Unavailable(command_id=msg.command_id, reason=_SILENT)
        if image is not None:
            self._compare(msg, key, image, newest)
        return (yield from self._work(msg, newest, looked=True))

    def _speculate(self, msg: Submit, key: Key, held: Image | None) -> Generator[Wait, Any, _Found]:
        """Work on the snapshot beside the look-up, and keep what stands."""
        looked = self._look(msg, key, held or self.memory.get(key))
        image = held
        if image is None:
            image = yield from self._snapshot(key)
        draft: Draft | None = None
        if image is not None:
            worked = yield from self._work(msg, image, looked=True)
            if not isinstance(worked, Draft):
                return worked  # done before
            draft = worked
            self.ctx.point("H1")
        found = yield looked
        if not isinstance(found, StreamSlice):
            return Unavailable(command_id=msg.command_id, reason=_SILENT)
        newest = yield from self._newest(msg, key, image or blank(self.domain), found)
        if newest is None:
            return Unavailable(command_id=msg.command_id, reason=_SILENT)
        if image is None or draft is None:
            self.counts["cold"] += 1
            return (yield from self._work(msg, newest, looked=True))
        self._compare(msg, key, image, newest)
        if newest.version == image.version and newest.tip == image.tip:
            self.counts["matched"] += 1
            return draft
        return (yield from self._decide_again(msg, newest, draft))

    def _catch_up(self, msg: Submit, key: Key, draft: Draft) -> Generator[Wait, Any, _Found]:
        """The append was refused: look up what came between, and decide again."""
        newest = yield from self._newest(msg, key, self.left_of(draft), None)
        if newest is None:
            return Unavailable(command_id=msg.command_id, reason=_SILENT)
        self._compare(msg, key, draft.image, newest)
        return (yield from self._decide_again(msg, newest, draft))

    def _work(self, msg: Submit, image: Image, *, looked: bool) -> Generator[Wait, Any, _Found]:
        """Work out a decision; or the answer of the first time, if the command was done before."""
        done = dict(image.recent).get(msg.command_id)
        if done is not None:
            return (yield from self._repeat(msg, done))
        event = self.domain.decide(image.state, msg.command)
        self.counts["worked"] += 1
        if self.options.work_us:
            yield self.ctx.sleep(self.options.work_us)
        return Draft(image, event, looked)

    def _decide_again(self, msg: Submit, newest: Image, draft: Draft) -> Generator[Wait, Any, _Found]:
        """Keep the work if the newest state leads to the same decision."""
        if msg.command_id not in dict(newest.recent):
            event = self.domain.decide(newest.state, msg.command)
            if event == draft.event:
                self.counts["equal"] += 1
                return Draft(newest, event, True)
            self.counts["redone"] += 1
        return (yield from self._work(msg, newest, looked=True))

    def _repeat(self, msg: Submit, version: int) -> Generator[Wait, Any, Answer | None]:
        """What a command was answered the first time."""
        self.counts["repeated"] += 1
        found = yield self.store.look(msg, version - 1, 1)
        if not isinstance(found, StreamSlice) or not found.entries:
            return None
        entry: Entry = found.entries[0]
        return answer_of(entry, msg.command_id) if entry.event_id == msg.command_id else None

    # -- what it decides on ------------------------------------------------------------------

    def _snapshot(self, key: Key) -> Generator[Wait, Any, Image | None]:
        """The image to begin with: one that it remembers, else what is kept near by, if anything is."""
        image = self.memory.get(key)
        keeper = self.options.keeper
        if image is not None or keeper is None or not self.options.snapshot_every:
            return image
        answer = yield self.ctx.call(keeper, Fetch(tenant=key[0], aggregate=key[1]), self.options.ask_us)
        if not isinstance(answer, Fetched) or answer.image is None:
            return None
        self._kept[key] = max(self._kept.get(key, 0), answer.image.version)
        return answer.image

    def _aged(self, key: Key, weighing: Weighing) -> Generator[Wait, Any, tuple[Image | None, int]]:
        """The image to begin with, and how long ago it was known to be the newest."""
        image, options = self.memory.get(key), self.options
        if image is not None or options.keeper is None or not options.snapshot_every:
            return image, weighing.age_us(key, self.ctx.mono_us())
        answer = yield self.ctx.call(options.keeper, Recall(tenant=key[0], aggregate=key[1]), options.ask_us)
        if not isinstance(answer, Recalled) or answer.image is None:
            return None, 0
        self._kept[key] = max(self._kept.get(key, 0), answer.image.version)
        return answer.image, answer.age_us

    def _look(self, msg: Submit, key: Key, image: Image | None) -> Wait:
        """Look up the newest; with it comes the image's last event, which shows whether that still stands.

        Where the image is not known yet, events come from the last one on that the keeper had when it was heard of.
        """
        version = image.version if image is not None else self._kept.get(key, 0)
        return self.store.look(msg, max(0, version - 1), self.options.page if version else 1)

    def _newest(
        self, msg: Submit, key: Key, image: Image, found: StreamSlice | None
    ) -> Generator[Wait, Any, Image | None]:
        """The newest image, from one that may be behind, and a look-up if one was made; None if nobody tells."""
        own = False
        while True:
            if found is None:
                after = max(0, image.version - 1)
                found, own = (yield self.store.look(msg, after, self.options.page)), True
            if not isinstance(found, StreamSlice):
                return None
            if not own and found.version < image.version:
                found = None  # the image came after the look-up
                continue
            if lineage_differs(image, found):
                self.memory.forget(key)
                image, found = blank(self.domain), None
                continue
            rest = rest_of(image, found)
            if rest is None:
                if own:
                    return None  # the log begins behind the image
                found = None
                continue
            if rest and self.options.replay_us:
                yield self.ctx.sleep(self.options.replay_us * len(rest))
            image = grown(self.domain, image, rest, self.options.remembered)
            if image.version == found.version:
                self._learned(key, image)
                return image
            found = None

    def _compare(self, msg: Submit, key: Key, image: Image, newest: Image) -> None:
        self.compared += 1
        if self.weighing is not None:
            self.weighing.turned_out(msg.command_id, behind=newest.version != image.version)
        self.counts["stale"] += newest.version != image.version
        self.behind += max(0, newest.version - image.version)
        self._rates.saw(key, behind=newest.version != image.version)

    # -- what leaves it ----------------------------------------------------------------------

    def _confirmed(self, msg: Submit, key: Key, draft: Draft, answer: Accepted) -> Answer:
        """The store has the event, right after what it was decided on."""
        image, event, version = draft.image, draft.event, answer.version
        if not draft.looked:
            self._compare(msg, key, image, image)
        after = Image(
            version=version,
            tip=tip_after(image.tip, version, msg.command_id, event),
            state=self.domain.evolve(image.state, event),
            recent=(*image.recent, (msg.command_id, version))[-self.options.remembered :],
        )
        self._learned(key, after, own=True)
        if isinstance(event, Denied):
            return Refused(command_id=msg.command_id, version=version, reason=event.reason)
        return Accepted(command_id=msg.command_id, version=version, told=answer.told)

    def _learned(self, key: Key, image: Image, *, own: bool = False) -> None:
        """Remember an image that is confirmed, and hand it to the keeper where it is so much newer."""
        options = self.options
        if self.weighing is not None:
            self.weighing.newest(key, image.version, self.ctx.mono_us(), own=own)
        self.memory.keep(key, image)
        if options.keeper is None or not options.snapshot_every:
            return
        if image.version - self._kept.get(key, 0) >= options.snapshot_every:
            self._kept[key] = image.version
            self.ctx.send(options.keeper, Keep(tenant=key[0], aggregate=key[1], image=image))
