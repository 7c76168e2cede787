"""A performer that is outdone by a later tenure, also by one of which the log of tenures no longer tells."""

from __future__ import annotations

import pytest

from models.addressing import mint
from models.domain import Event
from models.effects.domain import Effect, Intend, Intended, Requested, intended_under
from models.effects.performing import ATTEMPT_BITS, Ordering, Performer, PerformerOptions
from models.effects.retrying import AtLeastOnce
from models.effects.words import Act, Fenced
from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, Follow, Followed
from models.outbox.owning import TENURE, OwnerOptions
from models.outbox.submitting import StoreOptions
from models.outbox.tenures import TakenOver, TakeOver, Tenure
from models.outbox.words import Alive
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.requests import Accepted, Refused, Submit
from sim.message import Message
from sim.testing.fake import FakeContext
from sim.topology import at_service, pack_location

TENURES, EFFECTS, OUTSIDE = (at_service(pack_location(1, 1, host), "of") for host in (2, 3, 4))
KEY = Effect.number << DOMAIN_SHIFT | 7
REIGN = (Reign(1, 1, 0),)


def entry(position: int, aggregate: int, event: Event) -> Entry:
    return Entry(0, 1, position, 1, 0, mint(1 << 28, aggregate, position), position, 0, event, None, 0)


class Place:
    """A performer, the tenures and effects that it reads of, and what it asks."""

    def __init__(
        self, tenures: list[Event], effects: list[Event], ordering: Ordering = Ordering.ACT_FIRST, *, number: int = 1
    ) -> None:
        self.ctx = FakeContext(at_service(pack_location(1, 1, 1), "performer"))
        self.logs = {
            TENURES: [entry(at, TENURE, event) for at, event in enumerate(tenures, 1)],
            EFFECTS: [entry(at, KEY, event) for at, event in enumerate(effects, 1)],
        }
        self.performer = Performer(
            self.ctx,
            FeedOptions(consumer="performer", shards=((TENURES,), (EFFECTS,))),
            StoreOptions(shards=((Tenure.number, ((TENURES,),)), (Effect.number, ((EFFECTS,),)))),
            OwnerOptions(number=number),
            PerformerOptions(ordering=ordering, receiver=OUTSIDE, policy=AtLeastOnce()),
        )
        self.ctx.start(self.performer)

    def asked(self, kind: type[Message]) -> Message:
        """The next thing of a kind that it asks; what it follows is told as it asks."""
        for _ in range(200):
            self.ctx.advance(5_000)
            for place, (to, msg, wait) in enumerate(self.ctx.calls):
                if wait.done:
                    continue
                if isinstance(msg, kind):
                    return msg
                if isinstance(msg, Follow):
                    log = self.logs[to]
                    self.ctx.answer(
                        Followed(reigns=REIGN, after=msg.after, entries=tuple(log[msg.after :]), upto=len(log)), place
                    )
                    break
        raise AssertionError(f"it never asked {kind.__name__}")

    def answer(self, kind: type[Message], answer: Message) -> None:
        """Answer what it asked last of a kind."""
        (place,) = [at for at, (_, msg, wait) in enumerate(self.ctx.calls) if isinstance(msg, kind) and not wait.done]
        self.ctx.answer(answer, place)

    def take_over(self) -> TakeOver:
        """Let it have the tenure that it asks for; returns how it asked."""
        submit = self.asked(Submit)
        assert isinstance(submit, Submit)
        assert isinstance(submit.command, TakeOver)
        number = max(submit.command.after, submit.command.above) + 1
        self.answer(Submit, Accepted(command_id=submit.command_id, version=1, told=number))
        self.logs[TENURES].append(entry(len(self.logs[TENURES]) + 1, TENURE, TakenOver(owner=1, number=number)))
        return submit.command


