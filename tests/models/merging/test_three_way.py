"""Three-way merge: changes against what each writer saw, laid on one another; what does not agree stays open."""

from typing import Any

import pytest

from experiments.confluence import DOMAINS
from experiments.obligations import Case, draw_steps, write_down
from models.addressing import Scope, mint, pack_type
from models.domain import Command, Denied, Domain, Event, State
from models.domains.cart import Added, Basket, Cart, Removed
from models.domains.counter import Added as Counted
from models.domains.counter import Count, Counter
from models.domains.profile import Changed, Document, Profile
from models.domains.seats import Seats
from models.merging import Merged, MergeFold, Opened, Resolved, Superseded, UnfitPolicy, Write, fit, meaning_of
from models.merging.policies import Siblings, ThreeWay
from models.merging.writes import Output
from sim.chance import Chance

WEST, EAST = 1, 2


def write(origin: int, position: int, event: Event, *, seen: int = 0) -> Write:
    """Of one of two sub-domains, whose writer had seen so many of the other's; time is the position."""
    type_id = pack_type(Scope.SERVICE, command=False, domain=1, incarnation=origin)
    return Write(position, origin, position, mint(type_id, 7, position), event, seen=((3 - origin, seen),))


def folded(policy: Any, *writes: Write) -> tuple[State, list[Output]]:
    held, outputs = policy.begin(), list[Output]()
    for one in sorted(writes):
        held, more = policy.step(held, one)
        outputs += more
    return policy.state(held), outputs


def merged(domain: Domain[Any], *writes: Write) -> tuple[State, list[Output]]:
    return folded(ThreeWay(domain, meaning_of(domain)), *writes)


ANN = write(WEST, 1, Changed(field="name", value="Ann"))
BEN = write(EAST, 1, Changed(field="name", value="Ben"))


def test_changes_of_two_things_both_count() -> None:
    state, outputs = merged(Profile(), ANN, write(EAST, 1, Changed(field="mail", value="b@c")))
    assert state == Document(fields=(("mail", "b@c"), ("name", "Ann")))
    assert [type(one) for one in outputs] == [Merged, Merged]


def test_differences_add_up() -> None:
    state, _ = merged(Counter(), write(WEST, 1, Counted(n=2)), write(EAST, 1, Counted(n=-5)))
    assert state == Count(total=-3)


def test_of_two_values_the_first_shows_and_the_conflict_is_open() -> None:
    state, outputs = merged(Profile(), ANN, BEN)
    assert state == Document(fields=(("name", "Ann"),))
    assert [type(one) for one in outputs] == [Merged, Opened]


def test_the_same_value_is_no_conflict() -> None:
    _, outputs = merged(Profile(), ANN, write(EAST, 1, Changed(field="name", value="Ann")))
    assert [type(one) for one in outputs] == [Merged, Merged]


def test_more_of_what_somebody_takes_out_is_a_conflict() -> None:
    put = write(WEST, 1, Added(article=5, quantity=1))
    out = write(WEST, 2, Removed(article=5))
    state, outputs = merged(Cart(), put, out, write(EAST, 3, Added(article=5, quantity=2), seen=1))
    assert state == Basket()
    assert [type(one) for one in outputs] == [Merged, Merged, Opened]


def test_who_has_seen_both_decides_even_for_what_shows() -> None:
    state, outputs = merged(Profile(), ANN, BEN, write(WEST, 2, Changed(field="name", value="Cem"), seen=1))
    assert state == Document(fields=(("name", "Cem"),))
    assert [type(one) for one in outputs[2:]] == [Merged, Resolved, Superseded]


def test_a_write_that_changed_nothing_brings_nothing_back() -> None:
    gone = write(WEST, 2, Changed(field="name", value=None))
    again = write(EAST, 3, Changed(field="name", value="Ann"), seen=1)
    assert merged(Profile(), ANN, gone, again)[0] == Document()


@pytest.mark.parametrize("policy", [ThreeWay, Siblings])
def test_who_was_denied_has_decided_nothing(policy: Any) -> None:
    denied = write(WEST, 2, Denied(reason="no name for a field"), seen=1)
    _, outputs = folded(policy(Profile(), meaning_of(Profile())), ANN, BEN, denied)
    assert not any(isinstance(one, Resolved) for one in outputs)


@pytest.mark.parametrize("name", ["cart", "profile", "counter"])
def test_the_ancestor_is_what_the_writer_was_shown(name: str) -> None:
    trial = DOMAINS[name]
    policy = ThreeWay(trial.domain, meaning_of(trial.domain))
    shown: dict[int, list[State]] = {1: [], 2: [], 3: []}

    class Recorded(Case):
        def decide(self, fold: MergeFold, source: int, instance: int, command: Command) -> Event | None:
            shown[source].append(fold.state(instance))
            return trial.domain.decide(shown[source][-1], command)

    case = Recorded(domain=trial.domain, policy=policy, commands=trial.commands)
    for seed in range(5):
        for states in shown.values():
            states.clear()
        held: dict[int, Any] = {}
        for one in write_down(case, draw_steps(Chance(seed).draws("steps"), case, 60)).writes():
            before = held.get(one.instance, policy.begin())
            assert policy.ancestor(before, one) == shown[one.origin][one.position - 1]
            held[one.instance] = policy.step(before, one).held


def test_a_domain_of_which_nothing_is_said_is_refused() -> None:
    with pytest.raises(UnfitPolicy, match="give its meaning leaves"):
        fit(ThreeWay(Seats(), meaning_of(Seats())), Seats())
