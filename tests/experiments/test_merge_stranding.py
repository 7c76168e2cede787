"""What a cut strands is what one side has and the other asks for in vain: a case small enough to count by hand."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Cell
from experiments.measures import Observation
from experiments.measures.observation import carry_out
from experiments.merge_domains import EXPERIMENT
from experiments.merging import MergeRow, run_once
from experiments.merging.stranding import Stranding
from experiments.scenario import Scenario, build, parse
from models.clients import Drawn, Script
from models.domains.bank_account import Withdraw
from sim.host import Placement

S = 1_000_000
EAST, WEST = "us-east-1", "eu-west-1"


def scenario() -> Scenario:
    """Two regions share an account of 100; from 2 s to 8 s the first is cut off. Nobody else asks for anything."""
    document: dict[str, Any] = {
        "question": "What is stranded?",
        "topology": {"regions": [EAST, WEST], "clusters": 1, "hosts": 1, "clients": 1},
        "latency": {"table": "public-cloud"},
        "run": {"until": "14s"},
        "system": {"factory": "models.deployment:region_split", "merge": "escrow"},
        "workload": {"rate": "1/s", "accounts": 1, "opening_balance": 100, "ends": "1ms"},
        "fault": [{"id": "cut", "kind": "partition-full", "targets": [EAST], "at": "2s", "for": "6s"}],
    }
    return parse(document, name="two", file="two.toml", text="")


def stranded(*asked: tuple[str, int, int], lost_us: int = 0) -> int:
    """By (region, second, amount) of withdrawals, how many rights are stranded at the heal."""
    laid = scenario()
    world, system = build(laid, 1)
    stranding = Stranding(world, system, laid, lost_us=lost_us)
    for number, (region, at_s, amount) in enumerate(asked):
        plan = [(at_s * S, 1000 + number, Drawn(0, Withdraw(amount=amount), "withdraw", -amount))]
        entry = system.entry(region, 0)
        world.place(
            Placement(
                host=laid.topology.servers(region)[0].location,
                name=f"script{number}",
                make=lambda ctx, entry=entry, plan=plan: Script(
                    ctx, laid.workload, route=lambda account: (entry,), plan=plan
                ),
            )
        )
    seen = carry_out(world, system, laid, 1, looks=stranding.looks)
    assert isinstance(seen, Observation)
    return stranding.stranded(seen)


def test_what_one_side_lacks_and_the_other_has_is_stranded() -> None:
    """Each side has 50; the west wants 70 and lacks 20 of them."""
    assert stranded((WEST, 3, 70)) == 20


def test_no_more_is_stranded_than_the_cut_off_side_has_left() -> None:
    """The east spends 45 of its 50; the west, which does not know, lacks 20 and could have got 5."""
    assert stranded((EAST, 3, 45), (WEST, 4, 70)) == 5


def test_what_nobody_asks_for_is_not_stranded() -> None:
    assert stranded((WEST, 3, 30)) == 0
    assert stranded((WEST, 9, 70)) == 0  # after the heal


def test_what_the_cut_off_side_lacks_is_not_what_it_strands() -> None:
    assert stranded((EAST, 3, 70)) == 0


def test_a_row_says_what_its_cut_stranded() -> None:
    row, calm = (
        run_once(Cell(scenario=name, arm=EXPERIMENT.arm("escrow")), 0).row for name in ("cut_10s", "cut_10s_calm")
    )
    assert isinstance(row, MergeRow)
    assert isinstance(calm, MergeRow)
    assert row.stranded_rights
    assert calm.stranded_rights is None
    assert row.regret == 0


def test_transfers_in_escrow_owe_nobody_anything() -> None:
    row = run_once(Cell(scenario="transfer", arm=EXPERIMENT.arm("escrow")), 0).row
    assert isinstance(row, MergeRow)
    assert (row.regret, row.violations, row.compensations, row.lost) == (0, 0, 0, 0)
    assert row.waited_for_rights > 0
