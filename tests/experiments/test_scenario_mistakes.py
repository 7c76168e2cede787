"""Scenarios that are wrong: every mistake at once, with file, path, value, rule and way out."""

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from experiments.provenance import SCENARIOS
from experiments.scenario import ScenarioError, load, parse
from experiments.scenario.loader import shipped

KNOWN = ("conservation", "met_traffic")
SYSTEMS = "tests.experiments.scenario_systems"

GOOD: dict[str, Any] = {
    "topology": {"regions": ["a", "b"], "hosts": 2},
    "latency": {"table": "uniform", "between_regions": "40ms"},
    "run": {"until": "10s"},
    "system": {"factory": f"{SYSTEMS}:picky"},
    "workload": {
        "rate": "10/s",
        "accounts": 5,
        "zipf_exponent": 0.9,
        "deposit_fraction": 0.5,
        "amount_min": 1,
        "amount_max": 9,
        "opening_balance": 100,
        "ends": "8s",
        "deadline": "2s",
        "attempt_timeout": "600ms",
        "backoff": "100ms",
    },
    "fault": [{"id": "cut", "kind": "partition-full", "targets": ["a"], "at": "1s", "for": "2s"}],
    "property": [{"name": "conservation", "mode": "always"}],
}

REMOVED = object()
FAULT: dict[str, Any] = GOOD["fault"][0]


def lines(*edits: tuple[str, Any]) -> list[str]:
    """What is said of GOOD after edits at dotted paths; the file's name is left out."""
    document = deepcopy(GOOD)
    for path, value in edits:
        *way, last = path.split(".")
        table: Any = document
        for step in way:
            table = table[int(step)] if step.isdigit() else table[step]
        if value is REMOVED:
            del table[last]
        elif isinstance(table, list):
            table[int(last) :] = [value]
        else:
            table[last] = value
    with pytest.raises(ScenarioError) as refused:
        parse(document, name="x", file="x.toml", properties=KNOWN)
    assert all(line.startswith("x.toml: ") for line in refused.value.lines())
    return [line.removeprefix("x.toml: ") for line in refused.value.lines()]


def test_the_unedited_scenario_is_right() -> None:
    assert parse(GOOD, name="x", properties=KNOWN).name == "x"


