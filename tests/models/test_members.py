"""Who leads a shard: what a change of lead must not lose, whom a member hears first, what it may forget."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.store.group.lineage import Reign, reached
from models.store.group.wire import ShipAck, ShipOptions
from models.store.group.words import Head, HeadQuery, Promote, Promoted
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.requests import Accepted, RolledBack
from models.store.schemes import Scheme, Tier
from sim.host import Wait
from tests.models.shards import FOUNDING, OPENING, Cluster, at, deposit, shard_of_region

QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
SMALL = ShipOptions(batch=2, window=2)


def until(cluster: Cluster, condition: Any, ms: int = 3_000) -> None:
    """Let time pass until something is so."""
    for _ in range(10 * ms):
        if condition():
            return
        cluster.run(0.1)
    raise AssertionError("it never was so")


# -- what a change of lead must not lose ----------------------------------------------------------------


def test_a_member_that_has_only_heard_of_a_reign_is_not_ahead_of_one_that_holds_everything() -> None:
    """1 and 3 hold all; 1 begins another reign, of which 2 hears before it has caught up; 1 dies."""
    cluster = Cluster(scheme=QUORUM, ship=SMALL)
    cluster.submit(1, 1)
    cluster.cut(1, 2)
    assert all(isinstance(cluster.submit(1, id_), Accepted) for id_ in range(2, 9))
    cluster.heal()
    promoted = cluster.send(1, Promote(epoch=2))
    until(cluster, lambda: cluster.shard[1].epoch == 2)
    cluster.isolate(3)
    until(cluster, lambda: cluster.shard[2].epoch == 2)
    cluster.isolate(1, 2)
    assert promoted.value == Promoted(epoch=2)
    assert cluster.log(2) == [1]
    assert reached(cluster.shard[2].reigns, 1) == 1

    cluster.stop(1)
    cluster.heal()
    assert cluster.ask(2, Promote(epoch=3), 3_000) == Promoted(epoch=3)

    assert cluster.log(2) == list(range(1, 9))
    assert cluster.shard[2].reigns == (Reign(1, 1, 0), Reign(3, 2, 8))


def test_who_has_not_caught_up_with_a_reign_is_no_holder_under_it() -> None:
    """Else another leader in between, whose branch reached further, would undo what it was counted for."""
    ctx, shard = shard_of_region(1, scheme=QUORUM)
    replies = [ctx.deliver(shard, deposit(id_)) for id_ in (1, 2, 3)]
    ctx.advance(5_000)
    ctx.deliver(shard, Promote(epoch=2, force=True))
    ctx.advance(5_000)
    challenge = shard._outbound[2].challenge

    def acknowledge(upto: int) -> None:
        ctx.deliver(shard, ShipAck(receiver=2, shard=0, epoch=2, session=9, upto=upto, challenge=challenge), at(2))

    acknowledge(2)
    assert (shard.committed, [reply.done for reply in replies]) == (0, [False] * 3)
    acknowledge(3)
    assert (shard.committed, [reply.done for reply in replies]) == (3, [True] * 3)


def test_an_epoch_is_promised_to_one_candidate_only() -> None:
    ctx, shard = shard_of_region(2, scheme=QUORUM)

    first = ctx.deliver(shard, HeadQuery(epoch=5), at(1))
    second = ctx.deliver(shard, HeadQuery(epoch=5), at(3))
    ctx.advance(5_000)

    assert first.value == Head(number=2, promised=5, reigns=FOUNDING, length=0, whole=True)
    assert second.value is None


def test_two_candidates_for_one_epoch_do_not_both_lead() -> None:
    cluster = Cluster(members=5, scheme=Scheme(name="m", tier=Tier.DEVICE, holders=3, copies=5))
    cluster.stop(1)
    replies = [cluster.send(number, Promote(epoch=7)) for number in (2, 3)]
    cluster.run(3_000)

    assert [reply.value for reply in replies].count(Promoted(epoch=7)) <= 1
    assert sum(shard.leads for shard in cluster.shard.values()) <= 1


def test_where_all_must_hold_an_event_nobody_leads_without_a_majority_either() -> None:
    """One voter would do to know all that was acknowledged; but two that each have one would lead in one epoch."""
    cluster = Cluster(scheme=Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3))
    cluster.submit(1, 1)
    cluster.isolate(2)
    assert cluster.ask(2, Promote(epoch=5), 3_000) == Promoted(epoch=1, leads=False)
    cluster.heal()
    assert cluster.ask(2, Promote(epoch=6), 3_000) == Promoted(epoch=6)
    assert cluster.log(2) == [1]


# -- lost disks ------------------------------------------------------------------------------------------


def test_a_take_over_that_breaks_off_half_way_is_begun_again() -> None:
    """The home of a store that ships behind its answers lost its disk; the others answer, then fall silent."""
    cluster = Cluster()
    for id_ in (1, 2, 3):
        cluster.submit(1, id_)
    cluster.run(1_000)
    cluster.crash(1, "disk_loss")
    until(cluster, lambda: bool(cluster.shard[1].reigns))
    assert cluster.log(1) == []  # it knows whose log it is to have, and has nothing of it
    cluster.isolate(1)
    cluster.run(3_000)
    assert not cluster.shard[1].leads

    cluster.heal()
    until(cluster, lambda: cluster.shard[1].leads)
    assert cluster.log(1) == [1, 2, 3]


def test_a_leader_that_is_not_whole_and_hears_of_a_later_reign_does_not_lead() -> None:
    cluster = Cluster(scheme=Scheme(name="multi-mem", tier=Tier.HEAP, holders=2, copies=3))
    cluster.submit(1, 1)
    cluster.stop(1)
    cluster.ask(2, Promote(epoch=2), 3_000)
    assert cluster.leader() == 2
    cluster.cut(1, 2)
    cluster.start(1)
    until(cluster, lambda: cluster.shard[1].ready)

    assert (cluster.shard[1].leads, cluster.shard[1].promised) == (False, 2)


# -- whatever happens ------------------------------------------------------------------------------------

PAGES = Scheme(name="multi-persist-periodic", tier=Tier.PAGE_CACHE, holders=2, copies=3, flush_every_us=50_000)
MEMORY = Scheme(name="multi-mem", tier=Tier.HEAP, holders=2, copies=3)
THREE_OF_FIVE = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3, copies=5)
CUTTING = LogPolicy(
    segment=2, snapshots=SnapshotPolicy(every=1), truncate=True, peer_patience=2, every_us=30_000, retain_events=1
)


class Trial:
    """A cluster to which anything happens that its scheme must outlive, and what clients were told meanwhile."""

    def __init__(self, scheme: Scheme, log: LogPolicy) -> None:
        self.scheme = scheme
        self.cluster = Cluster(members=scheme.members, scheme=scheme, ship=SMALL, log=log)
        self.replies: list[tuple[int, Wait]] = []
        self.leaders: dict[int, int] = {}

    def step(self, what: str, number: int, other: int, ms: float) -> None:
        cluster = self.cluster
        number, other = ((n - 1) % self.scheme.members + 1 for n in (number, other))
        if what == "write":
            for _ in range(other):
                if number in cluster.shard:
                    self.replies.append((len(self.replies) + 1, cluster.send(number, deposit(len(self.replies) + 1))))
        elif what == "cut" and number != other:
            cluster.cut(number, other)
        elif what == "isolate":
            cluster.isolate(number)
        elif what == "heal":
            cluster.heal()
        elif what == "promote" and number in cluster.shard:
            epoch = 1 + max(shard.promised for shard in cluster.shard.values())
            cluster.send(number, Promote(epoch=epoch))
        elif what == "start" and number not in cluster.shard:
            cluster.start(number)
        elif what in ("process_crash", "power_loss", "disk_loss") and number in cluster.shard and self.bearable(what):
            cluster.stop(number, what)
            if other != number:
                cluster.start(number)
        self.run(ms)

    def bearable(self, what: str) -> bool:
        """Whether one more may fail so: all others have what they ever acknowledged.

        Where copies are not on the device a new life cannot tell what took the last one, and counts as if
        its memory and page cache were gone.
        """
        shards = self.cluster.shard
        return (self.scheme.tier is Tier.DEVICE and what != "disk_loss") or (
            len(shards) == self.scheme.members and all(shard.whole for shard in shards.values())
        )

    def run(self, ms: float) -> None:
        self.cluster.run(ms)
        for number, shard in self.cluster.shard.items():
            if shard.leads:
                assert self.leaders.setdefault(shard.epoch, number) == number, "two led in one reign"

    def settle(self) -> None:
        """All come back, and an operator sees to it that somebody leads."""
        cluster = self.cluster
        cluster.heal()
        for number in cluster.numbers:
            if number not in cluster.shard:
                cluster.start(number)
        for _ in range(12):
            self.run(2_000)
            if sum(shard.leads for shard in cluster.shard.values()) == 1:
                break
            ready = [number for number in cluster.numbers if cluster.shard[number].ready]
            if ready:
                self.step("promote", ready[0], 0, 0.1)
        self.run(6_000)

    def check(self) -> None:
        cluster = self.cluster
        leader = cluster.shard[cluster.leader()]
        accepted = {id_ for id_, reply in self.replies if isinstance(reply.value, Accepted)}
        rolled_back = {id_ for id_, reply in self.replies if isinstance(reply.value, RolledBack)}
        done = {key for key, _ in leader.streams.done}
        assert accepted <= done
        assert not rolled_back & done
        versions = [reply.value.version for _, reply in self.replies if isinstance(reply.value, Accepted)]
        assert len(set(versions)) == len(versions)
        for shard in cluster.shard.values():
            assert shard.whole
            assert {key for key, _ in shard.streams.done} == done
            assert shard.told() == ({0: OPENING + len(done)} if done else {})
            assert shard.aside.entries == []
            tips = {stream.tip for stream in shard.streams.by_key.values()}
            assert tips == {stream.tip for stream in leader.streams.by_key.values()}


happenings = st.tuples(
    st.sampled_from(
        ["write", "write", "cut", "isolate", "heal", "promote", "start", "process_crash", "power_loss", "disk_loss"]
    ),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([0.1, 0.7, 1.3, 3, 40, 250, 700]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([QUORUM, PAGES, MEMORY, THREE_OF_FIVE]),
    st.sampled_from([LogPolicy(), CUTTING]),
    st.lists(happenings, max_size=25),
)
def test_whatever_a_scheme_must_outlive_loses_nothing_and_all_agree_in_the_end(
    scheme: Scheme, log: LogPolicy, plan: list[tuple[str, int, int, float]]
) -> None:
    trial = Trial(scheme, log)
    for what, number, other, ms in plan:
        trial.step(what, number, other, ms)
    trial.settle()
    trial.check()
