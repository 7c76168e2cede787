"""How the control plane of a service is told to behave; what makes no sense is refused before the run."""

from __future__ import annotations

from dataclasses import dataclass

from models.factories import Refused

__all__ = ["ControlOptions", "ScalingOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """Times of heartbeats, leases, reports and decisions; microseconds of the monotonic clock of whoever counts.

    Attributes:
        beat_us: Between two heartbeats of an instance.
        lease_us: How long a directory lists an instance that does not renew.
        suspect_us: Silence after which a watcher suspects an instance, with the detector that is taken by default.
        report_us: Between two reports of a watcher.
        decide_us: Between two rounds of a scheduler.
        grace_us: From giving a slot away to when the instance should have been heard, provisioning included.
        patience_us: With an answer of the registry.
        preserve: Share of its instances; when more than so many would lapse at once, a directory, or a watcher that
            would suspect so many, takes itself for the one that is cut off.
        cache_us: How old what a client knows of instances may become before it asks again.

    Raises:
        Refused: whatever of it makes no sense, all at once.
    """

    beat_us: int = 250_000
    lease_us: int = 1_500_000
    suspect_us: int = 1_000_000
    report_us: int = 250_000
    decide_us: int = 250_000
    grace_us: int = 3_000_000
    patience_us: int = 500_000
    preserve: float = 0.6
    cache_us: int = 2_000_000

    def __post_init__(self) -> None:
        times = ("beat_us", "lease_us", "suspect_us", "report_us", "decide_us", "grace_us", "patience_us", "cache_us")
        wrong = [
            f"{name}={getattr(self, name)} is no time; give at least 1" for name in times if getattr(self, name) < 1
        ]
        if 0 < self.lease_us < 2 * self.beat_us:
            wrong.append(
                f"lease_us={self.lease_us} is over before a lost heartbeat of beat_us={self.beat_us} is made up for; "
                f"give at least {2 * self.beat_us}, or beat_us={max(1, self.lease_us // 2)}"
            )
        if 0 < self.suspect_us < 2 * self.beat_us:
            wrong.append(f"suspect_us={self.suspect_us} allows for no lost heartbeat; give at least {2 * self.beat_us}")
        if not 0 < self.preserve <= 1:
            wrong.append(f"preserve={self.preserve} is no share of instances; give a number above 0, up to 1")
        if wrong:
            raise Refused(wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingOptions:
    """How many instances there are.

    As in the Kubernetes horizontal autoscaler: the number that would bring the mean rate of an instance to the
    target, unless that is within the tolerance of what is; up at once, down only to the most that was wanted
    within the last `settle_us`.

    Attributes:
        least: Never fewer, spare ones apart.
        most: Never more, spare ones included.
        target_per_s: Requests a second that an instance should be given.
        tolerance: Share by which the rate may differ before anything is changed.
        settle_us: How long fewer must have been enough.
        spare: Instances kept beyond what the load needs.

    Raises:
        Refused: whatever of it makes no sense, all at once.
    """

    least: int = 2
    most: int = 6
    target_per_s: float = 50.0
    tolerance: float = 0.1
    settle_us: int = 10_000_000
    spare: int = 0

    def __post_init__(self) -> None:
        wrong = []
        if self.least < 1:
            wrong.append(f"least={self.least} instances serve nobody; give at least 1")
        if self.spare < 0:
            wrong.append(f"spare={self.spare} is negative; give at least 0")
        spare = max(0, self.spare)
        if self.most < self.least + spare:
            wrong.append(
                f"least={self.least} with spare={spare} comes to more than most={self.most}; "
                f"give most={self.least + spare}, or fewer"
            )
        if not self.target_per_s > 0:
            wrong.append(f"target_per_s={self.target_per_s} is no load; give more than 0")
        if not 0 <= self.tolerance < 1:
            wrong.append(f"tolerance={self.tolerance} is no share; give a number in [0, 1)")
        if self.settle_us < 0:
            wrong.append(f"settle_us={self.settle_us} is negative; give at least 0")
        if wrong:
            raise Refused(wrong)
