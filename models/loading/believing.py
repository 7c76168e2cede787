"""Which strategy to take by how likely a snapshot is the newest, and by what work in vain and waiting cost.

Others write to an aggregate at a rate that is learnt from its versions (`models.confidence.visible.rates.Glimpses`),
and an image is as old as when its version was last known to be the newest. From then on until a look-up that is sent
now reaches the store, and that is one way there, and the time for which an answer that told the version had come
back, nothing was written with chance (b / (b + age + look))^a; `look` is how long look-ups take, which is learnt, too.

Of a handler with another command of its own under way to the same aggregate, that may come first. How often it did is
learnt as it is, (1 + stale) / (2 + judged) of such snapshots, and the chance is at least that.

What is decided is whether to wait. `miss` is the cost of work in vain, which is what one comes to who did not wait and
should have; `alarm` that of waiting for a look-up before the work. A bool waits where a snapshot is older than so
long, a source where it is stale with some chance, a consumer where the chance is alarm / (miss + alarm); who does not
wait speculates. The spectrum takes of the three strategies the one that costs least on average. The look-up that
speculation makes beside the work is waited for as far as it outlasts that; who is optimistic waits for none, and where
the append is refused has waited for that, and looks up. With u the share of a look-up that the work does not cover, s
the chance of being stale at the look-up and t at the append, which is later by the work:

    consistent  alarm        speculative  u alarm + s miss        optimistic  t (miss + 2 alarm)
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from models.confidence.deciding import Option, Table
from models.confidence.providing import Provider, Rule, believed, warn_if_never_acts
from models.confidence.visible.glimpses import Glimpses
from models.confidence.visible.rates import Gamma
from models.loading.images import Key
from models.loading.options import LoadingOptions, Strategy
from sim.wording import Refused

__all__ = ["Weighing", "loading_of"]

_PPM: Final = 1_000_000
_DAY_US: Final = 86_400_000_000
#: Of the latest look-up in how long they take.
_WEIGHT: Final = 0.1
#: Of the patience with an answer, how long look-ups are taken to be before the first.
_GUESSED: Final = 0.25


class _Said(NamedTuple):
    """What was said of the snapshot of one command."""

    key: Key
    stale: float
    crowded: bool
    judged: bool = False


class Weighing:
    """What one handler believes of its snapshots, and what it makes of that.

    Args:
        options: The handler's, with a rule.

    Attributes:
        said_ppm: The chances of being stale of snapshots of which it turned out whether they were, summed, in
            millionths.
        judged: How many those are.
        stale: How many of them were.
    """

    def __init__(self, options: LoadingOptions) -> None:
        assert options.rule is not None, "weighs by a rule"
        self.said_ppm = self.judged = self.stale = 0
        self._rule: Rule = options.rule
        self._work_us = options.work_us
        self._look_us = options.ask_us * _GUESSED
        self._seen = Glimpses(prior_per_s=options.others_per_s)
        #: By command that is under way: of which aggregate, what was said, and whether another of its own was, too.
        self._said: dict[int, _Said] = {}
        self._under_way: Counter[Key] = Counter()
        self._crowded = self._crowded_stale = 0

    # -- what it sees ------------------------------------------------------------------------

    def newest(self, key: Key, version: int, at_us: int, *, own: bool = False) -> None:
        """This version is the newest, as far as anybody could know now; `own` where it is what this handler wrote."""
        self._seen.saw(key, version, at_us, own=int(own))

    def looked(self, us: int) -> None:
        """A look-up took so long."""
        self._look_us += _WEIGHT * (us - self._look_us)

    def turned_out(self, command_id: int, *, behind: bool) -> None:
        """The snapshot that a command was decided on was the newest, or behind; only the first word counts."""
        said = self._said.get(command_id)
        if said is None or said.judged:
            return
        self._said[command_id] = _Said(said.key, said.stale, said.crowded, judged=True)
        self.said_ppm += round(said.stale * _PPM)
        self.judged += 1
        self.stale += behind
        if said.crowded:
            self._crowded += 1
            self._crowded_stale += behind

    def done(self, command_id: int) -> None:
        """A command is answered, or given up."""
        said = self._said.pop(command_id, None)
        if said is not None:
            self._under_way[said.key] -= 1

    # -- what it says ------------------------------------------------------------------------

    def age_us(self, key: Key, now_us: int) -> int:
        """How long ago the version of an image that this handler remembers was last known to be the newest."""
        seen_us = self._seen.seen_us(key)
        return 0 if seen_us is None else max(0, now_us - seen_us)

    def strategy(self, command_id: int, key: Key, age_us: int) -> Strategy:
        """Which to take for a command on a snapshot that is so old."""
        rate, crowded = self._seen.rate(key), self._under_way[key] > 0
        least = (1 + self._crowded_stale) / (2 + self._crowded) if crowded else 0.0
        stale = max(least, 1 - rate.none(age_us + self._look_us))
        if command_id not in self._said:
            self._under_way[key] += 1
        self._said[command_id] = _Said(key, stale, crowded)
        if self._rule.provider is not Provider.SPECTRUM:
            return Strategy.CONSISTENT if self._rule.acts(stale, age_us) else Strategy.SPECULATIVE
        return self._cheapest(stale, max(least, 1 - rate.none(age_us + self._work_us + self._look_us)))

    def _cheapest(self, stale: float, stale_then: float) -> Strategy:
        miss, alarm = self._rule.miss, self._rule.alarm
        uncovered = alarm * max(0.0, 1 - self._work_us / self._look_us) if self._look_us else 0.0
        table = Table(
            name="load",
            options=(
                Option(name=Strategy.CONSISTENT, costs={"fresh": alarm, "stale": alarm}),
                Option(name=Strategy.SPECULATIVE, costs={"fresh": uncovered, "stale": uncovered + miss}),
                Option(name=Strategy.OPTIMISTIC, costs={"stale then": miss + 2 * alarm}),
            ),
        )
        chosen = table.by_chances({"fresh": 1 - stale, "stale": stale, "stale then": stale_then})
        return Strategy(chosen.name)


def loading_of(words: str, others_per_s: float) -> Rule | None:
    """The rule by which handlers load, of words that begin with `belief:`; None where they name a strategy.

    Warns of a rule by which nobody ever waits, however old a snapshot is.

    Raises:
        ValueError: no such provider, or numbers that make no sense for it.
    """
    try:
        rule = believed(words)
    except Refused as refused:
        raise Refused([f"strategy={one}" for one in refused.problems]) from None
    except ValueError as refused:
        raise ValueError(f"strategy={refused}") from None
    if rule is not None and others_per_s > 0:
        most = 1 - Gamma(1.0, 1 / others_per_s).none(_DAY_US)
        warn_if_never_acts(rule, most, "a snapshot that is a day old may still be the newest")
    return rule
