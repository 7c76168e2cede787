"""Of those that are silent, how many are up again: against counting, and at the ends."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from models.confidence import Erlang, Hearing
from models.confidence.answer import Answer
from models.confidence.healing import healed, healed_share
from sim.topology import Location

S = 1_000_000
HEARING = Hearing(every_us=S, loss=0.1, delay=Erlang(mean_us=1_000.0))


def told(*, unreachable: float, dead: float, silent_us: int) -> Answer:
    return Answer(
        subject=Location(1),
        observer=Location(2),
        at_us=50 * S,
        up=1 - unreachable - dead,
        slow=0.0,
        unreachable=unreachable,
        dead=dead,
        blames=(),
        basis=(),
        age_us=silent_us,
    )


@pytest.mark.parametrize("silent_s", [1.4, 2.9, 5.5])
def test_it_is_the_share_that_counting_finds(silent_s: float) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    runs, mean_s = 400_000, 4.0
    # It broke just after a heartbeat at 0; those after the repair come unless they are lost.
    repaired_s = rng.exponential(mean_s, size=runs)
    silent = np.ones(runs, dtype=bool)
    for beat in range(1, int(silent_s) + 1):
        silent &= (repaired_s > beat) | (rng.random(runs) < HEARING.loss)
    counted = float((repaired_s[silent] <= silent_s).mean())
    said = healed_share(silent_s * S, HEARING, mean_s * S)
    assert said == pytest.approx(counted, abs=4 * (counted * (1 - counted) / silent.sum()) ** 0.5 + 1e-3)


def test_nothing_heals_before_anything_is_missing_or_where_nothing_is_repaired() -> None:
    assert healed_share(0.9 * S, HEARING, 10.0 * S) == 0
    assert healed_share(9.5 * S, HEARING, inf) == 0


def test_what_is_up_again_is_taken_from_dead_and_unreachable_alike() -> None:
    answer = told(unreachable=0.2, dead=0.6, silent_us=3 * S + S // 2)
    share = healed_share(3.5 * S, HEARING, 10.0 * S)
    found = healed(answer, HEARING, 10.0 * S)
    assert 0 < share < 0.1
    assert (found.unreachable, found.dead) == pytest.approx((0.2 * (1 - share), 0.6 * (1 - share)))
    assert found.up + found.down == pytest.approx(1.0)


def test_bad_means_are_refused() -> None:
    with pytest.raises(ValueError, match="no mean time"):
        healed_share(5.0 * S, HEARING, 0.0)
    with pytest.raises(ValueError, match="send them more often"):
        healed_share(5.0 * S, HEARING, 0.3 * S)
