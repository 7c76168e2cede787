"""A shard of a split that says how likely what it accepts survives the merge.

It learns how soon each aggregate is written to (`hazards`), and from everybody's writes that take their final place
whether the concurrent writes before them took them back. An answer goes out with the chance (`surviving`), by what is
known at that instant: for how long each of the others was silent, and which of their writes have come since (`past`).

Only where a write's fate hangs on what comes before it does silence up to its stamp say all; a policy in which a later
write undoes an earlier one would need to know how long the cut lasts, and is refused (`lasts_by`).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.confidence.providing import Rule, rule_of, warn_if_never_acts
from models.confidence.visible.deployment import VisibleOptions
from models.confidence.visible.hazards import Hazards
from models.confidence.visible.past import NOTHING_MET, Met, Past
from models.confidence.visible.surviving import SURELY, Beta, Conflicts, Unheard, survives
from models.confidence.visible.values import Stated, Survival
from models.detection.refusals import at_least, refuse, within
from models.domain import Denied
from models.losing import LosableShard
from models.merging.fold import Settled
from models.merging.writes import Write, precedes
from models.split import write_of
from models.store.log.entries import Entry
from models.store.requests import Accepted, Answer, Submit, Unavailable
from sim.host import Context, Wait

__all__ = ["Surviving", "SurvivingShard", "lasts_by", "surviving_of", "told_apart"]

_PPM: Final = 1_000_000
_SECOND_US: Final = 1_000_000
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
        writes_per_s: Of all to one of them.
        conflict: Chance that concurrent writes take an acceptance back that rests on what they did not know.
        contests: The same of writes that were decided on the same state; None for as likely.
        worth: Of either chance, in acceptances.
        refuses: When a command is refused in a minority, since what it leads to would hardly survive; None for never.
    """

    aggregates: int
    writes_per_s: float = 0.1
    conflict: float = 0.05
    contests: float | None = None
    worth: float = 4.0
    refuses: Rule | None = None

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("aggregates", self.aggregates, 1),
                within("writes_per_s", self.writes_per_s, 0, 1e9),
                *(
                    None
                    if 0 < value < 1
                    else f"{name}={value!r} is a prior outside (0, 1), which no merge moves; give one between"
                    for name, value in zip(("contests", "conflict"), self.chances, strict=True)
                ),
                within("worth", self.worth, 0, 1e9),
            )
        )

    @property
    def chances(self) -> tuple[float, float]:
        """Of being taken back, by what was decided on the same state, and by what was not."""
        return self.conflict if self.contests is None else self.contests, self.conflict


def surviving_of(options: VisibleOptions, aggregates: int) -> Surviving:
    """What a shard of so many aggregates believes; warns of a rule by which nothing is ever refused.

    Raises:
        ValueError: what is believed or decided makes no sense.
    """
    words = options.get("decides", "")
    rule = rule_of(words) if words else None
    if rule is not None:
        warn_if_never_acts(rule, SURELY, "nobody can be as sure that a merge takes something back")
    return Surviving(
        aggregates=aggregates, conflict=options.get("conflict", 0.05), contests=options.get("contests"), refuses=rule
    )


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
        self._begun_us = self.ctx.now_us()
        self._hazards = Hazards(surviving.aggregates, prior_per_s=surviving.writes_per_s, begun_us=self._begun_us)
        #: By kind of event: what adds to a balance is never taken back, what takes from it may be.
        self._conflicts: dict[str, Conflicts] = {}
        self._shares: dict[int, int] = dict.fromkeys(self._sources, 1)
        self._past = Past(self._sources)

    # -- what is known -------------------------------------------------------------------------

    def _heard(self, write: Write) -> None:
        if write.stamp_us > self._begun_us:
            self._past.take(write)

    def _write(self, tenant: int, instance: int, event_id: int, event: Any, stamp_us: int) -> int:
        position = super()._write(tenant, instance, event_id, event, stamp_us)
        self._past.take(write_of(self.log.at(position)))
        return position

    def _silences(self, at_us: int) -> dict[int, int]:
        """By each other that is not lost, for how long it is silent by then."""
        promises, lost = self.hearing.promises(), self.merge.lost
        return {one: max(0, at_us - promises[one]) for one in promises if one not in lost}

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
        chance = self._chance(msg.aggregate, event, self._unheard(msg.aggregate, now_us), NOTHING_MET)
        return rule.acts(1 - chance, max(self._silences(now_us).values(), default=0))

    def _survival(self, entry: Entry) -> Survival:
        """By what is known now of what comes before an entry of ours."""
        write = write_of(entry)
        unheard, met = self._unheard(write.instance, write.stamp_us), self._past.met(write)
        silent = [(self._shares[one], us) for one, us in self._silences(write.stamp_us).items()]
        total, judged = sum(share for share, _ in silent), self._conflicts_of(type(write.event).__name__)
        return Survival(
            survives=self._chance(write.instance, write.event, unheard, met),
            silent_us=round(sum(share * us for share, us in silent) / total) if total else 0,
            met=met.writes,
            writes_per_s=self._hazards.rate(write.instance).mean * total / sum(self._shares.values()),
            conflict=judged.chance(write.instance, max(1, met.writes), met.moved if met.writes else unheard.moved),
            judged=judged.judged,
        )

    def _chance(self, instance: int, event: Any, unheard: Unheard, met: Met) -> float:
        judged = self._conflicts_of(event.__class__.__name__)
        moved = met.moved if met.writes else unheard.moved
        return survives(
            self._hazards.rate(instance), unheard, lambda writes: judged.chance(instance, writes, moved), met.writes
        )

    def _unheard(self, instance: int, at_us: int) -> Unheard:
        """What others may have written to an aggregate by an instant, from where each was heard last."""
        total, hazards, past = sum(self._shares.values()), self._hazards, self._past
        silent_s = first_s = moved_s = 0.0
        for one, silent_us in self._silences(at_us).items():
            heard_us, seconds = at_us - silent_us, self._shares[one] / total * silent_us / _SECOND_US
            soon_s = seconds * hazards.factor(past.last(instance, heard_us))
            silent_s += seconds
            first_s += soon_s
            moved_s += soon_s * past.has_moved(instance, heard_us, at_us)
        if not silent_s:
            return Unheard(0.0)
        return Unheard(silent_s, first_s / silent_s, hazards.later, moved_s / first_s)

    # -- what merges teach ---------------------------------------------------------------------

    def _conflicts_of(self, kind: str) -> Conflicts:
        """What merges taught of one kind of event."""
        found = self._conflicts.get(kind)
        if found is None:
            worth = self._surviving.worth
            same, moved = (Beta(one * worth, (1 - one) * worth) for one in self._surviving.chances)
            found = self._conflicts[kind] = Conflicts(same, moved)
        return found

    def _save(self, settled: Settled) -> Generator[Wait, Any, None]:
        yield from super()._save(settled)
        due = self._past.settled(self.saved_us)
        for write in due:
            if write.event.__class__ is not Denied:
                self._judge(write)
        self._hazards.watched(self.saved_us)
        self._past.forget(due, self.merge.lost)

    def _judge(self, write: Write) -> None:
        """Anybody's write has its final place, and so have all before it."""
        kind, met, before = type(write.event).__name__, self._past.met(write), self._past.before(write)
        taken_back = write.address in self.fates.superseded
        judged = self._conflicts_of(kind)
        judged.merged(write.instance, met.writes, reversed_=taken_back, moved=met.moved, first=met.first)
        knew = before is None or precedes(before, write)
        self._hazards.wrote(write.instance, kind, write.stamp_us, knew=knew)
        self._shares[write.origin] += 1
