"""Split domains end to end: what their properties say of shipped policies, of wrong ones, and of a user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.measures import observe
from experiments.properties import find, judge
from experiments.scenario import Scenario, ScenarioError, load, parse
from models.merging.policies import CanonicalReplay, Commutative, RecentPolicy
from models.merging.policy import Obligation
from sim.checkers import Outcome

SPLITS = (
    "split_replay",
    "split_apologise",
    "split_commutative",
    "split_last_writer",
    "split_last_writer_by_field",
    "split_first_writer",
    "split_priority_region",
    "split_siblings",
    "split_escrow",
    "split_closing_barrier",
    "split_observed",
    "split_three_way",
    "split_disk_lost",
)
HERE = "tests.experiments.test_merge_properties"
OWN = "tests.models.own_domains"


class LongestNote(RecentPolicy):
    """Of concurrent changes of a field the longest value counts: a policy of somebody's own."""

    name = "longest-note"

    def judge(self, writes, lost_to, concurrent):
        new = writes[-1]
        rivals = [place for place in concurrent if not lost_to[place] and self.clash(writes[place], new)]
        longer = [place for place in rivals if _length(writes[place]) >= _length(new)]
        if longer:
            lost_to[-1] = writes[longer[0]].address
            return
        for place in rivals:
            lost_to[place] = new.address


def _length(write):
    return len(write.event.value or "")


def longest_note(domain, meaning, sources):
    return LongestNote(domain, meaning)


class SaysNothing(CanonicalReplay):
    """Keeps the losers' fates to itself, and promises nothing."""

    name = "says-nothing"
    promises = frozenset()

    def step(self, held, write):
        step = super().step(held, write)
        return step._replace(outputs=step.outputs if len(step.outputs) == 1 else ())


def says_nothing(domain, meaning, sources):
    return SaysNothing(domain)


class Eager(Commutative):
    """Promises the invariant that two sides break together."""

    name = "eager"
    promises = frozenset(Obligation)


def eager(domain, meaning, sources):
    return Eager(domain, meaning)


class Leaving(CanonicalReplay):
    """Ends the process."""

    name = "leaving"

    def step(self, held, write):
        raise SystemExit(7)


def leaving(domain, meaning, sources):
    return Leaving(domain)


class Shapeless:
    name = "first-writer"
    promises = frozenset({"everything"})

    def begin(self):
        return 0


def shapeless(domain, meaning, sources):
    return Shapeless()


def scenario(name: str, **system: object) -> Scenario:
    document = dict(load(name).document)
    document["system"] = dict(document["system"]) | system
    return parse(document, name=name, file=f"{name}.toml")


@pytest.mark.parametrize("name", SPLITS)
def test_a_shipped_policy_holds_in_the_store(name: str) -> None:
    made = load(name)
    found = judge(observe(made, 0), made.properties)
    assert {claim: verdict for claim, verdict in found.items() if verdict.outcome is not Outcome.VALID} == {}


def test_a_policy_of_a_few_lines_of_ones_own_holds_too() -> None:
    made = scenario("split_last_writer_by_field", merge=f"{HERE}:longest_note")
    found = judge(observe(made, 0), made.properties)
    assert {claim: verdict for claim, verdict in found.items() if verdict.outcome is not Outcome.VALID} == {}


def test_a_policy_that_breaks_its_word_is_found_by_the_runs_seed() -> None:
    made = scenario("split_replay", merge=f"{HERE}:says_nothing")
    seen = observe(made, 0)
    verdict = find("keeps_its_obligations").holds(seen)
    assert verdict.outcome is Outcome.INVALID
    assert str(verdict.reason).startswith("not conserved (seed ")


def test_a_view_that_is_not_what_the_writes_come_to_is_found() -> None:
    seen = observe(load("split_replay"), 0)
    assert seen.ledger.merging is not None
    end = replace(seen.ledger.merging, wrong=("shard 0, sub-domain 1: aggregate 3 is off",))
    wrong = replace(seen, ledger=replace(seen.ledger, merging=end))
    assert find("merged_alike").holds(wrong).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("domain", "policy", "told", "way_out"),
    [
        ("inventory", "says_nothing", "does not do what every merge must on domain", "no merge can do without this"),
        ("bank-account", "eager", "breaks what it promises of domain", "repair the policy, or promise less"),
        ("inventory", "leaving", "it raised SystemExit: 7", "no merge can do without this"),
        (f"{OWN}:Tables", "says_nothing", "must on domain 'tables': not conserved", "no merge can do without this"),
    ],
)
def test_check_refuses_a_policy_that_breaks_its_word_with_the_counterexample(
    domain: str, policy: str, told: str, way_out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = load("split_replay").text.replace('"canonical-replay"', f'"{HERE}:{policy}"')
    file = tmp_path / "mine.toml"
    file.write_text(text.replace('"inventory"', f'"{domain}"'))
    assert main(["check", str(file), "--seeds", "1"]) == 2
    said = capsys.readouterr().err
    assert f'system.merge = "{HERE}:{policy}": ' in said
    assert told in said
    assert way_out in said
    assert " decides " in said


def test_a_domain_of_ones_own_is_split_and_merged_and_its_policy_tried() -> None:
    made = scenario("split_replay", domain=f"{OWN}:Tables")
    seen = observe(made, 0)
    found = judge(seen, made.properties)
    assert {claim: verdict for claim, verdict in found.items() if verdict.outcome is not Outcome.VALID} == {}
    assert seen.ledger.merging is not None
    assert seen.ledger.merging.writes > 100


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ({"domain": "cart", "merge": "accept-and-apologise"}, ["nothing says how a broken one is made good"]),
        ({"domain": "shop", "merge": "coin"}, ['domain = "shop"', 'merge = "coin"']),
        ({"domain": f"{OWN}:Mute"}, [f'domain = "{OWN}:Mute": nobody knows what to ask of it; define asks']),
        ({"domain": "nobody.knows:it"}, ["nobody.knows cannot be imported"]),
        ({"merge": "nobody.knows:it"}, ["nobody.knows cannot be imported"]),
        ({"merge": f"{HERE}:nothing"}, ["has nothing to call by the name 'nothing'"]),
        (
            {"merge": f"{HERE}:shapeless"},
            ["is a shipped policy's", "no frozenset of obligations", "no method 'step'", "no method 'refusals'"],
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run_all_at_once(system: dict[str, object], told: list[str]) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario("split_replay", **system)
    for words in told:
        assert words in str(refused.value)


def test_each_reason_why_a_policy_does_not_fit_has_a_line_of_its_own() -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario("split_replay", merge=f"{HERE}:shapeless")
    assert len(refused.value.problems) == 6
    assert all("cannot merge domain 'inventory': " in one.rule for one in refused.value.problems)


def test_a_design_that_splits_nothing_knows_nothing_of_merges() -> None:
    made = load("nemesis_home_region")
    seen = observe(made, 0)
    names = ("keeps_its_obligations", "merged_alike", "met_concurrency")
    assert {find(name).holds(seen).outcome for name in names} == {Outcome.UNKNOWN}
