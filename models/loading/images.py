"""Images of aggregates in a handler: what it remembers, how one grows by events, and how often one was behind."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from models.domain import Domain
from models.loading.options import LoadingOptions, Strategy
from models.loading.words import Image
from models.store.log.entries import Entry, version_of
from models.store.requests import StreamSlice

__all__ = ["Key", "Memory", "Rates", "blank", "grown", "lineage_differs", "rest_of"]

#: (tenant, aggregate).
Key = tuple[int, int]


def blank(domain: Domain[Any]) -> Image:
    """The image of an aggregate without history."""
    return Image(version=0, tip=0, state=domain.initial())


def grown(domain: Domain[Any], image: Image, entries: Sequence[Entry], remembered: int) -> Image:
    """An image after some more events, that follow on it."""
    state, recent = image.state, list(image.recent)
    for entry in entries:
        state = domain.evolve(state, entry.event)
        recent.append((entry.event_id, version_of(entry.address)))
    if not entries:
        return image
    last = entries[-1]
    return Image(version=version_of(last.address), tip=last.tip, state=state, recent=tuple(recent[-remembered:]))


def rest_of(image: Image, found: StreamSlice) -> tuple[Entry, ...] | None:
    """The events of a slice that follow on an image; None if some between the two are not in it."""
    rest = tuple(entry for entry in found.entries if version_of(entry.address) > image.version)
    if rest:
        return rest if version_of(rest[0].address) == image.version + 1 else None
    return () if found.version == image.version else None


def lineage_differs(image: Image, found: StreamSlice) -> bool:
    """Whether the store has given up what an image was taken of: an event at its end is another, or not there."""
    if found.version < image.version:
        return True
    return any(version_of(one.address) == image.version and one.tip != image.tip for one in found.entries)


class Memory:
    """The images that a handler keeps in its memory; the one unused for longest goes where there are too many.

    Args:
        most: How many, 0 for none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._images: OrderedDict[Key, Image] = OrderedDict()

    def get(self, key: Key) -> Image | None:
        """What it remembers of an aggregate."""
        image = self._images.get(key)
        if image is not None:
            self._images.move_to_end(key)
        return image

    def keep(self, key: Key, image: Image) -> None:
        """Remember an image, if it is newer than what is remembered."""
        known = self._images.get(key)
        if not self._most or (known is not None and known.version >= image.version):
            return
        self._images[key] = image
        self._images.move_to_end(key)
        if len(self._images) > self._most:
            self._images.popitem(last=False)

    def forget(self, key: Key) -> None:
        """What it remembers of an aggregate is of no use any more."""
        self._images.pop(key, None)

    def images(self) -> dict[Key, Image]:
        """All that it remembers."""
        return {key: self._images[key] for key in sorted(self._images)}


class Rates:
    """How often the snapshot of an aggregate was behind, as an exponentially weighted share of the last observations.

    Whatever strategy is in force sees whether the snapshot that it began with was the newest: a look-up tells the
    version, and so does a refused append. So a choice that has become a poor one is noticed under each of them. Of an
    aggregate that nothing was observed of yet, what was observed of all others is the best guess.
    """

    def __init__(self, options: LoadingOptions) -> None:
        self._options = options
        self._shares: dict[Key, float] = {}
        self._all = 0.5

    def saw(self, key: Key, *, behind: bool) -> None:
        """One more observation."""
        share, weight = self._shares.get(key, self._all), self._options.weight
        self._shares[key] = share + weight * (behind - share)
        self._all += weight * (behind - self._all)

    def strategy(self, key: Key) -> Strategy:
        """Which to take now."""
        options = self._options
        if options.strategy is not Strategy.ADAPTIVE:
            return options.strategy
        share = self._shares.get(key, self._all)
        if share < options.optimistic_below:
            return Strategy.OPTIMISTIC
        return Strategy.CONSISTENT if share > options.consistent_above else Strategy.SPECULATIVE
