import pytest

from models.addressing import Scope, mint, pack_type
from models.domains.bank_account import BankAccount, Deposit, Deposited
from models.reconcile import Operator, OperatorOptions
from models.store.group.aside import DivergentEntries, DivergentQuery, Reconciled, ReconciledNoted
from models.store.log.entries import Deleted, Entry
from models.store.requests import Accepted, Submit
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

STORE = at_service(pack_location(1, 1, 1), "store")
MS = 1_000


EVENT_TYPE = pack_type(Scope.SERVICE, command=False, domain=BankAccount.number)


def entry(position, event=None):
    event = event or Deposited(amount=1)
    return Entry(0, 1, position, 1, 5, mint(EVENT_TYPE, position, 1), 100 + position, 0, event, 1, 0)


class Bench:
    """An operator before a store with set-aside entries, whose answers take a while."""

    def __init__(self, entries, *, answer_ms=90, **options):
        self.ctx = FakeContext()
        self.left = [entry(position) for position in range(1, entries + 1)]
        self.submitted_ms = []
        self.under_way = self.most = 0
        self.answering = True
        self._answer_ms = answer_ms
        self._due = []
        self.ctx.start(Operator(self.ctx, OperatorOptions(stores=(STORE,), delay_us=0, **options), BankAccount()))

    def run(self, ms):
        for _ in range(ms):
            self.ctx.advance(MS)
            now_ms = self.ctx.now_us() // MS
            for _, msg, wait in self.ctx.calls:
                if isinstance(msg, Submit):
                    self.submitted_ms.append(now_ms)
                    self.under_way += 1
                    self.most = max(self.most, self.under_way)
                slow = not isinstance(msg, DivergentQuery)
                self._due.append((now_ms + self._answer_ms * slow, msg, wait))
            self.ctx.calls.clear()
            due, self._due = (
                [d for d in self._due if d[0] <= now_ms],
                [d for d in self._due if d[0] > now_ms],
            )
            for _, msg, wait in due:
                self.under_way -= isinstance(msg, Submit)
                if self.answering:
                    wait.resolve(self._answer(msg))

    def _answer(self, msg):
        if isinstance(msg, DivergentQuery):
            return DivergentEntries(entries=tuple(self.left[: msg.limit]))
        if isinstance(msg, Submit):
            return Accepted(command_id=msg.command_id, version=1, told=1)
        assert isinstance(msg, Reconciled)
        self.left = [e for e in self.left if e.event_id != msg.command_id]
        return ReconciledNoted(epoch=msg.epoch, position=msg.position)


def test_the_rate_is_reached_however_long_an_answer_takes():
    bench = Bench(200, rate_per_s=20.0)
    bench.run(12_000)

    first = bench.submitted_ms[0]
    # A look takes a few milliseconds; what is late for it is made up for.
    assert bench.submitted_ms == pytest.approx([first + 50 * k for k in range(200)], abs=5)
    assert bench.left == []
    assert 1 < bench.most < 5


def test_no_more_are_under_way_than_allowed():
    bench = Bench(50, rate_per_s=1_000.0, under_way=3)
    bench.run(5_000)

    assert (bench.most, bench.left) == (3, [])


def test_after_a_standstill_the_operator_does_not_rush():
    bench = Bench(100, rate_per_s=10.0, under_way=4)
    bench.run(2_000)
    bench.answering = False
    bench.run(10_000)
    stood_still = len(bench.submitted_ms)
    bench.answering = True
    bench.run(3_000)

    # Ten a second, and at most a second of lateness made up for.
    assert len(bench.submitted_ms) - stood_still <= 40


def test_a_command_is_submitted_with_its_id_and_tenant_and_what_none_leads_to_is_given_up():
    ctx = FakeContext()
    ctx.start(Operator(ctx, OperatorOptions(stores=(STORE,), delay_us=0, rate_per_s=1_000.0), BankAccount()))
    ctx.advance(1_000_001)
    ctx.answer(DivergentEntries(entries=(entry(1), entry(2, event=Deleted()))))
    ctx.advance(10_000)

    submitted, given_up = (msg for _, msg, _ in ctx.calls if not isinstance(msg, DivergentQuery))
    assert submitted == Submit(command_id=101, aggregate=1, command=Deposit(amount=1), tenant=5)
    assert given_up == Reconciled(epoch=1, position=2, command_id=102, merged=False)


@pytest.mark.parametrize(
    ("changes", "told"), [({"rate_per_s": 0.0}, "rate_per_s=0"), ({"under_way": 0}, "under_way=0")]
)
def test_operators_who_would_never_finish_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        OperatorOptions(**({"stores": (STORE,), "delay_us": 0, "rate_per_s": 1.0} | changes))
