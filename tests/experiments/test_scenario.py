"""Scenarios that are right: what is read, how variants are made, what is built."""

import pickle
import tomllib
from pathlib import Path
from typing import Any

import pytest

from experiments.scenario import Scenario, ScenarioError, build, load, parse, shipped
from sim.faults import Fault
from sim.host import HostOptions
from sim.message import Layer
from sim.network import DEFAULT_CONNECTIONS, ConnectionOptions
from sim.trace import TraceLevel

KNOWN = ("conservation", "convergence", "no_acknowledged_loss", "invariant_restored", "met_traffic")
KNOWN += ("one_event_a_command", "settled")

SMALL = """
question = "Does a small thing work?"

[topology]
regions = ["a", "b"]
hosts = 2

[hosts]
flush_min = "2ms"
service_time = "100us"
service_times = { Submit = "1ms" }

[latency]
table = "uniform"
between_regions = "40ms"

[run]
until = "3s"
warm_up = "500ms"

[system]
factory = "models.deployment:region_split"
heartbeat = "50ms"

[workload]
rate = "10/s"
accounts = 5
zipf_exponent = 0
deposit_fraction = 0.5
amount_min = 1
amount_max = 9
opening_balance = 100
ends = "1s"
deadline = "800ms"
attempt_timeout = "300ms"
backoff = "50ms"

[[fault]]
id = "cut"
kind = "partition-one-way"
targets = ["a/c1/h1"]
at = "1s"
for = "500ms"
params = { to = ["b"] }

[[fault]]
id = "dark"
kind = "power-loss"
targets = ["b"]
at = "2s"
params = { torn = true }

[[property]]
name = "conservation"
mode = "always"

[[property]]
name = "met_traffic"
mode = "sometimes"
"""


def document() -> dict[str, Any]:
    return tomllib.loads(SMALL)


def small() -> Scenario:
    return parse(document(), name="small", properties=KNOWN)


def test_a_file_becomes_the_values_of_a_world() -> None:
    scenario = small()
    assert scenario.topology.regions == ("a", "b")
    assert [host.cores for host in scenario.topology.hosts] == [2, 2, 0, 2, 2, 0]
    assert scenario.latency.between_regions_us("a", "b") == 20_000
    assert scenario.hosts == HostOptions(
        service_us=(("Submit", 1_000),), default_service_us=100, flush_us_min=2_000, flush_us_max=3_000
    )
    assert (scenario.until_us, scenario.warm_up_us) == (3_000_000, 500_000)
    assert (scenario.workload.rate_per_s, scenario.workload.ends_us) == (10.0, 1_000_000)
    assert scenario.system.options == {"heartbeat_us": 50_000}
    assert [(use.name, use.mode) for use in scenario.properties] == [
        ("conservation", "always"),
        ("met_traffic", "sometimes"),
    ]


def test_a_fault_without_an_end_lasts_for_ever_and_lists_become_tuples() -> None:
    assert small().faults == (
        Fault(
            id="cut",
            kind="partition-one-way",
            targets=("a/c1/h1",),
            at=1_000_000,
            for_us=500_000,
            params={"to": ("b",)},
        ),
        Fault(id="dark", kind="power-loss", targets=("b",), at=2_000_000, for_us=None, params={"torn": True}),
    )


def test_a_new_factory_replaces_the_section_and_its_options() -> None:
    other = small().with_system({"factory": "models.deployment:home_region", "home": "b"})
    assert other.system.options == {"home": "b"}
    assert other.faults == small().faults


def test_options_alone_are_laid_over_the_section() -> None:
    assert small().with_system({"resend": "1s"}).system.options == {"heartbeat_us": 50_000, "resend_us": 1_000_000}


def test_an_arm_that_is_wrong_is_refused_like_a_file() -> None:
    with pytest.raises(ScenarioError) as refused:
        small().with_system({"factory": "models.deployment:home_region"})
    assert refused.value.lines() == ['(memory): system.home = "us-east-1": its default is no region here; known: a, b']


