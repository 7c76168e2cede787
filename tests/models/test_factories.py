"""What factories read alike: defaults as members have them, and everything that is wrong at once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import pytest

from models.clients import Workload
from models.factories import KeptOptions, LogOptions, Reading, log_policy
from models.store.group.wire import ShipOptions
from models.store.options import InDoubt, LogPolicy, MemberOptions
from models.system import Site
from sim.topology import grid

SITE = Site(grid(["a", "b"], clusters=1, hosts=2, cores=1))
LOAD = Workload(rate_per_s=1, ends_us=1)


def test_nothing_said_is_what_a_member_would_be_without_it() -> None:
    read = Reading(SITE, LOAD)
    member = read.member({})
    assert log_policy() == LogPolicy()
    assert member == MemberOptions(number=0, shard=0, home=0, forward_timeout_us=LOAD.attempt_timeout_us)


def test_each_log_option_changes_the_policy() -> None:
    said: dict[str, Any] = dict.fromkeys(LogOptions.__annotations__, 7) | {"truncate": True, "sweep": True}
    policy = log_policy(**cast("LogOptions", said))
    other = LogPolicy()
    same = [one.name for one in fields(LogPolicy) if getattr(policy, one.name) == getattr(other, one.name)]
    assert same == ["archive"]  # a place, which no file can name


def test_all_that_is_wrong_is_told_at_once_and_the_rest_is_read() -> None:
    read = Reading(SITE, LOAD)
    assert read.home("c") is None
    assert read.domain("bank") is None
    assert read.scheme("x") is None
    wrong = cast("KeptOptions", {"segment": 0, "in_doubt": "hope", "window": 0})
    assert read.member(wrong, ship=lambda: ShipOptions(heartbeat_us=0)) is None
    read.tenants(0)
    read.at_least(1, partitions=0, routes=2)
    read.at_least(0, learners=-1)
    read.never_or(promote_after_us=-1)
    with pytest.raises(ValueError, match="home='c'") as refused:
        read.done()
    told = ["'bank'", "'x'", "segment=0", "'hope'", "window=0", "heartbeat_us=0", "tenants=0", "partitions=0 is none"]
    told += ["learners=-1 is negative", "promote_after_us=-1 is no time"]
    assert [word for word in told if word not in str(refused.value)] == []
    assert "routes" not in str(refused.value)


def test_an_unknown_option_is_a_mistake_of_who_calls() -> None:
    with pytest.raises(TypeError, match="'windw' is no option; did you mean 'window'"):
        Reading(SITE, LOAD).member(cast("KeptOptions", {"windw": 3}))


def test_what_is_read_is_what_was_said() -> None:
    member = Reading(SITE, LOAD).member({"cache": 3, "in_doubt": InDoubt.SURFACE, "truncate": True, "sweep": True})
    assert member is not None
    assert (member.cache, member.in_doubt, member.log.truncate) == (3, InDoubt.SURFACE, True)
