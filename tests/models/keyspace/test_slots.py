"""Probes are as long as Knuth says, the load limit holds, and tombstones break no look-up."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import SlotTable
from models.keyspace.openaddress import TableFull, expected_probes, knuth_probes
from tests.models.keyspace.spaces import node, nodes

changes = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=80)


@given(changes, st.integers(0, 3))
def test_it_holds_what_was_put_in_and_not_taken_out(several: list[tuple[bool, int]], seed: int) -> None:
    table, held = SlotTable(nodes(3), slots=24, limit=0.8, seed=seed), set[int]()
    for puts, key in several:
        if not puts:
            assert table.delete(key) == (key in held)
            held.discard(key)
        elif key in held or len(held) < 19:
            assert table.insert(key) == table.find(key)[0]
            held.add(key)
        else:
            with pytest.raises(TableFull, match="48 slots"):
                table.insert(key)
        assert {key for _, key in table} == held
        assert all((key in table) == (key in held) for key in range(41))
        assert table.keys == len(held)
        assert table.keys + table.tombstones <= 0.8 * 24


@given(changes)
def test_every_key_is_found_without_crossing_a_free_slot(several: list[tuple[bool, int]]) -> None:
    table = SlotTable(nodes(3), slots=64, limit=0.7)
    for puts, key in several:
        if puts:
            table.insert(key)
        else:
            table.delete(key)
    for slot, key in table:
        found, probes = table.find(key)
        assert found == slot
        assert probes == (slot - table.home(key)) % 64 + 1
    table.clean()
    assert table.tombstones == 0
    longest = {key: table.find(key)[1] for _, key in table}
    again = SlotTable(nodes(3), slots=64, limit=0.7)
    for key in sorted(longest):
        again.insert(key)
    # The order of coming decides who sits where, and never how far all of them together are from home (Peterson).
    assert sum(longest.values()) == sum(again.find(key)[1] for key in longest)


@pytest.mark.parametrize("load", [0.5, 0.75, 0.9])
def test_probes_are_those_of_knuth(load: float) -> None:
    slots, tables = 1024, 30
    keys = int(load * slots)
    hits, misses = [], []
    for seed in range(tables):
        table = SlotTable(nodes(4), slots=slots, limit=0.95, seed=seed)
        for key in range(keys):
            table.insert(key)
        hits.append(np.mean([table.find(key)[1] for key in range(keys)]))
        misses.append(np.mean([table.find(key)[1] for key in range(10_000, 12_000)]))
    for measured, expected in zip((hits, misses), expected_probes(slots, keys), strict=True):
        assert abs(np.mean(measured) - expected) < 5 * np.std(measured, ddof=1) / sqrt(tables)


@pytest.mark.parametrize(
    ("load", "hit", "miss"), [(0.0, 1.0, 1.0), (0.5, 1.5, 2.5), (0.75, 2.5, 8.5), (0.9, 5.5, 50.5)]
)
def test_knuth_of_large_tables(load: float, hit: float, miss: float) -> None:
    assert knuth_probes(load) == pytest.approx((hit, miss))
    assert expected_probes(1_000_000, int(load * 1_000_000)) == pytest.approx((hit, miss), rel=0.02)


def test_knuth_of_a_small_table_by_hand() -> None:
    # Two slots, one key: it is found at once; another's home is the taken slot half of the time.
    assert expected_probes(2, 1) == pytest.approx((1.0, 1.5))
    assert expected_probes(2, 0) == pytest.approx((1.0, 1.0))
    with pytest.raises(ValueError, match="fewer keys"):
        expected_probes(4, 4)
    with pytest.raises(ValueError, match="give 0 to below 1"):
        knuth_probes(1.0)


def test_tombstones_lengthen_vain_probes_until_they_are_cleaned() -> None:
    table = SlotTable(nodes(4), slots=512, limit=0.9)
    for key in range(450):
        table.insert(key)
    for key in range(0, 450, 2):
        table.delete(key)
    vain = range(1000, 1400)
    before = sum(table.find(key)[1] for key in vain)
    assert table.tombstones == 225
    assert table.clean() > 0
    assert sum(table.find(key)[1] for key in vain) < before / 3
    assert all(key in table for key in range(1, 450, 2))


def test_tombstones_are_cleaned_before_they_fill_the_table() -> None:
    table = SlotTable(nodes(2), slots=16, limit=0.5)
    for key in range(500):  # never more than one key at a time
        table.insert(key)
        table.delete(key)
    assert table.tombstones <= 8


def test_a_node_never_has_more_keys_than_slots() -> None:
    table = SlotTable(nodes(4), slots=40, limit=0.95)
    for key in range(38):
        table.insert(key)
    held = [sum(slot * 4 // 40 == block for slot, _ in table) for block in range(4)]
    assert max(held) <= 10
    assert sum(held) == 38
    assert [table.owners(key, 1)[0] for _, key in table] == [slot * 4 // 40 for slot, _ in table]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError) as told:
        SlotTable([node(1), node(2, 2.0)], slots=1, limit=1.0, version=0)
    assert [line.split(";")[0].split(" ")[2] for line in str(told.value).splitlines()] == [
        "weights",
        "slots=1",
        "limit=1.0",
        "version=0",
    ]
    with pytest.raises(ValueError, match="is no key"):
        SlotTable(nodes(1), slots=4).insert(-1)


def test_owners_follow_their_key_about() -> None:
    table = SlotTable(nodes(4), slots=40, limit=0.95)
    for key in range(38):
        asked = [table.owners(one, 1) for one in range(40)]
        assert [table.owners(one, 1) for one in range(40)] == asked
        slot = table.insert(key)
        assert table.owners(key, 1) == (slot * 4 // 40,)
    for key in range(0, 38, 2):
        table.delete(key)
    table.clean()
    for slot, key in table:
        assert table.owners(key, 1) == (slot * 4 // 40,)