def test_every_mistake_is_told_at_once_whatever_section_it_is_in() -> None:
    told = lines(
        ("topology.hosts", "two"),
        ("topology.region", ["c"]),
        ("run.until", "10"),
        ("workload.rate", "-10/s"),
        ("workload.backoff", "-1ms"),
        ("system.factory", "models.deployment:region_spilt"),
        ("fault.0.targets", ["aa"]),
        ("fault.0.for", 43),
        ("property.0.name", "conversation"),
        ("fautl", []),
    )
    assert told == [
        "fautl = []: unknown key; did you mean 'fault'?",
        'topology.hosts = "two": not a whole number; write one without quotes, unit or decimals',
        "topology.region = [\"c\"]: unknown key; did you mean 'regions'?",
        'run.until = "10": a duration without a unit; add one of us, ms, s, min, h',
        'workload.rate = "-10/s": negative; a rate is at least 0',
        'workload.backoff = "-1ms": negative; a duration is at least 0',
        (
            "system.factory = \"models.deployment:region_spilt\": models.deployment has no callable 'region_spilt'; "
            "did you mean 'region_split'?"
        ),
        "fault[0].for = 43: a duration without a unit; write a text with one of us, ms, s, min, h",
        "fault[0].targets = \"aa\": names no host here; did you mean 'a'?",
        "property[0].name = \"conversation\": no such property; did you mean 'conservation'?",
    ]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        # Sections and keys.
        ("run", REMOVED, "run = (nothing): this section is required; add [run]"),
        ("run", 7, "run = 7: not a table; write it under [run]"),
        ("system", REMOVED, "system = (nothing): this section is required; add [system] with a factory"),
        ("system.factory", REMOVED, "system.factory = (nothing): is required; add it"),
        (
            "fault",
            {"id": "x"},
            'fault = { id = "x" }: not a list of tables; write it under [[fault]], brackets doubled',
        ),
        ("fault.1", 3, "fault[1] = 3: not a table; write it under [[fault]]"),
        ("workload.accounts", REMOVED, "workload.accounts = (nothing): is required; add it"),
        ("question", "two\nlines", 'question = "two\\nlines": not one line of text; write one'),
        # Topology.
        ("topology.regions", [], "topology.regions = []: holds fewer than 1; add one"),
        ("topology.regions", "a", 'topology.regions = "a": not a list; write one, as in ["a", "b"]'),
        ("topology.regions.1", 3, "topology.regions[1] = 3: not a text; put it in quotes"),
        ("topology.regions.2", "a", 'topology.regions = ["a", "b", "a"]: \'a\' occurs twice; name each region once'),
        ("topology.regions.2", "x/y", "cannot name a region, being empty or with / or *; rename it"),
        ("topology.clusters", 0, "topology.clusters = 0: is below 1; raise it"),
        ("topology.clusters", True, "topology.clusters = true: not a whole number;"),
        # Hosts and latency.
        ("hosts", {"cores": 0}, "hosts.cores = 0: is below 1; raise it"),
        ("hosts", {"flush_min": "5ms"}, 'hosts.flush_max = "3 ms": is below hosts.flush_min = "5 ms"; raise it'),
        (
            "hosts",
            {"service_times": {"Submit": "fast"}},
            'hosts.service_times.Submit = "fast": not a duration; write a number and a unit, as in "80ms"',
        ),
        (
            "hosts",
            {"service_times": {"Submitt": "1ms"}},
            "hosts.service_times.Submitt = \"1 ms\": no message of this name exists; did you mean 'Submit'?",
        ),
        ("connections", 3, "connections = 3: not a table; write it under [connections]"),
        (
            "connections",
            {"timeouts": "1s"},
            "connections.timeouts = \"1s\": unknown key; did you mean 'timeout'?",
        ),
        ("connections", {"timeout": "0s"}, 'connections.timeout = "0s": 0 s is no time at all; give a longer one'),
        ("connections", {"timeout": 30}, "connections.timeout = 30: a duration without a unit; write a text with one"),
        (
            "connections",
            {"retransmit_max": "100ms"},
            'connections.retransmit_max = "100 ms": is below connections.retransmit_min = "200 ms"; raise it',
        ),
        (
            "connections",
            {"messages": ["Shipp"]},
            "connections.messages[0] = \"Shipp\": no message of this name exists; did you mean 'Ship'?",
        ),
        (
            "connections",
            {"messages": ["Ship", "Ship"]},
            'connections.messages[1] = "Ship": occurs twice; leave one out',
        ),
        ("connections", {"messages": "Ship"}, 'connections.messages = "Ship": not a list; write one'),
        ("latency.jitter", 1.5, "latency.jitter = 1.5: is above 1; lower it"),
        ("latency.jitter", float("nan"), "latency.jitter = nan: not a finite number; write one"),
        ("latency.table", "unifrom", "not one of public-cloud, uniform; did you mean 'uniform'?"),
        ("latency.between_regions", REMOVED, "latency.between_regions = (nothing): the table uniform needs it; add it"),
        ("latency.between_regions", "0s", 'latency.between_regions = "0s"'),
        # Times.
        ("run.warm_up", "10s", 'run.warm_up = "10 s": leaves nothing of a run of "10 s"; shorten it'),
        ("workload.ends", "11s", 'workload.ends = "11 s": is past the end of the run, "10 s"; end it earlier'),
        ("workload.begins", "8s", 'workload.ends = "8 s": is not after workload.begins = "8 s"; give a later time'),
        ("workload.amount_min", 10, "workload.amount_max = 9: is below workload.amount_min = 10; raise it"),
        ("workload.rate", "0/s", 'workload.rate = "0/s": must be above 0; raise it'),
        ("workload.deposit_fraction", "half", 'workload.deposit_fraction = "half": not a number;'),
        ("fault.0.at", "10s", 'fault[0].at = "10 s": begins past the end of the run, "10 s"; begin it earlier'),
        (
            "fault.0.for",
            "9.5s",
            'fault[0].for = "9.5 s": ends at "10.5 s", past the end of the run, "10 s"; shorten it',
        ),
        ("fault.0.for", "0s", 'fault[0].for = "0s": 0 s is no time at all; give a longer one'),
        ("fault.0.for", "-2s", 'fault[0].for = "-2s": negative; a duration is at least 0'),
        ("fault.0.at", {"point": "C7"}, 'fault[0].at.point = "C7": nobody marks it; none is known here'),
        ("fault.0.at", {"note": "role=home"}, 'fault[0].at.note = "role=home": nobody notes it; none is known here'),
        ("fault.0.at", {"pont": "C7"}, "fault[0].at.pont = \"C7\": unknown key; did you mean 'point'?"),
        ("fault.0.at", {"nth": 2}, "fault[0].at = { nth = 2 }: not one trigger; give it a `point` or a `note`"),
        ("fault.0.at", {"point": "C7", "nth": 0}, "fault[0].at.nth = 0: is below 1; raise it"),
        (
            "fault.0.at",
            {"point": "C7", "since": "3s", "until": "2s"},
            'fault[0].at.until = "2 s": is not after at.since = "3 s"; give it time to be met',
        ),
        (
            "fault.0.at",
            {"point": "C7", "since": "10s"},
            'fault[0].at.since = "10 s": waits past the end of the run, "10 s"; let it count earlier or run longer',
        ),
        (
            "fault.0.at",
            {"point": "C7", "host": "a/c1/h9"},
            'fault[0].at.host = "a/c1/h9": is no host here; did you mean',
        ),
        ("fault.0", FAULT | {"targets": ["@here"], "at": {"point": "C6", "nth": 0}}, "fault[0].at.nth = 0: is below 1"),
        (
            "fault.0",
            FAULT | {"targets": ["@here"], "at": {"point": "C6", "nth": True}},
            "fault[0].at.nth = true: not a whole number",
        ),
        ("fault.0.targets", ["@here"], 'fault[0].targets = "@here": only a trigger says where it fired; name a host'),
        ("topology.racks", 9, "topology.racks = 9: more racks than the"),
        # Faults.
        (
            "fault.0.kind",
            "partition",
            "fault[0].kind = \"partition\": no such kind of fault; did you mean 'partition-ring'?",
        ),
        ("fault.0.targets", [], "fault[0].targets = []: holds fewer than 1; add one"),
        ("fault.0.targets", ["a/c1/h3"], "names no host here; did you mean 'a/c1/h"),
        (
            "fault.0.targets",
            ["a", "b"],
            'fault[0].targets = ["a", "b"]: nobody is on the other side; name fewer targets',
        ),
        (
            "fault.0.params",
            {"to": ["b"]},
            'fault[0].params.to = ["b"]: partition-full has no such parameter; leave it out',
        ),
        ("fault.0.params", {"to": [1]}, "fault[0].params.to = [1]: not a number, text, truth value or list of texts"),
        ("fault.1", GOOD["fault"][0], 'fault[1].id = "cut": another fault has this id; rename one'),
        # Properties.
        ("property.0.mode", "never", 'property[0].mode = "never": not one of always, sometimes;'),
        ("property.1", GOOD["property"][0], 'property[1].name = "conservation": claimed twice; leave one out'),
        # Factories.
        ("system.factory", 7, "system.factory = 7: not a text; write one"),
        (
            "system.factory",
            "models.deployment",
            'system.factory = "models.deployment": not the name of a callable; write one',
        ),
        ("system.factory", "models.deplyoment:x", "there is no module 'models.deplyoment'; did you mean 'deployment'?"),
        ("system.factory", "nowhere.at.all:x", "there is no module 'nowhere'; "),
        ("system.factory", f"{SYSTEMS}:not_callable", "has no callable 'not_callable'; "),
        (
            "system.factory",
            "tests.experiments.scenario_broken_import:x",
            "cannot be imported: RuntimeError: no licence (scenario_broken_import.py, line 3); repair the module",
        ),
        ("system.shards", 3, "system.shards = 3: more than there are hosts; lower it"),
        (
            "system.factory",
            f"{SYSTEMS}:hasty",
            f'system = "{SYSTEMS}:hasty": the factory raised TypeError: hasty() takes 1 positional argument but 2',
        ),
        (
            "system.factory",
            f"{SYSTEMS}:broken",
            f"system = \"{SYSTEMS}:broken\": the factory raised KeyError: 'no\\nlicence' (scenario_systems.py, line ",
        ),
        ("system.factory", f"{SYSTEMS}:leaving", ':leaving": the factory raised SystemExit: 0 (scenario_systems.py'),
        (
            "system.factory",
            f"{SYSTEMS}:littering",
            f'system = "{SYSTEMS}:littering": placements[0] of the system is a str, which is no Placement; repair it',
        ),
        (
            "system.factory",
            f"{SYSTEMS}:doubling",
            f"system = \"{SYSTEMS}:doubling\": the system places two services named 'store' on a/c1/h1; rename one",
        ),
        (
            "system.factory",
            f"{SYSTEMS}:forgetful",
            f'system = "{SYSTEMS}:forgetful": the factory returned NoneType, which is no System; repair it',
        ),
        ("system.factory", f"{SYSTEMS}:misspelt", 'system.factory = "misspelt": its signature cannot be read: SyntaxE'),
        ("system.factory", "builtins:dict", 'system.factory = "dict": its signature cannot be read: ValueError: no'),
        (
            "system",
            {"factory": f"{SYSTEMS}:picked", "opaque": 3},
            "system.opaque = 3: cannot be given in a file: the factory annotates 'opaque' as",
        ),
        # Slips of the keyboard that the machine would pay for.
        ("workload.accounts", 10**20, f"workload.accounts = {10**20}: is above 10,000,000; lower it"),
        (
            "workload.rate",
            "12500001/s",
            'workload.rate = "12500001/s": issues about 100,000,008 commands from "0 s" to "8 s", above 100,000,000;',
        ),
        (
            "topology.hosts",
            50_000,
            "topology.hosts = 50000: with its regions, clusters and clients makes 100,002 hosts",
        ),
        ("topology.clients", 10**20, "hosts, above 100,000; lower it, or one of these"),
    ],
)
def test_a_mistake_is_told_once_with_its_way_out(path: str, value: Any, line: str) -> None:
    told = lines((path, value))
    assert len(told) == 1, told
    assert line in told[0]
    assert all(told[0].split("; ", 1)), "a way out is missing"


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("ship_every", "200", 'system.ship_every = "200": a duration without a unit; add one of'),
        ("ship_every", 200, "system.ship_every = 200: a duration without a unit; write a text"),
        ("ship_every_us", 200, "system.ship_every_us = 200: unknown option; write it as 'ship_every', with a unit"),
        ("ship_evry", "1s", "system.ship_evry = \"1s\": unknown option; did you mean 'ship_every'?"),
        ("repair", "1s", "system.repair = \"1s\": has the unknown unit 's'; use one of /s, /min, /h"),
        ("buffer", "1 kb", "system.buffer = \"1 kb\": has the unknown unit 'kb'; use one of B, kB"),
        ("home", "c", 'system.home = "c": no region here; known: a, b'),
        ("quorum", ["a", "c"], 'system.quorum = "c": no region here; known: a, b'),
        ("mode", "sfae", "system.mode = \"sfae\": not one of fast, safe; did you mean 'safe'?"),
        ("colour", "grene", "system.colour = \"grene\": not one of red, green; did you mean 'green'?"),
        ("share", "half", 'system.share = "half": not a number; write one without quotes or unit'),
        ("needed", "3", 'system.needed = "3": not a whole number; write one without quotes, unit or decimals'),
        ("needed", 3.5, "system.needed = 3.5:"),
        ("needed", True, "system.needed = true: not a whole number;"),
        ("loud", 1, "system.loud = 1: not a truth value; write true or false"),
        ("limit", "many", 'system.limit = "many": not a whole number;'),
        ("share", Path(), "system.share = .: not a plain value;"),
    ],
)
def test_an_option_is_checked_against_the_factorys_signature(key: str, value: Any, line: str) -> None:
    system = {"factory": f"{SYSTEMS}:everything", "needed": 1, key: value}
    (told,) = lines(("system", system))
    assert told.startswith(line)


