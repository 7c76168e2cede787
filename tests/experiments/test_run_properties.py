"""What shows that a fault of a drawn schedule was more than a line in it."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from experiments.evidence import Evidence
from experiments.properties.runs import disk_lost_and_refilled
from experiments.scenario import load
from sim.checkers import Outcome
from sim.faults import Encounter, Fault

SCENARIO = load("quorum_disk_loss")


def evidence(*, met: int = 3, ended_us: int | None = 20, anew_us: int = -1, held_us: int = 30) -> Evidence:
    host = SCENARIO.topology.hosts[0]
    fault = Fault(id="one", kind="disk-loss", targets=(host.path,), at=10, for_us=10)
    return Evidence(
        scenario=SCENARIO,
        seed=1,
        encounters=(Encounter(fault=fault, ended_us=ended_us, grown=MappingProxyType({"disk refusals": met})),),
        anew=MappingProxyType({host.index: anew_us}),
        held_again=MappingProxyType({host.index: held_us}),
        utilisation={},
        network={},
        digest="",
    )


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (evidence(), Outcome.VALID),
        (evidence(met=0, anew_us=25), Outcome.VALID),  # nothing was written meanwhile, and it came back to nothing
        (evidence(met=0), Outcome.INVALID),  # nobody noticed
        (evidence(ended_us=None), Outcome.INVALID),
        (evidence(held_us=15), Outcome.INVALID),  # from before
        (evidence(anew_us=40), Outcome.INVALID),  # and lost again since
    ],
)
def test_a_lost_disk_counts_once_its_host_holds_again_what_it_must(seen: Evidence, outcome: Outcome) -> None:
    assert disk_lost_and_refilled(seen).outcome is outcome
