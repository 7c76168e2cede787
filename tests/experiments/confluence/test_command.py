"""`./lab confluence`: what can be split, asked of the command line."""

import pytest

from experiments.cli import main
from experiments.confluence import DOMAINS, TEXTBOOK, apply_all, split_domain
from models.domains.counter import Add, Counter

#: As a user would keep it in a module of their own.
MINE = split_domain(Counter(), (Add(n=1),), apply_all)


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


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("seat-winer", "did you mean 'seat-winner'?"),
        ("nowhere.at_all:x", "cannot be had: No module named 'nowhere'"),
        ("experiments.confluence:nothing", "cannot be had"),
        ("experiments.confluence:RULES", "give a sim.checkers.confluence.SplitSystem"),
    ],
)
def test_what_cannot_be_asked_is_refused(name: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confluence", name]) == 2
    assert told in capsys.readouterr().err
