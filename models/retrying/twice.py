"""What may be asked for twice: how each layer hedges, and what is refused because its effect would be done again.

A call whose receiver dedups by its key is idempotent for as long as the receiver remembers the key; a copy may wait in
the queue of a slow service for as long as the load lasts, so that is how long it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from models.clients import Workload
from models.effects.outside import OutsideOptions
from models.retrying.hedging import HedgeOptions, hedge_of
from sim.wording import Refused

__all__ = ["Twice"]

#: Arrivals are Poisson's; more than so many deviations above the mean are not met.
_DEVIATIONS: Final = 6


@dataclass(frozen=True, slots=True)
class Twice:
    """What is asked, and of whom, in every layer.

    Attributes:
        workload: How often, and until when.
        receiver: Who brings about the effects of requests; None where they have none.
        breaker: Whether calls go through breakers.
    """

    workload: Workload
    receiver: OutsideOptions | None
    breaker: bool

    @property
    def idempotent(self) -> bool:
        """Whether a request that is carried out twice is the same as one."""
        return self.receiver is None or self.receiver.dedup > 0

    def hedge(
        self, problems: list[str], name: str, words: str, attempts_name: str, attempts: int
    ) -> HedgeOptions | None:
        """How a layer hedges, by its option; None if it does not, or what is wrong was added to `problems`."""
        found: HedgeOptions | None = None
        if words:
            try:
                found = hedge_of(words, idempotent=self.idempotent)
            except Refused as refused:
                why = "idempotent=False" if self.receiver is None else f"receiver {self.receiver.kind!r} has no dedup"
                problems += (f"{name}={problem.replace('idempotent=False', why)}" for problem in refused.problems)
            if attempts > 1:
                problems.append(
                    f"{name}={words!r} and {attempts_name}={attempts}: a call is hedged or retried, not both; "
                    f"set {attempts_name} to 1 or leave {name} out"
                )
            if self.breaker:
                problems.append(f"{name}={words!r} and breaker=True: copies go past a breaker; leave one of them out")
        elif attempts > 1 and not self.idempotent:
            assert self.receiver is not None
            problems.append(
                f"{attempts_name}={attempts}: receiver {self.receiver.kind!r} has no dedup, and does again what it is "
                f"asked again; set {attempts_name} to 1, give it `dedup`, or decide about silence by "
                "models.effects.risk"
            )
        if words or attempts > 1:
            problems += self._forgets(name if words else attempts_name)
        if found is not None and found.after_us is not None and found.after_us >= self.workload.deadline_us:
            problems.append(
                f"{name}={words!r} is not below the deadline of {self.workload.deadline_us / 1e6:g}s, so no copy would "
                "ever go; lower it"
            )
        return found

    def _forgets(self, name: str) -> list[str]:
        load = self.workload
        if self.receiver is None or not self.receiver.dedup:
            return []
        mean = load.rate_per_s * (load.ends_us - load.begins_us) / 1e6
        needed = ceil(mean + _DEVIATIONS * sqrt(mean))
        told = (
            f"dedup={self.receiver.dedup} keys of about {mean:.0f} requests: {name} may have a copy wait until its key "
            f"is forgotten, and be done again; remember at least {needed}"
        )
        return [told] if self.receiver.dedup < needed else []
