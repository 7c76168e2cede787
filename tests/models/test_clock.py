import pytest

from models.clock import HybridClock
from sim.testing import FakeContext

RESERVE = 10_000


def clock_of(ctx):
    clock = HybridClock(ctx, reserve_us=RESERVE)
    ctx.run(clock.recover)
    ctx.advance(2_000)
    return clock


def test_stamps_grow_even_within_one_microsecond():
    clock = clock_of(FakeContext())

    first = clock.stamp()

    assert [clock.stamp(), clock.stamp()] == [first + 1, first + 2]


def test_a_stamp_exceeds_every_stamp_seen():
    clock = clock_of(FakeContext())
    clock.observe(5_000)

    assert clock.stamp() == 5_001


def test_no_stamp_falls_at_or_below_a_promise():
    ctx = FakeContext()
    clock = clock_of(ctx)

    promised = clock.promise()

    assert promised >= ctx.now_us()
    assert clock.stamp() > promised


def test_beyond_the_ceiling_nothing_is_stamped_or_promised_until_it_is_raised():
    ctx = FakeContext()
    clock = clock_of(ctx)
    clock.observe(50_000)

    assert clock.stamp() is None
    assert clock.promise() <= clock.ceiling_us
    ctx.run(clock.reserve)
    assert clock.stamp() is None  # the disk is not done yet
    ctx.advance(2_000)
    assert clock.stamp() == 50_001


@pytest.mark.parametrize("crash", ["process_crash", "power_loss"])
def test_a_restarted_clock_stays_above_all_that_it_stamped_and_promised(crash):
    ctx = FakeContext()
    clock = clock_of(ctx)
    clock.observe(9_000)  # the others are ahead of this host's wall clock
    used = max(clock.stamp(), clock.promise())
    born = getattr(ctx, crash)()

    assert clock_of(born).stamp() > used


def test_the_ceiling_never_comes_down():
    ctx = FakeContext()
    clock = clock_of(ctx)
    clock.observe(8_000)
    ctx.run(clock.reserve)
    ctx.run(clock.reserve)
    ctx.advance(5_000)

    assert ctx.disk.read("clock") == [18_000]
    assert clock.ceiling_us == 18_000
