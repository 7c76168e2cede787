"""One coordinator, told by the test what replicas answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.detection import Fixed, Plan
from models.driver import Ask, Reply
from models.keyspace import key_space
from models.quorum import Coordinator, Preference, QuorumOptions, Repair, Resolve, Stamps
from models.quorum.messages import HOME, Held, Query, Store, Stored
from models.quorum.versions import NOTHING, Cell, Dot, make, merge_siblings
from sim.host import Wait
from sim.testing.fake import FakeContext
from sim.topology import at_service, grid, pack_location

NODES = tuple(at_service(pack_location(1, 1, host), "node") for host in range(1, 6))
BASE = QuorumOptions(patience_us=1_000)
SPACE = key_space(grid(["r"], clusters=1, hosts=5, cores=1), placement="rendezvous")
OLD, NEW = make(Dot(7, 1), 5, 50), make(Dot(8, 1), 9, 90)
READ, WRITE = Ask(op=1, f="read", key=0), Ask(op=2, f="write", key=0, value=70)


class Bench:
    """A coordinator, and its open calls by number of the node."""

    def __init__(self, **options: Any) -> None:
        self.ctx = FakeContext()
        self.options = replace(BASE, **options)
        self.preference = Preference(SPACE, self.options.n)
        self.coordinator = Coordinator(self.ctx, NODES, self.options, self.preference, 5)
        self.homes, self.others = self.preference.homes(0), self.preference.others(0)

    def ask(self, msg: Ask) -> Wait:
        return self.ctx.deliver(self.coordinator, msg)

    def answer(self, number: int, msg: Any) -> Any:
        """Answer the open call to a node; returns what it was asked."""
        for call, (to, asked, _) in enumerate(self.ctx.calls):
            if to == NODES[number]:
                self.ctx.answer(msg, call)
                return asked
        raise AssertionError(f"{number} was asked nothing")

    def open(self) -> list[tuple[int, str]]:
        return [(NODES.index(to), type(msg).__name__) for to, msg, wait in self.ctx.calls if not wait.done]

    def sent(self, kind: type) -> list[tuple[int, Any]]:
        return [(NODES.index(to), msg) for to, msg in self.ctx.sent if isinstance(msg, kind)]


def test_a_read_takes_the_latest_of_the_quickest_r_and_repairs_who_answered_first() -> None:
    bench = Bench()
    first, second, third = bench.homes
    reply = bench.ask(READ)
    assert [number for number, _ in bench.sent(Query)] == [first, second, third]
    bench.answer(second, Held(cell=OLD))
    bench.answer(third, Held(cell=NEW))
    assert not reply.done, "one replica of two holds it, and two must"
    assert bench.answer(second, Stored()) == Store(key=0, cell=NEW)
    assert reply.value == Reply(op=1, value=90)
    bench.answer(first, Held(cell=OLD))
    bench.ctx.advance(1)
    assert bench.sent(Store)[-1] == (first, Store(key=0, cell=NEW)), "who was late is repaired behind the answer"


def test_replicas_that_agree_need_no_repair() -> None:
    bench = Bench()
    reply = bench.ask(READ)
    for number in bench.homes[:2]:
        bench.answer(number, Held(cell=NEW))
    assert reply.value == Reply(op=1, value=90)
    assert bench.sent(Store) == []


def test_where_one_answers_a_read_and_all_a_write_all_must_hold_what_is_told() -> None:
    bench = Bench(r=1, w=3)
    reply = bench.ask(READ)
    bench.answer(bench.homes[0], Held(cell=NEW))
    for number in bench.homes[1:]:
        assert not reply.done
        bench.answer(number, Held(cell=NOTHING))  # the late answers to the query
        bench.answer(number, Stored())
    assert reply.value == Reply(op=1, value=90)


def test_without_overlap_only_who_answered_is_repaired_first_and_nobody_for_long() -> None:
    bench = Bench(r=1, w=1)
    reply = bench.ask(READ)
    bench.answer(bench.homes[0], Held(cell=NEW))
    assert reply.value == Reply(op=1, value=90)


def test_a_write_goes_above_what_r_replicas_hold_and_is_done_when_w_have_it() -> None:
    bench = Bench()
    reply = bench.ask(WRITE)
    for number in bench.homes[:2]:
        bench.answer(number, Held(cell=NEW))
    (version,) = bench.sent(Store)[0][1].cell.versions
    assert (version.stamp, version.value, version.dead) == (10, 70, False), "the clock stands at 0"
    bench.answer(bench.homes[2], None)  # its query times out
    bench.answer(bench.homes[0], Stored())
    assert not reply.done
    bench.answer(bench.homes[1], Stored())
    assert reply.value == Reply(op=2)


def test_with_stamps_by_the_clock_a_write_reads_nothing() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=1)
    bench.ctx.advance(33)
    reply = bench.ask(WRITE)
    assert bench.sent(Query) == []
    bench.answer(bench.homes[0], Stored())
    assert reply.value == Reply(op=2)
    assert bench.sent(Store)[0][1].cell.versions[0].stamp == 33


def silence(bench: Bench) -> None:
    bench.ctx.advance(1_001)
    bench.ctx.calls[:] = [call for call in bench.ctx.calls if not call[2].done]


def test_a_strict_quorum_has_others_keep_hints_and_does_not_count_them() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2)
    reply = bench.ask(WRITE)
    bench.answer(bench.homes[0], Stored())
    silence(bench)
    hints = [(number, msg.hint_for) for number, msg in bench.sent(Store) if msg.hint_for != HOME]
    assert hints == list(zip(bench.others, bench.homes[1:], strict=True))
    for number in bench.others:
        bench.answer(number, Stored())
    assert not reply.done
    bench.answer(bench.homes[2], Stored())
    assert reply.value == Reply(op=2)


def test_a_sloppy_quorum_counts_hints_but_needs_one_true_replica() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2, sloppy=True)
    reply = bench.ask(WRITE)
    silence(bench)
    for number in bench.others:
        bench.answer(number, Stored())
    assert not reply.done
    bench.answer(bench.homes[1], Stored())
    assert reply.value == Reply(op=2)


def test_who_was_silent_just_now_is_stood_in_for_at_once() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2, sloppy=True)
    first = bench.ask(WRITE)
    for number in bench.homes[:2]:
        bench.answer(number, Stored())
    silence(bench)
    assert first.done
    before = len(bench.sent(Store))
    bench.ask(replace_op(WRITE, 3))
    asked = [(number, msg.hint_for) for number, msg in bench.sent(Store)[before:]]
    assert asked[-1] == (bench.others[0], bench.homes[2])


@pytest.mark.parametrize(("detector", "asked"), [(Fixed(timeout_us=5_000), 3), (Fixed(timeout_us=500), 4)])
def test_who_left_a_question_unanswered_is_silent_once_the_detector_agrees(detector: Plan, asked: int) -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2, sloppy=True, detector=detector)
    bench.ask(WRITE)
    for number in bench.homes[:2]:
        bench.answer(number, Stored())
    silence(bench)
    before = len(bench.sent(Store))
    bench.ask(replace_op(WRITE, 3))
    assert len(bench.sent(Store)[before:]) == asked


def test_without_a_quorum_there_is_no_answer_and_nobody_is_asked_for_ever() -> None:
    bench = Bench()
    reply = bench.ask(READ)
    for _ in range(bench.options.rounds):
        silence(bench)
    assert reply.done
    assert reply.value is None
    assert len(bench.sent(Query)) == 3 * bench.options.rounds


def test_a_sloppy_read_asks_others_when_replicas_are_silent() -> None:
    bench = Bench(sloppy=True, repair=Repair.OFF)
    reply = bench.ask(READ)
    bench.answer(bench.homes[0], Held(cell=OLD))
    silence(bench)
    bench.answer(bench.others[0], Held(cell=NEW))
    assert reply.value == Reply(op=1, value=90)


@pytest.mark.parametrize("repair", [Repair.BLOCKING, Repair.BACKGROUND])
def test_a_stand_in_is_never_repaired_since_it_would_keep_what_it_is_sent(repair: Repair) -> None:
    bench = Bench(sloppy=True, repair=repair)
    reply = bench.ask(READ)
    bench.answer(bench.homes[0], Held(cell=OLD))
    silence(bench)
    bench.answer(bench.others[0], Held(cell=NOTHING))
    assert reply.value == Reply(op=1, value=50)
    bench.answer(bench.others[1], Held(cell=NOTHING))  # too late to count
    for number in bench.homes[1:]:
        bench.answer(number, Held(cell=NOTHING))
    bench.ctx.advance(1)
    assert {number for number, _ in bench.sent(Store)} == set(bench.homes[1:])


def test_a_replica_is_repaired_with_what_a_stand_in_keeps() -> None:
    bench = Bench(sloppy=True)
    reply = bench.ask(READ)
    bench.answer(bench.homes[0], Held(cell=OLD))
    silence(bench)
    bench.answer(bench.others[0], Held(cell=NEW))
    assert bench.answer(bench.homes[0], Stored()) == Store(key=0, cell=NEW)
    assert reply.value == Reply(op=1, value=90)


def hints(bench: Bench) -> list[tuple[int, int]]:
    return [(number, msg.hint_for) for number, msg in bench.sent(Store) if msg.hint_for != HOME]


def test_every_silent_replica_has_a_hint_also_where_who_was_stood_in_for_has_answered_after_all() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2, sloppy=True)
    first, second, third = bench.homes
    one, other = bench.others
    bench.coordinator.answering.answered(first, 0)
    bench.ctx.advance(1_500)
    bench.coordinator.answering.lapsed(first, 100, bench.ctx.mono_us())
    reply = bench.ask(WRITE)
    assert hints(bench) == [(one, first)]
    bench.answer(first, Stored())
    bench.answer(one, Stored())
    assert reply.value == Reply(op=2)
    silence(bench)
    assert hints(bench)[1:] == [(other, second), (one, third)]


def test_who_was_stood_in_for_and_stays_silent_needs_no_second_hint() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=2, sloppy=True)
    first, second, third = bench.homes
    one, other = bench.others
    bench.coordinator.answering.answered(third, 0)
    bench.ctx.advance(1_500)
    bench.coordinator.answering.lapsed(third, 100, bench.ctx.mono_us())
    bench.ask(WRITE)
    bench.answer(first, Stored())
    bench.answer(one, Stored())
    silence(bench)
    assert hints(bench) == [(one, third), (other, second)]


def test_one_host_keeps_hints_for_several_where_fewer_stand_in_than_are_silent() -> None:
    bench = Bench(stamps=Stamps.CLOCK, n=4, w=2)
    (only,) = bench.others
    reply = bench.ask(WRITE)
    for number in bench.homes[:2]:
        bench.answer(number, Stored())
    assert reply.value == Reply(op=2)
    silence(bench)
    assert hints(bench) == [(only, bench.homes[2]), (only, bench.homes[3])]


def test_a_request_that_comes_twice_is_carried_out_once() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=1)
    first, second = bench.ask(WRITE), bench.ask(WRITE)
    assert second.done
    assert second.value is None
    bench.answer(bench.homes[0], Stored())
    assert bench.ask(WRITE).value == first.value == Reply(op=2)
    assert len({msg.cell for _, msg in bench.sent(Store)}) == 1


def test_an_addition_takes_in_all_siblings_and_supersedes_them() -> None:
    bench = Bench(resolve=Resolve.SIBLINGS, repair=Repair.BACKGROUND)
    one = make(Dot(7, 1), 1, (1,), after=NOTHING.seen)
    other = make(Dot(8, 1), 2, (2,), after=NOTHING.seen)
    bench.ask(Ask(op=4, f="add", key=0, value=3))
    bench.answer(bench.homes[0], Held(cell=one))
    bench.answer(bench.homes[1], Held(cell=other))
    added: Cell = bench.sent(Store)[0][1].cell
    assert added.versions[0].value == (1, 2, 3)
    assert merge_siblings(merge_siblings(one, other), added).versions == added.versions


def test_a_deletion_writes_a_tombstone_which_reads_as_nothing() -> None:
    bench = Bench(stamps=Stamps.CLOCK, w=1)
    bench.ask(Ask(op=5, f="write", key=0))
    assert bench.sent(Store)[0][1].cell.versions[0].dead
    bench.answer(bench.homes[0], Stored())
    reply = bench.ask(READ)
    for number in bench.homes[:2]:
        asked = [call for call in bench.ctx.calls if isinstance(call[1], Query) and call[0] == NODES[number]]
        bench.ctx.answer(Held(cell=bench.sent(Store)[0][1].cell), bench.ctx.calls.index(asked[0]))
    assert reply.value == Reply(op=1, value=None)


def test_each_life_names_its_versions_anew() -> None:
    bench = Bench()
    born = Coordinator(bench.ctx.process_crash(), NODES, bench.options, bench.preference, 5)
    assert born.actor != bench.coordinator.actor


def replace_op(msg: Ask, op: int) -> Ask:
    return Ask(op=op, f=msg.f, key=msg.key, value=msg.value)