def test_right_options_arrive_converted() -> None:
    options = {
        "needed": 1,
        "ship_every": "1ms",
        "repair": "30/min",
        "buffer": "1KiB",
        "home": "b",
        "quorum": ["a", "b"],
        "mode": "fast",
        "colour": "green",
        "share": 1,
        "limit": 4,
        "loud": True,
    }
    document = deepcopy(GOOD)
    document["system"] = {"factory": f"{SYSTEMS}:everything", **options}
    assert parse(document, name="x", properties=KNOWN).system.options == {
        "needed": 1,
        "ship_every_us": 1_000,
        "repair_per_s": 0.5,
        "buffer_bytes": 1_024,
        "home": "b",
        "quorum": ("a", "b"),
        "mode": "fast",
        "colour": "green",
        "share": 1.0,
        "limit": 4,
        "loud": True,
    }


def test_a_required_option_is_missed() -> None:
    assert lines(("system", {"factory": f"{SYSTEMS}:everything"})) == ["system.needed = (nothing): is required; add it"]


def test_options_that_a_factory_shares_with_others_are_checked_as_its_own() -> None:
    asked = {"factory": f"{SYSTEMS}:sharing", "own": "x", "keep": "3 parsecs", "seat": "nowhere", "dept": 3}

    assert [line.split(":")[0] for line in lines(("system", asked))] == [
        'system.own = "x"',
        'system.keep = "3 parsecs"',
        "system.dept = 3",
        "system.depth = (nothing)",
        'system.seat = "nowhere"',
    ]
    right = GOOD | {"system": {"factory": f"{SYSTEMS}:sharing", "depth": 2, "keep": "3ms"}}
    assert parse(right, name="x", properties=KNOWN).system.options == {"depth": 2, "keep_us": 3_000}


