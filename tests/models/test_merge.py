"""The obligations of the merge domain, on streams written by regions that know different things."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.addressing import Scope, mint, pack_type
from models.domain import Denied
from models.domains.bank_account import Account, BankAccount, Deposit, Deposited, Withdraw, Withdrawn
from models.merge import (
    Compensated,
    Merged,
    MergeDomain,
    MergePolicy,
    compensation_key,
    surviving_chain,
)
from models.store.log.entries import Entry, instance_of

REGIONS = (1, 2, 3)
OPENING = 20
END = 10**9
policies = st.sampled_from(list(MergePolicy))
DOMAIN = BankAccount(opening_balance=OPENING)


def effect(event):
    """What an event does to a balance, whatever it was."""
    return {Deposited: 1, Withdrawn: -1, Denied: 0}[type(event)] * getattr(event, "amount", 0)


def entry_of(stamp_us, region, position, address, event_id, event, told, parent=0):
    return Entry(stamp_us, region, position, 1, 0, address, event_id, stamp_us, event, told, 0, parent)


class Region:
    """A writer: decides on what it knows, stamps above all it has seen."""

    def __init__(self, number, policy):
        self.number = number
        self.merge = MergeDomain(policy, OPENING, REGIONS)
        self.log = []
        self.clock = 0

    def write(self, kind, account, amount):
        balance = self.merge.balance(account)
        event = DOMAIN.decide(Account(balance=balance), kind(amount=amount))
        version = 1 + sum(instance_of(e.address) == account for e in self.log)
        self.clock += 1
        type_id = pack_type(Scope.SERVICE, command=False, domain=DOMAIN.number, incarnation=self.number)
        entry = entry_of(
            self.clock,
            self.number,
            len(self.log) + 1,
            mint(type_id, account, version),
            self.number << 32 | len(self.log),
            event,
            balance + effect(event),
            self.merge.head(account),
        )
        self.log.append(entry)
        self.merge.ingest(entry)

    def hear(self, other):
        """Take the next entry of another region's stream, if there is one."""
        at = self.merge.received(other.number)
        if at < len(other.log):
            self.clock = max(self.clock, other.log[at].stamp_us)
            self.merge.ingest(other.log[at])


steps = st.lists(
    st.tuples(
        st.sampled_from(REGIONS),
        st.one_of(
            st.tuples(st.sampled_from([Deposit, Withdraw]), st.integers(0, 1), st.integers(1, 30)),
            st.sampled_from(REGIONS),
        ),
    ),
    max_size=60,
)


def written(policy, schedule):
    """The regions after a schedule of writes and deliveries."""
    regions = {number: Region(number, policy) for number in REGIONS}
    for number, what in schedule:
        if isinstance(what, tuple):
            regions[number].write(*what)
        elif what != number:
            regions[number].hear(regions[what])
    return regions


def deliver_all(merge, regions, choose):
    """Feed the rest of every stream, in an order that `choose` picks."""
    while waiting := [r for r in regions.values() if merge.received(r.number) < len(r.log)]:
        region = choose(waiting)
        merge.ingest(region.log[merge.received(region.number)])


def reference(policy, regions):
    """Outputs by the definition: all entries, sorted, folded one after another."""
    balances, outputs = {}, []
    for entry in sorted(e for region in regions.values() for e in region.log):
        event = entry.event
        account = instance_of(entry.address)
        before = balances.get(account, OPENING)
        if policy is MergePolicy.LAST_WRITER_WINS:
            after = entry.told if isinstance(event, Deposited | Withdrawn) else before
        else:
            after = before + effect(event)
        reversed_ = after < 0
        balances[account] = before if reversed_ else after
        outputs.append((entry.address, reversed_, balances[account]))
    return outputs


def seen(settled):
    return [(o.address, isinstance(o, Compensated), o.balance) for s in settled if s for o in s.outputs]


