"""The merge of one shard's sub-domains: gaps, repeats, cuts, restarts, and a sub-domain that is declared lost."""

from collections.abc import Sequence

import pytest

from models.addressing import Scope, mint, pack_type
from models.domain import Denied, Event, State
from models.domains.bank_account import Account, BankAccount, Deposited, Withdrawn
from models.merging import MergeFold, Write
from models.merging.policies import CanonicalReplay
from models.merging.policy import Step
from models.merging.settled import GapTooWide, Settled
from models.merging.writes import Compensated, Merged, Superseded

BANK = BankAccount(opening_balance=10)
WEST, EAST = 1, 2


def write(
    stamp_us: int, origin: int, position: int, event: Event, *, account: int = 7, seen: tuple[tuple[int, int], ...] = ()
) -> Write:
    """An event of a sub-domain, whose stream has one aggregate unless told."""
    type_id = pack_type(Scope.SERVICE, command=False, domain=BANK.number, incarnation=origin)
    return Write(stamp_us, origin, position, mint(type_id, account, position), event, seen=seen)


def fold(gap: int = 10) -> MergeFold:
    return MergeFold(CanonicalReplay(BANK), (WEST, EAST), gap=gap)


def balance(merge: MergeFold) -> tuple[int, int]:
    """Now, and at the cut."""
    now, stable = merge.state(7), merge.stable(7)
    assert isinstance(now, Account)
    assert isinstance(stable, Account)
    return now.balance, stable.balance


A = write(10, WEST, 1, Withdrawn(amount=6))
B = write(20, WEST, 2, Deposited(amount=1))
C = write(15, EAST, 1, Withdrawn(amount=7))


def test_what_arrives_shows_at_once_and_counts_at_the_cut() -> None:
    merge = fold()
    assert merge.ingest(A)
    assert balance(merge) == (4, 10)
    settled = merge.settle(12)
    assert settled is not None
    assert (settled.vector, settled.outputs) == (((WEST, 1),), (Merged(A.address),))
    assert balance(merge) == (4, 4)


def test_a_late_write_is_folded_in_where_it_belongs() -> None:
    merge = fold()
    for one in (A, B, C):
        merge.ingest(one)
    # 10 - 6, then 7 is too much, then 1 more.
    assert balance(merge) == (5, 10)
    settled = merge.settle(30)
    assert settled is not None
    assert [type(output) for output in settled.outputs] == [Merged, Superseded, Compensated, Merged]


def test_a_gap_is_held_and_a_repeat_dropped() -> None:
    merge = fold()
    assert not merge.ingest(B)
    assert (merge.received(WEST), merge.backlog, balance(merge)) == (0, 1, (10, 10))
    assert merge.ingest(A)
    assert (merge.received(WEST), merge.repeated) == (2, 0)
    for one in (A, B):
        assert not merge.ingest(one)
    assert (merge.repeated, balance(merge)) == (2, (5, 10))


def test_a_write_waits_for_what_its_writer_had_seen() -> None:
    merge = fold()
    answer = write(25, EAST, 1, Deposited(amount=5), seen=((WEST, 1),))
    assert not merge.ingest(answer)
    assert balance(merge) == (10, 10)
    assert merge.ingest(A)
    assert balance(merge) == (9, 10)


def test_no_more_is_held_behind_a_gap_than_may_be() -> None:
    merge = fold(gap=1)
    merge.ingest(B)
    with pytest.raises(GapTooWide) as error:
        merge.ingest(write(30, WEST, 3, Deposited(amount=1)))
    assert (error.value.origin, error.value.due) == (WEST, 1)


def test_nothing_is_settled_twice() -> None:
    merge = fold()
    merge.ingest(A)
    assert merge.settle(12) is not None
    assert merge.settle(12) is None
    assert merge.settle(5) is None
    assert merge.settle(40) is None  # nothing was concerned
    assert merge.cut_us == 40


def test_a_restart_goes_on_from_the_vector() -> None:
    first = fold()
    first.ingest(A)
    saved = first.settle(12)
    assert saved is not None
    again = fold()
    again.restore([saved])
    assert (balance(again), again.received(WEST)) == ((4, 4), 1)
    for one in (A, B, C):
        again.ingest(one)
    assert again.repeated == 1
    assert balance(again) == (5, 4)


def test_a_lost_sub_domain_counts_up_to_a_position() -> None:
    merge = fold()
    for one in (A, C):
        merge.ingest(one)
    merge.declare_lost(EAST, 0)
    assert balance(merge) == (4, 10)
    settled = merge.settle(12)
    assert settled is not None
    assert settled.outputs[0] == Merged(A.address)
    superseded, compensated = settled.outputs[1:]
    assert superseded == Superseded(C.address, 0, "sub-domain 2 was declared lost at 0")
    assert isinstance(compensated, Compensated)


