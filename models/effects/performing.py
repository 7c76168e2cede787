"""Whoever brings effects about: it follows what is requested, asks outside, and writes down what came of it.

Three orderings of the same two steps. *Act then persist*: a crash between leaves an effect that the store does
not know (an orphan) or, where it is taken up again, one done twice. *Persist then act*: a crash between leaves
an effect that the store takes for done (an omission) or, where everything not known to be answered is
asked for again, one done twice. *Intent, act, result*: a crash leaves an intent, which says that the
effect is in doubt; what to do about it is the policy's. Only a receiver that dedups, or one that can be
asked and fences, makes of any of them an effect that is done once.

What was known to be answered is on the disk of this host (`acted`); on another host it is not known.

Whoever owns may be deaf to whoever owns after it, and acts on what it reads for as long as it does not hear of the
other. So what is new to an owner is not therefore untouched: only the first life of the first owner may act on it at
once, for its token is the lowest there is, and a receiver that fences refuses it after any other has asked. Everybody
else asks first, unless the store has arbitrated: of an effect that nobody intended before, an intent says so.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final

from models.domain import Command
from models.effects.domain import Complete, Effect, EffectState, Intend, Leave, Stage, intended_under
from models.effects.retrying import AtMostOnce, Attempt, Known, Move, Policy
from models.effects.words import Act, Acted, Fenced, OutcomeIs, WhatOf
from models.outbox.feed import FeedOptions
from models.outbox.owning import Owner, OwnerOptions
from models.outbox.submitting import StoreOptions, key_of
from models.store.log.entries import Entry, instance_of
from models.store.requests import Accepted, Refused
from sim.host import Context, Wait
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Ordering", "Performer", "PerformerOptions", "tenure_in", "token_of"]

_ACTED: Final = "acted"
#: Of a token, for attempts; who asks stands above, and above that the tenure.
_ATTEMPT_BITS: Final = 32
_OWNER_BITS: Final = 16
#: Between looks of a policy that waits.
_PAUSE_US: Final = 20_000


def token_of(tenure: int, owner: int, attempt: int) -> int:
    """What goes outside with a request.

    It grows with tenures, and with what one life asks; and where a log that was taken back has given two owners one
    number, their tokens differ: of two that ask for an effect and hear that it was not done, only one may do it then.
    """
    return (tenure << _OWNER_BITS | owner) << _ATTEMPT_BITS | attempt


def tenure_in(token: int) -> int:
    """The tenure of a token."""
    return token >> _ATTEMPT_BITS + _OWNER_BITS


class Ordering(StrEnum):
    """What comes first."""

    ACT_FIRST = "act-then-persist"
    PERSIST_FIRST = "persist-then-act"
    INTENT = "intent-act-result"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformerOptions:
    """How effects are brought about.

    Attributes:
        ordering: What comes first.
        receiver: Who is asked outside.
        policy: Whether to ask again.
        act_us: Patience with an answer from outside.
    """

    ordering: Ordering
    receiver: Location
    policy: Policy = field(default_factory=AtMostOnce)
    act_us: int = 300_000

    def __post_init__(self) -> None:
        if self.act_us < 1:
            raise ValueError(f"act_us={self.act_us} is no patience; give at least 1")


class Performer(Owner):
    """Brings effects about while it owns.

    Args:
        ctx: Its host.
        feed: The shard of tenures, then those of effects.
        store: Where it writes.
        owner: Who it is.
        options: How it works.

    Attributes:
        effects: What it knows of each effect that is not over.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"E1", "E2", "E5", "E6", "E7", "E8", "P9"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"intending", "left"})

    def __init__(
        self, ctx: Context, feed: FeedOptions, store: StoreOptions, owner: OwnerOptions, options: PerformerOptions
    ) -> None:
        super().__init__(ctx, feed, store, owner)
        self.how = options
        self.effects: dict[int, EffectState] = {}
        self._domain = Effect()
        self._begun: dict[int, None] = {}
        self._shard: dict[int, int] = {}
        self._fresh: dict[int, None] = {}
        self._inherited: set[int] = set()
        self._acted: dict[int, None] = {}
        self._replayed = False
        self._taken_back = False
        self._fence = 0
        self._asked = 0

    def start(self) -> None:
        """Read what is known to have been answered, and what there is."""
        self._acted = dict.fromkeys(record for record in self.ctx.disk.read(_ACTED) if record is not TORN)
        super().start()

    # -- what there is to do -----------------------------------------------------------------

    def taken(self, shard: int, entry: Entry) -> None:
        """An effect has come further."""
        if shard == 0:
            super().taken(shard, entry)
            if self.mine and not self.owns:
                self._give_up()
            return
        key = instance_of(entry.address)
        state = self._domain.evolve(self.effects.get(key, self._domain.initial()), entry.event)
        if self._is_over(key, state):
            self._forget(key)
        else:
            self.effects[key] = state
            self._shard[key] = shard
            self._fresh[key] = None
        self._outdone(state.tenure)

    def begun_again(self, shard: int) -> None:
        """What was derived of a shard may have been taken back; all of it is read again, of the others nothing."""
        super().begun_again(shard)
        self._taken_back = True
        for key in [key for key, of in self._shard.items() if of == shard]:
            self._forget(key)

    def advanced(self) -> None:
        """Begin what is new. Not while it replays: what it reads then was done by somebody before."""
        if not self.live:
            return
        if not self._replayed:
            self._replayed = True
            self.ctx.point("P9")
        fresh = list(self._fresh)
        self._fresh.clear()
        if self.owns:
            self._begin(fresh)

    def owning(self) -> None:
        """Take up what others have left; of that nobody knows what was asked for."""
        self._begun.clear()
        if self._fence >= self.mine:
            self._give_up()  # heard of while this number was asked for
            return
        if self.mine > 1:
            self._inherited = set(self.effects)
        self._begin(list(self.effects))

    def highest(self) -> int:
        """As for any owner; also of receivers that fenced, and of effects that were intended or done."""
        return max(super().highest(), self._fence)

    def _outdone(self, tenure: int) -> None:
        """Somebody has had a tenure: if it was later than this one, give up what is held.

        It may be that the log of tenures tells of it in a moment; or it never will, since what it told was taken back.
        Then this owner asks for a tenure above that, or every effect would be refused and none of them ever end.
        """
        self._fence = max(self._fence, tenure)
        if 0 < self.mine < tenure:
            self._give_up()

    def _fenced(self, token: int) -> None:
        """A receiver has met a later token: of a later owner, or of another that had this number, or of another life.

        Where it is one that this life gave itself, another attempt of its own is under way and sees to the effect.
        """
        if self.mine > 0 and token > token_of(self.mine, self.options.number, self._asked):
            self._fence = max(self._fence, tenure_in(token))
            self._give_up()

    def _give_up(self) -> None:
        self.ctx.point("E8")
        self.mine = 0

    def _begin(self, keys: Iterable[int]) -> None:
        for key in keys:
            state = self.effects.get(key)
            if state is not None and key not in self._begun and self._is_open(state):
                self._begun[key] = None
                self.ctx.set_timer(0, self._perform, key, state)

    def _is_open(self, state: EffectState) -> bool:
        """Whether there is something to do about an effect that is not over."""
        return state.stage in (Stage.REQUESTED, Stage.INTENDED) or state.tenure < self.mine

    def _is_over(self, key: int, state: EffectState) -> bool:
        """Whether nobody will ever have to do anything about an effect, so that it need not be known any more."""
        if state.stage in (Stage.REQUESTED, Stage.INTENDED):
            return False
        # Persisted before it was asked for: nobody knows whether it was, but where it was answered.
        resumes = self.how.ordering is Ordering.PERSIST_FIRST and not isinstance(self.how.policy, AtMostOnce)
        return not resumes or state.stage is not Stage.DONE or key in self._acted

    def _forget(self, key: int) -> None:
        self.effects.pop(key, None)
        self._shard.pop(key, None)
        self._begun.pop(key, None)
        self._fresh.pop(key, None)
        self._inherited.discard(key)

    # -- one effect --------------------------------------------------------------------------

    def _perform(self, key: int, state: EffectState) -> Generator[Wait, Any, None]:
        mine, ordering = self.mine, self.how.ordering
        resumed = ordering is Ordering.PERSIST_FIRST and state.stage is Stage.DONE
        may_have_acted = resumed or key in self._inherited
        self.ctx.note("intending", key)
        if ordering is Ordering.INTENT:
            told = yield from self._write(key, Intend(tenure=mine), "intend", mine)
            if told is None:
                return
            may_have_acted = self.may_have_acted(told)
        elif ordering is Ordering.PERSIST_FIRST and not resumed:
            told = yield from self._write(key, Complete(tenure=mine, receipt=0), "complete", mine)
            if told is None and isinstance(self.how.policy, AtMostOnce):
                return
            # Persisted by an earlier owner meanwhile: whether that one has asked for it, nobody knows.
            may_have_acted = told is None
        receipt = yield from self._bring_about(key, state.amount, mine, may_have_acted)
        if not receipt:
            return
        self.ctx.point("E5")
        if ordering is Ordering.PERSIST_FIRST:
            self._acted[key] = None
            self.ctx.disk.append(_ACTED, key)
            yield self.ctx.disk.flush(_ACTED)
            if key in self.effects and self._is_over(key, self.effects[key]):
                self._forget(key)
        else:
            yield from self._write(key, Complete(tenure=mine, receipt=receipt), "complete", mine)
        self.ctx.point("E6")

    def once(self, key: int) -> int:
        """The idempotency key of an effect: the same, whoever asks for it, and however often."""
        return key_of("outside", key)

    def may_have_acted(self, told: str) -> bool:
        """Whether an earlier owner had intended this, from what the store told of the intent."""
        return told != f"{Stage.INTENDED} 1"

    def may_be_others(self) -> bool:
        """Whether another may have asked for what is new to this owner, or may yet, under a token below its own."""
        if self._taken_back or self.how.ordering is Ordering.INTENT:
            return self._taken_back  # the store says who intends, as long as it forgets nothing
        # The first line on its disk is the first life; before that is written nobody owns.
        return not self.mine == self.options.number == 1 or self._life > 0

    def decided(self, key: int, known: Known, move: Move) -> None:
        """The policy said what to do next about an effect; for those who look on."""

    def settled(self, key: int, answer: Acted | OutcomeIs) -> None:
        """The receiver said that it is done; for those who look on."""

    def _bring_about(self, key: int, amount: int, mine: int, may_have_acted: bool) -> Generator[Wait, Any, int]:
        """Ask outside as the policy says; returns the receipt, 0 if there is none to come."""
        ctx, how = self.ctx, self.how
        undone = False
        sent_us: list[int] = []
        while self.mine == mine:
            tries = tuple(Attempt(silence_us=ctx.mono_us() - one_us) for one_us in sent_us)
            known = Known(
                may_have_acted=may_have_acted,
                attempts=len(tries),
                silence_us=tries[-1].silence_us if tries else 0,
                undone=undone,
                tries=tries,
                others=self.may_be_others(),
            )
            move = how.policy.move(known)
            self.decided(key, known, move)
            if move is Move.LEAVE:
                ctx.note("left", key)
                if how.ordering is not Ordering.PERSIST_FIRST:
                    yield from self._write(key, Leave(reason="it may have been done"), "leave", mine)
                return 0
            if move is Move.WAIT:
                yield ctx.sleep(_PAUSE_US)
                continue
            self._asked += 1
            token = token_of(mine, self.options.number, self._asked)
            if move is Move.ASK:
                answer = yield ctx.call(how.receiver, WhatOf(key=key, token=token), how.act_us)
                undone = isinstance(answer, OutcomeIs) and not answer.receipt
                if answer is None:
                    yield ctx.sleep(_PAUSE_US)
            else:
                ctx.point("E1")
                request = Act(key=key, once=self.once(key), token=token, amount=amount)
                waiting = ctx.call(how.receiver, request, how.act_us)
                ctx.point("E2")
                sent_us.append(ctx.mono_us())
                may_have_acted, undone = True, False
                answer = yield waiting
            if isinstance(answer, Fenced):
                self._fenced(answer.token)
                return 0
            if isinstance(answer, Acted | OutcomeIs) and answer.receipt:
                if isinstance(answer, OutcomeIs) or answer.before:
                    ctx.point("E7")
                self.settled(key, answer)
                return answer.receipt
        return 0

    def _write(self, key: int, command: Command, step: str, mine: int) -> Generator[Wait, Any, str | None]:
        """Write a step down; returns what the store then tells of the effect, None if it was refused."""
        # What was done outside is written down whoever owns by now; what is still to be done is not begun.
        still = (lambda: self.mine == mine) if step == "intend" else (lambda: True)
        answer = yield from self.submitter.submit(key, command, self.own_key("effect", key, step, mine), still)
        if isinstance(answer, Refused) and answer.reason == intended_under(mine) and self.mine == mine:
            # The log of tenures was taken back, and another has this number as well: neither is before the other.
            self._fence = max(self._fence, mine)
            self._give_up()
        return str(answer.told) if isinstance(answer, Accepted) else None