@settings(max_examples=60, deadline=None)
@given(policies, steps, st.data())
def test_every_region_derives_the_outputs_of_the_canonical_order_whatever_came_when(policy, schedule, data):
    regions = written(policy, schedule)
    expected = reference(policy, regions)

    for region in regions.values():
        deliver_all(region.merge, regions, lambda waiting: data.draw(st.sampled_from(waiting)))
        cuts = sorted(data.draw(st.lists(st.integers(0, 60), max_size=4)))
        tentative = region.merge.balances()
        settled = [region.merge.settle(cut) for cut in (*cuts, END)]

        assert seen(settled) == expected
        assert region.merge.stable_balances() == tentative == region.merge.balances()
        assert region.merge.backlog == 0


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 40))
def test_no_balance_is_negative_at_a_cut_or_above_and_money_is_conserved(schedule, cut):
    regions = written(MergePolicy.CANONICAL, schedule)
    merge = regions[1].merge
    deliver_all(merge, regions, lambda waiting: waiting[0])
    settled = [merge.settle(cut), merge.settle(END)]

    assert all(output.balance >= 0 for s in settled if s for output in s.outputs)
    by_account = {}
    for entry in (e for region in regions.values() for e in region.log):
        if entry.address not in merge.compensated:
            account = instance_of(entry.address)
            by_account[account] = by_account.get(account, OPENING) + effect(entry.event)
    assert merge.balances() == by_account


@settings(max_examples=60, deadline=None)
@given(policies, steps, st.integers(0, 30), st.integers(0, 40))
def test_a_restart_from_what_was_saved_leads_to_the_same_outputs(policy, schedule, first, second):
    regions = written(policy, schedule)
    expected = reference(policy, regions)
    merge = MergeDomain(policy, OPENING, REGIONS)
    deliver_all(merge, regions, lambda waiting: waiting[-1])
    saved = [s for s in (merge.settle(first), merge.settle(first + second)) if s]

    again = MergeDomain(policy, OPENING, REGIONS)
    again.restore(saved)
    deliver_all(again, regions, lambda waiting: waiting[0])

    assert again.balances() == merge.balances()
    assert [again.head(a) for a in (0, 1)] == [merge.head(a) for a in (0, 1)]
    assert seen([*saved, again.settle(END)]) == expected
    merge.settle(END)
    assert again.compensated == merge.compensated


def two_withdrawals():
    """Both regions let the whole balance go, neither knowing of the other."""
    regions = {number: Region(number, MergePolicy.CANONICAL) for number in REGIONS}
    for number in (1, 2):
        regions[number].write(Withdraw, 0, OPENING)
    for entry in regions[2].log:
        regions[1].merge.ingest(entry)
    return regions


def test_of_two_withdrawals_of_everything_the_later_in_canonical_order_is_compensated():
    regions = two_withdrawals()
    first, second = regions[1].log[0].address, regions[2].log[0].address

    settled = regions[1].merge.settle(END)

    key = compensation_key(MergePolicy.CANONICAL, second)
    assert settled.outputs == (
        Merged(first, 0, 0, 0),
        Compensated(second, 0, 0, 0, key, regions[2].log[0].event_id),
    )
    assert settled.vector == ((1, 1), (2, 1), (3, 0))


def test_nothing_above_the_cut_is_settled():
    merge = two_withdrawals()[1].merge

    assert merge.settle(0) is None
    assert (merge.backlog, merge.stable_balances(), merge.balances()) == (2, {0: OPENING}, {0: 0})


def test_an_event_that_lands_in_the_middle_changes_what_follows():
    merge = MergeDomain(MergePolicy.CANONICAL, OPENING, REGIONS)
    late = entry_of(1, 2, 1, 1, 1, Withdrawn(amount=15), 5)
    early = entry_of(2, 1, 1, 2, 2, Withdrawn(amount=10), 10)
    merge.ingest(early)
    assert merge.balance(0) == 10

    merge.ingest(late)

    assert merge.balance(0) == 5


def test_last_writer_wins_forgets_a_concurrent_deposit_without_a_word():
    regions = {number: Region(number, MergePolicy.LAST_WRITER_WINS) for number in REGIONS}
    regions[1].write(Deposit, 0, 5)
    regions[2].write(Deposit, 0, 7)
    merge = regions[1].merge
    merge.ingest(regions[2].log[0])

    settled = merge.settle(END)

    assert merge.balance(0) == OPENING + 7
    assert all(isinstance(output, Merged) for output in settled.outputs)
    parents = {e.address: e.parent for r in regions.values() for e in r.log}
    assert surviving_chain(merge.head(0), parents) == {regions[2].log[0].address}


def test_compensation_keys_depend_on_policy_and_address_only():
    keys = [compensation_key(policy, address) for policy in MergePolicy for address in (1, 2)]

    assert len(set(keys)) == 4
    assert compensation_key(MergePolicy.CANONICAL, 1) == keys[0]
