"""Which comparisons of an empty disk say that nothing can be missing."""

from __future__ import annotations

from itertools import combinations

import pytest

from models.quorum.filling import Filling
from models.quorum.messages import Standing

WHOLE = Standing(holds_all=True, life=1)


def empty(life: int = 1) -> Standing:
    return Standing(holds_all=False, life=life)


def need(servers: int, w: int) -> int:
    return max(0, servers - 1 - max(0, w - 2))


@pytest.mark.parametrize(("n", "w"), [(n, w) for n in range(2, 7) for w in range(2, n + 1)])
def test_a_holder_of_every_acknowledged_write_was_compared_with_while_fewer_than_w_disks_are_lost(
    n: int, w: int
) -> None:
    """Of N servers the first is empty; every set of W holders with it in, every smaller set that is lost besides."""
    for size in range(w - 1):
        for lost in combinations(range(1, n), size):
            # The worst choice of whom it reaches: just enough that hold all.
            whole = [server for server in range(1, n) if server not in lost]
            for reached in combinations(whole, min(len(whole), need(n, w))):
                filling = Filling(range(1, n), need(n, w))
                for server in (*lost, *reached):
                    filling.compared(server, empty() if server in lost else WHOLE)
                if filling.round_over():
                    missed = set(range(1, n)) - set(reached)
                    assert len(missed) < w - 1, "W - 1 other holders do not fit into who was left out"


def test_others_that_are_empty_themselves_do_not_count() -> None:
    filling = Filling((1, 2), 1)
    for _ in range(5):
        filling.compared(1, empty())
        assert not filling.round_over(), "and the second is out of reach"
    filling.compared(2, WHOLE)
    assert filling.round_over()


def test_those_that_were_empty_together_are_waited_for_no_more() -> None:
    filling = Filling((1, 2), 2)
    filling.compared(1, WHOLE)
    filling.compared(2, empty())
    assert not filling.round_over(), "it may have been filled since, before the others lost what they had"
    assert filling.left == [2]
    filling.compared(2, empty())
    assert filling.round_over()


def test_another_life_may_have_been_filled_in_between() -> None:
    filling = Filling((1,), 1)
    for life in range(1, 6):
        filling.compared(1, empty(life))
        assert not filling.round_over()


def test_who_has_nobody_beside_it_waits_for_nobody() -> None:
    assert Filling((), 0).enough
