"""For tests of what runs in the world, here and in projects that use the lab.

Read `fake` first: a context without a world, for a unit test of one service. `strategies` draws
topologies and fault schedules for property tests and needs hypothesis, which nothing else here
does; so it is imported by its own name.
"""

from sim.testing.fake import FakeContext

__all__ = ["FakeContext"]
