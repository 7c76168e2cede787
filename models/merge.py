"""The merge domain: many sub-domains' streams into one account history, the same in every region.

In come one ordered stream for each sub-domain. The canonical order is (stamp, region,
position): stamps respect causality, so an event never precedes one its writer had seen. Every
region promises times that no later event of its own will be stamped at or below; the least of
the promises is the *stable cut*, and what lies below it can be folded for good, since nothing
can come in between any more. Every region folds the same events in the same order and derives
the same outputs. Above the cut there is a tentative view, folded the same way and folded again
from where an event lands in the middle; decisions are made on it.

Two policies. *Canonical*: amounts add up, and a withdrawal that would overdraw in canonical
order is compensated: reversed by an event whose key derives from the policy and the address of
what it reverses, so that every region emits the same one and none applies it twice. *Last
writer wins* on the balance is the negative control: the event with the highest place in the
order sets the balance that its writer saw, and what concurrent writers did is gone unnoticed.

Rejected: to settle by arrival and let regions vote on it (that is consensus, which a cut
stops), and to decide *concurrent* by what a receiver happens to have (relative to the receiver,
so regions would differ). The price of the cut is that an isolated region holds everybody's
settling up; accepting does not wait for it.

A command enters in one region only (clients are sticky), so events of one command in two
sub-domains are not looked for; a deployment that lets clients roam must add that to the fold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from models.addressing import content_hash
from models.domain import Denied
from models.domains.bank_account import Deposited, Withdrawn
from models.store.log.entries import Entry, instance_of

__all__ = ["Compensated", "MergeDomain", "MergePolicy", "Merged", "Settled", "compensation_key", "surviving_chain"]


class MergePolicy(StrEnum):
    """How concurrent events on one account become one history."""

    CANONICAL = "canonical"
    LAST_WRITER_WINS = "last-writer-wins"


class Merged(NamedTuple):
    """An event took its final place; `balance` is the account's after it."""

    address: int
    account: int
    balance: int
    head: int  # last writer wins: address of the event whose balance this is; else 0


class Compensated(NamedTuple):
    """An event took its final place and was reversed there, since it would have overdrawn."""

    address: int
    account: int
    balance: int
    head: int
    key: int
    command_id: int


class Settled(NamedTuple):
    """What one advance of the cut led to, saved as one record so that it is all there or not.

    `vector` holds, by region number, how many entries of its stream have their final place.
    """

    cut_us: int
    vector: tuple[tuple[int, int], ...]
    outputs: tuple[Merged | Compensated, ...]


class _Account:
    """An account below the cut (balance, head) and above it (entries in canonical order)."""

    __slots__ = ("after", "balance", "entries", "head")

    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.head = 0
        self.entries: list[Entry] = []
        #: Balance after each entry, for as many as have been folded since the last disturbance.
        self.after: list[int] = []


