"""`[[operation]]`: every mistake at once, what a rolling restart becomes, and that operators do what they are told."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from copy import deepcopy
from dataclasses import replace
from typing import Any, Unpack

import pytest

from experiments.evidence import Evidence
from experiments.measures import Observation, gather
from experiments.properties import PROPERTIES, judge
from experiments.properties.operations import answered, fenced_is_silent, operations_done
from experiments.scenario import Scenario, ScenarioError, load, parse
from models.factories import KeptOptions
from models.operations import Action
from models.raft.deployment import raft
from models.raft.registers import RegisterShard
from models.raft.words import MembersChanged
from models.store.group.words import Copied, CopyQuery, Fence, Fenced
from models.store.shard import Shard
from models.stores import store
from sim.checkers import Outcome
from sim.history import History, Kind, Operation
from sim.host import Wait

WEST = {"id": "west", "action": "promote", "targets": ["us-west-2/c1/h1"], "at": "4s"}
ROLL = {"id": "roll", "action": "rolling-restart", "targets": ["*"], "at": "4s", "for": "500ms", "gap": "4s"}
PATH = "operation[0]"


def document(*operations: dict[str, Any], **system: Any) -> dict[str, Any]:
    made = deepcopy(dict(load("operator_promote").document))
    made["operation"] = list(operations)
    made["system"] |= system
    made["property"] = []
    return made


def read(*operations: dict[str, Any], **system: Any) -> Scenario:
    return parse(document(*operations, **system), name="x", file="x.toml")


def lines(*operations: dict[str, Any], **system: Any) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        read(*operations, **system)
    return [line.removeprefix("x.toml: ") for line in refused.value.lines()]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"action": "promot"}, f"{PATH}.action = \"promot\": no such action; did you mean 'promote'?"),
        ({"targets": []}, f"{PATH}.targets = []: holds fewer than 1; add one"),
        ({"targets": ["us-west-2/c1/h9"]}, f'{PATH}.targets[0] = "us-west-2/c1/h9": no host here; did you mean'),
        ({"targets": ["us-west-2/clients/client1"]}, f'{PATH}.targets[0] = "us-west-2/clients/client1": holds clients'),
        ({"targets": ["us-west-2/c1/h1", "us-east-1/c1/h1"]}, "promote acts on one host; write an operation for each"),
        ({"at": "40s"}, f'{PATH}.at = "40 s": begins past the end of the run, "20 s"; begin it earlier or run longer'),
        ({"at": {}}, f"{PATH}.at = {{}}: not one trigger; give it `after` an operation, or `unled` for a time"),
        ({"at": {"after": "nothing"}}, f'{PATH}.at.after = "nothing": no operation above it that the same operator'),
        ({"at": {"unles": "2s"}}, f"{PATH}.at.unles = \"2s\": unknown key; did you mean 'unled'?"),
        ({"operator": "mars"}, f'{PATH}.operator = "mars": no region here; known: eu-west-1'),
        ({"shard": "bank-account-1"}, f'{PATH}.shard = "bank-account-1": no shard of this system; did you mean'),
        ({"gap": "2s"}, f'{PATH}.gap = "2 s": only a rolling restart has it; leave it out'),
        ({"action": "restore"}, f'{PATH}.action = "restore": nobody keeps backups of the shard; have it keep them'),
        (
            {"action": "add-host"},
            (
                "the members of this design are fixed when it is laid out; it has no membership change; "
                "choose one of promote, fence, declare-lost, restore, or a design that has it"
            ),
        ),
        (
            {
                "action": "declare-lost",
                "targets": ["us-east-1/c1/h1", "us-west-2/c1/h1", "eu-west-1/c1/h1"],
            },
            "are all members of bank-account-0, which leaves nobody to lead; spare one, or restore a backup",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_value_rule_and_way_out(change: dict[str, Any], told: str) -> None:
    (line,) = lines(WEST | change)
    assert told in line


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gap": None}, f"{PATH}.gap = (nothing): a rolling restart needs it"),
        ({"at": {"unled": "2s"}}, f'{PATH}.at = {{ unled = "2 s" }}: a rolling restart begins at a time; give one'),
        ({"patience": "2s"}, f'{PATH}.patience = "2 s": a rolling restart has none'),
        ({"gap": "9s"}, f'{PATH}.gap = "9 s": 3 hosts take until "22.5 s", past the end of the run; shorten it'),
    ],
)
def test_a_rolling_restart_has_mistakes_of_its_own(change: dict[str, Any], told: str) -> None:
    (line,) = lines({key: value for key, value in (ROLL | change).items() if value is not None})
    assert told in line


def test_all_mistakes_are_told_at_once() -> None:
    found = lines(WEST | {"action": "x", "operator": "mars"}, WEST | {"targets": ["?"]})
    assert [line.partition(" = ")[0] for line in found] == [
        "operation[0].action",
        "operation[0].operator",
        "operation[1].id",
        "operation[1].targets[0]",
    ]


def test_of_several_shards_one_must_be_named() -> None:
    more = {"scheme": "multi-persist:2/3@region", "shards": 2}
    assert "the system has several shards; name one of bank-account-0, bank-account-1" in lines(WEST, **more)[0]
    assert read(WEST | {"shard": "bank-account-1"}, **more).operations[0].shard == "bank-account-1"


def test_a_host_without_a_member_is_no_target_and_a_member_cannot_join() -> None:
    made = document(WEST | {"targets": ["us-west-2/c1/h2"]})
    made["topology"]["hosts"] = 2
    with pytest.raises(ScenarioError, match="has no member of bank-account-0; choose one of us-east-1/c1/h1"):
        parse(made, name="x", file="x.toml")
    joins = WEST | {"action": "add-host"}
    with pytest.raises(ScenarioError, match="has a member of bank-account-0 already; lay out more of them"):
        parse(document(joins, factory=f"{__name__}:changeable"), name="x", file="x.toml")


@pytest.mark.parametrize(
    ("action", "way_out"),
    [
        ("fence", "promote another member, which deposes this one, or let it go with remove-host"),
        ("declare-lost", "no minority is made to lead: bring a majority back, or use remove-host in time"),
        ("restore", "who lost its disk is taken in again without; for backups choose models.stores:store"),
    ],
)
def test_what_cannot_be_done_to_a_raft_group_is_refused_with_what_can(action: str, way_out: str) -> None:
    made = document(WEST | {"action": action})
    made["system"] = {"factory": "models.raft.deployment:raft", "spread": "region"}
    with pytest.raises(ScenarioError) as refused:
        parse(made, name="x", file="x.toml")
    told = f'x.toml: {PATH}.action = "{action}": cannot be done to a shard of this design; {way_out}'
    assert refused.value.lines() == [told]


RAFT = {"factory": "models.raft.deployment:raft", "members": 1, "spares": 1, "spread": "region"}


def changed(*steps: tuple[str, str]) -> list[str]:
    """What is wrong with changes of the members of a group of one and a spare, one after the other."""
    made = document(WEST)
    made["system"] = dict(RAFT)
    made["operation"] = [
        {"id": f"o{number}", "action": action, "targets": [target], "at": f"{number + 1}s"}
        for number, (action, target) in enumerate(steps)
    ]
    try:
        parse(made, name="x", file="x.toml")
    except ScenarioError as refused:
        return [str(problem) for problem in refused.problems]
    return []


EAST, SOUTH, AWAY = "us-east-1/c1/h1", "us-west-2/c1/h1", "eu-west-1/c1/h1"


def test_operations_see_the_members_that_those_above_them_have_made() -> None:
    assert changed(("add-host", SOUTH), ("promote", SOUTH), ("remove-host", EAST), ("add-host", EAST)) == []
    (told,) = changed(("promote", SOUTH))
    assert "has no member of bank-account-0; choose one of us-east-1/c1/h1" in told
    (told,) = changed(("add-host", SOUTH), ("remove-host", EAST), ("promote", EAST))
    assert "has no member of bank-account-0; choose one of us-west-2/c1/h1" in told


def test_who_cannot_join_and_the_last_member_are_refused_before_the_run() -> None:
    (told,) = changed(("add-host", AWAY))
    assert "has no member of bank-account-0 that could join; choose one of us-west-2/c1/h1" in told
    (told,) = changed(("remove-host", EAST))
    assert "is the last member of bank-account-0; add one first" in told


def test_a_leader_that_an_operator_removes_leads_no_more() -> None:
    made = document(
        {"id": "in", "action": "add-host", "targets": [SOUTH], "at": "3s"},
        {"id": "out", "action": "remove-host", "targets": [EAST], "at": {"after": "in", "delay": "1s"}},
    )
    made["system"] = {"factory": "models.raft.deployment:raft", "spread": "region", "members": 1, "spares": 1}
    seen = gather(parse(made, name="x", file="x.toml"), 0)
    assert isinstance(seen, Observation)
    assert operations_done(seen).outcome is Outcome.VALID
    removed_us = next(t_us for t_us, text in seen.operations if text == "out begun")
    assert [region for t_us, region, _ in seen.noted["elected"] if t_us > removed_us] == ["us-west-2"]


def changeable(site: Any, workload: Any, *, scheme: str = "multi-persist:2/3@region") -> Any:
    """A store that claims to change its members; it is only looked at."""

    class Words:
        able = tuple(host.location for host in site.topology.servers("us-east-1"))

        def request(self, change: Any) -> Any:
            raise NotImplementedError

        def is_done(self, change: Any, answer: Any) -> bool:
            return False

    return replace(store(site, workload, scheme=scheme), membership=Words())


def test_a_system_without_shards_has_nothing_to_operate_on() -> None:
    made = document(WEST)
    made["system"] = {"factory": "models.quorum:quorum", "n": 3, "r": 2, "w": 2}
    with pytest.raises(ScenarioError, match="this system has no shards that operators can act on; choose a system"):
        parse(made, name="x", file="x.toml")


# -- what they become --------------------------------------------------------------------------------------


def test_a_rolling_restart_becomes_crashes_in_sequence_and_no_step() -> None:
    made = read(ROLL)
    assert made.operations == ()
    assert [(f.id, f.kind, f.targets, f.at, f.for_us) for f in made.faults] == [
        (f"roll-{n}", "process-crash", (f"{region}/c1/h1",), 4_000_000 * n, 500_000)
        for n, region in enumerate(("us-east-1", "us-west-2", "eu-west-1"), 1)
    ]


def test_a_variant_restarts_nothing_twice() -> None:
    made = read(ROLL, WEST)
    assert made.with_faults(made.faults).faults == made.faults
    assert made.without_faults().faults == ()
    assert [one.id for one in made.without_faults().operations] == ["west"]
    again = pickle.loads(pickle.dumps(made))
    assert (again.faults, again.operations) == (made.faults, made.operations)


def test_operations_say_who_when_and_for_how_long() -> None:
    later = {"id": "back", "action": "fence", "targets": ["us-west-2/c1/h1"], "at": {"after": "west", "delay": "2s"}}
    first, second = read(WEST, later).operations
    assert (first.action, first.operator, first.at_us, first.patience_us) == (
        Action.PROMOTE,
        "us-east-1",
        4_000_000,
        10_000_000,
    )
    assert (second.after, second.at_us) == ("west", 2_000_000)


# -- properties ----------------------------------------------------------------------------------------------


def evidence(*operations: tuple[int, str], accepted_us: int = 5) -> Evidence:
    history = History()
    history.append(4, "c", Operation(1, Kind.INVOKE, "deposit", 1, 1))
    history.append(accepted_us, "c", Operation(1, Kind.OK, "deposit", 1, 1))
    return Evidence(
        scenario=read(WEST), seed=0, history=history, operations=operations, utilisation={}, network={}, digest="d"
    )


def test_operations_are_done_or_not() -> None:
    assert operations_done(evidence((1, "west begun"), (2, "west done"))).outcome is Outcome.VALID
    assert operations_done(evidence((1, "west begun"), (2, "west gave-up"))).outcome is Outcome.INVALID
    assert operations_done(evidence()).outcome is Outcome.INVALID


def test_what_is_accepted_inside_a_fence_is_found() -> None:
    fence = ((3, "fence done"), (9, "west begun"))
    broken = fenced_is_silent(evidence(*fence), fence="fence", then="west")
    assert (broken.outcome, broken.witness) == (Outcome.INVALID, (1,))
    assert fenced_is_silent(evidence(*fence, accepted_us=10), fence="fence", then="west").outcome is Outcome.VALID
    assert fenced_is_silent(evidence(), fence="fence", then="west").outcome is Outcome.UNKNOWN


def test_a_share_of_answers_is_counted_in_its_span() -> None:
    assert answered(evidence(), share=1.0).outcome is Outcome.VALID
    assert answered(evidence(), share=0.1, from_us=5).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", ["operator_restore", "operator_fence"])
def test_an_operator_does_what_the_scenario_says(name: str) -> None:
    scenario = load(name)
    seen = gather(scenario, 1)
    verdicts = judge(seen, scenario.properties)
    assert {claim for claim, verdict in verdicts.items() if verdict.outcome is not Outcome.VALID} <= {"fault_fired"}
    assert seen.operations[-1][1].endswith("done")


def test_losses_are_excused_by_a_restore_alone_and_only_in_its_span() -> None:
    seen = gather(load("operator_restore"), 1)
    assert isinstance(seen, Observation)
    lost, shown = PROPERTIES["lost_since_backup"], PROPERTIES["loses_since_backup"]
    assert (lost.holds(seen).outcome, shown.holds(seen).outcome) == (Outcome.VALID, Outcome.VALID)
    never = replace(seen, noted={**seen.noted, "restored": ()})
    # All disks were lost, and the scheme says what that may take.
    assert (lost.holds(never).outcome, shown.holds(never).outcome) == (Outcome.UNKNOWN, Outcome.INVALID)
    spared = replace(never, encounters=())
    assert lost.holds(spared).outcome is Outcome.INVALID
    (t_us, region, _), *_ = seen.noted["restored"]
    later = replace(seen, noted={**seen.noted, "restored": ((t_us, region, 9_000_000),)})
    assert lost.holds(later).outcome is Outcome.INVALID
    whole = gather(load("operator_promote"), 1)
    assert lost.holds(whole).outcome is Outcome.VALID
    assert shown.holds(whole).outcome is Outcome.INVALID


def test_starving_and_deposing_are_told_from_what_is_healthy() -> None:
    starved, somebody, nobody = (PROPERTIES[n] for n in ("starved", "somebody_promoted", "nobody_promoted"))
    assert starved.holds(evidence(), share=0.5).outcome is Outcome.INVALID
    assert starved.holds(evidence(accepted_us=5), share=2.0).outcome is Outcome.VALID
    seen = gather(load("operator_promote"), 1)
    assert (somebody.holds(seen).outcome, nobody.holds(seen).outcome) == (Outcome.VALID, Outcome.INVALID)


def test_voters_are_what_the_end_says_and_not_what_an_operator_was_told() -> None:
    voters, seen = PROPERTIES["voters_are"], gather(load("raft_membership_cut"), 1)
    assert voters.holds(seen, hosts="south/c1/h1, east/c1/h1, north/c1/h1").outcome is Outcome.VALID
    assert voters.holds(seen, hosts="east/c1/h1, north/c1/h1").outcome is Outcome.INVALID
    assert voters.holds(seen, hosts="east/c1/h1, north/c1/h1, west/c1/h1").outcome is Outcome.INVALID
    assert voters.holds(seen, hosts="east/c1/h9").outcome is Outcome.UNKNOWN


# -- and systems that are broken on purpose ----------------------------------------------------------------


class Unfenced(Shard):
    """Says that it is fenced, and goes on."""

    def on_fence(self, msg: Fence, sender: Any) -> Fenced:
        return Fenced(number=self.options.number, promised=msg.epoch, leads=False)

    on_fence.__handles__ = Fence  # type: ignore[attr-defined]


class Forgetful(Shard):
    """Hands out a copy without the older half of the commands that must still be known."""

    def on_copy_query(self, msg: CopyQuery, sender: Any) -> Copied | None:
        copy = super().on_copy_query(msg, sender)
        return None if copy is None else replace(copy, window=copy.window[len(copy.window) // 2 :])

    on_copy_query.__handles__ = CopyQuery  # type: ignore[attr-defined]


class Untrue(RegisterShard):
    """Says that a member is gone, and lets nobody go."""

    def _remove(self, seat: int) -> Generator[Wait, Any, MembersChanged]:
        yield self.ctx.sleep(1)
        return MembersChanged(done=True)


def unfenced(site: Any, workload: Any, *, scheme: str) -> Any:
    return store(site, workload, Unfenced, scheme=scheme)


def forgetful(site: Any, workload: Any, *, scheme: str, backup_every_us: int) -> Any:
    return store(site, workload, Forgetful, scheme=scheme, backup_every_us=backup_every_us)


def untrue(site: Any, workload: Any, *, spread: str, spares: int, **kept: Unpack[KeptOptions]) -> Any:
    return raft(site, workload, Untrue, spread=spread, spares=spares, **kept)


@pytest.mark.parametrize(
    ("name", "factory", "caught"),
    [
        ("operator_fence", "unfenced", "fenced_is_silent"),
        ("operator_restore", "forgetful", "lost_since_backup"),
        ("raft_membership_cut", "untrue", "voters_are"),
    ],
)
def test_a_broken_member_is_caught(name: str, factory: str, caught: str) -> None:
    scenario = load(name)
    options = {key: value for key, value in scenario.document["system"].items() if key != "factory"}
    broken = scenario.with_system({"factory": f"{__name__}:{factory}", **options})
    assert judge(gather(broken, 1), broken.properties)[caught].outcome is Outcome.INVALID


def test_the_lead_of_a_home_can_be_moved_by_hand() -> None:
    made = deepcopy(dict(load("operator_promote").document))
    made["system"] = {"factory": "models.deployment:home_region"}
    made["property"] = [
        {"name": "operations_done", "mode": "always"},
        {"name": "no_acknowledged_loss", "mode": "always"},
    ]
    scenario = parse(made, name="x", file="x.toml")
    verdicts = judge(gather(scenario, 1), scenario.properties)
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.VALID}
