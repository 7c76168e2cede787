"""How far apart two hosts are, in four steps; delays, bandwidths and slow rules go by them."""

from __future__ import annotations

from enum import StrEnum

from sim.topology import HostSpec

__all__ = ["Tier"]


class Tier(StrEnum):
    """How far apart two hosts are."""

    SAME_HOST = "same_host"
    WITHIN_CLUSTER = "within_cluster"
    BETWEEN_CLUSTERS = "between_clusters"
    BETWEEN_REGIONS = "between_regions"

    @classmethod
    def of(cls, src: HostSpec, dst: HostSpec) -> Tier:
        """The tier of an ordered pair."""
        if src.region != dst.region:
            return cls.BETWEEN_REGIONS
        if src.cluster != dst.cluster:
            return cls.BETWEEN_CLUSTERS
        return cls.SAME_HOST if src.name == dst.name else cls.WITHIN_CLUSTER
