"""A former leader gives up what the log that counts does not hold: in four durable steps, or not at all."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ordinals import unpack_ordinal
from models.store.group.aside import DivergentEntries, DivergentQuery, ReconciledNoted
from models.store.group.lineage import Reign, common_prefix
from models.store.group.wire import Ship, ShipAck
from models.store.group.words import Promoted
from models.store.options import LogPolicy
from models.store.requests import Accepted, Forward, Unavailable
from tests.models.shards import (
    at,
    batch,
    batch_of_reign,
    deposit,
    ids,
    promote,
    reconciled,
    shard_of_region,
    started,
    submit,
)


def test_logs_agree_up_to_where_their_lineages_part():
    a, b, c = Reign(1, 1, 0), Reign(2, 2, 40), Reign(3, 3, 55)

    assert common_prefix([a], 60, [a, b]) == 40  # the deposed home
    assert common_prefix([a], 30, [a, b]) == 30  # a copy that lagged behind
    assert common_prefix([a, b], 70, [a, b, c]) == 55
    assert common_prefix([a, b], 70, [a, c]) == 40  # 3 was promoted without having heard of 2
    assert common_prefix([a], 60, [a, b, c]) == 40


@given(st.data())
def test_the_common_prefix_is_one_in_fact(data):
    """Logs are lists of epochs, branched as promotions branch them."""
    logs = {1: ([1] * data.draw(st.integers(0, 9)), (Reign(1, 1, 0),))}
    for epoch in range(2, data.draw(st.integers(2, 5)) + 1):
        entries, lineage = logs[data.draw(st.sampled_from(sorted(logs)))]
        start = data.draw(st.integers(0, len(entries)))
        kept = tuple(reign for reign in lineage if reign.start <= start)
        tail = [epoch] * data.draw(st.integers(0, 5))
        logs[epoch] = ([*entries[:start], *tail], (*kept, Reign(epoch, epoch, start)))
    (mine, ours), (other, theirs) = (logs[data.draw(st.sampled_from(sorted(logs)))] for _ in range(2))
    keep = min(common_prefix(ours, len(mine), theirs), len(other))

    assert mine[:keep] == other[:keep]


def test_a_deposed_home_sets_its_suffix_aside_and_follows():
    old_ctx, old = shard_of_region(1)
    new_ctx, new = shard_of_region(2)
    submit(old_ctx, old, 1)
    new_ctx.deliver(new, batch(old), at(1))
    new_ctx.advance(5_000)
    assert isinstance(submit(old_ctx, old, 2), Accepted)
    assert promote(new_ctx, new, 2) == Promoted(epoch=2)
    submit(new_ctx, new, 3)

    old_ctx.deliver(old, batch(new), at(2))
    old_ctx.advance(20_000)

    assert ids(old.journal.entries) == [1, 3]
    assert ids(old.aside.entries) == [2]
    assert (old.leader, old.epoch, old.aside.conflicts) == (2, 2, 1)
    assert ("divergent", 1) in old_ctx.notes
    assert old_ctx.sent[-1] == (at(2), ShipAck(receiver=1, shard=0, epoch=2, session=old.session, upto=2))


def test_what_was_set_aside_outlives_a_power_loss_until_it_is_reconciled():
    ctx, old = shard_of_region(1)
    submit(ctx, old, 2)
    empty = Ship(source=2, shard=0, reigns=(*old.reigns, Reign(2, 2, 0)), first=1, entries=(), promise_us=0, probe=True)
    ctx.deliver(old, empty, at(2))
    ctx.advance(20_000)
    ctx, old = shard_of_region(1, ctx.power_loss())
    assert (old.epoch, old.leader, old.journal.entries) == (2, 2, [])

    page = ctx.deliver(old, DivergentQuery(limit=10)).value
    assert isinstance(page, DivergentEntries)
    entry = page.entries[0]
    assert entry.event_id == 2
    ctx.deliver(old, reconciled(entry, merged=False))
    ctx.advance(5_000)
    assert ctx.notes[-1] == ("compensated", 2)

    ctx, old = shard_of_region(1, ctx.power_loss())
    assert (old.aside.unreconciled, old.aside.outcomes) == ([], {(1, 1, 2): False})


def test_an_outcome_of_an_entry_that_is_not_set_aside_here_is_ignored():
    ctx, old = shard_of_region(1)
    submit(ctx, old, 2)

    reply = ctx.deliver(old, reconciled(old.journal.entries[0], merged=True))
    ctx.advance(5_000)

    assert (reply.value, old.aside.outcomes) == (None, {})


def test_a_command_set_aside_in_two_reigns_is_owed_twice():
    ctx, shard = shard_of_region(1)
    submit(ctx, shard, 2)
    ctx.deliver(shard, batch_of_reign(shard, 2, 0), at(2))
    ctx.advance(20_000)
    reply = ctx.deliver(shard, reconciled(shard.aside.entries[0], merged=True))
    ctx.advance(5_000)
    assert isinstance(reply.value, ReconciledNoted)
    assert shard.aside.unreconciled == []

    promote(ctx, shard, 3)
    submit(ctx, shard, 2)  # the operator of a former home submits it again, to this one
    ctx.deliver(shard, batch_of_reign(shard, 4, 0), at(2))
    ctx.advance(20_000)

    assert ids(shard.aside.unreconciled) == [2]


CRASHES = ("process_crash", "power_loss")
#: Of a step-down that takes 4 ms here, and of what follows.
INSTANTS = range(250, 6_000, 500)


@pytest.mark.parametrize("kinds", list(product(CRASHES, CRASHES)))
@pytest.mark.parametrize("segment", [1_000, 1])
def test_a_store_that_began_to_step_down_serves_only_when_it_has_finished(kinds, segment):
    """Two crashes, at any instants of a step-down: the old home in full, or none of it."""
    ends = set()
    log = LogPolicy(segment=segment)
    instants = INSTANTS if segment > 1 else range(250, 8_000, 1_000)  # of each segment by itself
    for first_us, second_us in product(instants, instants):
        ctx, old = shard_of_region(1, log=log)
        for command_id in (1, 2, 3):
            submit(ctx, old, command_id)
        ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
        for kind, us in zip(kinds, (first_us, second_us), strict=True):
            ctx.advance(us)
            ctx, old = started(getattr(ctx, kind)(), log=log)
        ctx.advance(20_000)
        assert old.ready
        end = (old.epoch, ids(old.journal.entries), ids(old.aside.entries))
        assert end in [(1, [1, 2, 3], []), (2, [1], [2, 3])]
        ends.add(old.epoch)

        ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
        ctx.advance(20_000)
        written = ids(ctx.disk.read("divergent"))
        assert (old.epoch, ids(old.journal.entries), ids(old.aside.entries), written) == (2, [1], [2, 3], [2, 3])
    # A replacement under way dies with whoever asked for it, so either end of the mark is met.
    assert ends == {1, 2}


def test_what_is_set_aside_in_the_page_cache_only_is_made_durable_before_the_log_is_cut():
    for us in INSTANTS:
        ctx, old = shard_of_region(1)
        submit(ctx, old, 1)
        submit(ctx, old, 2)
        ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
        ctx.advance(900)
        ctx.disk.flush("log.0")  # so that the flush of what is set aside has to wait
        ctx.advance(300)
        assert ids(ctx.disk.read("divergent")) == [2]

        ctx, _ = started(ctx.process_crash())
        ctx.advance(us)
        ctx, old = started(ctx.power_loss())
        ctx.advance(20_000)

        assert (old.epoch, ids(old.journal.entries), ids(old.aside.entries)) == (2, [1], [2])


def test_a_step_down_that_was_interrupted_is_told_when_it_is_done():
    ctx, old = shard_of_region(1)
    submit(ctx, old, 1)
    submit(ctx, old, 2)
    ctx.deliver(old, batch_of_reign(old, 2, 1), at(2))
    ctx.advance(2_500)  # marked and set aside
    assert ids(old.aside.entries) == [2]
    assert len(old.journal.entries) == 1

    ctx, old = shard_of_region(1, ctx.power_loss())

    assert [note for note in ctx.notes if note[0] != "applied"] == [("role", "copy"), ("divergent", 1)]


def test_a_store_tells_how_far_it_is_and_under_which_reign():
    ctx, old = shard_of_region(1)
    submit(ctx, old, 1)
    submit(ctx, old, 2)
    new_ctx, new = shard_of_region(2)
    new_ctx.deliver(new, Ship(**(vars_of(batch(old)) | {"entries": (old.journal.entries[0],)})), at(1))
    new_ctx.advance(5_000)
    promote(new_ctx, new, 2)
    submit(new_ctx, new, 3)
    ctx.deliver(old, batch(new), at(2))
    ctx.advance(20_000)

    def told(context):
        return [unpack_ordinal(value) for name, value in context.notes if name == "applied"]

    assert told(new_ctx) == [(1, 0), (1, 1), (2, 1), (2, 2)]
    assert told(ctx) == [(1, 0), (1, 1), (1, 2), (1, 1), (2, 1), (2, 2)]


def test_a_copy_that_gives_nothing_up_tells_its_new_reign_all_the_same():
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    ctx, copy = shard_of_region(3)
    ctx.deliver(copy, batch(old), at(1))
    ctx.advance(5_000)

    ctx.deliver(copy, batch_of_reign(copy, 2, 1, first=2), at(2))
    ctx.advance(20_000)

    assert unpack_ordinal(ctx.notes[-1][1]) == (2, 1)


def vars_of(ship):
    return {name: getattr(ship, name) for name in Ship.__slots__}


def test_an_answer_that_a_step_down_overtakes_is_never_given():
    ctx, old = shard_of_region(1)
    reply = ctx.deliver(old, deposit(1))
    empty = Ship(source=2, shard=0, reigns=(*old.reigns, Reign(2, 2, 0)), first=1, entries=(), promise_us=0, probe=True)
    ctx.deliver(old, empty, at(2))
    ctx.advance(20_000)

    assert (reply.value, ids(old.aside.entries)) == (None, [1])


def test_a_batch_of_an_earlier_reign_is_ignored():
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    ctx, new = shard_of_region(2)
    promote(ctx, new, 2)

    ctx.deliver(new, batch(old), at(1))
    ctx.advance(5_000)

    assert new.journal.entries == []


def test_a_forwarded_command_does_not_circle_between_two_that_are_not_the_home():
    ctx, copy = shard_of_region(2)

    reply = ctx.deliver(copy, Forward(request=deposit(1)), at(3))

    assert reply.value == Unavailable(command_id=1, reason="not the leader")


def test_a_reign_begins_only_where_all_before_it_is_durable():
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    ctx, shard = shard_of_region(2)
    ctx.deliver(shard, batch(old), at(1))  # appended, and its flush under way

    promote(ctx, shard, 2)

    assert shard.reigns[-1] == Reign(2, 2, 1)
    _, again = shard_of_region(2, ctx.power_loss())
    assert (len(again.journal.entries), again.reigns) == (1, shard.reigns)


def test_the_same_promotion_twice_changes_nothing():
    ctx, shard = shard_of_region(2)
    promote(ctx, shard, 2)
    before = shard.reigns

    assert promote(ctx, shard, 2) == Promoted(epoch=2)
    assert shard.reigns == before


def test_a_repeated_command_gets_the_answer_of_the_first_time():
    ctx, home = shard_of_region(1)
    first = submit(ctx, home, 1)
    submit(ctx, home, 2)

    assert submit(ctx, home, 1) == first == Accepted(command_id=1, version=1, told=101)
    assert len(home.journal.entries) == 2
