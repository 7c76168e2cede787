"""Split domains end to end: what their properties say of shipped policies, of wrong ones, and of a user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.measures import observe
from experiments.properties import find, judge
from experiments.scenario import Scenario, ScenarioError, load, parse
from models.merging.policies import CanonicalReplay, RecentPolicy
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
    """Promises that every write has a fate, and keeps the losers' to itself."""

    name = "says-nothing"

    def step(self, held, write):
        step = super().step(held, write)
        return step._replace(outputs=step.outputs if len(step.outputs) == 1 else ())


def says_nothing(domain, meaning, sources):
    return SaysNothing(domain)


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


def test_check_refuses_a_policy_that_breaks_its_word_with_the_counterexample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = load("split_replay").text.replace('"canonical-replay"', f'"{HERE}:says_nothing"')
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert main(["check", str(file), "--seeds", "1"]) == 2
    told = capsys.readouterr().err
    assert f'system.merge = "{HERE}:says_nothing": breaks what it promises of domain' in told
    assert "decides Reserve" in told


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ({"domain": "cart", "merge": "accept-and-apologise"}, ["nothing says how a broken one is made good"]),
        ({"domain": "shop", "merge": "coin"}, ['domain = "shop"', 'merge = "coin"']),
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


def test_a_design_that_splits_nothing_knows_nothing_of_merges() -> None:
    made = load("nemesis_home_region")
    seen = observe(made, 0)
    names = ("keeps_its_obligations", "merged_alike", "met_concurrency")
    assert {find(name).holds(seen).outcome for name in names} == {Outcome.UNKNOWN}
