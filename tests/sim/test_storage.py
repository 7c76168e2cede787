"""Each tier is lost by exactly the crash that should lose it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.host import Wait
from sim.kernel import Environment
from sim.storage import TORN, Device, Disk, DiskFull, DiskLost


def host(flush_us: int = 100) -> tuple[Environment, Device, Disk]:
    env = Environment()
    device = Device(lambda: flush_us, env.call_later)
    return env, device, Disk(device, "s/", Wait)


def test_a_flush_takes_its_time_and_yields_the_durable_length() -> None:
    env, _, disk = host()
    assert [disk.append("log", r) for r in ("a", "b")] == [0, 1]
    wait = disk.flush("log")
    env.run(until=100)
    assert not wait.done
    env.run(until=101)
    assert wait.value == 2


def test_a_process_crash_loses_nothing_that_was_appended() -> None:
    _, device, disk = host()
    disk.append("log", "a")
    device.process_crash()
    assert disk.read("log") == ["a"]


def test_a_power_loss_keeps_just_what_was_flushed() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    disk.flush("log")
    env.run()
    disk.append("log", "b")
    device.power_loss(torn=False)
    assert disk.read("log") == ["a"]


def test_a_power_loss_may_tear_the_first_record_not_flushed() -> None:
    env, device, disk = host()
    for record in "abc":
        disk.append("log", record)
    device.power_loss(torn=True)
    assert disk.read("log") == [TORN]
    device.power_loss(torn=True)
    assert disk.read("log") == [TORN]  # nothing was being written
    env.run()


def test_a_power_loss_during_a_flush_loses_what_it_carried_and_resolves_nobody() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    wait = disk.flush("log")
    env.run(until=50)
    device.power_loss(torn=False)
    env.run()
    assert (wait.done, disk.read("log")) == (False, [])
    disk.append("log", "b")
    again = disk.flush("log")
    env.run()
    assert (again.value, disk.read("log")) == (1, ["b"])


def test_a_flush_covers_what_stood_there_when_it_was_asked_for_and_later_askers_share_the_next() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    first = disk.flush("log")
    env.run(until=10)
    disk.append("log", "b")
    second = disk.flush("log")
    disk.append("log", "c")
    third = disk.flush("log")
    env.run(until=150)
    assert (first.value, second.done, third.done) == (1, False, False)
    device_now = list(device.file("s/log").device)
    env.run()
    assert (device_now, second.value, third.value, device.flushes) == (["a"], 3, 3, 2)


def test_replace_shows_the_old_content_until_it_is_durable() -> None:
    env, device, disk = host()
    disk.replace("meta", 1)
    env.run()
    disk.replace("meta", 2)
    env.run(until=int(env.now) + 50)
    assert disk.read("meta") == [1]
    device.power_loss(torn=True)
    assert disk.read("meta") == [1]
    disk.replace("meta", 3)
    env.run()
    assert disk.read("meta") == [3]
    device.power_loss(torn=True)
    assert disk.read("meta") == [3]


def test_what_is_appended_while_a_replacement_is_under_way_comes_after_it() -> None:
    for lies in (False, True):
        env, device, disk = host()
        device.lies = lies
        disk.append("log", "old")
        disk.flush("log")
        env.run()
        replaced = disk.replace("log", "snapshot")
        disk.append("log", "new")
        flushed = disk.flush("log")
        assert disk.read("log") == ["old", "new"]
        env.run(until=int(env.now) + 101)
        assert (replaced.done, flushed.done, disk.read("log")) == (True, False, ["snapshot", "new"])
        env.run()
        assert (flushed.value, disk.read("log")) == (2, ["snapshot", "new"])
        device.power_loss(torn=False)
        assert disk.read("log") == ([] if lies else ["snapshot", "new"])


def test_one_flush_after_two_replacements_covers_what_came_after_them() -> None:
    env, device, disk = host()
    disk.append("other", 0)
    disk.flush("other")  # under way: all that follows shares the next
    disk.append("log", "a")
    disk.append("log", "b")
    disk.replace("log", "one")
    disk.append("log", "c")
    disk.replace("log", "two")
    disk.append("log", "d")
    flushed = disk.flush("log")
    disk.append("log", "e")
    env.run()
    assert (flushed.value, disk.read("log")) == (2, ["two", "d", "e"])
    device.power_loss(torn=False)
    assert disk.read("log") == ["two", "d"]


def test_a_replacement_covers_nothing_that_stands_where_something_was_truncated() -> None:
    env, _, disk = host()
    for record in "abc":
        disk.append("log", record)
    disk.replace("log", "abc")
    disk.truncate("log", 1)
    disk.append("log", "d")
    env.run()
    assert disk.read("log") == ["abc", "d"]


def test_a_replacement_dies_with_its_process_and_a_flush_does_not() -> None:
    env, device, disk = host()
    disk.append("log", "old")
    flushed, replaced = disk.flush("log"), disk.replace("meta", 1)
    env.run(until=150)
    assert (flushed.done, replaced.done) == (True, False)
    appended = disk.flush("log")
    device.process_crash()
    again = Disk(device, "s/", Wait)
    again.append("meta", "new life")
    kept = again.flush("meta")
    env.run()
    assert (replaced.done, appended.done, kept.value) == (False, False, 1)
    assert again.read("meta") == ["new life"]


class Mutable:
    pass


@pytest.mark.parametrize("record", [{"balance": 1}, [1], ("a", [1]), Mutable()])
def test_a_record_that_memory_could_change_is_refused(record: object) -> None:
    _, _, disk = host()
    for write in (disk.append, disk.replace):
        with pytest.raises(TypeError, match="not a"):
            write("log", record)
    assert disk.read("log") == []


def test_of_many_records_at_once_all_are_taken_or_none() -> None:
    _, device, disk = host()
    disk.extend("log", ["a", "b"])
    with pytest.raises(TypeError, match="not a"):
        disk.extend("log", ["c", ["d"]])
    device.full = True
    with pytest.raises(DiskFull):
        disk.extend("log", ["c", "d"])
    assert disk.read("log") == ["a", "b"]


def test_a_truncation_not_flushed_comes_back_after_a_power_loss() -> None:
    env, device, disk = host()
    for record in "abc":
        disk.append("log", record)
    disk.flush("log")
    env.run()
    disk.truncate("log", 1)
    disk.append("log", "B")
    assert disk.read("log") == ["a", "B"]
    device.power_loss(torn=False)
    assert disk.read("log") == ["a", "b", "c"]
    disk.truncate("log", 1)
    disk.append("log", "B")
    disk.flush("log")
    env.run()
    device.power_loss(torn=False)
    assert disk.read("log") == ["a", "B"]
    with pytest.raises(ValueError, match=r"outside 0\.\.2"):
        disk.truncate("log", 3)


def test_services_of_a_host_do_not_see_each_others_files() -> None:
    _, device, disk = host()
    disk.append("log", "a")
    assert Disk(device, "other/", Wait).read("log") == []


def test_a_slow_disk_takes_longer_from_the_next_flush_on() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    under_way = disk.flush("log")
    device.slow_factor = 2.5
    env.run(until=101)
    assert under_way.done
    slow = disk.flush("log")
    env.run(until=101 + 250)
    assert not slow.done
    env.run(until=101 + 251)
    assert slow.done


def test_a_full_disk_takes_no_record_and_does_all_else() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    device.full = True
    with pytest.raises(DiskFull, match="no room"):
        disk.append("log", "b")
    with pytest.raises(DiskFull):
        disk.replace("meta", 1)
    flushed = disk.flush("log")
    env.run()
    assert (flushed.value, disk.read("log"), device.refused) == (1, ["a"], 2)
    disk.truncate("log", 0)
    device.full = False
    assert disk.append("log", "c") == 0


def test_a_lying_flush_is_acknowledged_and_lost_with_the_power() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    disk.flush("log")
    env.run()
    device.lies = True
    disk.append("log", "b")
    lie = disk.flush("log")
    meta = disk.replace("meta", 1)
    env.run()
    assert (lie.value, meta.value, disk.read("log"), disk.read("meta")) == (2, 1, ["a", "b"], [1])
    device.process_crash()
    assert disk.read("log") == ["a", "b"], "the operating system knows nothing of it"
    device.power_loss(torn=False)
    assert (disk.read("log"), disk.read("meta"), device.lied) == (["a"], [], 2)


def test_an_honest_flush_of_anything_makes_up_for_earlier_lies() -> None:
    env, device, disk = host()
    device.lies = True
    disk.append("log", "a")
    disk.flush("log")
    disk.replace("meta", 1)
    env.run()
    disk.append("log", "b")  # never asked to be flushed
    device.lies = False
    disk.append("other", "x")
    disk.flush("other")
    env.run()
    device.power_loss(torn=False)
    assert (disk.read("log"), disk.read("meta"), disk.read("other")) == (["a"], [1], ["x"])


def test_a_lost_disk_is_lost_for_whoever_had_it_open_and_empty_for_the_next() -> None:
    env, device, disk = host()
    disk.append("log", "a")
    disk.flush("log")
    env.run()
    never = disk.flush("log")
    assert device.lose(), "somebody waited for a flush"
    env.run()
    assert not never.done
    for touch in (
        lambda: disk.append("log", "b"),
        lambda: disk.read("log"),
        lambda: disk.flush("log"),
        lambda: disk.replace("log", "b"),
        lambda: disk.truncate("log", 0),
    ):
        with pytest.raises(DiskLost):
            touch()
    device.replace()
    with pytest.raises(DiskLost):
        disk.read("log")
    assert Disk(device, "s/", Wait).read("log") == []
    assert device.contents() == [("s/log", [])]
    assert not device.lose(), "nobody waits"


# What each thing that happens to a host leaves of a record that got as far as a tier.
TIERS = ("heap", "page cache", "claimed", "device")
LOST_BY = {
    "nothing": set[str](),
    "pause": set[str](),
    "process crash": {"heap"},
    "power loss": {"heap", "page cache", "claimed"},
    "disk loss": {"heap", "page cache", "claimed", "device"},
}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("happening", LOST_BY)
def test_each_tier_is_lost_by_exactly_the_crash_that_should_lose_it(tier: str, happening: str) -> None:
    env, device, disk = host()
    heap = ["record"]
    if tier != "heap":
        disk.append("log", heap[0])
    if tier in ("claimed", "device"):
        device.lies = tier == "claimed"
        disk.flush("log")
        env.run()
    if happening == "process crash":
        device.process_crash()
    elif happening == "power loss":
        device.power_loss(torn=False)
    elif happening == "disk loss":
        device.lose()
        device.replace()
    survived = Disk(device, "s/", Wait).read("log")  # what a new life of the process finds
    if LOST_BY[happening] == set():
        survived = disk.read("log") or heap
    assert bool(survived) == (tier not in LOST_BY[happening])


STEPS = st.lists(
    st.sampled_from(["append", "flush", "wait", "process", "power", "torn", "truncate", "lie", "honest", "lose"]),
    max_size=40,
)


@given(STEPS)
def test_the_tiers_agree_with_three_lists(steps: list[str]) -> None:
    """Oracle: `cache` and `device` as plain lists and what was claimed; a flush is atomic at its end."""
    env, dev, disk = host(flush_us=10)
    cache: list[object] = []
    durable: list[object] = []
    claimed: list[object] | None = None
    for n, step in enumerate(steps):
        if step == "append":
            disk.append("log", n)
            cache.append(n)
        elif step == "flush":
            disk.flush("log")
            env.run()
            if dev.lies:
                claimed = list(cache)
            else:
                durable, claimed = list(cache), None
        elif step == "wait":
            env.run(until=int(env.now) + 5)
        elif step == "process":
            dev.process_crash()
        elif step == "truncate":
            disk.truncate("log", len(cache) // 2)
            del cache[len(cache) // 2 :]
        elif step in ("lie", "honest"):
            dev.lies = step == "lie"
        elif step == "lose":
            dev.lose()
            dev.replace()
            disk = Disk(dev, "s/", Wait)
            cache, durable, claimed = [], [], None
        else:
            dev.power_loss(torn=step == "torn")
            grew = cache[: len(durable)] == durable and len(cache) > len(durable)
            cache = [*durable, TORN] if step == "torn" and grew else list(durable)
            durable, claimed = list(cache), None
        assert disk.read("log") == cache
        assert claimed is None or dev.lied
