"""Rights that sub-domains grant each other: asked for, granted once, and safe wherever somebody crashes."""

from models.domains.auction import Auction, Award, Bid, Close
from models.domains.bank_account import BankAccount, Deposited, Withdraw, Withdrawn
from models.granting import AskRights, GrantingShard, RightsGiven
from models.merging.meaning import meaning_of
from models.merging.policies import ClosingBarrier, Escrow
from models.merging.rights import Granted
from models.store.requests import Accepted, Submit, Unavailable
from sim.testing import FakeContext
from tests.models.shards import OPENING, at, options
from tests.models.test_split import FLUSH, ack, foreign, ship

#: Of 100, the first sub-domain has 34 and the others 33 each.
SHARE = 34
NO_RIGHTS = "others must be heard first"


def escrow(domain, sources):
    return Escrow(domain, meaning_of(domain), sources)


def barrier(domain, sources):
    return ClosingBarrier(domain, meaning_of(domain), sources)


def shard(region=1, ctx=None, domain=None, policy=escrow):
    ctx = ctx or FakeContext(at(region), flush_us=FLUSH)
    store = GrantingShard(ctx, options(region), domain or BankAccount(opening_balance=OPENING), policy=policy)
    ctx.start(store)
    ctx.advance(20 * FLUSH)
    for peer, line in store._outbound.items():
        ctx.deliver(store, ack(peer, challenge=line.challenge), at(peer))
    ctx.sent.clear()
    return ctx, store


def ask(ctx, store, command, command_id=1):
    reply = ctx.deliver(store, Submit(command_id=command_id, aggregate=0, command=command))
    ctx.advance(5 * FLUSH)
    return reply


def wants(amount=5, after=0, taker=2):
    return AskRights(taker=taker, tenant=0, aggregate=0, amount=amount, after=after)


def granted(ctx, store, request=None):
    reply = ctx.deliver(store, request or wants(), at(2))
    ctx.advance(5 * FLUSH)
    return reply.value


def grants(store):
    return [entry.event for entry in store.log.entries if isinstance(entry.event, Granted)]


def test_a_share_is_all_that_is_accepted_by_oneself():
    ctx, store = shard()
    assert isinstance(ask(ctx, store, Withdraw(amount=SHARE)).value, Accepted)
    reply = ask(ctx, store, Withdraw(amount=1), 2)
    ctx.calls[-1][2].resolve(None)
    ctx.advance(FLUSH)
    assert reply.value == Unavailable(command_id=2, reason=NO_RIGHTS)
    assert ("waiting", 2) in ctx.notes


def test_nobody_wins_before_every_sub_domain_is_known_to_have_closed():
    ctx, store = shard(domain=Auction(), policy=barrier)
    for number, command in enumerate((Bid(bidder=1, amount=5), Close()), 1):
        assert isinstance(ask(ctx, store, command, number).value, Accepted)
    assert ask(ctx, store, Award(), 3).value == Unavailable(command_id=3, reason=NO_RIGHTS)
    assert ctx.calls == []  # there is nothing to ask for
    closed = store.log.entries[1].event
    for region in (2, 3):
        ctx.deliver(store, ship(region, foreign(region, 1, ctx.now_us(), event=closed)), at(region))
    ctx.advance(5 * FLUSH)
    assert ask(ctx, store, Award(), 3).value == Accepted(command_id=3, version=3, told=5)


def test_whoever_seems_to_have_most_is_asked_and_the_command_looked_at_again():
    ctx, store = shard()
    ctx.deliver(store, ship(3, foreign(3, 1, ctx.now_us(), event=Deposited(amount=9))), at(3))
    ctx.advance(5 * FLUSH)
    reply = ask(ctx, store, Withdraw(amount=SHARE + 6))
    to, msg, wait = ctx.calls[-1]
    assert (to, msg) == (at(3), AskRights(taker=1, tenant=0, aggregate=0, amount=6, after=1))
    wait.resolve(RightsGiven(position=2))
    ctx.advance(FLUSH)
    assert not reply.done  # told of it, and it is not here
    ctx.deliver(store, ship(3, foreign(3, 2, ctx.now_us(), event=Granted(to=1, amount=6)), first=2), at(3))
    ctx.advance(100 * FLUSH)
    assert isinstance(reply.value, Accepted)
    assert store.merge.policy.rights(store.merge.held(0), 1) == 0


def test_who_does_not_answer_is_passed_over_the_next_time():
    ctx, store = shard()
    for number in (1, 2):
        ask(ctx, store, Withdraw(amount=SHARE + 6), number)
        ctx.calls[-1][2].resolve(None)
        ctx.advance(FLUSH)
    assert [to for to, _, _ in ctx.calls] == [at(2), at(3)]


def test_where_nobody_has_enough_nobody_is_asked():
    ctx, store = shard()
    assert ask(ctx, store, Withdraw(amount=OPENING)).done is False
    ctx.deliver(store, ship(2, foreign(2, 1, ctx.now_us(), event=Withdrawn(amount=33))), at(2))
    ctx.deliver(store, ship(3, foreign(3, 1, ctx.now_us(), event=Withdrawn(amount=33))), at(3))
    ctx.advance(5 * FLUSH)
    calls = len(ctx.calls)
    assert ask(ctx, store, Withdraw(amount=SHARE + 1), 2).value.reason != NO_RIGHTS  # the whole has no more
    assert len(ctx.calls) == calls


