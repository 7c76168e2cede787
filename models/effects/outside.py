"""The world outside: a payment gateway, a mailer, a printer; each with a truth of its own, which no store can undo.

What was done is what stands in its book. It does not know events, commands or retries: of two requests it does
both, unless it dedups by key, and then only within a bounded window. One that can be asked tells what became
of a key; one that fences refuses what bears a token below the latest it has met for that key, and so makes
its answer *not done* one that stays true.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

from models.delivery_ends import Deed
from models.effects.words import Act, Acted, Fenced, OutcomeIs, WhatOf
from models.store.log.dedup import Window
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location
from sim.wording import way_to

__all__ = ["RECEIVERS", "Outside", "OutsideOptions", "receiver_of"]

_BOOK: Final = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideOptions:
    """What a receiver can do.

    Attributes:
        kind: What it is called.
        dedup: Keys that it remembers; 0 does everything again that it is asked again.
        queryable: Whether it tells what became of a key.
        fences: Whether it refuses late tokens.
        act_us: Time that one deed takes.
    """

    kind: str
    dedup: int = 0
    queryable: bool = False
    fences: bool = False
    act_us: int = 5_000

    def __post_init__(self) -> None:
        if self.dedup < 0:
            raise ValueError(f"dedup={self.dedup} is no number of keys; give at least 1, or 0 for a receiver without")
        if self.act_us < 0:
            raise ValueError(f"act_us={self.act_us} is negative; give at least 0")
        if self.fences and not self.queryable and not self.dedup:
            raise ValueError(f"{self.kind}: a receiver without dedup that cannot be asked has nothing to fence")


#: Receivers as they are met: most gateways remember keys for a day, mailers nothing, printers have a list of jobs.
RECEIVERS: Final[Mapping[str, OutsideOptions]] = MappingProxyType(
    {
        "gateway": OutsideOptions(kind="gateway", dedup=1_000, queryable=True, fences=True),
        "mailer": OutsideOptions(kind="mailer"),
        "printer": OutsideOptions(kind="printer", queryable=True, fences=True),
    }
)


def receiver_of(kind: str, *, dedup: int = -1, fences: bool | None = None) -> OutsideOptions:
    """A receiver by its kind, parts of it changed: `dedup` below 0 and `fences` None leave it as it is.

    Raises:
        ValueError: no such kind, or one that makes no sense so.
    """
    if kind not in RECEIVERS:
        raise ValueError(f"receiver={kind!r} is nobody outside; {way_to(kind, RECEIVERS)}")
    found = RECEIVERS[kind]
    changes: dict[str, Any] = {} if dedup < 0 else {"dedup": dedup}
    if fences is not None:
        changes["fences"] = fences
    return replace(found, **changes)


class Outside(Service):
    """One receiver.

    Args:
        ctx: Its host.
        options: What it can do.

    Attributes:
        book: What was done, in order.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"E3", "E4"})

    def __init__(self, ctx: Context, options: OutsideOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.book: list[Deed] = []
        self._known: Window[int] = Window(options.dedup or 1)
        self._receipts: dict[int, int] = {}
        self._tokens: dict[int, int] = {}

    def start(self) -> None:
        """Read the book back; a line that was cut short was never done."""
        records = self.ctx.disk.read(_BOOK)
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            self.ctx.disk.truncate(_BOOK, sound)
        for deed in records[:sound]:
            self._enter(deed)

    @handles(Act)
    def on_act(self, msg: Act, sender: Location) -> Generator[Wait, Any, Acted | Fenced]:
        """Do it, or say why not."""
        self.ctx.point("E3")
        if self.options.act_us:
            yield self.ctx.sleep(self.options.act_us)
        if self.is_late(msg.key, msg.token):
            return Fenced(key=msg.key, token=self._tokens[msg.key])
        before = self.done_before(msg.once)
        if before is not None:
            yield self.ctx.disk.flush(_BOOK)
            return Acted(key=msg.key, receipt=before, before=True)
        deed = Deed(msg.key, msg.once, msg.token, len(self.book) + 1, msg.amount, self.ctx.now_us())
        self.ctx.disk.append(_BOOK, deed)
        self._enter(deed)
        yield self.ctx.disk.flush(_BOOK)
        self.ctx.point("E4")
        return Acted(key=msg.key, receipt=deed.receipt)

    @handles(WhatOf)
    def on_what_of(self, msg: WhatOf, sender: Location) -> Generator[Wait, Any, OutcomeIs] | None:
        """What became of a key; nothing, where it cannot be asked."""
        return self._tell(msg) if self.options.queryable else None

    def _tell(self, msg: WhatOf) -> Generator[Wait, Any, OutcomeIs]:
        receipt = self._receipts.get(msg.key, 0)
        if not receipt and self.options.fences and msg.token > self._tokens.get(msg.key, 0):
            # On the disk before it is told: a receiver that forgot it would do what it said it never did.
            asked = Deed(msg.key, 0, msg.token, 0, 0, self.ctx.now_us())
            self.ctx.disk.append(_BOOK, asked)
            self._enter(asked)
        yield self.ctx.disk.flush(_BOOK)
        return OutcomeIs(key=msg.key, receipt=receipt)

    # -- what it decides ---------------------------------------------------------------------

    def is_late(self, key: int, token: int) -> bool:
        """Whether somebody with a later token has asked about this."""
        return self.options.fences and token < self._tokens.get(key, 0)

    def done_before(self, once: int) -> int | None:
        """The receipt of what it remembers to have done under a key; None if it does not dedup, or has forgotten."""
        return self._known.get(once) if self.options.dedup else None

    def _enter(self, deed: Deed) -> None:
        self._tokens[deed.key] = max(deed.token, self._tokens.get(deed.key, 0))
        if deed.receipt:
            self.book.append(deed)
            self._known.put(deed.once, deed.receipt)
            self._receipts[deed.key] = deed.receipt
