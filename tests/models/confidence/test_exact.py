"""The belief is exact: against brute force on small trees, whatever was heard, by whom and in what order."""

from __future__ import annotations

from math import inf

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.confidence import Belief, Erlang, Evidence, Grid, Hearing, Level, Priors, Subject, Tree
from sim.topology import pack_location
from tests.models.confidence.enumerating import SLOT, Host, enumerated

SLOTS = 2
NOW = SLOTS * SLOT
ME, OTHER = pack_location(9, 1, 1), pack_location(8, 1, 1)
NAMES = {
    "region": pack_location(1, 0, 0),
    "cluster": pack_location(1, 1, 0),
    "host:1": pack_location(1, 1, 1),
    "host:2": pack_location(1, 1, 2),
    "service:1": pack_location(1, 1, 1, 1),
    "service:2": pack_location(1, 1, 1, 2),
}
#: Shapes of at most three nodes that can be slow; of four, nothing is slow. What ends a path is heard itself.
SHAPES = (
    (("host:1",),),
    (("region", "host:1"), ("region", "host:2")),
    (("region", "cluster", "host:1"),),
    (("region",), ("region", "host:1"), ("region", "host:2")),
    (("host:1",), ("host:1", "service:1"), ("host:1", "service:2")),
    (("region", "cluster", "host:1"), ("region", "cluster", "host:2")),
)

chances = st.sampled_from([0.001, 0.1, 0.6])
means = st.sampled_from([float(SLOT), 20.0 * SLOT, inf])


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Level], list[Host]]:
    shape = draw(st.sampled_from(SHAPES))
    nodes = dict.fromkeys(node for path in shape for node in path)
    levels = {
        name: Level(
            mtbf_us=draw(means),
            mtbc_us=draw(means),
            dead=draw(chances),
            cut=draw(chances),
            slow=draw(chances) if len(nodes) < 4 else 0.0,
        )
        for name in dict.fromkeys(node.split(":")[0] for node in nodes)
    }
    hosts = []
    for path in shape:
        sent = draw(st.sampled_from([None, 0, SLOT]))
        hearing = Hearing(
            every_us=draw(st.sampled_from([400, 700, SLOT])), loss=draw(chances), delay=Erlang(mean_us=80.0), slowdown=4
        )
        hosts.append(
            Host(
                path=path,
                hearing=hearing,
                sent=sent,
                until=draw(st.sampled_from([SLOT, 1_600, NOW])),
                delays=() if sent is None else (draw(st.sampled_from([20, 300])),),
                alive=draw(st.sampled_from([None, None, 0, SLOT])),
            )
        )
    return levels, hosts


def tree_of_hosts(hosts: list[Host]) -> Tree:
    subjects: dict[str, Subject] = {}
    hearings = {host.path[-1]: host.hearing for host in hosts}
    for host in hosts:
        for above, node in zip((None, *host.path), host.path, strict=False):
            subjects[node] = Subject(
                name=NAMES[node],
                level=node.split(":")[0],
                within=None if above is None else NAMES[above],
                hearing=hearings.get(node),
            )
    return Tree(subjects=tuple(subjects.values()))


def pieces(hosts: list[Host]) -> list[Evidence]:
    """What was heard of each: by whom the belief listens to, and of some by another."""
    found = []
    for host in hosts:
        name = NAMES[host.path[-1]]
        found.append(
            Evidence(subject=name, origin=OTHER, sent_us=host.sent, looked_us=host.until, delays_us=host.delays)
        )
        if host.alive is not None:
            found.append(Evidence(subject=name, origin=ME, sent_us=host.alive, looked_us=host.alive))
    return found


def belief_of(levels: dict[str, Level], hosts: list[Host]) -> Belief:
    tree = tree_of_hosts(hosts)
    origins = {NAMES[host.path[-1]]: OTHER for host in hosts}
    return Belief(
        observer=ME, tree=tree, priors=Priors(levels=levels), grid=Grid(slot_us=SLOT), begin_us=0, origins=origins
    )


def close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 + 1e-6 * abs(b)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_answer_is_that_of_brute_force(case: tuple[dict[str, Level], list[Host]]) -> None:
    levels, hosts = case
    belief = belief_of(levels, hosts)
    for piece in pieces(hosts):
        belief.learn(piece)
    found = enumerated(levels, hosts, SLOTS)
    both = belief.all_answer([NAMES[host.path[-1]] for host in hosts], NOW)
    assert close(both, found.all_answer)
    for node in found.up:
        answer = belief.answer(NAMES[node], NOW)
        wanted = (found.up[node], found.slow[node], found.unreachable[node], found.dead[node], found.fault[node])
        got = (answer.up, answer.slow, answer.unreachable, answer.dead, answer.blamed(NAMES[node]))
        assert all(map(close, got, wanted)), (node, got, wanted)
