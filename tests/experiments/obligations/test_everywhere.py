"""`./lab obligations`, and `./lab check` without names: every policy on every domain that it suits."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from experiments.cli import main
from experiments.obligations.everywhere import Pair, pairs_of, prove
from models.domains.profile import Profile  # noqa: F401 - called as a policy
from models.merging.policies import POLICIES, LastWriter
from models.merging.writes import Merged

HERE = "tests.experiments.obligations.test_everywhere"


class Forgetful(LastWriter):
    """Promises that every write has a fate, and says of none that it lost."""

    name = "forgetful"

    def step(self, held, write):
        step = super().step(held, write)
        return step._replace(outputs=tuple(one for one in step.outputs if isinstance(one, Merged)))


def forgetful(domain, meaning, sources):
    return Forgetful(domain)


def raises(domain, meaning, sources):
    raise RuntimeError("not today")


def test_every_shipped_policy_is_tried_on_each_domain_that_it_suits() -> None:
    pairs = pairs_of()
    assert {pair.policy for pair in pairs} == set(POLICIES)
    assert len(pairs) == len(set(pairs)) >= 80
    assert Pair("three-way", "cart") in pairs
    assert Pair("commutative", "seats") not in pairs


def test_a_domain_alone_is_tried_with_the_policies_that_suit_it() -> None:
    assert {pair.policy for pair in pairs_of((), ("auction",))} == {
        "canonical-replay",
        "closing-barrier",
        "commutative",
        "last-writer",
        "silent-last-writer",
    }


def test_workers_say_what_one_process_says() -> None:
    pairs = pairs_of(("observed", f"{HERE}:forgetful"), ("profile",))
    near, afar = (sorted(prove(pairs, range(4), jobs)) for jobs in (1, 2))
    assert near == afar
    assert [bool(proof.broken) for proof in near] == [False, True]


def test_who_keeps_its_word_exits_0_and_says_over_how_many_histories(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", "three-way", "--domain", "profile", "--seeds", "3"]) == 0
    told = capsys.readouterr().out
    assert told == "three-way on profile: keeps the 7 obligations that it promises, over 3 histories\n"


def test_who_breaks_it_exits_1_with_the_smallest_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", f"{HERE}:forgetful", "--domain", "profile", "--seeds", "4"]) == 1
    first, *steps = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{HERE}:forgetful on profile: not conserved (seed ")
    assert 2 <= len(steps) <= 6
    assert all("decides Change" in step for step in steps)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["tree-way", "escrow", "--domain", "cart", "--domain", "shop"],
            ["domain='shop' is none", "merge='tree-way' is no policy", "merge='escrow' cannot merge domain 'cart'"],
        ),
        ([f"{HERE}:raises"], ["raised RuntimeError: not today"]),
        ([f"{HERE}:Profile"], ["merge=", "raised TypeError"]),
        (["escrow", "--seeds", "0"], ["0 is not in the range"]),
    ],
)
def test_what_cannot_be_tried_is_told_all_at_once(
    arguments: list[str], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["obligations", *arguments]) == 2
    said = capsys.readouterr().err
    assert [words for words in told if words not in said] == []


def test_check_without_names_tries_them_and_counts_one_that_breaks_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = (Pair("commutative", "counter"), Pair(f"{HERE}:forgetful", "profile"))
    module = sys.modules["experiments.commands.check"]  # the package has the command by that name
    monkeypatch.setattr(module, "shipped", lambda: ("split_commutative",))
    monkeypatch.setattr(module, "pairs_of", lambda: pairs)
    file = tmp_path / "junit.xml"
    assert main(["check", "--seeds", "3", "--jobs", "1", "--junit", str(file)]) == 1
    out = capsys.readouterr().out
    assert "commutative on counter: keeps the 8 obligations that it promises, over 3 histories" in out
    assert "forgetful on profile: not conserved" in out
    suite = next(one for one in ElementTree.parse(file).getroot() if one.get("name") == "obligations")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