def test_a_tenure_can_be_asked_for_above_numbers_that_the_log_has_forgotten() -> None:
    domain = Tenure()
    state = domain.evolve(domain.initial(), TakenOver(owner=1, number=1))

    assert domain.decide(state, TakeOver(owner=1, after=1, above=3)) == TakenOver(owner=1, number=4)
    assert type(domain.decide(state, TakeOver(owner=1, after=3, above=3))).__name__ == "Denied"


def test_who_is_fenced_gives_up_and_asks_again_above_the_fence() -> None:
    """The log of tenures was taken back to nothing, and somebody has had tenure 3."""
    place = Place([], [Requested(amount=5)])
    assert place.take_over() == TakeOver(owner=1, after=0, above=0)
    first = place.asked(Act)
    assert isinstance(first, Act)
    assert first.token >> ATTEMPT_BITS == 1

    place.answer(Act, Fenced(key=KEY, token=3 << ATTEMPT_BITS | 1))
    assert place.performer.mine == 0
    assert place.ctx.points[-1] == "E8"

    assert place.take_over() == TakeOver(owner=1, after=1, above=3)
    again = place.asked(Act)
    assert isinstance(again, Act)
    assert (again.key, again.token >> ATTEMPT_BITS) == (KEY, 4)


def test_an_attempt_of_its_own_that_comes_late_costs_nobody_a_tenure() -> None:
    place = Place([], [Requested(amount=5)])
    place.take_over()
    place.asked(Act)

    place.answer(Act, Fenced(key=KEY, token=1 << ATTEMPT_BITS | 2))

    assert place.performer.mine == 1


def test_a_tenure_is_asked_for_above_those_under_which_effects_were_intended() -> None:
    place = Place([TakenOver(owner=1, number=1)], [Requested(amount=5), Intended(tenure=2)])

    assert place.take_over() == TakeOver(owner=1, after=1, above=2)


def test_an_effect_intended_under_a_later_tenure_ends_this_one() -> None:
    place = Place([], [Requested(amount=5)])
    place.take_over()
    place.asked(Act)
    place.logs[EFFECTS].append(entry(2, KEY, Intended(tenure=2)))

    assert place.take_over() == TakeOver(owner=1, after=1, above=2)


def test_a_number_that_the_log_has_given_to_another_since_is_not_its_own() -> None:
    """The tenure that it was given was taken back, and its number went to another owner."""
    place = Place([], [])
    place.take_over()
    place.logs[TENURES][:] = [entry(1, TENURE, TakenOver(owner=2, number=1))]
    place.logs[EFFECTS].append(entry(1, KEY, Requested(amount=5)))

    with pytest.raises(AssertionError, match="never asked Act"):
        place.asked(Act)
    assert not place.performer.owns


def test_an_intent_of_another_under_the_same_number_ends_this_tenure_and_is_not_taken_for_its_own() -> None:
    place = Place([], [Requested(amount=5)], Ordering.INTENT)
    place.take_over()
    submit = place.asked(Submit)
    assert isinstance(submit, Submit)
    assert submit.command == Intend(tenure=1)

    place.answer(Submit, Refused(command_id=submit.command_id, version=2, reason=intended_under(1)))

    assert place.performer.mine == 0
    assert place.take_over() == TakeOver(owner=1, after=1, above=1)
    again = place.asked(Submit)
    assert isinstance(again, Submit)
    assert again.command == Intend(tenure=2)


def test_two_that_have_one_number_ask_the_store_under_keys_of_their_own() -> None:
    keys = set()
    for number in (1, 2):
        place = Place([], [Requested(amount=5)], Ordering.INTENT, number=number)
        place.take_over()
        submit = place.asked(Submit)
        assert isinstance(submit, Submit)
        keys.add(submit.command_id)

    assert len(keys) == 2


def test_a_number_that_this_life_has_met_is_not_asked_for_again() -> None:
    place = Place([], [])
    place.take_over()
    place.performer.on_alive(Alive(tenure=4), OUTSIDE)
    place.performer.begun_again(0)

    assert place.take_over() == TakeOver(owner=1, after=1, above=4)
