"""The read side: what is committed is followed, projected, kept as views, and asked for.

Read `projections` first (a pure fold, row by row), then `views` (what is kept, and the rule that fences whoever
writes it). `feeding` is what a shard hands to readers, `feeds` how a consumer follows a log or the global
sequence; `projector` is the consumer, with `claims` (who should own which segment), `owning` (its writes) and
`options` (its policies); `staffing` starts consumers and lets them go (`seated`). `viewing` and `gateway`
answer queries; `inline` and `live` are the other two ways to project. `users` ask both sides; `layout` and
`deployment` say what is where. In `scaling` the hosts that answer are provisioned and released by the load.
"""

from models.reading.deployment import MODES, READING_RECORDS, reading
from models.reading.feeding import FedShard
from models.reading.feeds import GlobalFeed, LogFeed
from models.reading.inline import InlineShard
from models.reading.options import Checkpoint, Poison, ProjectorOptions
from models.reading.projections import Balances, Poisoned, Row
from models.reading.projector import Projector
from models.reading.staffing import Staff, StaffPlan
from models.reading.views import View, Views

__all__ = [
    "MODES",
    "READING_RECORDS",
    "Balances",
    "Checkpoint",
    "FedShard",
    "GlobalFeed",
    "InlineShard",
    "LogFeed",
    "Poison",
    "Poisoned",
    "Projector",
    "ProjectorOptions",
    "Row",
    "Staff",
    "StaffPlan",
    "View",
    "Views",
    "reading",
]
