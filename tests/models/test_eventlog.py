from models.bank import Deposited
from models.eventlog import Entry, EventLog, WrongExpectedVersion
from sim.testing import FakeContext


def entry(position, account=1):
    event = Deposited(command_id=position, account=account, amount=1)
    return Entry(position, 1, position, 1, position, position, event, position)


def fill(log, count):
    for position in range(len(log.entries) + 1, len(log.entries) + count + 1):
        assert log.append(entry(position), position - 1) is None


def log_of(ctx):
    log = EventLog(ctx)
    ctx.run(log.recover)
    ctx.advance(10_000)
    return log


def test_an_unexpected_version_is_refused_as_a_value_and_writes_nothing():
    log = log_of(FakeContext())
    log.append(entry(1), 0)

    assert log.append(entry(2), 0) == WrongExpectedVersion(account=1, expected=0, current=1)
    assert len(log.entries) == 1


def test_versions_count_each_account_by_itself():
    log = log_of(FakeContext())
    log.append(entry(1, account=7), 0)
    log.append(entry(2, account=8), 0)
    log.append(entry(3, account=7), 1)

    assert [log.version(account) for account in (7, 8, 9)] == [2, 1, 0]


def test_all_that_wait_during_a_flush_share_the_next():
    ctx = FakeContext(flush_us=1_000)
    log = log_of(ctx)
    advances = []
    log.on_durable = lambda: advances.append((ctx.now_us(), log.durable))
    done = []

    def waiter(position):
        assert (yield from log.durable_at(position))
        done.append((ctx.now_us(), position))

    start = ctx.now_us()
    fill(log, 1)
    ctx.run(waiter, 1)
    ctx.advance(500)
    for position in (2, 3):
        fill(log, 1)
        ctx.run(waiter, position)
    ctx.advance(5_000)

    assert done == [(start + 1_000, 1), (start + 2_000, 2), (start + 2_000, 3)]
    assert advances == [(start + 1_000, 1), (start + 2_000, 3)]


def test_what_outlives_the_process_is_flushed_before_it_is_trusted():
    ctx = FakeContext()
    fill(log_of(ctx), 2)
    born = ctx.process_crash()
    log = EventLog(born)

    born.run(log.recover)
    assert log.durable == 0
    born.advance(10_000)

    assert (log.durable, len(log.entries), log.version(1)) == (2, 2, 2)


def test_recovery_stops_at_a_torn_record():
    ctx = FakeContext()
    log = log_of(ctx)
    fill(log, 2)
    ctx.run(log.durable_at, 2)
    ctx.advance(10_000)
    fill(log, 2)

    log = log_of(ctx.power_loss(torn=True))

    assert [e.position for e in log.entries] == [1, 2]


def test_truncation_returns_the_suffix_and_outlives_a_power_loss():
    ctx = FakeContext()
    log = log_of(ctx)
    fill(log, 4)
    ctx.run(log.durable_at, 4)
    ctx.advance(10_000)
    removed = []

    def cut():
        removed.extend((yield from log.truncate(2)))

    ctx.run(cut)
    ctx.advance(10_000)

    assert [e.position for e in removed] == [3, 4]
    assert (log.durable, log.version(1)) == (2, 2)
    assert len(log_of(ctx.power_loss()).entries) == 2


def test_who_waits_for_a_truncated_entry_is_told_that_it_is_not_durable():
    ctx = FakeContext()
    log = log_of(ctx)
    fill(log, 3)
    told = []

    def waiter():
        told.append((yield from log.durable_at(3)))

    ctx.run(waiter)
    ctx.run(log.truncate, 1)
    ctx.advance(10_000)

    assert told == [False]