def test_a_grant_is_told_of_once_it_is_durable():
    ctx, store = shard()
    reply = ctx.deliver(store, wants(), at(2))
    assert (reply.done, grants(store)) == (False, [Granted(to=2, amount=SHARE // 2)])
    ctx.advance(5 * FLUSH)
    assert reply.value == RightsGiven(position=1)


def test_a_request_that_comes_again_or_late_is_granted_once():
    ctx, store = shard()
    assert granted(ctx, store) == granted(ctx, store) == RightsGiven(position=1)
    ctx.advance(1_000_000)
    assert granted(ctx, store) == RightsGiven(position=1)
    assert len(grants(store)) == 1


def test_who_has_the_first_grant_may_be_given_another():
    ctx, store = shard()
    granted(ctx, store)
    assert granted(ctx, store, wants(after=1)) == RightsGiven(position=2)
    assert granted(ctx, store, wants(taker=3)) == RightsGiven(position=3)


def test_a_grant_outlives_a_crash_and_is_still_given_once():
    ctx, store = shard()
    granted(ctx, store)
    ctx, again = shard(ctx=ctx.power_loss())
    assert granted(ctx, again) == RightsGiven(position=1)
    assert len(grants(again)) == 1


def test_a_grant_that_a_power_loss_took_was_never_anybodys():
    ctx, store = shard()
    ctx.deliver(store, wants(), at(2))
    ctx, again = shard(ctx=ctx.power_loss())
    assert grants(again) == []
    assert again.merge.policy.rights(again.merge.held(0), 1) == SHARE


def test_who_has_nothing_gives_nothing():
    ctx, store = shard()
    ask(ctx, store, Withdraw(amount=SHARE))
    assert granted(ctx, store) == RightsGiven(position=0)
    assert grants(store) == []


def spent(forgets=False):
    """A shard that has spent what it was granted, after a power loss; what it had heard is lost with a bad disk."""
    ctx, store = shard()
    ctx.deliver(store, ship(3, foreign(3, 1, ctx.now_us(), event=Granted(to=1, amount=6))), at(3))
    assert isinstance(ask(ctx, store, Withdraw(amount=SHARE)).value, Accepted)
    if forgets:
        ctx.disk.truncate("heard.0", 0)
        ctx.disk.flush("heard.0")
        ctx.advance(5 * FLUSH)
    return shard(ctx=ctx.power_loss())


def test_who_restarts_in_a_cut_has_all_that_it_decided_on_and_serves():
    ctx, store = spent()
    assert store.merge.policy.rights(store.merge.held(0), 1) == 6
    assert isinstance(ask(ctx, store, Withdraw(amount=6), 2).value, Accepted)


def test_no_shard_decides_or_grants_before_all_that_it_wrote_is_in_its_view():
    ctx, store = spent(forgets=True)
    assert ask(ctx, store, Withdraw(amount=SHARE), 2).value == Unavailable(command_id=2, reason="recovering")
    assert granted(ctx, store) == RightsGiven(position=0)
    ctx.deliver(store, ship(3, foreign(3, 1, ctx.now_us(), event=Granted(to=1, amount=6))), at(3))
    ctx.advance(5 * FLUSH)
    assert isinstance(ask(ctx, store, Withdraw(amount=6), 2).value, Accepted)


def left_over(region=1, *, gives_up=True):
    """A shard of one that is left, after 3 was declared lost with its 33 of 100."""
    ctx, store = shard(region)
    if gives_up:
        store.merge.declare_lost(3, 0)
    return ctx, store


def test_what_a_lost_one_had_left_is_taken_over_by_one_of_those_left():
    ctx, store = left_over()
    assert isinstance(ask(ctx, store, Withdraw(amount=SHARE + 33)).value, Accepted)
    assert grants(store) == [Granted(to=1, amount=33, of=3)]
    assert ctx.calls == []


def test_the_others_ask_that_one_for_it():
    ctx, store = left_over(2)
    ask(ctx, store, Withdraw(amount=SHARE + 33))
    assert ctx.calls[-1][0] == at(1)
    assert grants(store) == []
    ctx, heir = left_over()
    assert granted(ctx, heir, wants(amount=60)) == RightsGiven(position=2)
    assert grants(heir) == [Granted(to=1, amount=33, of=3), Granted(to=2, amount=60)]


def test_nobody_takes_over_from_one_that_is_not_declared_lost():
    ctx, store = left_over(gives_up=False)
    ask(ctx, store, Withdraw(amount=SHARE + 33))
    assert grants(store) == []


def test_nobody_takes_over_before_all_that_counts_of_the_lost_one_is_here():
    ctx, store = shard()
    store.merge.declare_lost(3, 1)
    ask(ctx, store, Withdraw(amount=SHARE + 33))
    assert grants(store) == []


def test_a_policy_that_does_not_free_them_leaves_them_stranded():
    class Stranding(Escrow):
        frees = False

    ctx, store = shard(policy=lambda domain, sources: Stranding(domain, meaning_of(domain), sources))
    store.merge.declare_lost(3, 0)
    ask(ctx, store, Withdraw(amount=SHARE + 33))
    assert grants(store) == []
    assert [to for to, _, _ in ctx.calls] == [at(2)]
