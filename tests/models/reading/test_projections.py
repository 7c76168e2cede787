"""Rows are a fold of events, and say what they are made of."""

from __future__ import annotations

import pytest

from models.addressing import mint
from models.domain import Denied, Event
from models.domains.bank_account import BankAccount, Deposited, Withdrawn
from models.reading.inline import InlineShard
from models.reading.projections import Balances, Poisoned, Row, Unprojectable
from models.store.log.entries import Entry
from models.store.requests import Accepted, Unavailable
from sim.testing import FakeContext
from tests.models.shards import LOCAL, OPENING, at, deposit, options


def entry(version: int, event: Event, key: int = 5) -> Entry:
    return Entry(0, 1, 10 + version, 1, 0, mint(1 << 28, key, version), 100 + version, 0, event, None, 0)


DEPOSIT, WITHDRAWAL = Deposited(amount=30), Withdrawn(amount=10)


def fold(projection: Balances, *entries: Entry) -> Row:
    row = None
    for one in entries:
        row = projection.apply(row, one, 2)
    assert row is not None
    return row


def test_a_row_is_the_sum_of_its_events_and_counts_them() -> None:
    row = fold(Balances(100), entry(1, DEPOSIT), entry(2, Denied(reason="no")), entry(3, WITHDRAWAL))
    assert row == Row(5, 3, 103, 120, 3, 0, 2, 13)


def test_an_idempotent_projection_passes_over_what_comes_again_and_another_adds_it_up() -> None:
    twice = (entry(1, DEPOSIT), entry(1, DEPOSIT))
    assert fold(Balances(100), *twice).value == 130
    again = fold(Balances(100, idempotent=False), *twice)
    assert (again.value, again.applied, again.version) == (160, 2, 1)


def test_versions_that_never_came_are_counted() -> None:
    assert fold(Balances(0), entry(1, DEPOSIT), entry(4, DEPOSIT)).skipped == 2


def test_an_attribute_is_the_band_of_a_balance() -> None:
    assert Balances(0, band=25).attribute(fold(Balances(0), entry(1, DEPOSIT))) == 1


def test_a_bug_raises_on_some_amounts_and_on_no_other() -> None:
    buggy = Poisoned(0, every=7)
    with pytest.raises(Unprojectable, match="no projection of Deposited with amount=14"):
        buggy.apply(None, entry(1, Deposited(amount=14)), 0)
    assert buggy.apply(None, entry(1, Deposited(amount=15)), 0).value == 15


def test_large_withdrawals_are_announced() -> None:
    projection = Balances(0, alarm=10)
    assert projection.announces(entry(1, WITHDRAWAL))
    assert not projection.announces(entry(1, DEPOSIT))


@pytest.mark.parametrize(
    ("make", "told"),
    [(lambda: Balances(0, band=0), "band=0 holds no account"), (lambda: Poisoned(0, every=1), "poisons every event")],
)
def test_bad_input_is_refused(make: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()  # type: ignore[operator]


def test_an_inline_shard_that_stands_still_at_an_event_takes_no_other_past_it() -> None:
    def begun(ctx: FakeContext, projection: Balances) -> InlineShard:
        alone = options(1, members=1, scheme=LOCAL)
        shard = InlineShard(ctx, alone, BankAccount(opening_balance=OPENING), projection, 0)
        ctx.start(shard)
        ctx.advance(20_000)
        return shard

    ctx = FakeContext(at(1))
    first = ctx.deliver(begun(ctx, Balances(OPENING)), deposit(1, amount=13))
    ctx.advance(20_000)
    assert isinstance(first.value, Accepted)

    ctx = ctx.process_crash()
    shard = begun(ctx, Poisoned(OPENING, every=13))
    other = ctx.deliver(shard, deposit(2, aggregate=7))
    ctx.advance(20_000)
    assert isinstance(other.value, Unavailable)
    assert other.value.reason.startswith("projection: shard 0, position 1")
    assert (shard.all_rows(), shard.journal.length) == ([], 1)
