"""A performer that is outdone by a later tenure, also by one of which the log of tenures no longer tells."""

from __future__ import annotations

import pytest

from models.addressing import mint
from models.domain import Event
from models.effects.domain import Complete, Completed, Effect, Intend, Intended, Requested, intended_under
from models.effects.performing import Ordering, Performer, PerformerOptions, tenure_in, token_of
from models.effects.retrying import AskFirst, AtLeastOnce, AtMostOnce, Policy
from models.effects.words import Act, Acted, Fenced, OutcomeIs, WhatOf
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
RETRIES = AtLeastOnce()
REIGN = (Reign(1, 1, 0),)


def entry(position: int, aggregate: int, event: Event) -> Entry:
    return Entry(0, 1, position, 1, 0, mint(1 << 28, aggregate, position), position, 0, event, None, 0)


class Place:
    """A performer, the tenures and effects that it reads of, and what it asks."""

    def __init__(
        self,
        tenures: list[Event],
        effects: list[Event],
        ordering: Ordering = Ordering.ACT_FIRST,
        *,
        number: int = 1,
        policy: Policy = RETRIES,
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
            PerformerOptions(ordering=ordering, receiver=OUTSIDE, policy=policy),
        )
        self.ctx.start(self.performer)

    def asked(self, kind: type[Message]) -> Message:
        """The next thing of a kind that it asks; what it follows is told as it asks."""
        for _ in range(200):
            self.ctx.advance(5_000)
            for _, msg, wait in self.ctx.calls:
                if isinstance(msg, kind) and not wait.done:
                    return msg
            self.tell()
        raise AssertionError(f"it never asked {kind.__name__}")

    def tell(self) -> None:
        """Answer what it asks of logs."""
        for place, (to, msg, wait) in enumerate(self.ctx.calls):
            if isinstance(msg, Follow) and not wait.done:
                log = self.logs[to]
                told = Followed(reigns=REIGN, after=msg.after, entries=tuple(log[msg.after :]), upto=len(log))
                self.ctx.answer(told, place)

    def reads(self) -> None:
        """Let it read all there is."""
        for _ in range(20):
            self.ctx.advance(5_000)
            self.tell()

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
    assert tenure_in(first.token) == 1

    place.answer(Act, Fenced(key=KEY, token=token_of(3, 2, 1)))
    assert place.performer.mine == 0
    assert place.ctx.points[-1] == "E8"

    assert place.take_over() == TakeOver(owner=1, after=1, above=3)
    again = place.asked(Act)
    assert isinstance(again, Act)
    assert (again.key, tenure_in(again.token)) == (KEY, 4)


def test_an_attempt_of_its_own_that_comes_late_costs_nobody_a_tenure() -> None:
    place = Place([], [Requested(amount=5)])
    place.take_over()
    place.asked(Act)

    place.answer(Act, Fenced(key=KEY, token=token_of(1, 1, 1)))

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


def test_what_was_requested_after_it_took_over_a_second_owner_asks_about_before_it_acts() -> None:
    """The owner before may be deaf to it, and have read of the request as well."""
    place = Place([TakenOver(owner=1, number=1)], [], policy=AskFirst())
    place.take_over()
    place.logs[EFFECTS].append(entry(1, KEY, Requested(amount=5)))

    asked = place.asked(WhatOf)
    assert isinstance(asked, WhatOf)
    assert not any(isinstance(msg, Act) for _, msg, _ in place.ctx.calls)

    place.answer(WhatOf, OutcomeIs(key=KEY, receipt=0))
    act = place.asked(Act)
    assert isinstance(act, Act)
    assert asked.token < act.token


def test_the_first_life_of_the_first_owner_acts_at_once_for_its_token_is_the_lowest() -> None:
    place = Place([], [Requested(amount=5)], policy=AskFirst())
    place.take_over()

    act = place.asked(Act)
    assert isinstance(act, Act)
    assert not any(isinstance(msg, WhatOf) for _, msg, _ in place.ctx.calls)
    assert act.token < token_of(1, 2, 0)


def test_another_owner_that_was_given_the_first_number_asks_first() -> None:
    place = Place([], [Requested(amount=5)], number=2, policy=AskFirst())
    place.take_over()
    asked = place.asked(WhatOf)
    assert isinstance(asked, WhatOf)
    assert tenure_in(asked.token) == 1


def test_what_another_has_persisted_meanwhile_is_asked_about_before_it_is_done() -> None:
    place = Place([TakenOver(owner=1, number=1)], [], Ordering.PERSIST_FIRST, policy=AskFirst())
    place.take_over()
    place.logs[EFFECTS] += [entry(1, KEY, Requested(amount=5)), entry(2, KEY, Completed(tenure=1, receipt=0))]

    assert isinstance(place.asked(WhatOf), WhatOf)
    assert not any(isinstance(msg, Act) for _, msg, _ in place.ctx.calls)


def test_after_a_log_was_taken_back_nothing_in_it_is_taken_for_untouched() -> None:
    """What was done before may be requested once more, and by this very life."""
    place = Place([], [], policy=AskFirst())
    place.take_over()
    place.performer.begun_again(1)
    place.logs[EFFECTS].append(entry(1, KEY, Requested(amount=5)))

    assert isinstance(place.asked(WhatOf), WhatOf)


def test_who_is_fenced_by_another_of_its_own_number_asks_for_a_later_one() -> None:
    place = Place([], [Requested(amount=5)])
    place.take_over()
    place.asked(Act)

    place.answer(Act, Fenced(key=KEY, token=token_of(1, 2, 7)))

    assert place.performer.mine == 0
    assert place.take_over() == TakeOver(owner=1, after=1, above=1)


def test_what_is_over_is_forgotten() -> None:
    place = Place([], [Requested(amount=5)])
    place.take_over()
    place.asked(Act)
    place.answer(Act, Acted(key=KEY, receipt=1))
    submit = place.asked(Submit)
    assert isinstance(submit, Submit)
    assert submit.command == Complete(tenure=1, receipt=1)
    assert list(place.performer.effects) == [KEY]

    place.answer(Submit, Accepted(command_id=submit.command_id, version=2, told="done 0"))
    place.logs[EFFECTS].append(entry(2, KEY, Completed(tenure=1, receipt=1)))
    place.reads()

    assert place.performer.effects == {}


@pytest.mark.parametrize(("policy", "kept"), [(AtMostOnce(), []), (AtLeastOnce(), [KEY])])
def test_what_was_persisted_first_is_kept_while_somebody_may_have_to_ask_for_it(
    policy: Policy, kept: list[int]
) -> None:
    done = [Requested(amount=5), Completed(tenure=1, receipt=0)]
    place = Place([TakenOver(owner=2, number=1)], done, Ordering.PERSIST_FIRST, policy=policy)
    with pytest.raises(AssertionError, match="never asked Act"):
        place.asked(Act)
    assert list(place.performer.effects) == kept


def test_of_an_answer_only_what_is_new_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place([], [])
    place.take_over()
    place.logs[EFFECTS] += [entry(at, KEY + at, Requested(amount=5)) for at in range(1, 101)]
    place.asked(Act)
    assert len(place.performer.effects) == 100

    looked: list[object] = []

    def is_open(state: object) -> bool:
        looked.append(state)
        return False

    monkeypatch.setattr(place.performer, "_is_open", is_open)
    place.logs[EFFECTS].append(entry(101, KEY + 101, Requested(amount=5)))
    place.reads()

    assert len(looked) == 1
