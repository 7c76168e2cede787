"""However evidence came in, step by step, the belief is the one that a fresh observer has of the same evidence."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.confidence import Belief, Erlang, Grid, Hearing, Level, Priors, tree_of
from sim.topology import grid, pack_location

S = 1_000_000
ME, WITNESS = pack_location(9, 1, 1), pack_location(8, 1, 1)
TOPOLOGY = grid(["a"], clusters=2, hosts=2, cores=1, clients=0)
HOSTS = tuple(host.location for host in TOPOLOGY.hosts)
HEARING = Hearing(every_us=S, loss=0.05, delay=Erlang(mean_us=20_000.0, stages=2))
PRIORS = Priors(
    levels={
        "region": Level(mtbf_us=900.0 * S, mtbc_us=300.0 * S, slow=0.01),
        "cluster": Level(mtbf_us=500.0 * S, cut=0.01),
        "host": Level(mtbf_us=100.0 * S, mtbc_us=200.0 * S, dead=0.1, slow=0.05),
    }
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["beat", "beat", "late", "look", "silent", "witness", "wrong", "right"]),
        st.integers(0, len(HOSTS) - 1),
        st.sampled_from([137_000, 500_000, 1_000_000, 2_300_000]),
    ),
    min_size=1,
    max_size=25,
)


def fresh(priors: Priors) -> Belief:
    tree = tree_of(TOPOLOGY.hosts, HEARING)
    return Belief(observer=ME, tree=tree, priors=priors, grid=Grid(slot_us=S // 2))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps)
def test_step_by_step_and_at_once_are_the_same(taken: list[tuple[str, int, int]]) -> None:
    belief, other, priors = fresh(PRIORS), fresh(PRIORS), PRIORS
    now_us = S
    for step, number, passed_us in taken:
        now_us += passed_us
        host = HOSTS[number]
        if step in ("beat", "late"):
            belief.heard(host, now_us - (20_000 if step == "beat" else 400_000), now_us)
        elif step == "look":
            belief.look(now_us)
        elif step == "silent":
            belief.silent(host, now_us)
        elif step == "witness":
            other = Belief(
                observer=WITNESS, tree=tree_of(TOPOLOGY.hosts, HEARING), priors=PRIORS, grid=Grid(slot_us=S // 2)
            )
            other.heard(host, now_us - 20_000, now_us)
            for piece in other.evidence():
                belief.learn(piece)
        else:
            priors = PRIORS.wrong_by(5) if step == "wrong" else PRIORS
            belief.reconsider(priors)
    belief.look(now_us)
    again = fresh(priors)
    for host in HOSTS:
        for piece in belief.answer(host, now_us).basis:
            again.learn(piece)
    for name in belief.tree.by_name:
        one, two = belief.answer(name, now_us + 100_000), again.answer(name, now_us + 100_000)
        assert (one.up, one.slow, one.unreachable, one.dead) == pytest.approx(
            (two.up, two.slow, two.unreachable, two.dead), rel=1e-6, abs=1e-12
        )
        assert [blame.chance for blame in one.blames] == pytest.approx(
            [blame.chance for blame in two.blames], rel=1e-6, abs=1e-9
        )
    assert belief.all_answer(HOSTS, now_us) == pytest.approx(again.all_answer(HOSTS, now_us), rel=1e-6, abs=1e-12)
