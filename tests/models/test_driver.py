"""Clients of small systems: sequential sessions, operations that no answer changes, an audit that reads all."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest

from models.clients import Workload
from models.driver import MIXES, Ask, Driver, Reply, drivers
from sim.history import History, HistoryRow, Kind
from sim.host import Context, HostOptions, Placement, Service, Wait, handles
from sim.latency import uniform
from sim.topology import Location, Topology, at_service, grid
from sim.world import World

S = 1_000_000
LOAD = Workload(rate_per_s=40, accounts=3, ends_us=5 * S, audit_us=6 * S)


class Cells(Service):
    """Registers of one host, which nobody shares; refuses or forgets to answer at times."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.cells: dict[int, Any] = {}
        self.asked: list[Ask] = []

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Reply | None]:
        self.asked.append(msg)
        yield self.ctx.sleep(50_000)
        if msg.f == "write":
            self.cells[msg.key] = msg.value
        lost = len(self.asked) % 7 == 0
        return None if lost else Reply(op=msg.op, ok=len(self.asked) % 5 != 0, value=self.cells.get(msg.key), version=1)


def run(load: Workload = LOAD, *, specification: str = "register", seed: int = 1, **how: Any) -> tuple[World, History]:
    topology = grid(["a", "b"], clusters=1, hosts=1, clients=1, cores=1)
    servers = [host.location for region in topology.regions for host in topology.servers(region)]
    world = World(
        topology=topology,
        latency=uniform(topology.regions, between_regions_rtt_us=40_000),
        hosts=HostOptions(),
        seed=seed,
    )
    for server in servers:
        world.place(Placement(host=server, name="cells", make=Cells, kind=Cells))
    entries = [at_service(server, "cells") for server in servers]
    for placement in drivers(topology, load, specification, entries, **how):
        world.place(placement)
    world.run(20 * S)
    return world, world.history


def invoked(history: History) -> dict[int, tuple[Any, ...]]:
    return {r.op: (r.client, r.session, r.f, r.key, r.value) for r in history if r.kind is Kind.INVOKE}


def test_a_session_has_one_operation_under_way() -> None:
    _, history = run()
    by_session: dict[tuple[str, str], list[HistoryRow]] = {}
    for row in history:
        by_session.setdefault((row.client, row.session), []).append(row)
    assert len(by_session) == 2 * (3 + 1), "three sessions and one audit for each of two clients"
    for rows in by_session.values():
        assert [row.kind is Kind.INVOKE for row in rows] == [True, False] * (len(rows) // 2)
        assert all(a.op == b.op for a, b in zip(rows[::2], rows[1::2], strict=True))


def test_endings_say_what_is_known() -> None:
    _, history = run()
    kinds = {row.kind for row in history if not row.session.startswith("audit/")}
    assert kinds == {Kind.INVOKE, Kind.OK, Kind.FAIL, Kind.INFO}


def test_leaving_operations_out_leaves_the_others_as_they_were() -> None:
    _, whole = run()
    operations = invoked(whole)
    kept = frozenset(list(operations)[::7])
    _, few = run(Workload(rate_per_s=40, accounts=3, ends_us=5 * S, audit_us=6 * S, only=kept))
    assert invoked(few) == {op: operations[op] for op in sorted(kept, key=list(invoked(few)).index)}
    assert set(invoked(few)) == kept


def test_the_audit_reads_every_key_where_the_client_is() -> None:
    _, history = run()
    audits = [row for row in history if row.session.startswith("audit/") and row.kind is Kind.INVOKE]
    read = {(row.client.split("/")[0], row.session, row.key) for row in audits}
    assert read == {(region, f"audit/{n}", key) for n, region in enumerate("ab") for key in range(3)}
    assert all(row.t_us >= 6 * S for row in audits)


@pytest.mark.parametrize("roaming", [False, True])
def test_sticky_clients_ask_their_own_region_and_roaming_ones_any(roaming: bool) -> None:
    world, history = run(roaming=roaming)
    first_of = {row.client.split("/")[0]: row.op >> 40 for row in history}
    for region, number in first_of.items():
        asked = world.service_named(f"{region}/c1/h1", "cells").asked
        others = {ask.op >> 40 for ask in asked} - {number}
        assert bool(others) is roaming


def test_a_retry_has_the_same_id_and_ends_at_the_deadline() -> None:
    world, history = run(retries=True)
    asked = [ask.op for region in ("a", "b") for ask in world.service_named(f"{region}/c1/h1", "cells").asked]
    assert len(asked) > len(set(asked)), "some attempt was repeated"
    for invoke, end in history.pairs():
        assert end is not None
        if not invoke.session.startswith("audit/"):
            assert end.t_us - invoke.t_us <= LOAD.deadline_us


def test_written_values_are_given_once() -> None:
    _, history = run()
    written = [row.value for row in history if row.f == "write" and row.kind is Kind.INVOKE]
    assert len(written) == len(set(written)) > 20


@pytest.mark.parametrize("specification", sorted(MIXES))
def test_every_mix_asks_for_everything_it_lists(specification: str) -> None:
    _, history = run(specification=specification)
    assert {row.f for row in history} == set(MIXES[specification].shares)
    moments = [row.t_us for row in history]
    assert all(a <= b for a, b in pairwise(moments))


def test_what_cannot_be_is_refused() -> None:
    topology: Topology = grid(["a"], clusters=1, hosts=1, clients=1, cores=1)
    with pytest.raises(ValueError, match="specification='heap' is no mix; choose one of register"):
        drivers(topology, LOAD, "heap", [topology.hosts[0].location])
    with pytest.raises(ValueError, match="nobody to ask"):
        drivers(topology, LOAD, "register", [])
    with pytest.raises(ValueError, match="look when the load is over"):
        Workload(rate_per_s=1, ends_us=5, audit_us=4)


def test_a_driver_is_one_placement_a_client_host() -> None:
    topology = grid(["a", "b"], clusters=1, hosts=1, clients=2, cores=1)
    placed = drivers(topology, LOAD, "register", [topology.hosts[0].location])
    assert [p.kind for p in placed] == [Driver] * 4
