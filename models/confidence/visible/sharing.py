"""A shard of a split that says how likely what it accepts survives the merge.

It counts what the others write to each aggregate, and learns from each of its acceptances that takes its final place
whether the concurrent writes before it took it back. An answer goes out with the chance (`surviving`), by what is known
at that instant: for how long each of the others was silent, and which of their writes have come since.

Only where a write's fate hangs on what comes before it does silence up to its stamp say all; a policy in which a later
write undoes an earlier one would need to know how long the cut lasts, and is refused (`lasts_by`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.confidence.providing import Rule, rule_of, warn_if_never_acts
from models.confidence.visible.deployment import VisibleOptions
from models.confidence.visible.rates import Rates
from models.confidence.visible.surviving import SURELY, Beta, Conflicts, survives
from models.confidence.visible.values import Stated, Survival
from models.detection.refusals import at_least, refuse, within
from models.domain import Denied
from models.losing import LosableShard
from models.merging.fold import Settled
from models.merging.writes import Write, seen_of
from models.split import write_of
from models.store.group.wire import Ship
from models.store.log.entries import Entry
from models.store.requests import Accepted, Answer, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Surviving", "SurvivingShard", "lasts_by", "surviving_of", "told_apart"]

_PPM: Final = 1_000_000
#: Policies under which what comes later takes nothing back that came before.
_BY_EARLIER: Final = ("canonical-replay", "commutative", "escrow", "first-writer")


def lasts_by(merge: str) -> str | None:
    """A mistake unless a policy of this name lets a write's fate hang on earlier ones alone."""
    if merge in _BY_EARLIER:
        return None
    told = ", ".join(_BY_EARLIER)
    return f"{merge=} lets later writes undo earlier ones, which nobody can give a chance for now; take one of {told}"


def told_apart(lines: str) -> str | None:
    """A mistake where streams of several sub-domains come as one, so that nobody knows which of them is silent."""
    if lines != "both":
        return None
    return f"{lines=} hides which sub-domain is silent behind a relay; take lines='region', or leave `states` out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surviving:
    """What a shard believes before it has seen anything.

    Attributes:
        aggregates: How many a shard keeps, about.
        writes_per_s: Of the others to one of them.
        conflict: Chance that a concurrent write takes an acceptance back.
        worth: Of the chance, in acceptances.
        refuses: When a command is refused in a minority, since what it leads to would hardly survive; None for never.
    """

    aggregates: int
    writes_per_s: float = 0.1
    conflict: float = 0.05
    worth: float = 8.0
    refuses: Rule | None = None

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("aggregates", self.aggregates, 1),
                within("writes_per_s", self.writes_per_s, 0, 1e9),
                None
                if 0 < self.conflict < 1
                else f"conflict={self.conflict!r} is a prior outside (0, 1), which no merge moves; give one between",
                within("worth", self.worth, 0, 1e9),
            )
        )


def surviving_of(options: VisibleOptions, aggregates: int) -> Surviving:
    """What a shard of so many aggregates believes; warns of a rule by which nothing is ever refused.

    Raises:
        ValueError: what is believed or decided makes no sense.
    """
    words = options.get("decides", "")
    rule = rule_of(words) if words else None
    if rule is not None:
        warn_if_never_acts(rule, SURELY, "nobody can be as sure that a merge takes something back")
    return Surviving(aggregates=aggregates, conflict=options.get("conflict", 0.05), refuses=rule)