def test_without_faults_nothing_has_to_meet_traffic() -> None:
    control = small().without_faults()
    assert control.faults == ()
    assert [use.name for use in control.properties] == ["conservation"]


def test_a_fault_can_be_aimed_elsewhere() -> None:
    assert small().with_fault_targets("dark", ["a", "b/c1"]).faults[1].targets == ("a", "b/c1")
    with pytest.raises(ValueError, match="'drak' is no fault of small; did you mean 'dark'"):
        small().with_fault_targets("drak", ["a"])
    with pytest.raises(ScenarioError, match="names no host here"):
        small().with_fault_targets("dark", ["c"])


def test_a_fingerprint_tells_content_and_not_layout(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(f"# A comment.\n{SMALL}\n\n")
    same = load(tmp_path / "small.toml", properties=KNOWN)
    variants = [
        same.with_system({"heartbeat": "51ms"}),
        same.without_faults(),
        same.with_fault_targets("dark", ["a"]),
        parse(document(), name="other", properties=KNOWN),
    ]
    assert same.fingerprint() == small().fingerprint()
    assert len({small().fingerprint(), *(variant.fingerprint() for variant in variants)}) == 5


def test_a_variant_leaves_the_original_as_it_was() -> None:
    scenario = small()
    before = scenario.fingerprint()
    scenario.with_fault_targets("dark", ["a"])
    scenario.without_faults()
    assert scenario.fingerprint() == before
    assert scenario.faults == small().faults


def test_a_scenario_crosses_to_a_worker_process() -> None:
    there = pickle.loads(pickle.dumps(small().with_system({"heartbeat": "60ms"})))
    assert there.fingerprint() == small().with_system({"heartbeat": "60ms"}).fingerprint()
    assert there.system.options == {"heartbeat_us": 60_000}


def test_a_world_is_built_with_its_system_in_place() -> None:
    scenario = small()
    world, system = build(scenario, 7)
    world.run(scenario.until_us)
    assert world.history.rows, "no client asked for anything"
    again, _ = build(scenario, 7, TraceLevel.FULL)
    again.run(scenario.until_us)
    assert again.digest() == world.digest()
    assert {placement.name for placement in system.placements} >= {"store", "client"}


def test_connections_are_as_patient_as_the_scenario_says_and_carry_what_it_names() -> None:
    assert small().connections == DEFAULT_CONNECTIONS
    table = {"retransmit_min": "50ms", "retransmit_max": "2s", "timeout": "5s", "messages": ["Ship"]}
    scenario = parse(document() | {"connections": table}, name="small", properties=KNOWN)
    assert scenario.connections == ConnectionOptions(
        retransmit_us_min=50_000, retransmit_us_max=2_000_000, timeout_us=5_000_000, carried=frozenset({"Ship"})
    )
    world, _ = build(scenario, 7)
    world.run(1_400_000)  # 400 ms into a cut: what was shipped waits, and is sent again
    assert {view.layer for view in world.network.connections()} == {Layer.HOST}
    resent = {name for name, sums in world.network.by_type().items() if sums.retransmitted}
    assert resent == {"Ship"}


def test_every_shipped_scenario_is_right() -> None:
    assert set(shipped()) >= {"github_2018", "isolate_region", "no_fault"}
    for name in shipped():
        scenario = load(name)
        assert scenario.name == name
        assert scenario.question.endswith("?")
        assert scenario.workload.rate_per_s * scenario.workload.ends_us <= 20_000 * 10**6


def test_the_outage_of_2018_lasts_43_seconds() -> None:
    (cut,) = load("github-2018", properties=KNOWN).faults
    assert (cut.kind, cut.targets, cut.at, cut.for_us) == (
        "partition-full",
        ("us-east-1",),
        60_000_000,
        43_000_000,
    )


def test_no_fault_is_the_control_of_both() -> None:
    control = load("no_fault", properties=KNOWN).document
    for name in ("github_2018", "isolate_region", "isolate_us_west_2", "isolate_eu_west_1"):
        stripped = dict(load(name, properties=KNOWN).without_faults().document)
        assert {**stripped, "question": ""} == {**control, "question": ""}