def test_what_a_lost_sub_domain_brings_along_when_it_returns_is_owed_and_once() -> None:
    merge = fold()
    merge.ingest(A)
    merge.declare_lost(EAST, 1)
    merge.settle(12)
    late = write(16, EAST, 2, Withdrawn(amount=1))
    merge.ingest(C)
    merge.ingest(late)
    settled = merge.settle(18)
    assert settled is not None
    assert [output.address for output in settled.outputs if isinstance(output, Superseded)] == [C.address, late.address]
    assert merge.received(EAST) == 2
    again = fold()
    again.restore([settled])
    assert not again.ingest(late)
    assert again.settle(50) is None


def lost_and_all_told() -> tuple[MergeFold, list[Settled]]:
    """East was declared lost at 0, and what it wrote has been given up; with the records of it."""
    merge = fold()
    merge.ingest(A)
    merge.declare_lost(EAST, 0)
    merge.ingest(C)
    settled = merge.settle(18)
    assert settled is not None
    return merge, [settled]


def test_who_is_taken_back_counts_from_behind_what_was_given_up() -> None:
    merge, records = lost_and_all_told()
    records.append(merge.take_back(EAST, 1))
    assert merge.lost == ()
    after = write(30, EAST, 2, Deposited(amount=3))
    assert merge.ingest(after)
    settled = merge.settle(40)
    assert settled is not None
    assert settled.outputs == (Merged(after.address),)
    assert balance(merge) == (7, 7)

    again = fold()
    again.restore([*records, settled])
    assert (again.lost, again.vector(), balance(again)) == ((), {WEST: 1, EAST: 2}, (7, 7))
    assert (again.passed, again.losses[EAST]) == ({EAST: [range(1, 2)]}, 1)


def test_nobody_is_taken_back_before_all_that_it_wrote_has_its_fate() -> None:
    merge = fold()
    merge.ingest(A)
    assert not merge.may_take_back(EAST, 0), "it is not lost"
    merge.declare_lost(EAST, 0)
    merge.ingest(C)
    assert not merge.may_take_back(EAST, 1), "it is not settled that it was given up"
    with pytest.raises(ValueError, match="have that settled first"):
        merge.take_back(EAST, 1)
    merge.settle(18)
    assert not merge.may_take_back(EAST, 2), "there is more that has not come"
    assert merge.may_take_back(EAST, 1)


def test_who_is_taken_back_stamps_nothing_at_or_below_the_cut() -> None:
    merge, _ = lost_and_all_told()
    merge.take_back(EAST, 1)
    below = write(18, EAST, 2, Deposited(amount=3))
    merge.ingest(below)
    settled = merge.settle(40)
    assert settled is not None
    assert [type(output) for output in settled.outputs] == [Superseded, Compensated]


def test_who_was_taken_back_can_be_lost_again() -> None:
    merge, records = lost_and_all_told()
    records.append(merge.take_back(EAST, 1))
    merge.ingest(write(30, EAST, 2, Deposited(amount=3)))
    merge.declare_lost(EAST, 1)
    settled = merge.settle(40)
    assert settled is not None
    records.append(settled)
    assert balance(merge) == (4, 4)
    again = fold()
    again.restore(records)
    assert (again.lost, again.lost_at(EAST), again.losses[EAST]) == ((EAST,), 1, 2)


def test_a_denied_command_of_a_lost_sub_domain_is_owed_nothing() -> None:
    merge = fold()
    merge.declare_lost(EAST, 0)
    merge.ingest(write(15, EAST, 1, Denied(reason="no")))
    settled = merge.settle(1)
    assert settled is not None
    assert [type(output) for output in settled.outputs] == [Merged]


@pytest.mark.parametrize(
    ("origin", "upto", "told"), [(9, 0, "origin=9 is no sub-domain here"), (WEST, 0, "upto=0 is below 1")]
)
def test_what_cannot_be_declared_lost_is_refused(origin: int, upto: int, told: str) -> None:
    merge = fold()
    merge.ingest(A)
    merge.settle(12)
    with pytest.raises(ValueError, match=told):
        merge.declare_lost(origin, upto)


@pytest.mark.parametrize("sources", [(), (1, 1)])
def test_sources_are_named_once(sources: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="give each once"):
        MergeFold(CanonicalReplay(BANK), sources)


class Counting(CanonicalReplay):
    """Counts how often it is asked to fold a write in."""

    def __init__(self) -> None:
        super().__init__(BANK)
        self.steps = 0

    def step(self, held: State, write: Write) -> Step:
        self.steps += 1
        return super().step(held, write)


def test_a_hot_aggregate_in_a_long_cut_is_folded_once_a_write_and_kept_now_and_then() -> None:
    policy = Counting()
    merge = MergeFold(policy, (WEST, EAST))
    for position in range(1, 1_001):
        merge.ingest(write(10 * position, WEST, position, Deposited(amount=1)))
        merge.state(7)
    assert policy.steps == 1_000
    assert len(merge._aggregates[7].marks) <= 1_000 // 32 + 1


