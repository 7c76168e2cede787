"""`./lab obligations`, and `./lab check` without names: every policy on every domain that it suits."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from experiments.cli import main
from experiments.obligations.everywhere import Pair, pairs_of, prove
from models.domains.profile import Profile  # noqa: F401 - called as a policy
from models.merging.policies import POLICIES, LastWriter, SilentLastWriter
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


class Nothing(LastWriter):
    """Promises nothing, and says nothing."""

    name = "nothing"
    promises = frozenset()

    def step(self, held, write):
        return super().step(held, write)._replace(outputs=())


def nothing(domain, meaning, sources):
    return Nothing(domain)


class Quiet(SilentLastWriter):
    """As the negative control, under another name."""

    name = "quiet"


def quiet(domain, meaning, sources):
    return Quiet(domain)


class Moody(LastWriter):
    """Now and then says nothing, by how often it was asked."""

    name = "moody"

    def __init__(self, domain):
        super().__init__(domain)
        self._asked = count(1)

    def step(self, held, write):
        step = super().step(held, write)
        return step if next(self._asked) % 50 else step._replace(outputs=())


def moody(domain, meaning, sources):
    return Moody(domain)


class Leaving(LastWriter):
    """Ends the process."""

    name = "leaving"

    def step(self, held, write):
        raise SystemExit(7)


def leaving(domain, meaning, sources):
    return Leaving(domain)


class Wordy(LastWriter):
    """Refuses in a text, where a list of sentences is due."""

    name = "wordy"

    def refusals(self):
        return "all of it"


def wordy(domain, meaning, sources):
    return Wordy(domain)


def raises(domain, meaning, sources):
    raise RuntimeError("not today")


def exits(domain, meaning, sources):
    raise SystemExit(7)


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
    waives = "waives commutes, invariant"
    assert told == f"three-way on profile: keeps 7 of 9 obligations, over 3 histories; {waives}\n"


def test_who_breaks_it_exits_1_with_the_smallest_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", f"{HERE}:forgetful", "--domain", "profile", "--seeds", "4"]) == 1
    first, *steps = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{HERE}:forgetful on profile: not conserved (seed ")
    assert 2 <= len(steps) <= 6
    assert all("decides Change" in step for step in steps)


@pytest.mark.parametrize("policy", ["nothing", "quiet"])
def test_what_no_merge_can_do_without_is_asked_of_who_does_not_promise_it(
    policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["obligations", f"{HERE}:{policy}", "--domain", "profile", "--seeds", "4"]) == 1
    assert f"{HERE}:{policy} on profile: not conserved (seed " in capsys.readouterr().out


def test_the_negative_control_alone_is_let_off_what_it_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", "silent-last-writer", "--domain", "profile", "--seeds", "2"]) == 0
    assert "waives commutes, invariant, conserved (which it is there to break)\n" in capsys.readouterr().out


def test_who_waives_nothing_keeps_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", "escrow", "--domain", "bank-account", "--seeds", "1"]) == 0
    assert capsys.readouterr().out == "escrow on bank-account: keeps all 9 obligations, over 1 history\n"


def test_what_cannot_be_shown_again_keeps_its_reason_and_its_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", f"{HERE}:moody", "--domain", "profile", "--seeds", "5"]) == 1
    first, *steps = capsys.readouterr().out.splitlines()
    assert f"{HERE}:moody on profile: not deterministic (seed 0): in another order of arrival " in first
    assert "came out in one place" in first
    assert first.endswith("such as a clock, chance, or what it did before")
    assert any("decides Change" in step for step in steps)


def test_a_policy_that_ends_the_process_breaks_its_word_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obligations", f"{HERE}:leaving", "--domain", "profile", "--seeds", "2"]) == 1
    assert "not deterministic (seed 0): it raised SystemExit: 7\n" in capsys.readouterr().out


def test_a_domain_of_ones_own_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    domain = "tests.models.own_domains:Tables"
    assert main(["obligations", "canonical-replay", f"{HERE}:nothing", "--domain", domain, "--seeds", "2"]) == 1
    kept, broken, *steps = capsys.readouterr().out.splitlines()
    assert kept == f"canonical-replay on {domain}: keeps 8 of 9 obligations, over 2 histories; waives commutes"
    assert broken.startswith(f"{HERE}:nothing on {domain}: not conserved (seed 0)")
    assert all("Book" in step for step in steps)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["tree-way", "escrow", "--domain", "cart", "--domain", "shop"],
            ["domain='shop' is none", "merge='tree-way' is no policy", "merge='escrow' cannot merge domain 'cart'"],
        ),
        ([f"{HERE}:raises"], ["raised RuntimeError: not today"]),
        ([f"{HERE}:exits"], ["raised SystemExit: 7"]),
        ([f"{HERE}:wordy", "--domain", "cart"], ["its refusals() gave 'all of it'; give a list of sentences"]),
        (
            ["escrow", "--domain", "tests.models.own_domains:Mute", "--domain", "tests.models.own_domains:Gone"],
            ["own_domains:Mute': nobody knows what to ask of it; define asks", "has nothing by the name 'Gone'"],
        ),
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
    assert "commutative on counter: keeps 8 of 9 obligations, over 3 histories; waives invariant" in out
    assert "forgetful on profile: not conserved" in out
    suite = next(one for one in ElementTree.parse(file).getroot() if one.get("name") == "obligations")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
