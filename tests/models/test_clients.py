from itertools import pairwise

import pytest

from models.clients import BankMix, Client, Drawn, Script, Workload, zipf_weights
from models.domains.bank_account import Deposit
from models.layout import shard_of
from models.store.requests import Accepted, Conflict, Gone, InDoubt, Refused, RolledBack, Submit, Unavailable
from sim.history import Kind
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

ENTRY = at_service(pack_location(1, 1, 1), "store")


def workload(**changes):
    options = {"rate_per_s": 1.0, "ends_us": 10_000_000, "accounts": 1, "deadline_us": 2_000_000}
    return Workload(**(options | changes))


def client_with_one_command(entries=(ENTRY,), **changes):
    """A client whose first command has just arrived, and no second before the end."""
    ctx = FakeContext(seed=3)
    load = workload(rate_per_s=1.0, **changes)
    client = Client(ctx, load, share=1, first_id=7, route=lambda _: entries, mix=BankMix(load))
    ctx.start(client)
    while not ctx.calls:
        ctx.advance(1_000)
    client._workload = workload(ends_us=1, **changes)  # no further arrivals
    return ctx


def endings(ctx):
    return [(o.op, o.kind, o.value) for o in ctx.operations if o.op == 7 and o.kind is not Kind.INVOKE]


def test_an_accepted_command_ends_ok_with_its_version():
    ctx = client_with_one_command()
    ctx.answer(Accepted(command_id=7, version=4, told=11))

    assert endings(ctx) == [(7, Kind.OK, 11)]
    assert ctx.operations[-1].version == 4


def test_a_denial_is_an_answer_and_ends_the_attempts():
    ctx = client_with_one_command()
    ctx.answer(Refused(command_id=7, version=1, reason="insufficient funds"))

    assert endings(ctx) == [(7, Kind.FAIL, "denied:insufficient funds")]


def test_a_time_out_is_retried_with_the_same_id_and_ends_as_info():
    ctx = client_with_one_command(attempt_timeout_us=600_000, backoff_us=100_000)
    ctx.advance(3_000_000)

    ids = {msg.command_id for _, msg in ctx.sent if isinstance(msg, Submit) and msg.command_id == 7}
    assert ids == {7}
    assert endings(ctx) == [(7, Kind.INFO, None)]


def test_the_pause_after_a_failed_attempt_doubles():
    ctx = client_with_one_command(backoff_us=100_000, deadline_us=2_000_000)
    tried_us = []
    for _ in range(2_000):
        for index, (_, msg, _) in enumerate(ctx.calls):
            if msg.command_id == 7:
                tried_us.append(ctx.now_us())
                ctx.answer(Unavailable(command_id=7, reason="recovering"), index)
                break
        ctx.advance(1_000)

    gaps_us = [after - before for before, after in pairwise(tried_us)]
    assert gaps_us == pytest.approx([100_000, 200_000, 400_000, 800_000], abs=1_000)


def test_only_refusals_without_effect_end_as_fail():
    ctx = client_with_one_command(backoff_us=5_000_000)
    ctx.answer(Unavailable(command_id=7, reason="recovering"))
    ctx.advance(3_000_000)

    assert endings(ctx) == [(7, Kind.FAIL, "refused:recovering")]


def test_one_unanswered_attempt_among_refusals_leaves_it_open_what_happened():
    ctx = client_with_one_command(attempt_timeout_us=600_000, backoff_us=500_000)
    ctx.advance(700_000)
    ctx.advance(500_000)
    ctx.answer(Unavailable(command_id=7, reason="recovering"))
    ctx.advance(3_000_000)

    assert endings(ctx) == [(7, Kind.INFO, None)]


def test_what_arrives_and_when_does_not_depend_on_the_answers():
    def arrivals(answering):
        ctx = FakeContext(seed=5)
        load = workload(rate_per_s=20.0, accounts=50)
        client = Client(ctx, load, share=1, first_id=1, route=lambda _: (ENTRY,), mix=BankMix(load))
        ctx.start(client)
        seen = []
        for _ in range(200):
            ctx.advance(10_000)
            while answering and ctx.calls:
                ctx.answer(Accepted(command_id=0, version=1, told=1))
        seen += [(o.op, o.f, o.key, o.value) for o in ctx.operations if o.kind is Kind.INVOKE]
        return seen

    assert arrivals(answering=True) == arrivals(answering=False) != []