def test_what_comes_late_costs_no_more_than_what_lies_after_it_and_a_little() -> None:
    policy = Counting()
    merge = MergeFold(policy, (WEST, EAST))
    for position in range(1, 1_001):
        merge.ingest(write(10 * position, WEST, position, Deposited(amount=1)))
    merge.state(7)
    policy.steps = 0
    merge.ingest(write(9_005, EAST, 1, Deposited(amount=1)))
    assert balance(merge) == (1_011, 10)
    assert policy.steps <= 101 + 32


def test_a_record_says_nothing_that_an_earlier_one_said() -> None:
    merge = fold()
    for one in (A, write(11, WEST, 2, Deposited(amount=1), account=8), C):
        merge.ingest(one)
    first, second = merge.settle(12), merge.settle(15)
    assert first is not None
    assert second is not None
    assert (first.vector, [instance for instance, _ in first.held]) == (((WEST, 2),), [7, 8])
    assert (second.vector, second.held) == (((EAST, 1),), ())  # taken back on replay, so 7 holds what it held
    again = fold()
    again.restore((first, second))
    assert again.vector() == merge.vector()
    assert [again.stable(one) for one in (7, 8)] == [merge.stable(one) for one in (7, 8)]


def test_that_a_sub_domain_is_lost_is_said_once() -> None:
    merge = fold()
    merge.ingest(A)
    merge.declare_lost(EAST, 0)
    first = merge.settle(10)
    merge.ingest(write(20, WEST, 2, Deposited(amount=1)))
    second = merge.settle(20)
    assert first is not None
    assert second is not None
    assert (first.lost, second.lost) == (((EAST, 0, 0),), ())


def test_an_aggregate_to_which_nothing_but_denials_happened_is_recorded_once() -> None:
    merge = fold()
    records = []
    for position in (1, 2):
        merge.ingest(write(10 * position, WEST, position, Denied(reason="no")))
        records.append(merge.settle(10 * position))
    assert [[instance for instance, _ in record.held] for record in records if record] == [[7], []]


def test_a_write_that_comes_below_the_cut_is_passed_over_and_owed_and_moves_nothing() -> None:
    merge = fold()
    merge.ingest(A)
    merge.settle(12)
    late = write(11, EAST, 1, Withdrawn(amount=1))
    assert merge.ingest(late)
    assert (merge.late, merge.received(EAST), balance(merge)) == (1, 1, (4, 4))
    settled = merge.settle(12)
    assert settled is not None
    superseded, compensated = settled.outputs
    assert isinstance(superseded, Superseded)
    assert superseded.reason == f"it came below what sub-domain {EAST} had promised"
    assert isinstance(compensated, Compensated)
    assert (settled.vector, balance(merge), merge.settle(12)) == (((EAST, 1),), (4, 4), None)
    assert not merge.ingest(late)


def test_a_stream_that_goes_back_in_time_is_passed_over_alike_wherever_the_cut_is() -> None:
    back = write(5, WEST, 2, Withdrawn(amount=1))
    told = []
    for cuts in ((30,), (7, 30), (12, 30)):
        merge = fold()
        for one in (A, C, back):
            merge.ingest(one)
        records = [merge.settle(cut) for cut in cuts]
        told.append(sorted(type(one).__name__ for record in records if record for one in record.outputs))
        assert balance(merge)[1] == 4
    assert told[0] == told[1] == told[2]
    assert told[0].count("Compensated") == 2  # and C, which went without


def test_what_is_passed_over_is_known_after_a_restart() -> None:
    merge = fold()
    records = []
    for one, cut in ((A, 12), (write(11, EAST, 1, Withdrawn(amount=1)), 12)):
        merge.ingest(one)
        records.append(merge.settle(cut))
    again = fold()
    again.restore(record for record in records if record)
    assert again.vector() == {WEST: 1, EAST: 1}


class Forgetting(CanonicalReplay):
    """Keeps what it was last told that everybody has seen."""

    def __init__(self) -> None:
        super().__init__(BANK)
        self.floor: dict[int, int] = {}

    def forget(self, held: State, floor: Sequence[tuple[int, int]]) -> State:
        self.floor = dict(floor)
        return held


def test_who_writes_nothing_holds_nothing_back_once_it_has_said_what_it_has_seen() -> None:
    policy = Forgetting()
    merge = MergeFold(policy, (WEST, EAST))
    merge.ingest(A)
    merge.settle(12)
    assert policy.floor == {WEST: 0, EAST: 0}
    merge.say(EAST, 0, {WEST: 1})
    merge.ingest(B)
    merge.settle(25)
    assert policy.floor == {WEST: 1, EAST: 0}


def test_what_a_sub_domain_said_holds_for_what_it_writes_after_that_alone() -> None:
    policy = Forgetting()
    merge = MergeFold(policy, (WEST, EAST))
    for one in (A, C):
        merge.ingest(one)
    merge.say(EAST, 1, {WEST: 1})
    merge.settle(12)
    assert policy.floor[WEST] == 0  # C is to come, and had seen nothing
    merge.settle(16)
    assert policy.floor[WEST] == 1
