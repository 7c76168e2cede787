"""One owner's questions to its feeds: one at a time to each, none waiting for another where members wait for news.

Where the consumer polls, a round takes the answers of all feeds. Where the members wait for news themselves, it
takes whatever is there once one of them has answered; the others' questions stay under way.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from models.reading.feeds import Batch, GlobalFeed, LogFeed, Stretch
from models.reading.options import ProjectorOptions
from models.reading.views import View
from sim.host import Context, Wait

__all__ = ["Asking"]


class Asking:
    """The questions for one segment.

    Args:
        ctx: Its host.
        feeds: Whom to ask.
        options: How.
        stretch: Of the line of hashes.
    """

    def __init__(
        self, ctx: Context, feeds: Sequence[LogFeed | GlobalFeed], options: ProjectorOptions, stretch: Stretch
    ) -> None:
        self._ctx = ctx
        self._feeds = tuple(feeds)
        self._options = options
        self._stretch = stretch
        self._under_way: set[int] = set()
        self._there: list[Batch] = []
        self._heard_us = [0] * len(self._feeds)
        self._news: Wait | None = None

    def heard_us(self) -> int:
        """Wall clock since which nothing newer is known of any feed, as last asked; 0 if one may have more."""
        return min(self._heard_us)

    def unsure(self, feed: int) -> None:
        """What a feed answered last was of no use."""
        self._heard_us[feed] = 0

    def answers(self, view: View) -> Generator[Wait, Any, list[Batch]]:
        """What the feeds have beyond a view's places."""
        options = self._options
        for index in range(len(self._feeds)):
            if index not in self._under_way:
                self._under_way.add(index)
                self._ctx.set_timer(0, self._ask, index, view.place(index).position)
        while self._under_way and not (options.waits and len(self._under_way) < len(self._feeds)):
            self._news = self._ctx.wait()
            yield self._news
        found, self._there = self._there, []
        return sorted(found)

    def _ask(self, index: int, after: int) -> Generator[Wait, Any, None]:
        options, asked_us = self._options, self._ctx.now_us()
        wait_us = options.poll_us if options.waits else 0
        batch = yield from self._feeds[index].read(after, options.batch, self._stretch, wait_us)
        self._under_way.discard(index)
        self._heard_us[index] = asked_us if batch is not None and batch.whole else 0
        if batch is not None:
            self._there.append(batch)
        news, self._news = self._news, None
        if news is not None:
            news.resolve()
