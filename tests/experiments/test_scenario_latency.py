"""`[latency]` in full: tables and samples from files, noise, bandwidth, and what changes with time."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from experiments.scenario import Scenario, ScenarioError, build, load, parse
from sim.effects import Burst
from sim.latency import Constant, Empirical, Exponential, Lognormal, Mixture, Pareto, Tier, Uniform
from sim.latency.composed import Floored, Shifted
from sim.latency.courses import Bursts, Diurnal, Loss, RouteChanges, Stalls, Step, Steps
from sim.latency.slow import Shared
from sim.message import Layer
from tests.experiments.test_scenario_mistakes import GOOD, KNOWN

RTT = "from,to,rtt_ms\na,b,80\nb,a,82\n"


def document(**latency: Any) -> dict[str, Any]:
    made = deepcopy(GOOD)
    made["latency"] |= latency
    return made


def read(beside: dict[str, str] | None = None, **latency: Any) -> Scenario:
    return parse(document(**latency), name="x", properties=KNOWN, beside=beside)


def lines(beside: dict[str, str] | None = None, **latency: Any) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        read(beside, **latency)
    return [line.removeprefix("(memory): ") for line in refused.value.lines()]


def measured(**latency: Any) -> dict[str, Any]:
    made = document(table="rtt.csv", **latency)
    del made["latency"]["between_regions"]
    return made


def test_a_table_of_ones_own_lies_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rtt.csv").write_text(RTT)
    made = measured()
    made["latency"]["table"] = "data/rtt.csv"
    scenario = parse(made, name="x", properties=KNOWN, folder=tmp_path)
    assert scenario.latency.between_regions_us("a", "b") == 40_000
    assert scenario.latency.between_regions_us("b", "a") == 41_000


def test_a_file_names_its_files_relative_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path("experiments/scenarios/no_fault.toml").read_text()
    text = text.replace('table = "public-cloud"', 'table = "rtt.csv"')
    (tmp_path / "mine.toml").write_text(text)
    pairs = [("us-east-1", "us-west-2"), ("us-east-1", "eu-west-1"), ("us-west-2", "eu-west-1")]
    (tmp_path / "rtt.csv").write_text("from,to,rtt_ms\n" + "".join(f"{a},{b},60\n" for a, b in pairs))
    monkeypatch.chdir("/")
    assert load(tmp_path / "mine.toml").latency.between_regions_us("eu-west-1", "us-east-1") == 30_000


def test_what_was_read_travels_with_the_scenario() -> None:
    scenario = parse(measured(), name="x", properties=KNOWN, beside={"rtt.csv": RTT, "other.csv": "?"})
    assert dict(scenario.beside) == {"rtt.csv": RTT}
    copy = pickle.loads(pickle.dumps(scenario))
    assert copy.latency.between_regions_us("a", "b") == 40_000
    assert copy.fingerprint() == scenario.fingerprint()
    assert scenario.without_faults().latency.between_regions_us("a", "b") == 40_000
    changed = parse(measured(), name="x", properties=KNOWN, beside={"rtt.csv": RTT.replace("80", "81")})
    assert changed.fingerprint() != scenario.fingerprint()


def test_every_malformed_row_and_every_other_mistake_is_told_at_once() -> None:
    made = measured(jitter=2)
    beside = {"rtt.csv": "from,to,rtt_ms\na,b,x\nb,a\n"}
    with pytest.raises(ScenarioError) as refused:
        parse(made, name="x", properties=KNOWN, beside=beside)
    assert refused.value.lines() == [
        "(memory): latency.jitter = 2: is above 1; lower it",
        '(memory): latency.table, rtt.csv line 2 = rtt_ms = "x": not a number; write one of at least 0, as in 72.7',
        '(memory): latency.table, rtt.csv line 3 = "b,a": has 2 cells under 3 titles; give each title one cell',
    ]


def test_a_table_must_hold_the_pairs_of_the_topology() -> None:
    made = measured()
    made["topology"]["regions"] = ["a", "b", "c", "d"]
    table = "from,to,rtt_ms\na,b,80\na,c,80\nb,c,80\n"
    with pytest.raises(ScenarioError) as refused:
        parse(made, name="x", properties=KNOWN, beside={"rtt.csv": table})
    (told,) = refused.value.lines()
    assert told.startswith('(memory): topology.regions[3] = "d": not in the table rtt.csv; ')
    table += "d,a,1\n"
    with pytest.raises(ScenarioError) as refused:
        parse(made, name="x", properties=KNOWN, beside={"rtt.csv": table})
    assert [line.partition("; ")[0] for line in refused.value.lines()] == [
        '(memory): latency.table = "rtt.csv": holds no round trip between b and d',
        '(memory): latency.table = "rtt.csv": holds no round trip between c and d',
    ]


def test_samples_replace_what_the_table_says() -> None:
    everywhere = read({"s.csv": "delay_ms\n30\n40\n"}, samples="s.csv").latency
    assert everywhere.samples == {("a", "b"): Empirical((30_000, 40_000)), ("b", "a"): Empirical((30_000, 40_000))}
    one_way = read({"s.csv": "from,to,delay_ms\na,b,15\nx,y,40\n"}, samples="s.csv").latency
    assert one_way.samples == {("a", "b"): Empirical((15_000,))}


def test_samples_alone_are_enough() -> None:
    made = document(samples="s.csv", table="public-cloud")
    del made["latency"]["between_regions"]
    scenario = parse(made, name="x", properties=KNOWN, beside={"s.csv": "delay_ms\n30\n"})
    assert scenario.latency.between_regions_us("a", "b") == 30_000


@pytest.mark.parametrize(
    ("table", "delay"),
    [
        ({"kind": "constant", "delay": "1ms"}, Constant(1_000)),
        ({"kind": "uniform", "shortest": "1ms", "longest": "2ms"}, Uniform(1_000, 2_000)),
        ({"kind": "exponential", "mean": "1ms"}, Exponential(1_000)),
        ({"kind": "lognormal", "median": "1ms", "sigma": 0.5}, Lognormal(1_000, 0.5)),
        ({"kind": "pareto", "scale": "235us", "alpha": 10, "floor": "300us"}, Floored(300, Pareto(235, 10.0))),
        ({"kind": "empirical", "samples": "s.csv"}, Empirical((5_000, 7_000))),
        (
            {
                "kind": "mixture",
                "parts": [
                    {"share": 91.22, "kind": "pareto", "scale": "235us", "alpha": 10},
                    {"share": 8.78, "kind": "exponential", "mean": "602us"},
                ],
            },
            Mixture(((91.22, Pareto(235, 10.0)), (8.78, Exponential(602)))),
        ),
    ],
)
def test_noise_has_any_shape(table: dict[str, Any], delay: Any) -> None:
    scenario = read({"s.csv": "delay_ms\n5\n7\n"}, noise={"between_regions": table})
    assert scenario.latency.noise == {Tier.BETWEEN_REGIONS: delay}
    here, there = (scenario.topology.host(path) for path in ("a/c1/h1", "b/c1/h1"))
    assert scenario.latency.between(here, there) == Shifted(20_000, delay)


def test_a_leg_is_the_delay_of_one_message_class() -> None:
    scenario = read({}, legs={"Ask": {"kind": "exponential", "mean": "1ms"}})
    here, there = (scenario.topology.host(path) for path in ("a/c1/h1", "b/c1/h1"))
    assert scenario.latency.leg(here, there, "Ask") == Shifted(20_000, Exponential(1_000))
    assert scenario.latency.leg(here, there, "Reply") is None
    assert scenario.latency.leg(here, here, "Ask") is None


def test_bandwidth_and_caps_are_given_by_tier_and_layer() -> None:
    model = read(bandwidth={"between_regions": "1GiB/s"}, layer_caps={"region": "10Mbit/s"}).latency
    assert model.bytes_per_s == {Tier.BETWEEN_REGIONS: 2**30}
    assert model.layer_caps == {Layer.REGION: 1_250_000}


def test_what_changes_with_time_is_a_list_of_rules() -> None:
    rules = read(
        slow=[
            {"kind": "steps", "steps": [{"at": "1s", "delay": "5ms"}, {"at": "2s", "loss": 0.5}], "from": "a"},
            {"kind": "diurnal", "period": "1h", "peak": "10min", "delay": "5ms", "loss": 0.01, "name": "day"},
            {"kind": "routes", "every": "1min", "longest": "9ms"},
            {"kind": "stalls", "every": "10s", "tiers": ["within_cluster", "between_regions"], "shared": "source"},
            {"kind": "stalls", "every": "20s", "shortest": "1ms", "longest": "2ms", "to": "b/c1", "both_ways": True},
            {"kind": "bursts", "good": "9s", "bad": "1s", "loss_bad": 0.5},
            {"kind": "loss", "loss": 0.01},
        ]
    ).latency.slow_rules
    assert [(rule.name, rule.what, rule.shared) for rule in rules] == [
        ("steps-1", Steps((Step(at_us=1_000_000, delay_us=5_000), Step(at_us=2_000_000, loss=0.5))), Shared.LINK),
        (
            "day",
            Diurnal(period_us=3_600_000_000, peak_us=600_000_000, delay_us=5_000, loss=0.01),
            Shared.LINK,
        ),
        ("routes-1", RouteChanges(every_us_mean=60_000_000, delay_us_max=9_000), Shared.REGIONS),
        ("stalls-1", Stalls(every_us_mean=10_000_000), Shared.SOURCE),
        ("stalls-2", Stalls(every_us_mean=20_000_000, length_us_min=1_000, length_us_max=2_000), Shared.LINK),
        ("bursts-1", Bursts(Burst(mean_good_us=9_000_000, mean_bad_us=1_000_000, loss_bad=0.5)), Shared.LINK),
        ("loss-1", Loss(0.01), Shared.LINK),
    ]
    assert (rules[0].src, rules[0].dst) == ("a", "*")
    assert (rules[4].dst, rules[4].both_ways) == ("b/c1", True)
    assert rules[3].tiers == {Tier.WITHIN_CLUSTER, Tier.BETWEEN_REGIONS}


@pytest.mark.parametrize(
    ("latency", "line"),
    [
        ({"table": "rtt.cvs"}, 'latency.table = "rtt.cvs": not one of public-cloud, uniform; '),
        ({"table": "none.csv"}, 'latency.between_regions = "40 ms": the table none.csv has its own; leave it out'),
        ({"samples": "none.csv"}, 'latency.samples = "none.csv": no such file or directory; it is looked for in /'),
        ({"samples": "s.txt"}, 'latency.samples = "s.txt": not the name of a .csv file; write one that ends in .csv'),
        ({"samples": "links.csv"}, 'latency.samples = "links.csv": holds samples of no pair of this topology'),
        ({"samples": "bad.csv"}, 'latency.samples, bad.csv line 2 = delay_ms = "?": not a number; '),
        ({"legs": 3}, "latency.legs = 3: not a table; write [latency.legs] with lines as Ask = "),
        ({"legs": {"Ask": {"mean": "1ms"}}}, "latency.legs.Ask.kind = (nothing): is required"),
        (
            {"legs": {"Aks": {"kind": "exponential", "mean": "1ms"}}},
            "no message of this name exists; did you mean 'Ask'",
        ),
        # Noise.
        ({"noise": 3}, "latency.noise = 3: not a table; write it under [latency.noise.between_regions]"),
        (
            {"noise": {"between_region": {"kind": "constant", "delay": "1ms"}}},
            "unknown key; did you mean 'between_regions'?",
        ),
        ({"noise": {"same_host": 3}}, "latency.noise.same_host = 3: not a table; write one, as in"),
        (
            {"noise": {"same_host": {"mean": "1ms"}}},
            "latency.noise.same_host.kind = (nothing): is required; add one of constant, uniform, exponential",
        ),
        (
            {"noise": {"same_host": {"kind": "parreto"}}},
            'latency.noise.same_host.kind = "parreto": not one of constant, uniform, exponential, lognormal',
        ),
        (
            {"noise": {"same_host": {"kind": "pareto", "scale": "1ms", "alpha": 0}}},
            "latency.noise.same_host.alpha = 0: is below 0.1; raise it",
        ),
        (
            {"noise": {"same_host": {"kind": "exponential", "meen": "1ms", "mean": "1ms"}}},
            "latency.noise.same_host.meen = \"1ms\": unknown key; did you mean 'mean'?",
        ),
        (
            {"noise": {"same_host": {"kind": "exponential", "mean": "0s"}}},
            'latency.noise.same_host.mean = "0s": 0 s is no time at all; give a longer one',
        ),
        (
            {"noise": {"same_host": {"kind": "uniform", "shortest": "2ms", "longest": "1ms"}}},
            'latency.noise.same_host.longest = "1 ms": is below latency.noise.same_host.shortest = "2 ms"; raise it',
        ),
        (
            {"noise": {"same_host": {"kind": "empirical", "samples": "links.csv"}}},
            'latency.noise.same_host.samples = "links.csv": its samples are of links, from and to; leave those',
        ),
        (
            {"noise": {"same_host": {"kind": "mixture", "parts": []}}},
            "latency.noise.same_host.parts = []: holds no part; add one",
        ),
        (
            {"noise": {"same_host": {"kind": "mixture", "parts": [{"kind": "constant", "delay": "1ms"}]}}},
            "latency.noise.same_host.parts[0].share = (nothing): is required; add it",
        ),
        (
            {"noise": {"same_host": {"kind": "mixture", "parts": [{"share": 1, "kind": "pareto", "scale": "1ms"}]}}},
            "latency.noise.same_host.parts[0].alpha = (nothing): is required; add it",
        ),
        # Bandwidth.
        ({"bandwidth": "1GB/s"}, 'latency.bandwidth = "1GB/s": not a table; write it under [latency.bandwidth]'),
        (
            {"bandwidth": {"between_regions": "1GB"}},
            "latency.bandwidth.between_regions = \"1GB\": has the unknown unit 'GB'; use one of B/s, kB/s",
        ),
        ({"bandwidth": {"same_host": "1GB/s"}}, 'latency.bandwidth.same_host = "1GB/s": unknown key; '),
        (
            {"bandwidth": {"within_cluster": "3bit/s"}},
            'latency.bandwidth.within_cluster = "3bit/s": no whole number of bytes a second above 0; round it to one',
        ),
        (
            {"bandwidth": {"within_cluster": "1MB/s"}, "layer_caps": {"service": "1MB/s"}},
            'latency.layer_caps.service = "1MB/s": unknown key; ',
        ),
        (
            {"layer_caps": {"region": "1MB/s"}},
            'latency.layer_caps = { region = "1MB/s" }: no link has a bandwidth; add [latency.bandwidth]',
        ),
        # What changes with time.
        (
            {"slow": {"kind": "loss", "loss": 0.1}},
            "not a list of tables; write it under [[latency.slow]], brackets doubled",
        ),
        ({"slow": [{"kind": "stall"}]}, 'latency.slow[0].kind = "stall": not one of steps, diurnal, routes, stalls'),
        ({"slow": [{"kind": "loss", "loss": 2}]}, "latency.slow[0].loss = 2: is above 1; lower it"),
        (
            {"slow": [{"kind": "loss", "loss": 0.1, "from": "aa"}]},
            "latency.slow[0].from = \"aa\": names no host here; did you mean 'a'?",
        ),
        (
            {"slow": [{"kind": "loss", "loss": 0.1, "tiers": ["regions"]}]},
            'latency.slow[0].tiers[0] = "regions": not one of within_cluster, between_clusters, between_regions; ',
        ),
        ({"slow": [{"kind": "loss", "loss": 0.1, "tiers": []}]}, "latency.slow[0].tiers = []: holds fewer than 1"),
        (
            {"slow": [{"kind": "loss", "loss": 0.1, "shared": "host"}]},
            'latency.slow[0].shared = "host": not one of link, source, regions; ',
        ),
        (
            {"slow": [{"kind": "loss", "loss": 0.1, "from": "a", "to": "a"}]},
            'latency.slow[0] = "a to a, between_regions": no link is one of these; mind from, to and tiers',
        ),
        (
            {"slow": [{"kind": "steps", "steps": [{"at": "2s"}, {"at": "1s"}]}]},
            "the step at 1000000 us is not after the one at 2000000 us; put them in order",
        ),
        ({"slow": [{"kind": "steps", "steps": []}]}, "latency.slow[0].steps = []: steps is empty; give at least one"),
        (
            {"slow": [{"kind": "steps", "steps": [{"delay": "1ms"}]}]},
            "latency.slow[0].steps[0].at = (nothing): is required; add it",
        ),
        (
            {"slow": [{"kind": "stalls", "every": "1s", "shortest": "2s"}]},
            'latency.slow[0].longest = "250 ms": is below latency.slow[0].shortest = "2 s"; raise it',
        ),
        (
            {"slow": [{"kind": "loss", "loss": 0.1, "name": "x"}, {"kind": "loss", "loss": 0.1, "name": "x"}]},
            'latency.slow[1].name = "x": another rule has this name; rename it',
        ),
        ({"slow": [{"kind": "loss", "loss": 0.1, "name": "x/y"}]}, 'latency.slow[0].name = "x/y": holds a slash'),
    ],
)
def test_a_mistake_is_told_once_with_its_way_out(latency: dict[str, Any], line: str) -> None:
    told = lines({"links.csv": "from,to,delay_ms\nx,y,5\n", "bad.csv": "delay_ms\n?\n"}, **latency)
    if latency.get("table") == "none.csv":
        assert told.pop().startswith('latency.table = "none.csv": no such file')
    assert len(told) == 1, told
    assert line in told[0]
    assert all(told[0].split("; ", 1)), "a way out is missing"


def test_mistakes_of_all_its_tables_are_told_at_once() -> None:
    told = lines(
        noise={"within_cluster": {"kind": "pareto", "alpha": "x"}, "between_regions": {"kind": "constant"}},
        bandwidth={"between_regions": 5},
        slow=[{"kind": "loss"}, {"kind": "routes", "every": "1s", "to": "q"}],
    )
    assert [line.partition(" = ")[0] for line in told] == [
        "latency.noise.within_cluster.scale",
        "latency.noise.within_cluster.alpha",
        "latency.noise.between_regions.delay",
        "latency.bandwidth.between_regions",
        "latency.slow[0].loss",
        "latency.slow[1].longest",
        "latency.slow[1].to",
    ]


def test_a_scenario_with_all_of_it_runs() -> None:
    made = document(
        noise={"between_regions": {"kind": "lognormal", "median": "2ms", "sigma": 0.6}},
        slow=[{"kind": "stalls", "every": "500ms"}],
    )
    made["system"] = {"factory": "models.deployment:region_split"}
    made["run"]["until"] = "3s"
    made["workload"] |= {"ends": "2s", "deadline": "1s"}
    del made["fault"]
    world, _ = build(parse(made, name="x", properties=KNOWN), seed=1)
    world.run(3_000_000)
    world.check_conservation()
    assert world.network.totals()["delivered"] > 0
