"""Whether a leader is gone, and another could be elected: what silence, hosts and other members' words make of it."""

from __future__ import annotations

import pytest

from models.confidence import OutOfReach
from models.confidence.leading import Leading, LeadWatch, Outlook, watched_by
from models.confidence.providing import rule_of
from models.detection.fixed import Fixed
from sim.topology import Location, at_service, grid

MS = 1_000
EVERY = 100 * MS
HEARD = 5 * EVERY


def members(regions: list[str], clusters: int = 1) -> list[Location]:
    topology = grid(regions, clusters=clusters, hosts=1, cores=1, clients=0)
    return [at_service(host.location, "store") for host in topology.hosts]


#: The leader, another voter and this member: each in a region of its own, or the first two in one.
LEAD, OTHER, OWN = members(["a", "b", "c"])
LEAD_THERE, BESIDE_IT, _, FAR = members(["a", "b"], clusters=2)


class Scene:
    """One member, who heard all others for a second; then it is up to the test."""

    def __init__(self, words: str, own: Location = OWN, lead: Location = LEAD, others: tuple[Location, ...] = (OTHER,)):
        self.watch: LeadWatch = Leading(rule=rule_of(words), every_us=EVERY).watch(own, (lead, *others))
        self.lead, self.others, self.now_us, self.beats = lead, others, 0, 0
        self.pass_time(HEARD, hears=(lead, *others), led=True)

    def pass_time(self, us: int, hears: tuple[Location, ...], *, led: bool = False) -> list[Outlook]:
        """Look twice in an interval, while these speak; with what was believed each time."""
        seen = []
        for step in range(us * 2 // EVERY):
            self.now_us += EVERY // 2
            if step % 2:
                if led:
                    self.beats += 1
                    self.watch.observe(self.beats, self.now_us)
                for peer in hears:
                    self.watch.spoke(peer, self.now_us)
            found = self.watch.look(self.now_us, self.lead, 1, self.others, (len(self.others) + 1) // 2)
            if found is not None:
                seen.append(found)
        return seen

    def stands_ms(self, us: int, hears: tuple[Location, ...]) -> int | None:
        """After how long a silence of the leader it stands, as an election asks."""
        begun_us = self.now_us
        self.pass_time(us, hears)
        crosses_us = self.watch.crosses_us(1.0)
        return None if crosses_us is None else (crosses_us - begun_us) // MS


def test_the_longer_a_leader_is_silent_the_likelier_it_is_gone() -> None:
    gone = [one.gone for one in Scene("consumer").pass_time(1_200 * MS, hears=(OTHER,))]
    assert gone == sorted(gone)
    assert gone[0] < 1e-4
    assert gone[-1] > 0.999


def test_who_loses_more_by_having_no_leader_stands_earlier() -> None:
    hasty, even, careful = (
        Scene(f"spectrum:miss={miss}:alarm={alarm}").stands_ms(1_500 * MS, hears=(OTHER,))
        for miss, alarm in ((100, 1), (1, 1), (1, 100))
    )
    assert hasty is not None
    assert even is not None
    assert careful is not None
    assert 400 < hasty < even < careful < 2_000


@pytest.mark.parametrize(
    ("words", "stands"), [("source:level=0.5", True), ("consumer:miss=4:alarm=1", True), ("bool:silent=900ms", True)]
)
def test_a_moment_is_no_death_and_a_death_no_moment(words: str, stands: bool) -> None:
    scene = Scene(words)
    assert scene.stands_ms(500 * MS, hears=(OTHER,)) is None
    scene.pass_time(200 * MS, hears=(LEAD, OTHER), led=True)
    assert scene.watch.outlasted_us() >= 500 * MS
    assert (scene.stands_ms(1_200 * MS, hears=(OTHER,)) is not None) == stands


def test_a_bool_stands_after_so_long_whatever_is_likely() -> None:
    assert Scene("bool:silent=300ms").stands_ms(500 * MS, hears=(OTHER,)) in (300, 350)


def test_a_leader_that_is_heard_again_leads() -> None:
    scene = Scene("spectrum:miss=4:alarm=1")
    assert scene.stands_ms(1_200 * MS, hears=(OTHER,)) is not None
    assert scene.watch.suspicion(scene.now_us) == 1.0
    scene.watch.observe(99, scene.now_us)
    assert (scene.watch.suspicion(scene.now_us), scene.watch.crosses_us(1.0)) == (0.0, None)


def test_a_host_that_speaks_on_without_leading_is_found_to_have_stopped() -> None:
    """What lives is not what leads: the host's words do not hide that nobody is led."""
    last = Scene("consumer").pass_time(1_500 * MS, hears=(LEAD, OTHER))[-1]
    assert last.gone > 0.99


def test_a_leader_that_another_member_hears_is_not_gone() -> None:
    alone, told = Scene("consumer"), Scene("consumer")
    alone.pass_time(1_000 * MS, hears=(OTHER,))
    for _ in range(10):
        told.pass_time(100 * MS, hears=(OTHER,))
        told.watch.told(OTHER, ((LEAD, 50 * MS),), (LEAD, 1, 50 * MS), told.now_us)
    assert alone.pass_time(50 * MS, hears=(OTHER,))[-1].gone > 0.9
    assert told.pass_time(50 * MS, hears=(OTHER,))[-1].gone < 0.01


def test_of_five_two_must_hear_a_leader_for_it_to_lead() -> None:
    lead, first, second, third, own = members(["a", "b", "c", "d", "e"])
    gone = []
    for hearing in ((first,), (first, second)):
        scene = Scene("consumer", own=own, lead=lead, others=(first, second, third))
        for _ in range(10):
            scene.pass_time(100 * MS, hears=(first, second, third))
            for peer in hearing:
                scene.watch.told(peer, (), (lead, 1, 0), scene.now_us)
        gone.append(scene.pass_time(50 * MS, hears=())[-1].gone)
    assert gone[0] > 0.9
    assert gone[1] < 0.01


def test_what_another_heard_of_an_earlier_reign_says_nothing_of_the_lead() -> None:
    scene = Scene("consumer")
    for _ in range(13):
        scene.pass_time(100 * MS, hears=(LEAD, OTHER))
        scene.watch.told(OTHER, (), (LEAD, 0, 0), scene.now_us)
    assert scene.pass_time(50 * MS, hears=(LEAD, OTHER))[-1].gone > 0.9


def test_where_a_region_is_silent_nobody_could_be_elected_and_only_the_spectrum_says_so() -> None:
    apart, there = Scene("spectrum:miss=4:alarm=1"), {"own": FAR, "lead": LEAD_THERE, "others": (BESIDE_IT,)}
    spectrum, consumer = Scene("spectrum:miss=4:alarm=1", **there), Scene("consumer:miss=4:alarm=1", **there)  # type: ignore[arg-type]
    assert apart.stands_ms(1_200 * MS, hears=(OTHER,)) is not None
    seen = spectrum.pass_time(1_500 * MS, hears=())
    assert not any(one.acts for one in seen)
    assert [one.held_back for one in seen].count(True) == 1
    assert seen[-1].won < 0.01 < 0.99 < seen[-1].gone
    assert consumer.stands_ms(1_500 * MS, hears=()) is not None


def test_that_enough_others_speak_makes_up_for_one_that_does_not() -> None:
    lead, first, second, third, own = members(["a", "b", "c", "d", "e"])
    scene = Scene("spectrum:miss=4:alarm=1", own=own, lead=lead, others=(first, second, third))
    assert scene.stands_ms(2_000 * MS, hears=(second, third)) is not None


def test_who_stood_still_takes_nobodys_silence_for_his() -> None:
    scene = Scene("spectrum:miss=1000:alarm=1")
    scene.now_us += 5_000 * MS
    scene.watch.slept(scene.now_us)
    assert [one.acts for one in scene.pass_time(300 * MS, hears=(LEAD, OTHER))].count(True) == 0
    assert dict(scene.watch.ages(scene.now_us))[LEAD] <= 100 * MS


def test_another_reign_begins_anew() -> None:
    scene = Scene("spectrum:miss=4:alarm=1")
    scene.pass_time(1_200 * MS, hears=(OTHER,))
    assert scene.watch.make() is scene.watch
    assert scene.watch.crosses_us(1.0) is None
    assert scene.watch.look(scene.now_us, OTHER, 2, (LEAD,), 1) is None, "it has not led yet"


def test_nobody_is_watched_where_nobody_leads() -> None:
    scene = Scene("spectrum:miss=4:alarm=1")
    assert scene.watch.look(scene.now_us + 9_000 * MS, None, 1, (OTHER,), 1) is None


def test_words_are_a_detector_or_a_belief() -> None:
    assert watched_by("fixed:600ms", EVERY) == Fixed(timeout_us=600 * MS)
    assert watched_by("belief:bool:silent=600ms", EVERY) == Leading(rule=rule_of("bool:silent=600ms"), every_us=EVERY)
    with pytest.raises(ValueError, match="'spectre' is no provider"):
        watched_by("belief:spectre:miss=1", EVERY)
    with pytest.raises(ValueError, match="both 0, so nothing is to be decided"):
        watched_by("belief:spectrum:miss=0:alarm=0", EVERY)


@pytest.mark.parametrize("words", ["source:level=1", "consumer:miss=0:alarm=1", "spectrum:miss=0:alarm=3"])
def test_a_rule_by_which_no_leader_is_ever_replaced_is_warned_of(words: str) -> None:
    with pytest.warns(
        OutOfReach, match=r"acts from 1 on[\s\S]*out of reach[\s\S]*nearest that can be reached is (0\.9|1)"
    ):
        watched_by(f"belief:{words}", EVERY)
