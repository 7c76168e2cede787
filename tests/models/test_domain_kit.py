"""How a domain is defined: what its class refuses at once, and what it tells when its code fails in a run."""

from __future__ import annotations

from dataclasses import dataclass
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
    StoredEvent,
    decides,
    evolves,
    invariant,
    upcasts,
)
from models.domain.forms import from_form, to_form
from models.domains import BankAccount, Counter
from models.domains.bank_account import Account, Deposit, Deposited, Withdraw, Withdrawn
from models.domains.profile import Changed, Profile


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


def test_a_domain_without_decisions_is_none() -> None:
    with pytest.raises(ValueError, match="decides nothing; mark a method with @decides"):

        class Idle(Domain[Lit], name="idle", number=3): ...


@pytest.mark.parametrize(
    ("yielded", "told"),
    [
        (None, "returned no event to Switch; return exactly one event"),
        ((Switched(to=True), Switched(to=False)), "returned 2 events to Switch"),
        (Renamed(name="x"), "returned Renamed to Switch"),
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
    with pytest.raises(DomainFailed, match="met Renamed, which is no event of this domain"):
        Lamp().evolve(OUT, Renamed(name="x"))


def test_a_request_of_another_domain_is_refused() -> None:
    with pytest.raises(
        ValueError, match="Switch is no command of domain 'bank-account'; send one of Deposit, Withdraw"
    ):
        BankAccount().decide(Account(balance=0), Switch(to=True))


def test_forms_outlive_the_code_that_wrote_them() -> None:
    profile = Profile()
    event = Changed(field="name", value="Ada")
    assert to_form(event) == StoredEvent("Changed", 2, (("field", "name"), ("value", "Ada")))
    assert from_form(profile, to_form(event)) == event
    assert from_form(profile, StoredEvent("Changed", 1, (("change", "name=Ada"),))) == event
    assert from_form(profile, to_form(Denied(reason="no"))) == Denied(reason="no")


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (StoredEvent("Changed", 3, ()), "has schema 3, and this code knows 1..2; deploy newer code first"),
        (StoredEvent("Forgotten", 1, ()), "'Forgotten' is no event of it; keep old types and upcast them"),
        (StoredEvent("Changed", 2, (("field", "a"),)), "Changed of schema 2: "),
        (StoredEvent("Changed", 1, ()), "changed_from_1: raised KeyError"),
    ],
)
def test_a_form_that_cannot_be_read_says_why(stored: StoredEvent, told: str) -> None:
    with pytest.raises(DomainFailed) as failed:
        from_form(Profile(), stored)
    assert told in str(failed.value)


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
