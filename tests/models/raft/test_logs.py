"""Logs on Raft: what appends and reads are, and what cannot be laid out together."""

import pytest

from models.clients import Workload
from models.domains.append_log import Append, Appended, AppendLog
from models.raft.deployment import raft
from models.raft.logs import LogShard
from models.system import Site
from sim.topology import grid

SITE = Site(grid(["east", "north", "west"], clusters=1, hosts=1, cores=1, clients=1))
LOAD = Workload(rate_per_s=10, accounts=2, ends_us=1_000_000)


def test_a_log_tells_what_was_appended_in_order() -> None:
    log = AppendLog()
    state = log.replay((Appended(value=3), Appended(value=-1), Appended(value=3)))
    assert log.told(state) == "3,-1,3"
    assert log.told(log.initial()) == ""


def test_an_event_leads_back_to_its_request() -> None:
    log = AppendLog()
    assert log.again(log.decide(log.initial(), Append(value=4))) == Append(value=4)


def test_clients_append_to_and_read_shards_of_logs() -> None:
    system = raft(SITE, LOAD, spread="region", appends=True)
    assert system.records == "append-log"
    assert sum(placement.kind is LogShard for placement in system.placements) == 3


@pytest.mark.parametrize("more", [{"registers": True, "domain": "profile"}, {"shards": 2}, {"tenants": 2}])
def test_logs_are_one_shard_for_one_tenant(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="logs are one shard for one tenant"):
        raft(SITE, LOAD, spread="region", appends=True, **more)  # type: ignore[arg-type]