def test_zipf_weights_are_cumulative_and_fall_as_told():
    weights = zipf_weights(4, 1.0)

    assert weights == pytest.approx([1, 1.5, 1.5 + 1 / 3, 1.75 + 1 / 3])


def test_accounts_spread_over_shards():
    counts = [sum(shard_of(account, 6) == shard for account in range(6_000)) for shard in range(6)]

    assert all(900 < count < 1_100 for count in counts)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rate_per_s": 0}, "rate_per_s=0"),
        ({"accounts": 0}, "accounts=0"),
        ({"deposit_fraction": 1.5}, "deposit_fraction"),
        ({"amount_min": 5, "amount_max": 4}, "amount_max"),
        ({"begins_us": 20_000_000}, "ends_us"),
        ({"backoff_us": -1}, "backoff_us=-1"),
    ],
)
def test_a_workload_that_makes_no_sense_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        workload(**changes)


OTHER = at_service(pack_location(2, 1, 1), "store")


def test_who_is_not_served_asks_the_next_entry_and_then_the_first_again():
    ctx = client_with_one_command(entries=(ENTRY, OTHER), backoff_us=1_000)
    for _ in range(3):
        ctx.answer(Unavailable(command_id=7, reason="no leader"))
        while not ctx.calls:
            ctx.advance(1_000)

    assert [to for to, msg in ctx.sent if msg.command_id == 7] == [ENTRY, OTHER, ENTRY, OTHER]


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (Conflict(command_id=7, expected=1, current=2), (7, Kind.FAIL, "refused:conflict")),
        (Gone(command_id=7), (7, Kind.FAIL, "refused:gone")),
        (InDoubt(command_id=7), (7, Kind.INFO, None)),
    ],
)
def test_what_no_further_attempt_would_change_ends_them(answer, ending):
    ctx = client_with_one_command()
    ctx.answer(answer)

    assert endings(ctx) == [ending]


def test_an_attempt_that_was_rolled_back_is_surely_without_effect():
    ctx = client_with_one_command(backoff_us=5_000_000)
    ctx.answer(RolledBack(command_id=7))
    ctx.advance(3_000_000)

    assert endings(ctx) == [(7, Kind.FAIL, "refused:rolled back")]


def test_a_script_gives_its_commands_at_their_instants_and_passes_the_points_of_a_client():
    ctx = FakeContext()
    plan = [
        (at_us, number, Drawn(3, Deposit(amount=number), "deposit", number)) for number, at_us in ((1, 50), (2, 20))
    ]
    ctx.start(Script(ctx, workload(backoff_us=1_000), route=lambda _: (ENTRY,), plan=plan))
    ctx.advance(100)
    assert [(msg.command_id, msg.aggregate, msg.command.amount) for _, msg in ctx.sent] == [(2, 3, 2), (1, 3, 1)]
    ctx.points.clear()
    ctx.answer(Unavailable(command_id=2, reason="recovering"))
    ctx.advance(2_000)
    ctx.answer(Accepted(command_id=2, version=1, told=2), 1)

    assert ctx.points == ["C13", "C14", "C2", "C13"]
    assert [(o.op, o.kind) for o in ctx.operations] == [(2, Kind.INVOKE), (1, Kind.INVOKE), (2, Kind.OK)]


@pytest.mark.parametrize(("repeats", "issued"), [(False, [3]), (True, [1, 2, 3])])
def test_a_script_that_comes_back_issues_what_is_to_come_and_if_told_to_what_was(repeats, issued):
    plan = [(at, op, Drawn(0, Deposit(amount=1), "deposit", 1)) for op, at in ((1, 1_000), (2, 2_000), (3, 9_000))]
    ctx = FakeContext()
    ctx.advance(5_000)

    ctx.start(Script(ctx, workload(), route=lambda _: (ENTRY,), plan=plan, repeats=repeats))
    ctx.advance(5_000)

    assert [msg.command_id for _, msg in ctx.sent] == issued