def test_a_factory_may_be_any_callable() -> None:
    document = GOOD | {"system": {"factory": f"{SYSTEMS}:configured", "shards": 9}}
    assert parse(document, name="x", properties=KNOWN).system.options == {"shards": 9}
    (told,) = lines(("system", {"factory": f"{SYSTEMS}:configured", "shards": "9"}))
    assert told.startswith('system.shards = "9": not a whole number')


def test_a_region_that_the_table_does_not_hold_is_named() -> None:
    told = lines(
        ("topology.regions", ["us-east-1", "us-west2", "sa-east-1", "eu-west-1"]),
        ("latency", {"table": "public-cloud"}),
        ("fault.0.targets", ["us-east-1"]),
    )
    assert [line.split("; ")[0] for line in told] == [
        'topology.regions[1] = "us-west2": not in the table public-cloud',
        'latency.table = "public-cloud": holds no round trip between sa-east-1 and eu-west-1',
    ]
    assert "did you mean 'us-west-2'?" in told[0]


def test_a_table_of_its_own_takes_no_other_round_trip() -> None:
    told = lines(("latency.table", "public-cloud"))
    assert told[0].startswith('latency.between_regions = "40 ms": the table public-cloud has its own; leave it out')
    assert told[1].startswith('topology.regions[0] = "a": not in the table public-cloud; known: ap-northeast-1')