class MergeDomain:
    """The merge of one shard in one region; no input or output but its methods.

    Args:
        policy: How to merge.
        opening_balance: What every account begins with.
        regions: Numbers of the sub-domains.

    Attributes:
        cut_us: Everything stamped at or below has its final place.
        compensated: Address to key of every event reversed for good.
    """

    def __init__(self, policy: MergePolicy, opening_balance: int, regions: Iterable[int]) -> None:
        self.policy = policy
        self.cut_us = 0
        self.compensated: dict[int, int] = {}
        self._step = _STEPS[policy]
        self._opening = opening_balance
        self._accounts: dict[int, _Account] = {}
        self._pending: dict[int, deque[Entry]] = {region: deque() for region in sorted(regions)}
        self._settled = dict.fromkeys(self._pending, 0)
        self._keys: set[int] = set()

    # -- in --------------------------------------------------------------------------------

    def ingest(self, entry: Entry) -> None:
        """Take the next entry of a stream; each stream comes in order and without a gap."""
        pending = self._pending[entry.origin]
        expected = (pending[-1].position if pending else self._settled[entry.origin]) + 1
        assert entry.position == expected, f"{entry} where position {expected} was due"
        assert entry.stamp_us > self.cut_us, f"{entry} breaks the promise of cut {self.cut_us}"
        pending.append(entry)
        account = self._account(instance_of(entry.address))
        entries = account.entries
        if not entries or entry > entries[-1]:
            entries.append(entry)
            return
        at = bisect_left(entries, entry)
        entries.insert(at, entry)
        del account.after[at:]

    # -- the tentative view ----------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """Entries that wait for the cut."""
        return sum(len(pending) for pending in self._pending.values())

    def received(self, region: int) -> int:
        """How many entries of a stream have been taken."""
        pending = self._pending[region]
        return pending[-1].position if pending else self._settled[region]

    def balance(self, account: int) -> int:
        """The balance after everything known, in canonical order."""
        found = self._accounts.get(account)
        return self._opening if found is None else self._view(found)

    def head(self, account: int) -> int:
        """Address of the event that wrote the balance under last writer wins, 0 if none did."""
        found = self._accounts.get(account)
        if found is None:
            return 0
        return next((e.address for e in reversed(found.entries) if e.event.__class__ is not Denied), found.head)

    def balances(self) -> dict[int, int]:
        """The tentative view of every account with a history."""
        return {account: self._view(self._accounts[account]) for account in sorted(self._accounts)}

    def stable_balances(self) -> dict[int, int]:
        """The same at the cut."""
        return {account: self._accounts[account].balance for account in sorted(self._accounts)}

    def vector(self) -> dict[int, int]:
        """By region, how many entries have their final place."""
        return dict(self._settled)

    def _account(self, number: int) -> _Account:
        found = self._accounts.get(number)
        if found is None:
            found = self._accounts[number] = _Account(self._opening)
        return found

    def _view(self, account: _Account) -> int:
        after = account.after
        balance = after[-1] if after else account.balance
        if len(after) < len(account.entries):
            step = self._step
            for entry in account.entries[len(after) :]:
                balance = step(balance, entry)
                after.append(balance)
        return balance

    # -- out -------------------------------------------------------------------------------

    def settle(self, cut_us: int) -> Settled | None:
        """Advance the cut and give everything at or below it its final place.

        Returns:
            What to save, None if no event was concerned.
        """
        if cut_us <= self.cut_us:
            return None
        self.cut_us = cut_us
        due: list[Entry] = []
        for region, pending in self._pending.items():
            before = len(due)
            while pending and pending[0].stamp_us <= cut_us:
                due.append(pending.popleft())
            if len(due) > before:
                self._settled[region] = due[-1].position
        if not due:
            return None
        due.sort()
        outputs = tuple(self._fold(entry) for entry in due)
        self._shed(due)
        return Settled(cut_us, tuple(self._settled.items()), outputs)

    def restore(self, records: Iterable[Settled]) -> None:
        """Take up again what an earlier life saved; entries beyond the vector are due anew."""
        for record in records:
            self.cut_us = record.cut_us
            self._settled.update(record.vector)
            for output in record.outputs:
                account = self._account(output.account)
                account.balance = output.balance
                account.head = output.head
                if output.__class__ is Compensated:
                    self._reverse(output)

    def _fold(self, entry: Entry) -> Merged | Compensated:
        """Give one entry its final place; they come in canonical order."""
        event = entry.event
        number = instance_of(entry.address)
        account = self._accounts[number]
        before = account.balance
        after = account.balance = self._step(before, entry)
        if self.policy is MergePolicy.LAST_WRITER_WINS:
            if event.__class__ is not Denied:
                account.head = entry.address
        elif after == before and event.__class__ is Withdrawn:
            key = compensation_key(self.policy, entry.address)
            output = Compensated(entry.address, number, after, 0, key, entry.event_id)
            self._reverse(output)
            return output
        return Merged(entry.address, number, after, account.head)

    def _reverse(self, output: Compensated) -> None:
        # The reversal itself is the balance not having moved; the key makes it happen once.
        assert output.key not in self._keys, f"{output} was applied before"
        self._keys.add(output.key)
        self.compensated[output.address] = output.key

    def _shed(self, due: list[Entry]) -> None:
        """Drop what is settled from the fronts of its accounts' tentative lists."""
        counts: dict[int, int] = {}
        for entry in due:
            number = instance_of(entry.address)
            counts[number] = counts.get(number, 0) + 1
        for number, count in counts.items():
            account = self._accounts[number]
            # The tentative fold began with these very entries, so what follows them stands.
            del account.entries[:count]
            del account.after[:count]


def compensation_key(policy: MergePolicy, address: int) -> int:
    """The identity of the compensation of an event: the same wherever it is derived."""
    return content_hash((str(policy), address))


def surviving_chain(head: int, parents: Mapping[int, int]) -> set[int]:
    """Last writer wins: the events that the surviving balance was computed from, itself included."""
    chain: set[int] = set()
    while head and head not in chain:
        chain.add(head)
        head = parents.get(head, 0)
    return chain


def _add_up(balance: int, entry: Entry) -> int:
    """Canonical: amounts add up; what would overdraw leaves the balance as it was."""
    event = entry.event
    if event.__class__ is Deposited:
        return balance + event.amount
    if event.__class__ is Withdrawn and event.amount <= balance:
        return balance - event.amount
    return balance


def _last_write(balance: int, entry: Entry) -> int:
    """Last writer wins: the balance is what the latest writer took it to be. Errors write nothing."""
    if entry.event.__class__ is Denied:
        return balance
    assert isinstance(entry.told, int)
    return entry.told


_STEPS: Final[Mapping[MergePolicy, Callable[[int, Entry], int]]] = {
    MergePolicy.CANONICAL: _add_up,
    MergePolicy.LAST_WRITER_WINS: _last_write,
}
