"""Elections, with monitors joined by hand: every message is one that the test lets through."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.monitor import Heartbeat, Monitor, MonitorOptions, Vote, VoteRequest
from models.store.group.words import Promote, Promoted
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

REGIONS = (1, 2, 3)
BEAT, SUSPECT = 100, 400


def at(region, name="monitor"):
    return at_service(pack_location(region, 1, 1), name)


def options(region):
    return MonitorOptions(
        region=region,
        peers=tuple((r, at(r)) for r in REGIONS if r != region),
        stores=(at(region, "store"),),
        home=1,
        preference=REGIONS,
        heartbeat_us=BEAT,
        suspect_after_us=SUSPECT,
    )


class Lab:
    """Three monitors; `up` holds the directed pairs that reach each other."""

    def __init__(self):
        self.up = {(a, b) for a in REGIONS for b in REGIONS if a != b}
        self.contexts = {r: FakeContext(at(r), flush_us=10) for r in REGIONS}
        self.monitors = {r: Monitor(self.contexts[r], options(r)) for r in REGIONS}
        self.promotions = []
        for region in REGIONS:
            self.contexts[region].start(self.monitors[region])

    def isolate(self, region):
        self.up -= {pair for pair in self.up if region in pair}

    def heal(self):
        self.up = {(a, b) for a in REGIONS for b in REGIONS if a != b}

    def crash(self, region):
        self.contexts[region] = self.contexts[region].power_loss()
        self.monitors[region] = Monitor(self.contexts[region], options(region))
        self.contexts[region].start(self.monitors[region])

    def run(self, us, *, silent=()):
        for _ in range(us // 10):
            for region in REGIONS:
                self.carry(region, silent)
            for region in REGIONS:
                self.contexts[region].advance(10)

    def carry(self, region, silent):
        ctx = self.contexts[region]
        sent, ctx.sent = list(ctx.sent), []
        calls, ctx.calls = list(ctx.calls), []
        for to, msg in sent:
            for other in REGIONS:
                reached = to == at(other) and (region, other) in self.up and other not in silent
                if reached and isinstance(msg, Heartbeat):
                    self.contexts[other].deliver(self.monitors[other], msg, at(region))
        for to, msg, wait in calls:
            if isinstance(msg, Promote):
                self.promotions.append((region, msg.epoch))
                wait.resolve(Promoted(epoch=msg.epoch))
            for other in REGIONS:
                if to == at(other) and (region, other) in self.up:
                    reply = self.contexts[other].deliver(self.monitors[other], msg, at(region))
                    if (other, region) in self.up:
                        reply.when_done(lambda vote, wait=wait: vote and wait.resolve(vote))

    def homes(self):
        return {r: (m.epoch, m.home) for r, m in self.monitors.items()}


def test_while_all_hear_the_home_nobody_is_promoted():
    lab = Lab()
    lab.run(3_000)

    assert (lab.promotions, lab.homes()) == ([], dict.fromkeys(REGIONS, (1, 1)))


def test_a_home_cut_off_is_replaced_by_the_first_in_preference_and_learns_of_it_after_the_heal():
    lab = Lab()
    lab.isolate(1)
    lab.run(2_000)

    assert lab.promotions == [(2, 2)]
    assert lab.homes() == {1: (1, 1), 2: (2, 2), 3: (2, 2)}
    lab.heal()
    lab.run(300)
    assert lab.homes() == dict.fromkeys(REGIONS, (2, 2))


def test_isolating_a_region_that_is_not_the_home_promotes_nobody_and_raises_no_epoch():
    lab = Lab()
    lab.isolate(2)
    lab.run(3_000)

    assert lab.promotions == []
    assert [monitor.voted for monitor in lab.monitors.values()] == [1, 1, 1]


def test_the_home_promoted_goes_on_being_the_home_after_the_heal():
    lab = Lab()
    lab.isolate(1)
    lab.run(2_000)
    lab.heal()
    lab.run(3_000)

    assert lab.promotions == [(2, 2)]


def test_a_monitor_votes_once_an_epoch_also_after_a_restart():
    lab = Lab()
    lab.isolate(1)
    lab.isolate(3)
    lab.run(600)  # 3 suspects the home, and knows of no other who does
    voter, ctx = lab.monitors[3], lab.contexts[3]
    vote = ctx.deliver(voter, VoteRequest(candidate=2, epoch=2), at(2))
    ctx.advance(20)
    assert vote.value == Vote(epoch=2)
    assert ctx.deliver(voter, VoteRequest(candidate=1, epoch=2), at(1)).value is None

    lab.crash(3)
    lab.run(600)
    again = lab.contexts[3].deliver(lab.monitors[3], VoteRequest(candidate=1, epoch=2), at(1))
    lab.contexts[3].advance(20)
    assert again.value is None


def test_a_monitor_that_hears_the_home_gives_no_vote():
    lab = Lab()
    lab.run(500)

    vote = lab.contexts[3].deliver(lab.monitors[3], VoteRequest(candidate=2, epoch=2), at(2))
    lab.contexts[3].advance(20)
    assert vote.value is None


def test_a_winner_that_died_before_telling_its_stores_tells_them_after_its_restart():
    lab = Lab()
    lab.isolate(1)
    lab.run(2_000)
    lab.promotions.clear()
    lab.crash(2)
    lab.run(200)

    assert lab.promotions == [(2, 2)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cut", "join", "crash", "heal"]),
            st.sampled_from(REGIONS),
            st.sampled_from(REGIONS),
            st.integers(1, 60),
        ),
        max_size=12,
    )
)
def test_no_epoch_is_ever_promoted_in_two_regions(actions):
    lab = Lab()
    for action, a, b, tens in actions:
        if action == "cut":
            lab.up.discard((a, b))
        elif action == "join" and a != b:
            lab.up.add((a, b))
        elif action == "crash":
            lab.crash(a)
        elif action == "heal":
            lab.heal()
        lab.run(10 * tens)

    by_epoch = {}
    for region, epoch in lab.promotions:
        by_epoch.setdefault(epoch, set()).add(region)
    assert all(len(regions) == 1 for regions in by_epoch.values())


class Trusting:
    """Suspects nobody."""

    def observe(self, sequence, arrival_us):
        pass

    def suspicion(self, now_us):
        return 0.0

    def crosses_us(self, level):
        return None


def test_whom_a_monitor_suspects_is_for_its_detector_to_say():
    lab = Lab()
    for region in REGIONS[1:]:
        lab.monitors[region] = Monitor(lab.contexts[region], options(region), Trusting)
        lab.contexts[region].start(lab.monitors[region])
    lab.run(4 * BEAT)
    lab.isolate(1)
    lab.run(10 * SUSPECT)

    assert not lab.promotions


def test_a_monitor_that_lives_again_is_watched_afresh():
    lab = Lab()
    lab.run(4 * BEAT)
    watching = lab.monitors[2]._detectors[1]
    lab.run(4 * BEAT)
    assert lab.monitors[2]._detectors[1] is watching
    lab.crash(1)
    lab.run(4 * BEAT)
    assert lab.monitors[2]._detectors[1] is not watching