@pytest.mark.parametrize("broken", [("topology.regions", []), ("topology", REMOVED), ("topology.regions", 3)])
def test_an_unreadable_topology_does_not_hide_the_mistakes_of_a_fault(broken: tuple[str, Any]) -> None:
    told = lines(broken, ("fault.0.kind", "partition-partial"), ("fault.0.at", "11s"))
    assert told[1:] == [
        'fault[0].at = "11 s": begins past the end of the run, "10 s"; begin it earlier or run longer',
        "fault[0].params.against = (nothing): partition-partial needs it: the other side; add it",
    ]


def test_a_half_read_topology_still_knows_its_regions() -> None:
    told = lines(("topology.hosts", 0), ("fault.0.targets", ["c/c1", "a/c7/h9"]))
    assert told == [
        "topology.hosts = 0: is below 1; raise it",
        'fault[0].targets = "c": names no host here; known: a, b',
    ]


def test_a_mistake_in_a_fault_is_not_told_twice() -> None:
    assert lines(("fault.0.targets", "a")) == ['fault[0].targets = "a": not a list; write one, as in ["a", "b"]']
    assert lines(("fault.0.kind", 3)) == ["fault[0].kind = 3: not a text; put it in quotes"]


def test_bad_syntax_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('question = "?"\nuntil = = 3\n')
    with pytest.raises(ScenarioError) as refused:
        load(path, properties=KNOWN)
    (line,) = refused.value.lines()
    assert line == f'{path}: line 2, column 9 = "until = = 3": not TOML: invalid value; correct the line'


def test_an_unfinished_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("regions = [1,")
    with pytest.raises(ScenarioError, match="not TOML"):
        load(path, properties=KNOWN)


@pytest.mark.parametrize("text", ["x = " + "9" * 5_000, "x = " + "[" * 5_000])
def test_a_file_that_overtaxes_the_reader_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match="not TOML"):
        load(path, properties=KNOWN)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    text = (SCENARIOS / "no_fault.toml").read_text(encoding="utf-8")
    path = tmp_path / "no_fault.toml"
    path.write_text(text, encoding="utf-8-sig")
    assert load(path).fingerprint() == load("no_fault").fingerprint()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"question = '\xe9'")
    rules = {}
    for path in (tmp_path / "none.toml", tmp_path, latin):
        with pytest.raises(ScenarioError) as refused:
            load(path, properties=KNOWN)
        (problem,) = refused.value.problems
        rules[path.name] = problem.rule
    assert rules == {
        "none.toml": "no such file or directory",
        tmp_path.name: "is a directory",
        "latin.toml": "not UTF-8 text",
    }


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'github_2018'"):
        load("github_2019", properties=KNOWN)
    assert "no_fault" in shipped()


def test_the_error_crosses_from_a_worker_process() -> None:
    with pytest.raises(ScenarioError) as refused:
        load("nothing", properties=KNOWN)
    assert pickle.loads(pickle.dumps(refused.value)).problems == refused.value.problems
