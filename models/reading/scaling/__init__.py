"""Hosts that answer queries, provisioned and released by the load: the read side grows, shrinks and fails by itself.

Read `viewhost` first: a live view that holds a slot of the control plane of `models.services`. `seeking` is a user who
finds such hosts through a directory, `deployment` lays it out: hosts that write, hosts that plan, hosts that read.
"""

from models.reading.scaling.deployment import scaled_reading
from models.reading.scaling.seeking import SeekingUser
from models.reading.scaling.viewhost import ViewHost

__all__ = ["SeekingUser", "ViewHost", "scaled_reading"]
