"""The placed store as a whole: every placement serves while hosts come and go, and bad plans are refused."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from experiments.measures.observation import Observation, gather
from experiments.measures.observation import Outcome as Told
from experiments.properties import PROPERTIES
from experiments.scenario import parse
from models.clients import Workload
from models.keyspace.deployment import PLACEMENTS, placed_store
from models.keyspace.shard import PlacedShard
from models.store.requests import Look, Seen
from models.system import Site, System
from sim.checkers import Outcome
from sim.host import handles
from sim.topology import Location, grid

SITE = Site(grid(["a", "b"], clusters=2, hosts=2, cores=1))
LOAD = Workload(rate_per_s=1, ends_us=1)
SMALL = """
[topology]
regions = ["a"]
clusters = 1
hosts = 5
clients = 1
[latency]
table = "uniform"
within_cluster = "1ms"
between_regions = "30ms"
[run]
until = "9s"
[system]
factory = "models.keyspace.deployment:placed_store"
partitions = 4
{system}
[workload]
rate = "30/s"
accounts = 12
begins = "500ms"
ends = "5s"
"""
CLAIMS = ("keeps_its_scheme", "no_command_twice", "audit_whole", "replay_equals_state", "answers_true", "one_writer")


def seen(system: str) -> Observation:
    """What a small run left."""
    found = gather(parse(tomllib.loads(SMALL.format(system=system)), name="small"), 1)
    assert isinstance(found, Observation)
    return found


def broken(run: Observation) -> dict[str, str]:
    verdicts = {name: PROPERTIES[name].holds(run) for name in (*CLAIMS, "keys_settle")}
    return {name: one.reason for name, one in verdicts.items() if one.outcome is not Outcome.VALID}


@pytest.mark.parametrize("placement", [name for name in PLACEMENTS if name != "slots"])
def test_hosts_come_and_go_under_every_placement(placement: str) -> None:
    run = seen(f'placement = "{placement}"\njoins = "a/c1/h5@1s"\nleaves = "a/c1/h1@3s"\nmoving = 4')
    assert broken(run) == {}
    placing = run.ledger.placing
    assert placing is not None
    assert 0 not in placing.nodes
    assert placing.moves
    told = [answer.outcome for answer in run.answers]
    assert sum(one in (Told.REFUSED, Told.UNANSWERED) for one in told) <= len(told) // 20


def test_a_table_of_slots_places_and_nothing_moves() -> None:
    run = seen('placement = "slots"')
    assert broken(run) == {}
    assert run.ledger.placing is not None
    assert run.ledger.placing.moves == ()
    assert all(answer.outcome in (Told.ACCEPTED, Told.DENIED) for answer in run.answers)


@pytest.mark.parametrize("scheme", ["local-mem+1s", "local-persist", "multi-mem:2/3", "delayed-ship@host+500ms"])
def test_a_store_under_any_scheme_moves(scheme: str) -> None:
    run = seen(f'scheme = "{scheme}"\njoins = "a/c1/h5@1s"\nleaves = "a/c1/h1@3s"\nmoving = 4')
    assert broken(run) == {}
    assert run.ledger.placing is not None
    assert run.ledger.placing.moves


def test_of_three_masters_the_first_decides_while_nothing_befalls_it() -> None:
    run = seen('master = "a/c1/h2, a/c1/h3, a/c1/h4"\njoins = "a/c1/h5@1s"\nleaves = "a/c1/h1@3s"\nmoving = 4')
    assert broken(run) == {}
    assert run.ledger.placing is not None
    assert run.ledger.placing.deciders == (2,)
    assert dict(run.ledger.placing.decided)["left"] == 1


def test_two_runs_of_a_seed_are_equal() -> None:
    system = 'placement = "ring"\njoins = "a/c1/h5@1s"'
    one, other = seen(system), seen(system)
    assert one.ledger == other.ledger
    assert list(one.history) == list(other.history)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"placement": "rings"}, "placement='rings' is none; did you mean 'ring'"),
        ({"scheme": "multi-persist:9"}, "n=9 owners, .* more than the 8 that hold nodes; ask for at most 8"),
        ({"scheme": "multi-persist:3@region"}, "n=3 owners, each in another region, .* spread over clusters"),
        ({"scheme": "multi-persist:5", "region": "a"}, "n=5 owners, .* more than the 4"),
        ({"region": "c"}, "'c' is no region here"),
        ({"master": "a/c1/h9"}, "'a/c1/h9' is no host here"),
        ({"master": "a, b"}, "master: 2 are an even group, .*; name 1 or 3"),
        ({"master": "a, a/c1/h1, b"}, "master: a/c1/h1 is given 2 times"),
        ({"joins": "a/c1/h1"}, "joins 'a/c1/h1': it does not say when; .* a/c1/h1@3s"),
        (
            {"truncate": True, "segment": 0},
            "segment=0 keeps nothing; .*; truncate=True drops only what snapshots cover",
        ),
        ({"joins": "a/c1/h9@1s"}, "joins 'a/c1/h9@1s': .* is no host here"),
        ({"leaves": "a/c1/h1@soon"}, "leaves 'a/c1/h1@soon': .*soon"),
        ({"joins": "b/c1/h1@1s", "region": "a"}, "'b/c1/h1' is no server that holds anything here"),
        ({"placement": "slots", "joins": "a/c1/h1@1s"}, "open addressing places by a table of slots"),
        ({"placement": "ring", "split_above_per_s": 5.0}, "take tablets"),
        ({"partitions": 0}, "partitions=0 hold nothing"),
        ({"moving": 0}, "moving=0 is none"),
        ({"split_above_per_s": -1.0}, "split_above=-1.0 is no rate"),
        ({"routes": 0}, "routes=0 is none"),
        ({"promote_after_us": -1}, "promote_after_us=-1 is no time"),
        ({"joins": "a/c1/h1@1s, a/c1/h1@2s"}, "joins: a/c1/h1 is given 2 times; name each host once"),
        ({"joins": "a/c1/h1@3s", "leaves": "a/c1/h1@2s"}, "joins at 3 s and leaves at 2 s; have it leave later"),
        (
            {"leaves": ", ".join(f"a/c{n}/h1@1s, a/c{n}/h2@2s" for n in (1, 2)), "region": "a"},
            "more than the 2 .* stay",
        ),
        ({"placement": "ring", "leaves": "b/c1/h1@1s", "scheme": "multi-persist:8"}, "has left, n=8 .* at most 7"),
        ({"split_above_per_s": 10.0, "merge_below_per_s": 6.0}, "split again; give a `merge_below` of at most 5.0"),
        ({"placement": "slots", "slots": 8, "partitions": 6}, "slots=8 have no room for 6 keys.*; give at least 9"),
        ({"domain": "bank"}, "domain='bank' is none that is shipped"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        placed_store(SITE, LOAD, **options)


_HOSTS = "a/c1/h1 a/c1/h2 a/c2/h1"


def test_tablets_by_hand_hold_what_they_say() -> None:
    run = seen('tablets = "0-4 a/c1/h1 a/c1/h2 a/c1/h3, 4-end a/c1/h3 a/c1/h4 a/c1/h5"')
    assert broken(run) == {}
    leads = {(end.shard, member.host) for end in run.ledger.ends for member in end.members if member.leads}
    assert leads == {(1, 0), (2, 2)}
    assert run.ledger.place is not None
    assert [run.ledger.place(aggregate) for aggregate in (0, 3, 4, 11)] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("tablets", "told"),
    [
        (f"0-4 {_HOSTS}, 6-end {_HOSTS}", "no tablet holds 4 to 6; begin the next at 4"),
        (f"0-8 {_HOSTS}, 6-end {_HOSTS}", "two tablets hold 6 to 8; begin the second at 8"),
        (f"0-4 {_HOSTS}", "end the last at end"),
        (f"2-end {_HOSTS}", "no tablet holds 0 to 2"),
        ("0-end a/c1/h1 a/c1/h1 a/c1/h2", "is held by a/c1/h1 twice; name it once"),
        ("0-end a/c1/h1", "it has 1 hosts, and scheme 'multi-persist' wants 3"),
        (f"0:end {_HOSTS}", "write FIRST-LAST and hosts"),
        (" , ", "names none; leave it empty"),
        ("0-end a/c1/h1 a/c1/h2 a/c1/h9", "'a/c1/h9' is no host here"),
        (f"0-4 a/c1/h9 a/c1/h1 a/c1/h2, 6-end {_HOSTS}", "'a/c1/h9' is no host here.*no tablet holds 4 to 6"),
    ],
)
def test_tablets_that_overlap_leave_a_gap_or_share_a_host_are_refused(tablets: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        placed_store(SITE, LOAD, tablets=tablets)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="partitions=0") as refused:
        placed_store(
            SITE,
            LOAD,
            scheme="multi-persist:9",
            partitions=0,
            master="z",
            joins="a/c1/h1@1s, a/c1/h1@2s",
            leaves="a/c9/h1@1s, a@x",
            tablets="0-end a/c1/h1",
            split_above_per_s=10.0,
            merge_below_per_s=6.0,
            tick_us=0,
            routes=0,
        )
    told = str(refused.value)
    expected = ["scheme='multi-persist:9': n=9", "'z'", "a/c9/h1@1s", "'a@x'", "routes=0"]
    expected += ["is given 2 times", "it has 1 hosts", "split again", "tick_us=0"]
    assert [word for word in expected if word not in told] == []


def test_equal_aggregates_and_ids_of_tenants_lie_apart_and_move_apart() -> None:
    run = seen('tenants = 2\njoins = "a/c1/h5@1s"')
    assert broken(run) == {}
    assert PROPERTIES["tenants_apart"].holds(run).outcome is Outcome.VALID
    shards = [{event.shard for event in run.events() if event.tenant == tenant} for tenant in (0, 1)]
    assert shards[0]
    assert shards[1]
    assert not shards[0] & shards[1]


LOOKS = 'looks = 0.9\nrebalance = true\njoins = "a/c1/h5@1s"\nleaves = "a/c1/h1@2500ms"'


def test_questions_go_by_the_routes_that_clients_keep_and_tell_what_is_current() -> None:
    run = seen(LOOKS)
    assert broken(run) == {}
    assert [PROPERTIES[name].holds(run).outcome for name in ("looks_are_current", "look_rerouted")] == [
        Outcome.VALID,
        Outcome.VALID,
    ]
    assert len(run.answers) < sum(row.kind == "invoke" for row in run.history)


class Telling(PlacedShard):
    """Tells what it has, whether it leads, and whether it still has it or not."""

    @handles(Look)
    def on_look(self, msg: Look, sender: Location) -> Seen:
        view, stream = self.told(), self.streams.of((msg.tenant, msg.aggregate))
        return Seen(aggregate=msg.aggregate, version=stream.version, told=view.get(msg.aggregate), exists=True)


def telling(site: Site, workload: Workload) -> System:
    return placed_store(site, workload, Telling, partitions=4, looks=0.5, joins="a/c1/h5@1s", leaves="a/c1/h1@2500ms")


def test_an_answer_of_whoever_has_given_the_key_away_is_held_against_the_store() -> None:
    document = tomllib.loads(SMALL.format(system="")) | {"system": {"factory": f"{__name__}:telling"}}
    document["workload"]["rate"] = "200/s"
    run = gather(parse(document, name="small"), 1)
    assert isinstance(run, Observation)
    verdict = PROPERTIES["looks_are_current"].holds(run)
    assert verdict.outcome is Outcome.INVALID
    assert "was known before it was asked" in verdict.reason
