"""View hosts that are provisioned: when one answers, what one that is over says, whom users ask, what is refused."""

from __future__ import annotations

import pytest

from experiments.measures import Observation, gather
from experiments.scenario import ScenarioError, load
from models import Workload
from models.reading.feeding import Pull, Pulled
from models.reading.feeds import LogFeed
from models.reading.projections import Balances
from models.reading.scaling import SeekingUser, ViewHost
from models.reading.users import UserOptions
from models.reading.words import Query, Rows
from models.services import ControlOptions
from models.services.holder import Seat
from models.services.words import Beat, Entry, Find, Found, Gone, NotHere, Stop
from models.store.group.lineage import Reign
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

DIRECTORY, LOG, FIRST, SECOND = (
    at_service(pack_location(1, 1, number), name)
    for number, name in ((1, "directory"), (2, "store"), (3, "worker-0-1"), (4, "worker-1-1"))
)
CONTROL = ControlOptions(beat_us=100, lease_us=1_000_000, suspect_us=400, report_us=200)
NOTHING_NEW = Pulled(shard=0, reigns=(Reign(1, 0, 0),), led=True, after=0, upto=0, committed=0, base=0, entries=())


def view_host(ctx: FakeContext) -> ViewHost:
    seat = Seat(slot=4, epoch=2, host=0)
    feeds = [LogFeed(ctx, 0, (LOG,))]
    host = ViewHost(ctx, seat, (DIRECTORY,), CONTROL, feeds, Balances(100), batch=10, project_us=0)
    ctx.start(host)
    return host


def test_one_that_starts_says_that_it_lives_and_answers_once_it_has_read_everything() -> None:
    ctx = FakeContext()
    host = view_host(ctx)
    ctx.advance(1)
    assert [msg for _, msg in ctx.sent if isinstance(msg, Beat)]
    assert ctx.deliver(host, Query(keys=(7,))).value == NotHere(op=0, over=False)
    assert isinstance(ctx.calls[0][1], Pull)
    ctx.answer(NOTHING_NEW)
    ctx.advance(1)
    asked = ctx.deliver(host, Query(keys=(7,)))
    ctx.answer(NOTHING_NEW)
    ctx.advance(1)
    assert isinstance(asked.value, Rows)


def test_one_that_is_told_to_stop_says_so_and_refuses_for_good() -> None:
    ctx = FakeContext()
    host = view_host(ctx)
    ctx.deliver(host, Stop(slot=4, epoch=1))
    assert host.acts
    ctx.deliver(host, Stop(slot=4, epoch=2))
    assert [msg for _, msg in ctx.sent if isinstance(msg, Gone)] == [Gone(slot=4, epoch=2)]
    assert ctx.deliver(host, Query(keys=(7,))).value == NotHere(op=0, over=True)
    assert not host.acts


def test_a_user_asks_another_view_host_where_one_is_over() -> None:
    ctx = FakeContext()
    workload = Workload(rate_per_s=10, accounts=1, ends_us=200_000, backoff_us=1_000)
    options = UserOptions(gateways=(), reads=1.0, selects=0.0, sessions=1)
    user = SeekingUser(ctx, workload, options, lambda key: (), (DIRECTORY,), CONTROL)
    ctx.start(user)
    while not ctx.calls:
        ctx.advance(1_000)
    assert isinstance(ctx.calls[0][1], Find)
    ctx.answer(Found(entries=(Entry(0, 1, FIRST), Entry(1, 1, SECOND)), knows=True))
    asked = []
    for _ in range(2):
        ctx.advance(1)
        place = next(n for n, (_, msg, *_) in enumerate(ctx.calls) if isinstance(msg, Query))
        asked.append(ctx.calls[place][0])
        ctx.answer(NotHere(op=0, over=True), place)
        ctx.advance(1_000)
    assert set(asked) == {FIRST, SECOND}
    assert user.finder.refreshed == 2


def test_what_makes_no_sense_is_told_at_once_by_the_keys_of_the_file() -> None:
    wrong = {"planners": 4, "most": 9, "least": 0, "provision": "0s", "sessions": 0}
    with pytest.raises(ScenarioError) as refused:
        load("reading_on_demand").with_system(wrong)
    told = str(refused.value)
    for part in (
        "system.most = 9: that read and planners=4 of the 9 servers of 'east' leave nobody to write",
        "system.planners = 4: an even group survives no more failures",
        "system.least = 0: instances serve nobody",
        'system.provision = "0 s": none; give at least "1 us"',
        "system.sessions = 0: none; give at least 1",
    ):
        assert part in told


def test_a_view_host_joins_only_after_it_was_provisioned_and_has_read_the_logs() -> None:
    slow = load("reading_on_demand").with_system({"provision": "3s"}).with_section("workload", {"ends": "6s"})
    seen = gather(slow.with_section("run", {"until": "8s"}), 0)
    assert isinstance(seen, Observation)
    assert seen.ledger.services is not None
    given = next(turn.at_us for turn in seen.ledger.services.turns if turn.seat.slot == 1)
    answered = next(t_us for t_us, _, slot in seen.noted["answers"] if slot == 1)
    assert answered - given >= 1_500_000  # at least half of the delay
