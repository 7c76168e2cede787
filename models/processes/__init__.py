"""Processes across aggregates and shards: what is due at each stage, who sees to it, and how it is taken back.

Read `definition` first, then `transfers`, which is one; `manager` carries them out, `owned` lets several follow each
other, `purse` is a participant that can be asked to forget a step, `deployment` lays them out.
"""

from models.processes.definition import Process, Step
from models.processes.deployment import transfers
from models.processes.manager import Manager
from models.processes.owned import OwnedManager
from models.processes.purse import Purse
from models.processes.transfers import transfer_process

__all__ = ["Manager", "OwnedManager", "Process", "Purse", "Step", "transfer_process", "transfers"]
