"""Retry budgets: how many retries a caller may afford, whatever each single request would like.

A budget looks at all requests of one caller to one target. It lets single failures be retried and stops retries
when most requests fail, since then they are what keeps the target down. Three that are in use:

- `throttle`: gRPC's retry throttling (proposal A6): a failure costs a token, a success earns a part of one, and
  while half of the tokens are gone nothing is retried.
- `ratio`: Finagle's `RetryBudget`: each first attempt earns a part of a token that lasts ten seconds, a retry costs
  one, and so many a second are free.
- `bucket`: the AWS SDKs' standard retry quota: a retry costs five tokens, ten after a time-out; what succeeds gives
  back what its last retry cost, or one.

How they differ under an overload is the point: a throttle stops all retries, a ratio lets its part through.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sim.wording import Refused

__all__ = ["Bucket", "Budget", "BudgetKind", "BudgetOptions", "Ratio", "Throttle", "Unlimited"]

_SECOND_US: Final = 1_000_000


class Budget(Protocol):
    """What a caller asks before it retries, and tells of what came of its attempts. Times are its monotonic clock's."""

    def asked(self, now_us: int) -> None:
        """A request was sent for the first time."""
        ...

    def may_retry(self, now_us: int, *, silent: bool) -> bool:
        """Whether one may be sent again, which then is paid for; `silent` where the last attempt got no answer."""
        ...

    def failed(self) -> None:
        """An attempt failed."""
        ...

    def succeeded(self, *, silent: bool | None) -> None:
        """An attempt succeeded; `silent` as when its retry was paid for, None for a first attempt."""
        ...


class BudgetKind(StrEnum):
    """Which budget."""

    NONE = "none"
    THROTTLE = "throttle"
    RATIO = "ratio"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """A budget as a value; every caller makes one of its own.

    Attributes:
        kind: Which.
        tokens: What it holds when full, of `throttle` and `bucket`.
        ratio: What a success (`throttle`) or a first attempt (`ratio`) earns, in tokens.
        free_per_s: Retries a second that cost nothing, of `ratio`.
        window_us: How long what a first attempt earned lasts, of `ratio`.

    Raises:
        ValueError: it would never allow a retry, or has a part that makes no sense; all at once.
    """

    kind: BudgetKind = BudgetKind.NONE
    tokens: int = 10
    ratio: float = 0.1
    free_per_s: float = 0.0
    window_us: int = 10 * _SECOND_US

    def __post_init__(self) -> None:
        wrong = []
        if self.ratio < 0 or self.free_per_s < 0:
            wrong.append(f"ratio={self.ratio} and free_per_s={self.free_per_s}: give at least 0")
        if self.kind is BudgetKind.THROTTLE and (self.tokens < 2 or not self.ratio > 0):
            wrong.append(
                f"tokens={self.tokens} and ratio={self.ratio}: a throttle retries only above half of its tokens, and "
                "must earn some back; give at least 2 tokens and a ratio above 0, or kind='none' without retries"
            )
        if self.kind is BudgetKind.BUCKET and self.tokens < Bucket.SILENT:
            wrong.append(f"tokens={self.tokens} never pay for a retry after a time-out; give at least {Bucket.SILENT}")
        if self.kind is BudgetKind.RATIO and not (self.ratio > 0 or self.free_per_s > 0):
            wrong.append("ratio=0 and free_per_s=0 allow no retry, ever; raise one, or set attempts=1")
        if self.window_us < 1:
            wrong.append(f"window_us={self.window_us} keeps nothing; give at least 1")
        if wrong:
            raise Refused(wrong)

    def make(self) -> Budget:
        """A full one."""
        match self.kind:
            case BudgetKind.THROTTLE:
                return Throttle(self.tokens, self.ratio)
            case BudgetKind.RATIO:
                return Ratio(self.ratio, self.free_per_s, self.window_us)
            case BudgetKind.BUCKET:
                return Bucket(self.tokens)
            case BudgetKind.NONE:
                return Unlimited()


class Unlimited:
    """No budget: whatever is to be retried is."""

    def asked(self, now_us: int) -> None:
        """As `Budget.asked`."""

    def may_retry(self, now_us: int, *, silent: bool) -> bool:
        """Always."""
        return True

    def failed(self) -> None:
        """As `Budget.failed`."""

    def succeeded(self, *, silent: bool | None) -> None:
        """As `Budget.succeeded`."""


class Throttle:
    """gRPC's throttle: retries only while more than half of the tokens are there."""

    def __init__(self, tokens: int, ratio: float) -> None:
        self._most = float(tokens)
        self._ratio = ratio
        self._tokens = self._most

    def asked(self, now_us: int) -> None:
        """As `Budget.asked`."""

    def may_retry(self, now_us: int, *, silent: bool) -> bool:
        """Above half; the retry itself costs nothing, its failure will."""
        return self._tokens > self._most / 2

    def failed(self) -> None:
        """A token less."""
        self._tokens = max(0.0, self._tokens - 1)

    def succeeded(self, *, silent: bool | None) -> None:
        """A part of a token more."""
        self._tokens = min(self._most, self._tokens + self._ratio)


class Ratio:
    """Finagle's budget: retries in proportion to first attempts of the last seconds."""

    def __init__(self, ratio: float, free_per_s: float, window_us: int) -> None:
        self._ratio = ratio
        self._window_us = window_us
        self._free = free_per_s * window_us / _SECOND_US
        self._entries: deque[tuple[int, float]] = deque()
        self._balance = 0.0

    def asked(self, now_us: int) -> None:
        """A deposit that lasts as long as the window."""
        self._enter(now_us, self._ratio)

    def may_retry(self, now_us: int, *, silent: bool) -> bool:
        """Whether deposits, and what is free, exceed withdrawals by one."""
        self._forget(now_us)
        if self._balance + self._free < 1 - 1e-9:
            return False
        self._enter(now_us, -1.0)
        return True

    def failed(self) -> None:
        """As `Budget.failed`."""

    def succeeded(self, *, silent: bool | None) -> None:
        """As `Budget.succeeded`."""

    def _enter(self, now_us: int, amount: float) -> None:
        self._forget(now_us)
        self._entries.append((now_us, amount))
        self._balance += amount

    def _forget(self, now_us: int) -> None:
        while self._entries and self._entries[0][0] <= now_us - self._window_us:
            self._balance -= self._entries.popleft()[1]


class Bucket:
    """The AWS SDKs' quota: retries are paid from a bucket that only successes fill."""

    #: What a retry costs, and one after a time-out.
    ANSWERED: Final = 5
    SILENT: Final = 10

    def __init__(self, tokens: int) -> None:
        self._most = tokens
        self._tokens = tokens

    def asked(self, now_us: int) -> None:
        """As `Budget.asked`."""

    def may_retry(self, now_us: int, *, silent: bool) -> bool:
        """Whether the bucket can pay, and then it does."""
        cost = self.SILENT if silent else self.ANSWERED
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def failed(self) -> None:
        """As `Budget.failed`."""

    def succeeded(self, *, silent: bool | None) -> None:
        """What the retry cost comes back, or one token for a first attempt."""
        back = 1 if silent is None else self.SILENT if silent else self.ANSWERED
        self._tokens = min(self._most, self._tokens + back)
