"""Who decides by a belief, and where: detectors, sources, consumers and the whole spectrum, with their costs."""

from __future__ import annotations

import warnings

import pytest

from models.confidence import Erlang, OutOfReach, Threshold
from models.confidence.answer import Answer
from models.confidence.deployment import DEFAULT_PRIORS
from models.confidence.providing import Provider, Rule, believed, rule_of, warn_if_never_acts
from models.confidence.routing import AskedByBelief, Believed, asked_by
from models.detection.fixed import Fixed
from sim.topology import Location, grid, pack_location

MS, S = 1_000, 1_000_000
HERE = pack_location(9, 1, 1)
TOPOLOGY = grid(["a", "b"], clusters=1, hosts=2, cores=1, clients=0)
NEAR, BESIDE, FAR, FARTHER = (host.location for host in TOPOLOGY.hosts)


def told(*, up: float = 0.0, slow: float = 0.0, unreachable: float = 0.0, dead: float = 0.0) -> Answer:
    return Answer(
        subject=Location(1),
        observer=Location(2),
        at_us=0,
        up=up,
        slow=slow,
        unreachable=unreachable,
        dead=dead,
        blames=(),
        basis=(),
        age_us=None,
    )


def test_a_detector_looks_at_silence_alone_whatever_it_costs() -> None:
    rule = rule_of("bool:silent=800ms")
    assert (rule.acts(1.0, 799 * MS), rule.acts(0.0, 800 * MS)) == (False, True)


def test_a_source_has_one_level_for_all() -> None:
    rule = rule_of("source:level=0.7")
    assert (rule.acts(0.69, S), rule.acts(0.7, 0)) == (False, True)


@pytest.mark.parametrize("provider", ["consumer", "spectrum"])
@pytest.mark.parametrize(("miss", "alarm"), [(1, 1), (9, 1), (1, 4), (0, 1), (1, 0)])
def test_of_two_choices_and_one_chance_a_threshold_by_costs_is_all(provider: str, miss: int, alarm: int) -> None:
    rule = rule_of(f"{provider}:miss={miss}:alarm={alarm}")
    threshold = Threshold(miss=miss, alarm=alarm)
    chances = [step / 20 for step in range(21)]
    assert [rule.acts(chance, 0) for chance in chances] == [threshold.crossed(chance) for chance in chances]


def test_the_spectrum_tells_who_is_slow_from_who_is_gone() -> None:
    spectrum, consumer = rule_of("spectrum:miss=3:alarm=1"), rule_of("consumer:miss=3:alarm=1")
    slow, gone = told(up=0.6, slow=0.4), told(up=0.6, dead=0.4)
    assert not spectrum.passes_over(slow, S)
    assert spectrum.passes_over(gone, S)
    mixed = told(slow=0.75, unreachable=0.25)
    assert (spectrum.passes_over(mixed, S), consumer.passes_over(mixed, S)) == (True, True)
    assert (spectrum.passes_over(told(up=0.22, slow=0.6, dead=0.18), S), consumer.passes_over(mixed, S)) == (True, True)


