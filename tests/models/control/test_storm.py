"""Registries and agents: who is told of a view, how fast in a storm, and what is refused."""

from __future__ import annotations

import pytest

from models.clients import Workload
from models.control import Agent, AgentOptions, Registry, RegistryOptions, Storm, View, ViewSeen, store_with_registry
from models.system import Site
from sim.message import Layer, layer_of
from sim.testing import FakeContext
from sim.topology import at_service, grid, pack_location

AGENTS = tuple(at_service(pack_location(1, 1, host), "agent") for host in (1, 2))
PEER = at_service(pack_location(2, 1, 1), "registry")


def registry(storm: Storm | None = None) -> tuple[FakeContext, Registry]:
    ctx = FakeContext()
    options = RegistryOptions(region=1, agents=AGENTS, peers=(PEER,), every_us=1_000, storm=storm)
    made = Registry(ctx, options)
    ctx.start(made)
    return ctx, made


def view(number: int, origin: int = 2) -> View:
    return View(origin=origin, number=number, members=())


def test_a_view_goes_to_the_other_registries_and_to_its_own_agents() -> None:
    ctx, _ = registry()
    assert ctx.sent == [(to, View(origin=1, number=1, members=AGENTS)) for to in (PEER, *AGENTS)]


def test_views_of_others_are_handed_on_once() -> None:
    ctx, made = registry()
    ctx.sent.clear()
    for number in (1, 1, 3, 2):
        ctx.deliver(made, view(number), PEER)
    assert [(to, msg.number) for to, msg in ctx.sent if isinstance(msg, View)] == [
        (agent, number) for number in (1, 3) for agent in AGENTS
    ]


def test_a_storm_has_its_own_pace_and_ends() -> None:
    ctx, made = registry(Storm(from_us=1_500, until_us=1_700, every_us=50))
    ctx.advance(3_001)
    # Views at 0, 1000, then 1500, 1550, 1600, 1650, then 1700 and 2700.
    assert made.number == 8
    assert ctx.notes == [("storm", "begins"), ("storm", "ends")]


def test_an_agent_keeps_the_newest_view_and_confirms_every_one() -> None:
    ctx = FakeContext()
    agent = Agent(ctx, AgentOptions(registry=PEER))
    for number in (2, 1):
        ctx.deliver(agent, view(number), PEER)
    assert agent.views == {2: view(2)}
    assert ctx.sent == [(PEER, ViewSeen(origin=2, number=number)) for number in (2, 1)]


def test_a_registry_knows_how_far_its_agents_are() -> None:
    ctx, made = registry()
    for number in (2, 1):
        ctx.deliver(made, ViewSeen(origin=2, number=number), AGENTS[0])
    assert made.seen == {(2, AGENTS[0]): 2}


def test_gossip_is_of_the_highest_layer() -> None:
    assert {layer_of(message.type_id) for message in (View, ViewSeen)} == {Layer.REGION}


@pytest.mark.parametrize(
    ("numbers", "told"),
    [((5, 5, 1), "let it end later"), ((0, 5, 0), "no pace")],
)
def test_a_storm_that_is_none_is_refused(numbers: tuple[int, int, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Storm(from_us=numbers[0], until_us=numbers[1], every_us=numbers[2])


def test_every_server_has_an_agent_and_every_region_a_registry_of_which_one_storms() -> None:
    topology = grid(("a", "b", "c"), clusters=1, hosts=2, cores=1, clients=1)
    system = store_with_registry(Site(topology), Workload(rate_per_s=1, ends_us=1), storm_for_us=1)
    names = [placement.name for placement in system.placements]
    assert (names.count("agent"), names.count("registry")) == (6, 3)
    registries = [placement.make(FakeContext()) for placement in system.placements if placement.name == "registry"]
    assert [made.options.storm is not None for made in registries] == [True, False, False]
