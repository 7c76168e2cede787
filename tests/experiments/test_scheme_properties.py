"""What a scheme's judge makes of strikes, peace and tenants; that it convicts is shown by the broken catalogue."""

from __future__ import annotations

from experiments.measures import gather
from experiments.measures.strikes import Peace, strikes
from experiments.properties import judge
from experiments.scenario import Scenario, load, parse
from models.store.schemes import Tier
from models.tenancy import asked_as, operation_of
from sim.checkers import Outcome

S = 1_000_000


def scenario(scheme: str, *faults: dict[str, object]) -> Scenario:
    """A short run of one scheme with faults by hand."""
    document = dict(load("scheme_local_persist").document)
    document.pop("nemesis")
    document |= {"run": {"until": "16s"}, "system": {"factory": "models.stores:store", "scheme": scheme}}
    document["workload"] = dict(document["workload"]) | {"ends": "8s"}
    document["fault"] = [dict(fault, id=f"f{n}", targets=["east/c1/h1"]) for n, fault in enumerate(faults)]
    return parse(document, name="x", file="x.toml")


def told(scheme: str, *faults: dict[str, object]) -> tuple[Outcome, Outcome]:
    """Whether the scheme was kept, and whether anything was lost."""
    made = scenario(scheme, *faults)
    found = judge(gather(made, 1), made.properties)
    return found["keeps_its_scheme"].outcome, found["loses_unpromised"].outcome


def test_a_loss_is_declared_where_the_scheme_lets_it_be_and_nothing_else_is_lost() -> None:
    crash = {"kind": "process-crash", "at": "4s", "for": "1s"}
    power = {"kind": "power-loss", "at": "4s", "for": "1s"}
    disk = {"kind": "disk-loss", "at": "4s", "for": "1s"}
    kept, lost = (Outcome.VALID, Outcome.INVALID), (Outcome.VALID, Outcome.VALID)
    assert told("local-mem+1s", crash) == lost
    assert told("local-persist-periodic+500ms", crash) == kept
    assert told("local-persist-periodic+500ms", power) == lost
    assert told("local-persist", power) == kept
    assert told("local-persist", disk) == lost
    assert told("multi-persist:2/3", disk) == kept


def test_a_disk_that_lied_is_found_out_by_a_power_loss() -> None:
    lies = {"kind": "fsync-lies", "at": "2s", "for": "3s"}
    crash = {"kind": "process-crash", "at": "3s", "for": "200ms"}
    power = {"kind": "power-loss", "at": "4s", "for": "200ms"}
    seen = gather(scenario("local-persist", lies, crash, power), 1)
    assert [(one.t_us, one.takes, one.deceived) for one in strikes(seen)] == [
        (3 * S, Tier.HEAP, False),
        (4 * S, Tier.DEVICE, True),
    ]
    assert told("local-persist", lies, power) == (Outcome.VALID, Outcome.VALID)


def test_peace_is_what_lies_between_the_faults_that_touched_a_host() -> None:
    crash = {"kind": "process-crash", "at": "3s", "for": "1s"}
    clock = {"kind": "clock-offset", "at": "6s", "for": "1s", "params": {"offset": "5s"}}
    seen = gather(scenario("local-persist", crash, clock), 1)
    assert Peace.of(seen, [0]).stretches == ((0, 3 * S), (4 * S, 16 * S))
    assert Peace.of(seen, [1]).stretches == ((0, 16 * S),)
    assert Peace.of(seen, [0]).lasted(2 * S, 6 * S, 2 * S)
    assert not Peace.of(seen, [0]).lasted(2 * S, 6 * S, 2 * S + 1)


def test_tenants_count_alike_each_for_itself() -> None:
    first = 3 << 48 | 1
    asked = [asked_as(first + n, 2) for n in range(4)]
    assert asked == [(0, first), (1, first), (0, first + 1), (1, first + 1)]
    assert [operation_of(tenant, command, 2) for tenant, command in asked] == [first + n for n in range(4)]
    assert asked_as(first, 1) == (0, first)