def test_the_spectrum_waits_while_a_silence_is_young_and_a_threshold_for_ever() -> None:
    spectrum, consumer = rule_of("spectrum:miss=5:alarm=1"), rule_of("consumer:miss=5:alarm=1")
    assert spectrum.waits(0.9, 50 * MS, 100 * MS)
    assert not spectrum.waits(0.999, 10 * S, 100 * MS)
    assert consumer.waits(0.9, 50 * MS, 100 * MS)
    assert consumer.waits(0.999, 10 * S, 100 * MS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("spectre:miss=1", "'spectre' is no provider"),
        ("consumer:miss=-1:alarm=2", "miss=-1.0 is no number from 0 up"),
        ("consumer:miss=0:alarm=0", "both 0, so nothing is to be decided"),
        ("source:level=0", "level=0.0 is no chance"),
        ("source:miss=3", "source does not look at 'miss'; it does at level"),
        ("bool:silent=soon:level=1", r"silent='soon' is not a duration[\s\S]*|does not look at 'level'"),
        ("spectrum:miss=many", "miss='many' is not a number"),
    ],
)
def test_what_makes_no_sense_is_refused(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rule_of(words)


def test_to_stand_for_a_lead_is_cheapest_from_the_threshold_on_of_winning_it() -> None:
    """The closed form of the costs of both: (1 - won) alarm + (gone - won) miss against gone miss."""
    spectrum, consumer = rule_of("spectrum:miss=3:alarm=1"), rule_of("consumer:miss=3:alarm=1")
    for gone in (0.2, 0.5, 0.99):
        for won in (0.0, 0.1, 0.19, gone):
            stand, wait = (1 - won) * 1 + (gone - won) * 3, gone * 3
            assert spectrum.moves(gone, won, S) == (stand <= wait), (gone, won)
            assert consumer.moves(gone, won, S) == (gone >= 0.25)


def test_words_that_begin_otherwise_mean_no_belief() -> None:
    assert believed("source:level=0.7") is None
    assert believed("belief:source:level=0.7") == rule_of("source:level=0.7")
    with pytest.raises(ValueError, match=r"'belief:source:level=7': level=7\.0 is no chance"):
        believed("belief:source:level=7")


def test_what_no_evidence_reaches_is_warned_of_with_the_nearest_that_can_be() -> None:
    rule = Rule(Provider.CONSUMER, miss=1.0, alarm=99.0)
    with pytest.warns(
        OutOfReach, match=r"acts from 0\.99 on by miss=1 and alarm=99[\s\S]*why not[\s\S]*reached is 0\.8"
    ):
        warn_if_never_acts(rule, 0.8, "why not")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_never_acts(Rule(Provider.CONSUMER, miss=9.0, alarm=1.0), 0.8, "why not")
        warn_if_never_acts(Rule(Provider.BOOL), 0.0, "why not")


def test_routing_in_words_is_a_detector_or_a_belief() -> None:
    assert asked_by("fixed:600ms", 250 * MS) == Fixed(timeout_us=600 * MS)
    made = asked_by("belief:spectrum:miss=4", 250 * MS)
    assert isinstance(made, Believed)
    assert made.rule == Rule(Provider.SPECTRUM, miss=4.0)
    with pytest.warns(OutOfReach, match="never|out of reach"):
        asked_by("belief:consumer:miss=0:alarm=1", 250 * MS)


def chooser(words: str) -> AskedByBelief:
    plan = Believed(rule=rule_of(words), priors=DEFAULT_PRIORS, round_trip=Erlang(mean_us=50_000.0, stages=4))
    return plan.chooser(HERE, (NEAR, BESIDE, FAR, FARTHER))


def test_who_answers_is_asked_and_who_does_not_is_passed_over() -> None:
    asked = chooser("spectrum:miss=4:alarm=1")
    assert asked.choose((NEAR, FAR), 0, S) == 0
    asked.answered(NEAR, S)
    for at_us in (2 * S, 2 * S + 300 * MS):
        asked.lapsed(NEAR, at_us, at_us + 250 * MS)
    assert asked.choose((NEAR, FAR), 0, 2 * S + 600 * MS) == 1
    asked.answered(NEAR, 2 * S + 700 * MS)
    assert asked.choose((NEAR, FAR), 0, 2 * S + 800 * MS) == 0


def test_who_was_passed_over_is_given_another_chance() -> None:
    asked = chooser("spectrum:miss=4:alarm=1")
    asked.answered(NEAR, S)
    for at_us in (2 * S, 2 * S + 300 * MS):
        asked.lapsed(NEAR, at_us, at_us + 250 * MS)
    assert asked.choose((NEAR, FAR), 0, 5 * S) == 0


def test_where_all_are_passed_over_the_turn_stays() -> None:
    asked = chooser("consumer:miss=1000:alarm=1")
    for peer in (NEAR, FAR):
        for at_us in (S, S + 300 * MS, S + 600 * MS):
            asked.lapsed(peer, at_us, at_us + 250 * MS)
    assert asked.choose((NEAR, FAR), 1, 2 * S) == 1


def test_questions_to_one_host_tell_of_another_in_its_region() -> None:
    """Fusion of evidence: what a neighbour does not answer raises the chance that the region is gone."""
    plan = Believed(rule=rule_of("source"), priors=DEFAULT_PRIORS, round_trip=Erlang(mean_us=50_000.0, stages=4))
    belief = plan.belief(HERE, (NEAR, BESIDE, FAR, FARTHER), 0)
    for peer in (NEAR, BESIDE, FAR, FARTHER):
        belief.replied(peer, S)
    belief.asked(FARTHER, 2 * S)
    alone = belief.answer(FARTHER, 3 * S)
    for at_us in (2 * S, 2 * S + 10 * MS, 2 * S + 20 * MS):
        belief.asked(FAR, at_us)
    belief.look(3 * S)
    fused = belief.answer(FARTHER, 3 * S)
    assert fused.down > 1.01 * alone.down
    assert fused.blames[0].chance > 2 * alone.blames[0].chance
