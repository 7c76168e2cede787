import pytest

from models.ledger import Status, home_ledger, pack_ordinal, unpack_ordinal
from models.ordinals import pack_ordinal as defined
from tests.models.shards import at, batch, batch_of_reign, promote, reconciled, shard_of_region, submit


def divided():
    """Region 1 accepted 1 and 2, and of them only 1 reached 2 and 3; then 2 became the home."""
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    copies = {region: shard_of_region(region) for region in (2, 3)}
    for ctx, copy in copies.values():
        ctx.deliver(copy, batch(old), at(1))
        ctx.advance(5_000)
    submit(old_ctx, old, 2)
    ctx, new = copies[2]
    promote(ctx, new, 2)
    return (old_ctx, old), copies[2], copies[3]


def final(ledger):
    return [event.command_id for events in ledger.final.values() for event in events]


def aside(ledger):
    return [(event.command_id, event.status) for event in ledger.divergent]


def test_the_latest_reign_counts_and_not_the_longest_log():
    (old_ctx, old), (_, new), (_, copy) = divided()
    submit(old_ctx, old, 4)
    assert len(old.journal.entries) == 3 > len(new.journal.entries) == 1

    ledger = home_ledger([{1: old, 2: new, 3: copy}])

    assert final(ledger) == [1]
    assert aside(ledger) == [(2, Status.DIVERGENT), (4, Status.DIVERGENT)]


def test_where_the_home_is_down_the_longest_copy_of_the_latest_reign_counts():
    (old_ctx, old), (new_ctx, new), (ctx, copy) = divided()
    old_ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
    old_ctx.advance(20_000)
    submit(new_ctx, new, 3)
    ctx.deliver(copy, batch(new), at(2))
    ctx.advance(20_000)
    assert old.epoch == copy.epoch == 2

    assert final(home_ledger([{3: copy, 1: old}])) == [1, 3]


def test_a_suffix_that_several_hold_is_counted_once():
    (_, old), (_, new), (ctx, copy) = divided()
    ctx.deliver(copy, batch(old, first=2), at(1))  # the third is cut off together with the first
    ctx.advance(5_000)

    ledger = home_ledger([{1: old, 2: new, 3: copy}])

    assert aside(ledger) == [(2, Status.DIVERGENT)]


def test_what_is_set_aside_already_keeps_its_fate_where_a_copy_still_has_it():
    (old_ctx, old), (_, new), (ctx, copy) = divided()
    ctx.deliver(copy, batch(old, first=2), at(1))
    ctx.advance(5_000)
    old_ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
    old_ctx.advance(20_000)
    old_ctx.deliver(old, reconciled(old.aside.entries[0], merged=False))
    old_ctx.advance(5_000)

    ledger = home_ledger([{1: old, 2: new, 3: copy}])

    assert aside(ledger) == [(2, Status.COMPENSATED)]


def test_a_suffix_that_clashes_with_the_log_that_counts_is_a_conflict():
    (_, old), (new_ctx, new), _ = divided()
    submit(new_ctx, new, 3)  # the second event of account 0, as command 2 is at the old home

    assert home_ledger([{1: old, 2: new}]).conflicts == 1


def test_the_ordinal_of_an_event_bears_the_reign_it_was_written_under():
    _, (new_ctx, new), _ = divided()
    submit(new_ctx, new, 3)

    events = home_ledger([{2: new}]).final[0]

    assert [unpack_ordinal(event.ordinal) for event in events] == [(1, 1), (2, 2)]


def test_ordinals_order_by_reign_and_then_by_position():
    assert pack_ordinal is defined
    assert unpack_ordinal(pack_ordinal(3, 7)) == (3, 7)
    assert pack_ordinal(2, 0) > pack_ordinal(1, (1 << 32) - 1)
    with pytest.raises(AssertionError, match="does not fit"):
        pack_ordinal(1, 1 << 32)