class SurvivingShard(LosableShard):
    """A shard of a sub-domain whose acceptances say how likely they last.

    Args:
        ctx: Its host.
        arguments: As for a `LosableShard`.
        surviving: What it believes at first.
        more: As for a `LosableShard`.
    """

    NOTES: ClassVar[frozenset[str]] = LosableShard.NOTES | {"survival", "hardly"}

    def __init__(self, ctx: Context, *arguments: Any, surviving: Surviving, **more: Any) -> None:
        super().__init__(ctx, *arguments, **more)
        self._surviving = surviving
        # What an earlier life had learnt is gone with it.
        self._rates = Rates(surviving.aggregates, prior_per_s=surviving.writes_per_s)
        #: By kind of event: what adds to a balance is never taken back, what takes from it may be.
        self._conflicts: dict[str, Conflicts] = {}
        self._begun_us = self.ctx.now_us()
        self._shares: dict[int, int] = {}
        #: By aggregate, writes of others that may come before something of ours that is not settled.
        self._foreign: dict[int, list[Write]] = {}
        #: Ours that are not settled, in order.
        self._open: deque[Write] = deque()

    # -- what is counted -----------------------------------------------------------------------

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> None:
        """Take it; what it promises was watched, whether anything was written or not."""
        super().on_ship(msg, sender)
        if self.ready:
            now_us = self.ctx.now_us()
            unheard_us = sum(share * us for share, us in self._silences(now_us))
            self._rates.watched(max(0.0, now_us - self._begun_us - unheard_us))

    def _heard(self, write: Write) -> None:
        if write.event.__class__ is Denied or write.stamp_us <= self._begun_us:
            return
        self._rates.wrote(write.instance)
        self._shares[write.origin] = self._shares.get(write.origin, 0) + 1
        self._foreign.setdefault(write.instance, []).append(write)

    def _silences(self, at_us: int) -> list[tuple[float, int]]:
        """Of each other that is not lost: its share of what all of them write, and how long it is silent by then."""
        promises, lost = self.hearing.promises(), self.merge.lost
        found = [(self._shares.get(one, 0) + 1, max(0, at_us - promises[one])) for one in promises if one not in lost]
        total = sum(writes for writes, _ in found)
        return [(writes / total, silent_us) for writes, silent_us in found]

    # -- what is said --------------------------------------------------------------------------

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Any]:
        if self._would_hardly_survive(msg):
            self.ctx.note("hardly", msg.command_id)
            return Unavailable(command_id=msg.command_id, reason="it would hardly survive the merge")
        answer: Answer | Unavailable | None = yield from super()._serve(msg)
        if not isinstance(answer, Accepted):
            return answer
        position = self.streams.done.get(self.streams.key_of(msg.tenant, msg.command_id))
        assert isinstance(position, int), "what was accepted is in the log"
        stated = self._survival(self.log.at(position))
        self.ctx.note("survival", round(stated.survives * _PPM))
        return Stated(answer=answer, survival=stated)

    def _would_hardly_survive(self, msg: Submit) -> bool:
        """Whether to refuse a command that is new: what it would lead to now is weighed before it is written."""
        rule = self._surviving.refuses
        if rule is None or not self.is_whole or self.streams.done.get(self.streams.key_of(msg.tenant, msg.command_id)):
            return False
        event = self._decide(msg)
        if event is None or event.__class__ is Denied:
            return False
        now_us = self.ctx.now_us()
        silences = self._silences(now_us)
        silent_us = round(sum(share * us for share, us in silences))
        judged = self._conflicts_of(event.__class__.__name__)
        chance = survives(self._rates.rate(msg.aggregate), judged, msg.aggregate, silent_us)
        return rule.acts(1 - chance, max((us for _, us in silences), default=0))

    def _write(self, tenant: int, instance: int, event_id: int, event: Any, stamp_us: int) -> int:
        position = super()._write(tenant, instance, event_id, event, stamp_us)
        if event.__class__ is not Denied:
            self._open.append(write_of(self.log.at(position)))
        return position

    def _survival(self, entry: Entry) -> Survival:
        """By what is known now of what comes before an entry of ours."""
        write = write_of(entry)
        silent_us = round(sum(share * us for share, us in self._silences(write.stamp_us)))
        judged = self._conflicts_of(write.event.__class__.__name__)
        rate, met = self._rates.rate(write.instance), self._before(write)
        return Survival(
            survives=survives(rate, judged, write.instance, silent_us, met),
            silent_us=silent_us,
            met=met,
            writes_per_s=rate.mean,
            conflict=judged.chance(write.instance, max(1, met)),
            judged=judged.judged,
        )

    def _before(self, write: Write) -> int:
        """Writes of others that come before one of ours, and that it was decided without."""
        known = self._foreign.get(write.instance, ())
        return sum(one < write and one.position > seen_of(write, one.origin) for one in known)

    # -- what merges teach ---------------------------------------------------------------------

    def _conflicts_of(self, kind: str) -> Conflicts:
        """What merges taught of one kind of event."""
        first = self._surviving
        found = self._conflicts.get(kind)
        if found is None:
            prior = Beta(first.conflict * first.worth, (1 - first.conflict) * first.worth)
            found = self._conflicts[kind] = Conflicts(prior)
        return found

    def _save(self, settled: Settled) -> Generator[Wait, Any, None]:
        yield from super()._save(settled)
        while self._open and self._open[0].stamp_us <= self.saved_us:
            write = self._open.popleft()
            taken_back = write.address in self.fates.superseded
            judged = self._conflicts_of(write.event.__class__.__name__)
            judged.merged(write.instance, self._before(write), reversed_=taken_back)
        # What our earliest open write had seen, all later ones have; and what is settled comes before all to come.
        first = self._open[0] if self._open else None
        kept = {
            instance: [one for one in writes if first is not None and one.position > seen_of(first, one.origin)]
            for instance, writes in self._foreign.items()
        }
        self._foreign = {instance: writes for instance, writes in kept.items() if writes}
