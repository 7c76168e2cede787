"""Services say which crash points they pass and what they note; the lists are what they and their parts do."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from models.clients import Client, Script
from models.confidence.observing import ClusterObserver, Pulser, RegionObserver
from models.confidence.visible.seeing import SeeingClient
from models.confidence.visible.sharing import SurvivingShard
from models.control import Registry
from models.detection.beats import Watcher as BeatWatcher
from models.detection.swim import Member
from models.effects.outside import Outside
from models.effects.performing import Performer
from models.effects.risk import Caller, Payee
from models.effects.risk.climbing import Climber
from models.keyspace.client import PlacedClient
from models.keyspace.mastering import Master
from models.keyspace.operators import GroupOperator
from models.keyspace.server import TabletServer
from models.keyspace.shard import PlacedShard
from models.keyspace.telling import WeighingClient, WeighingShard
from models.loading import Handler, SnapshotKeeper
from models.losing import LosableShard
from models.losing_regions import LosableRelay, TreeShard
from models.monitor import Monitor
from models.operations import Runbook
from models.outbox.consumer import Consumer as OutboxConsumer
from models.outbox.deployment import OutboxShard
from models.outbox.owned import OwnedConsumer, OwnedRelay
from models.outbox.relay import Relay
from models.pipeline import ApiClient, ApiServer, FarServer
from models.processes.manager import Manager
from models.processes.owned import OwnedManager
from models.queue.broker import Broker
from models.queue.consumer import Consumer, Receiver
from models.queue.desk import Desk
from models.queue.producer import Producer
from models.quorum.coordinator import Coordinator
from models.quorum.node import Node
from models.raft.registers import RegisterShard
from models.reading.bell import Bell
from models.reading.feeding import FedShard
from models.reading.gateway import Gateway
from models.reading.inline import InlineShard
from models.reading.live import LiveView
from models.reading.projector import Projector
from models.reading.scaling import SeekingUser, ViewHost
from models.reading.seated import Seated
from models.reading.staffing import Staff
from models.reading.telling import FreshViewShard, SeeingUser
from models.reading.users import User
from models.reading.viewing import ViewShard
from models.reconcile import Operator
from models.relay import RegionRelay
from models.services.client import ServiceClient
from models.services.directory import Directory
from models.services.instance import Instance
from models.services.scheduler import Scheduler
from models.services.watcher import Watcher
from models.split import SplitShard
from models.store.backup import BackupService
from models.store.group.operators import ShardOperator
from models.store.holding import Holding
from models.store.log.archive import ArchiveService
from models.store.publishing import Publisher, Subscriber
from models.store.shard import Shard
from sim.host import Service

MODELS = Path(__file__).parents[2] / "models"
#: Modules that mark on behalf of a service, those of its class and its bases apart.
PARTS: dict[type[Service], tuple[str, ...]] = dict.fromkeys(
    (
        Shard,
        RegisterShard,
        PlacedShard,
        WeighingShard,
        Master,
        Broker,
        OutboxShard,
        FedShard,
        InlineShard,
        ViewShard,
        FreshViewShard,
    ),
    ("log/journal", "group/aside", "log/streams", "log/snapshots", "log/keeping"),
)
PARTS[SnapshotKeeper] = ("log/snapshots",)
PARTS[Projector] = PARTS[Seated] = ("../reading/feeds",)
SERVICES = (
    Shard,
    RegisterShard,
    SplitShard,
    LosableShard,
    SurvivingShard,
    RegionRelay,
    LosableRelay,
    TreeShard,
    Script,
    Client,
    SeeingClient,
    Monitor,
    Operator,
    ShardOperator,
    ArchiveService,
    Subscriber,
    Coordinator,
    Node,
    Registry,
    BackupService,
    Runbook,
    PlacedShard,
    PlacedClient,
    WeighingShard,
    WeighingClient,
    Master,
    GroupOperator,
    TabletServer,
    Handler,
    SnapshotKeeper,
    ApiServer,
    FarServer,
    ApiClient,
    BeatWatcher,
    Member,
    Instance,
    Directory,
    Watcher,
    Scheduler,
    ServiceClient,
    Broker,
    Producer,
    Consumer,
    Receiver,
    Desk,
    OutboxShard,
    Relay,
    OwnedRelay,
    OwnedConsumer,
    OutboxConsumer,
    Manager,
    OwnedManager,
    Caller,
    Payee,
    Performer,
    Climber,
    Outside,
    FedShard,
    InlineShard,
    ViewShard,
    FreshViewShard,
    Projector,
    Seated,
    Staff,
    Gateway,
    LiveView,
    ViewHost,
    User,
    SeekingUser,
    SeeingUser,
    Bell,
    Pulser,
    ClusterObserver,
    RegionObserver,
)


def marked(tree: ast.AST, methods: tuple[str, ...]) -> set[str]:
    """The first arguments of calls of `<...>ctx.<method>`, each branch of a conditional one, where they are texts."""
    found: set[str] = set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in methods:
            first = call.args[0]
            branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            found |= {ast.literal_eval(branch) for branch in branches if isinstance(branch, ast.Constant)}
    return found


def trees(service: type[Service]) -> list[ast.AST]:
    """The classes of a service, and the modules of its parts."""
    kinds = [kind for kind in service.__mro__ if kind.__module__.startswith("models.")]
    files = [MODELS / "store" / f"{part}.py" for part in PARTS.get(service, ())]
    return [
        *map(class_of, [*kinds, Publisher] if issubclass(service, Holding) else kinds),
        *(ast.parse(file.read_text(encoding="utf-8")) for file in files),
    ]


def class_of(kind: type) -> ast.ClassDef:
    source = Path(str(sys.modules[kind.__module__].__file__)).read_text(encoding="utf-8")
    (found,) = [
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    return found


def listed(service: type[Service], name: str) -> set[Any]:
    """What it and its bases list."""
    return set().union(*(vars(kind).get(name, frozenset()) for kind in service.__mro__))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_lists_what_it_marks(service: type[Service]) -> None:
    assert listed(service, "POINTS") == set().union(*(marked(tree, ("point",)) for tree in trees(service)))
    notes = set().union(*(marked(tree, ("note",)) for tree in trees(service)))
    assert {note.partition("=")[0] for note in listed(service, "NOTES")} == notes


def test_no_module_marks_anything_for_a_service_that_is_not_looked_at() -> None:
    everything = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODELS.rglob("*.py")}
    seen = set().union(*(marked(tree, ("point", "note")) for kind in SERVICES for tree in trees(kind)))

    assert set().union(*(marked(tree, ("point", "note")) for tree in everything.values())) == seen
    assert len(seen) > 20
