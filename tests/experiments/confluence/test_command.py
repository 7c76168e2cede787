"""`./lab confluence`: what can be split, asked of the command line."""

import pytest

from experiments.cli import main
from experiments.confluence import DOMAINS, TEXTBOOK, apply_all, split_domain
from models.domains.counter import Add, Counter
from sim.checkers.confluence import SplitSystem

#: As a user would keep it in a module of their own.
MINE = split_domain(Counter(), (Add(n=1),), apply_all)
TABLES = "tests.models.own_domains:Tables"


def _raises(*_: object) -> int:
    raise KeyError("boom")


def _system(**more: object) -> SplitSystem[object, object]:
    parts = {
        "initial": 0,
        "offers": lambda held, side: (1, 2),
        "apply": lambda held, step, side: held + step,
        "merge": lambda base, left, right: left + right - base,
        "invariant": lambda held: held >= 0,
    }
    return SplitSystem(**parts | more)  # type: ignore[arg-type]


REFUSES = _system(apply=lambda held, step, side: None)
OFFERS_NOTHING = _system(offers=lambda held, side: ())
APPLY_RAISES = _system(apply=_raises)
MERGE_RAISES = _system(merge=_raises)
LISTS = _system(initial=[])


def test_everything_shipped_agrees_with_the_textbook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "--depth", "3"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{out}" for name in (*TEXTBOOK, *DOMAINS))
    assert "the textbook says" not in out


def test_a_case_that_is_not_found_at_so_little_depth_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "--depth", "1"]) == 1
    assert "; the textbook says broken" in capsys.readouterr().out


def test_a_named_system_that_is_not_confluent_exits_1_with_the_pair(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "bank-account", "--merge", "apply-all"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "    side 0: Withdraw(amount=1)",
        "    side 1: Withdraw(amount=1)",
        "    merged: Account(balance=-1); merged, it breaks the invariant",
    ]


def test_a_merge_policy_is_asked_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "bank-account", "--merge", "escrow", "--depth", "3"]) == 0
    assert main(["confluence", "bank-account", "--merge", "commutative", "--depth", "3"]) == 1
    assert "merged: Account(balance=-1); merged, it breaks the invariant" in capsys.readouterr().out
    assert main(["confluence", "username", "--merge", "escrow"]) == 2


def test_sets_are_printed_in_one_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "unique-name"]) == 1
    assert "merged: {('ann', 0), ('ann', 1)};" in capsys.readouterr().out


def test_a_system_of_ones_own_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", f"{__name__}:MINE"]) == 0
    assert "split it freely" in capsys.readouterr().out


def test_a_domain_of_ones_own_is_asked_by_every_rule_or_by_the_one_that_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["confluence", TABLES, "--depth", "3"]) == 1
    assert [line.split()[3] for line in capsys.readouterr().out.splitlines() if line.startswith(TABLES)] == [
        "apply-all",
        "replay",
        "last-writer",
    ]
    assert main(["confluence", TABLES, "--merge", "canonical-replay", "--depth", "3"]) == 1
    assert "merged by canonical-replay" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "REFUSES",
            "both sides refuse all 4 operations that are offered in the first state, so that nothing was tried",
        ),
        ("OFFERS_NOTHING", "nothing is offered in the first state, so that nothing was tried"),
    ],
)
def test_who_accepts_nothing_is_not_called_confluent(name: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", f"{__name__}:{name}"]) == 2
    out = capsys.readouterr().out
    assert "not known" in out
    assert told in out
    assert "split it freely" not in out


def test_merge_alone_asks_the_domains_that_it_suits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "--merge", "closing-barrier", "--depth", "2"]) == 0
    assert capsys.readouterr().out.startswith("auction ")


@pytest.mark.parametrize("name", ["counter-down", f"{__name__}:MINE"])
def test_merge_is_refused_where_a_system_brings_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", name, "--merge", "escrow"]) == 2
    assert "brings its own merge, which --merge escrow would not change; leave it out" in capsys.readouterr().err


def test_all_that_cannot_be_asked_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", "counter-down", "seets", "username", "--merge", "escrow"]) == 2
    told = capsys.readouterr().err
    assert "'counter-down' is a case of the textbook" in told
    assert "did you mean 'seats'?" in told
    assert "username: policy escrow cannot merge domain 'username'" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("seat-winer", "did you mean 'seat-winner'?"),
        ("nowhere.at_all:x", "cannot be had: No module named 'nowhere'"),
        ("experiments.confluence:nothing", "cannot be had"),
        ("experiments.confluence:RULES", "give a sim.checkers.confluence.SplitSystem"),
        (f"{__name__}:APPLY_RAISES", "APPLY_RAISES: apply(state=0, operation=1, side=1) raised KeyError: 'boom'"),
        (f"{__name__}:MERGE_RAISES", "MERGE_RAISES: merge(base=0, left=0, right=1) raised KeyError: 'boom'"),
        (f"{__name__}:LISTS", "LISTS: initial is [], which cannot be hashed"),
        ("tests.models.own_domains:Mute", "nobody knows what to ask of it; define asks(self)"),
        ("tests.experiments.scenario_broken_import:x", "scenario_broken_import cannot be imported"),
    ],
)
def test_what_cannot_be_asked_is_refused(name: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", name]) == 2
    assert told in capsys.readouterr().err
