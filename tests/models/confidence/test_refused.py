"""Bad input is refused with its value, the rule and the way out; what no evidence can reach is warned of."""

from __future__ import annotations

import warnings
from math import inf

import pytest

from models.confidence import (
    Belief,
    ConfidenceOptions,
    Erlang,
    Evidence,
    Grid,
    Hearing,
    Level,
    OutOfReach,
    Priors,
    Prompt,
    Subject,
    Threshold,
    Tree,
    own_mtbf_us,
    reach,
    tree_of,
    warn_if_out_of_reach,
)
from sim.topology import grid, pack_location

S = 1_000_000
ME = pack_location(9, 1, 1)
TOPOLOGY = grid(["a"], clusters=1, hosts=3, cores=1, clients=0)
HEARING = Hearing(every_us=S, loss=0.01, delay=Prompt())
TREE = tree_of(TOPOLOGY.hosts, HEARING, clusters=False)
PRIORS = Priors(levels={"region": Level(mtbc_us=1e5 * S), "host": Level(mtbf_us=1e4 * S, mtbc_us=3e4 * S)})
HOST = TOPOLOGY.hosts[0].location


def made(priors: Priors = PRIORS, slot_us: int = S, **other: object) -> Belief:
    return Belief(observer=ME, tree=TREE, priors=priors, grid=Grid(slot_us=slot_us), **other)  # type: ignore[arg-type]


def test_priors_outside_of_the_unit_interval_are_refused_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"host.dead=1.0.*host.slow=-0.1.*region.mtbf_us=0"):
        Priors(levels={"host": Level(dead=1.0, slow=-0.1), "region": Level(mtbf_us=0)})


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'rack' is no level; choose of region, cluster, host, service"):
        Priors(levels={"rack": Level()})


def test_priors_of_a_level_that_the_tree_has_not_are_refused() -> None:
    with pytest.raises(ValueError, match="priors name 'cluster', and the tree has none"):
        made(Priors(levels={"cluster": Level(mtbf_us=1.0)}))


def test_rates_that_contradict_the_topology_are_refused() -> None:
    with pytest.raises(ValueError, match="contradicts the topology"):
        own_mtbf_us(100.0, 60.0)


def test_a_rate_of_all_outages_is_freed_of_those_from_above() -> None:
    assert own_mtbf_us(60.0, 100.0, 300.0) == pytest.approx(1 / (1 / 60 - 1 / 100 - 1 / 300))
    assert own_mtbf_us(100.0, 100.0) == inf


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"every_us": 0}, "every_us=0"),
        ({"loss": 1.0}, "loss=1.0 lets nothing be heard"),
        ({"loss": -0.1}, "loss=-0.1"),
        ({"slowdown": 1.0}, "slowdown=1.0 is none"),
    ],
)
def test_a_hearing_that_cannot_be_is_refused(values: dict[str, float], refused: str) -> None:
    with pytest.raises(ValueError, match=refused):
        Hearing(**{"every_us": S, "loss": 0.01, "delay": Prompt()} | values)  # type: ignore[arg-type]


def test_a_delay_below_its_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="the mean includes the floor"):
        Erlang(mean_us=5.0, floor_us=5.0)


def test_slots_that_do_not_fit_the_heartbeats_are_refused() -> None:
    with pytest.raises(ValueError, match=r"slot_us=5000000.*heartbeats every 1000000"):
        made(slot_us=5 * S)


def test_origins_of_what_nobody_hears_are_refused() -> None:
    with pytest.raises(ValueError, match="of which nothing is heard"):
        made(origins={pack_location(1, 0, 0): ME})


def test_a_tree_out_of_order_is_refused() -> None:
    region = Subject(name=pack_location(1, 0, 0), level="region")
    host = Subject(name=HOST, level="host", within=region.name, hearing=HEARING)
    with pytest.raises(ValueError, match="not named before it"):
        Tree(subjects=(host, region))
    with pytest.raises(ValueError, match="nothing of the tree is ever heard"):
        Tree(subjects=(region,))
    with pytest.raises(ValueError, match="a region in a region"):
        Tree(subjects=(region, Subject(name=HOST, level="region", within=region.name, hearing=HEARING)))


def test_what_is_no_subject_is_refused() -> None:
    found = made()
    with pytest.raises(ValueError, match="is no subject of this tree"):
        found.answer(pack_location(5, 5, 5), S)
    with pytest.raises(ValueError, match="is not heard itself"):
        found.silent(pack_location(1, 0, 0), S)


def test_what_came_before_it_was_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="take the arrival for both"):
        made().heard(HOST, 2 * S, S)
    with pytest.raises(ValueError, match="heard before it was sent"):
        Evidence(subject=HOST, origin=ME, sent_us=2, looked_us=1)


def test_requests_are_refused_where_nobody_said_how_long_replies_take() -> None:
    with pytest.raises(ValueError, match="give its round_trip"):
        made().asked(HOST, S)


def test_costs_of_a_threshold_are_refused() -> None:
    with pytest.raises(ValueError, match=r"miss=-1.*alarm=inf"):
        Threshold(miss=-1, alarm=inf)
    with pytest.raises(ValueError, match="both costs are 0"):
        Threshold(miss=0, alarm=0)


def test_layers_that_tell_more_often_the_higher_they_are_are_refused() -> None:
    with pytest.raises(ValueError, match="let each layer up tell less often"):
        ConfidenceOptions(cluster_us=2 * S, region_us=S)


def test_a_threshold_on_dead_that_no_silence_reaches_is_warned_of_with_the_nearest() -> None:
    with pytest.warns(OutOfReach, match=r"cannot tell dead from cut off.*nearest that can be reached is 0\.7"):
        found = warn_if_out_of_reach(0.9, TREE, PRIORS, Grid(slot_us=S), HOST, "dead")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_out_of_reach(found.chance, TREE, PRIORS, Grid(slot_us=S), HOST, "dead")


def test_a_threshold_that_losses_keep_out_of_reach_in_time_is_warned_of() -> None:
    with pytest.warns(OutOfReach, match="losses explain such a silence too"):
        warn_if_out_of_reach(0.999, TREE, PRIORS, Grid(slot_us=S), HOST, "down", within_us=S)


def test_dead_is_most_likely_where_only_the_subject_is_silent() -> None:
    assert reach(TREE, PRIORS, Grid(slot_us=S), HOST, "dead").alone


def test_a_condition_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="choose of down, dead, unreachable"):
        reach(TREE, PRIORS, Grid(slot_us=S), HOST, "slowish")
