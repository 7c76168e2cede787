"""How a domain is defined: what its class refuses at once, and what it tells when its code fails in a run."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from typing import Any, ClassVar

import pytest

from models.domain import (
    Application,
    Command,
    Denied,
    Domain,
    DomainFailed,
    Event,
    State,
    decides,
    evolves,
    invariant,
    upcasts,
)
from models.domains import BankAccount, Counter
from models.domains.bank_account import Account, Deposit, Deposited, Withdraw, Withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Command):
    to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched(Event):
    to: bool


@dataclass(slots=True)
class Changeable(Event):
    to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Event):
    to: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed(Event):
    SCHEMA: ClassVar[int] = 3
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lit(State):
    on: bool


OUT = Lit(on=False)


class Lamp(Domain[Lit], name="lamp", number=1):
    """A lamp that is out at first, and whose wiring a test may change."""

    yielded: ClassVar[Any] = Switched(to=True)

    def initial(self) -> Lit:
        return OUT

    @decides
    def switch(self, state: Lit, command: Switch) -> Switched | Denied:
        if isinstance(self.yielded, Exception):
            raise self.yielded
        return self.yielded  # type: ignore[no-any-return]

    @evolves
    def switched(self, state: Lit, event: Switched) -> Lit:
        return {True: Lit(on=True), False: OUT}[event.to]

    @invariant
    def out(self, state: Lit) -> bool:
        return not state.on


def test_a_domain_is_read_off_its_methods() -> None:
    assert (BankAccount.name, BankAccount.number) == ("bank-account", 16)
    assert BankAccount.decisions == {Deposit: "deposit", Withdraw: "withdraw"}
    assert BankAccount.effects == {Deposited: "deposited", Withdrawn: "withdrawn"}
    assert BankAccount.yields[Withdraw] == (Withdrawn, Denied)
    assert list(BankAccount().events()) == [Deposited, Withdrawn, Denied]


def test_one_event_a_request_and_a_denial_changes_nothing() -> None:
    bank = BankAccount(opening_balance=10)
    assert bank.decide(bank.initial(), Withdraw(amount=10)) == Withdrawn(amount=10)
    denied = bank.decide(bank.initial(), Withdraw(amount=11))
    assert denied == Denied(reason="insufficient funds")
    assert bank.evolve(bank.initial(), denied) == Account(balance=10)
    assert bank.violated(Account(balance=-1)) == ("never_overdrawn",)


def test_all_mistakes_of_a_class_are_told_at_once() -> None:
    with pytest.raises(ValueError) as refused:

        class Wrong(Domain[Lit], name="wrong", number=2048):
            @decides
            def one(self, state: Lit, command: Switch) -> Switched | Listed: ...  # type: ignore[empty-body]

            @decides
            def two(self, state: Lit, command: Switch) -> Denied: ...  # type: ignore[empty-body]

            @decides
            def bare(self, state, command): ...  # type: ignore[no-untyped-def]

            @evolves
            def changed(self, state: Lit, event: Changeable) -> Lit: ...  # type: ignore[empty-body]

            @evolves
            def renamed(self, state: Lit, event: Renamed) -> Lit: ...  # type: ignore[empty-body]

            @upcasts(Renamed, schema=3)
            def lifted(self, fields: dict[str, Any]) -> dict[str, Any]: ...  # type: ignore[empty-body]

    told = str(refused.value).splitlines()
    assert all(line.startswith("domain 'wrong' (test_all_mistakes") for line in told)
    whole = "\n".join(told)
    for part in (
        "number=2048 does not fit its 11 bits; give 1..2047",
        "bare: annotate state, the command or event, and what it returns",
        "one and two both decide Switch; keep one",
        "one may return Switched, which nothing evolves; mark a method with @evolves",
        "one may return Listed, which nothing evolves",
        "Changeable is not a frozen dataclass",
        "lifted upcasts Renamed of schema 3, but it is now 3",
        "nothing upcasts Renamed of schema 1",
        "nothing upcasts Renamed of schema 2",
    ):
        assert part in whole, whole


def test_an_event_that_cannot_be_hashed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Listed\.to is a list\[int\], which is not a value"):

        class Lists(Domain[Lit], name="lists", number=3):
            @decides
            def add(self, state: Lit, command: Switch) -> Listed: ...  # type: ignore[empty-body]

            @evolves
            def added(self, state: Lit, event: Listed) -> Lit: ...  # type: ignore[empty-body]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """No command, event or state, though a value."""

    to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown(State):
    names: dict[str, int]


def test_what_is_no_command_event_or_state_is_refused_with_all_else() -> None:
    with pytest.raises(ValueError) as refused:

        class Mixed(Domain[Any], name="", number=3):
            STATE_SCHEMA = 0

            def initial(self) -> Grown | Loose: ...  # type: ignore[empty-body]

            @decides
            def loose(self, state: Grown, command: Loose) -> Denied: ...  # type: ignore[empty-body]

            @decides
            def event(self, state: Grown, command: Switched) -> Loose: ...  # type: ignore[empty-body]

            @decides
            def two(self, state: Grown, command: Switch) -> tuple[Denied, Denied]: ...  # type: ignore[empty-body]

            @evolves
            def command(self, state: Grown, event: Switch) -> bool: ...  # type: ignore[empty-body]

    told = str(refused.value)
    for part in (
        "name='' names nothing",
        "STATE_SCHEMA=0 is no schema; count from 1",
        "initial may return Loose, which is no State; return exactly one",
        "Grown.names is a dict[str, int], which is not a value",
        "loose: takes Loose, which is no Command; derive it from that",
        "event: takes Switched, which is no Command",
        "event may return Loose, which is no Event; return exactly one",
        "two may return tuple[models.domain.words.Denied, models.domain.words.Denied], which is no Event",
        "command: takes Switch, which is no Event",
        "command may return bool, which is no State",
    ):
        assert part in told, told


def test_a_decision_that_may_yield_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="switch may return NoneType, which is no Event; return exactly one"):

        class Shy(Lamp, name="lamp", number=1):
            @decides
            def switch(self, state: Lit, command: Switch) -> Switched | None: ...  # type: ignore[override]


def test_a_domain_without_a_first_state_is_none() -> None:
    with pytest.raises(ValueError, match=r"has no first state; define initial\(self\)"):

        class Headless(Domain[Lit], name="headless", number=3):
            @decides
            def switch(self, state: Lit, command: Switch) -> Denied: ...  # type: ignore[empty-body]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhashable(Event):
    __hash__ = None  # type: ignore[assignment]
    to: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Single(Event):
    to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(Event):
    to: bool
    note: str = field(compare=False)


@dataclass(unsafe_hash=True, slots=True, kw_only=True)
class Unsafe(Event):
    to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer(Event):
    inner: tuple[Unhashable, ...]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Unhashable, "Unhashable has no __hash__, so no set could hold it"),
        (Single, "Single has eq=False, so two equal ones would differ"),
        (Partial, "Partial.note is left out of comparing or hashing"),
        (Unsafe, "Unsafe is not a frozen dataclass"),
        (Outer, "Outer.inner has no __hash__"),
    ],
)
def test_an_event_that_is_not_all_that_it_holds_is_refused(kind: Any, told: str) -> None:
    def odd(self: Any, state: Any, event: Any) -> Any: ...

    odd.__annotations__ = {"state": Lit, "event": kind, "return": Lit}
    with pytest.raises(ValueError, match=told):
        type("Odd", (Lamp,), {"odd": evolves(odd)}, name="odd", number=5)


def test_two_events_of_one_name_are_refused() -> None:
    other = make_dataclass("Switched", [("how", int)], bases=(Event,), frozen=True)

    def twin(self: Any, state: Any, event: Any) -> Any: ...

    twin.__annotations__ = {"state": Lit, "event": other, "return": Lit}
    with pytest.raises(ValueError, match="2 of its events are called Switched, and a log knows them by name"):
        type("Odd", (Lamp,), {"twin": evolves(twin)}, name="odd", number=5)


def test_a_domain_without_decisions_is_none() -> None:
    with pytest.raises(ValueError, match="decides nothing; mark a method with @decides"):

        class Idle(Domain[Lit], name="idle", number=3): ...


@pytest.mark.parametrize(
    ("yielded", "told"),
    [
        (None, "returned no event to Switch; return exactly one event"),
        ((Switched(to=True), Switched(to=False)), "returned 2 events to Switch"),
        (Renamed(name="x"), "returned Renamed to Switch"),
        ((), "returned 0 events to Switch"),
        ((one for one in (Switched(to=True),)), "returned generator to Switch"),
        (Switched(to=[1]), "returned Switched, which cannot be hashed: unhashable type: 'list'"),  # type: ignore[arg-type]
        (KeyError("bulb"), "raised KeyError: 'bulb'"),
    ],
)
def test_a_handler_that_yields_no_event_or_two_fails_the_run(yielded: Any, told: str) -> None:
    class Broken(Lamp, name="lamp", number=1): ...

    Broken.yielded = yielded
    with pytest.raises(DomainFailed) as failed:
        Broken().decide(OUT, Switch(to=True))
    assert str(failed.value).startswith(f"domain 'lamp', {Broken.__qualname__}.switch: {told}")


def test_an_evolve_that_raises_or_is_missing_names_its_place() -> None:
    with pytest.raises(DomainFailed, match=r"Lamp\.switched: raised KeyError: 2; it must be total"):
        Lamp().evolve(OUT, Switched(to=2))  # type: ignore[arg-type]

    class Blank(Lamp, name="lamp", number=1):
        @evolves
        def switched(self, state: Lit, event: Switched) -> Lit: ...  # type: ignore[empty-body]

    with pytest.raises(DomainFailed, match=r"Blank\.switched: returned NoneType on Switched; return the state"):
        Blank().evolve(OUT, Switched(to=True))
    with pytest.raises(DomainFailed, match="met Renamed, which is no event of this domain"):
        Lamp().evolve(OUT, Renamed(name="x"))


def test_an_invariant_that_raises_names_its_place() -> None:
    class Vain(Lamp, name="lamp", number=1):
        @invariant
        def shines(self, state: Lit) -> bool:
            raise KeyError("bulb")

    with pytest.raises(DomainFailed, match=r"Vain\.shines: raised KeyError: 'bulb'; it must tell of any state"):
        Vain().violated(OUT)


def test_a_request_of_another_domain_is_refused() -> None:
    with pytest.raises(
        ValueError, match="Switch is no command of domain 'bank-account'; send one of Deposit, Withdraw"
    ):
        BankAccount().decide(Account(balance=0), Switch(to=True))


def test_a_domain_tells_and_repeats_nothing_unless_it_says_so() -> None:
    assert Lamp().told(OUT) is None
    assert Lamp().again(Switched(to=True)) is None
    assert Lamp.STATE_SCHEMA == 1


def test_an_application_knows_whose_a_request_is() -> None:
    bank, counter = BankAccount(), Counter()
    application = Application("small", (bank, counter))
    assert application.domain_of(Deposit(amount=1)) is bank
    with pytest.raises(
        ValueError, match="Switch is no request of application 'small'; send one of Add, Deposit, Withdraw"
    ):
        application.domain_of(Switch(to=True))


def test_an_application_tells_every_clash() -> None:
    class Other(Lamp, name="bank-account", number=22): ...

    with pytest.raises(ValueError) as refused:
        Application("torn", (BankAccount(), Counter(), Other(), BankAccount()))
    told = str(refused.value)
    for part in ("the name 'bank-account'", "the number 16", "the number 22", "both decide Deposit"):
        assert part in told
    with pytest.raises(ValueError, match="it has no domains"):
        Application("void", ())
