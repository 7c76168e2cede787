"""What a merge policy is: a pure fold over the writes of one aggregate, in canonical order.

A policy sees a write and what it made of all writes before it, and says what it holds now and which outputs follow.
It never sees when or from where a write arrived, which region asks, or what else was there at that moment, so every
region that folds the same writes derives the same outputs. Whether two writes were concurrent is read from the writes
(`precedes`), never from what the receiver happened to have.

A write may change the fate of earlier ones: then the policy puts out the new fate too, and the last one counts.

What a policy can merge it says itself. `refusals` names each event of a domain that it has no rule for, and a split
under it is refused before the run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, TypeVar, runtime_checkable

from models.domain import Command, Domain, Event, State
from models.merging.writes import Output, Write
from sim.wording import Refused

__all__ = [
    "MANDATORY",
    "LocalRule",
    "Obligation",
    "OwnReading",
    "Policy",
    "RightsRule",
    "Step",
    "UnfitPolicy",
    "fit",
    "refused_by",
]

HeldT = TypeVar("HeldT")


class Obligation(StrEnum):
    """What is asked of a policy on a domain, or may be promised; each is checked, with the smallest counterexample."""

    DETERMINISTIC = "deterministic"  # equal outputs over causal permutations and batchings of arrival
    IDEMPOTENT = "idempotent"  # redelivery and restart change nothing
    COMMUTES = "commutes"  # concurrent writes may change places in the canonical order
    INVARIANT = "invariant"  # what must hold of the domain holds at every stable cut
    COMPENSATES_ONCE = "compensates-once"  # a compensation ends, and happens once for its key
    CONSERVED = "conserved"  # accepted = merged + superseded with a reason + compensated
    CONVERGES = "converges"  # all that merged the same have the same state
    CAUSAL = "causal"  # no view holds a write without what its writer had seen
    REPLAYS = "replays"  # from the first write on, the outputs come out byte for byte


#: What no merge can do without, whatever its policy promises: else regions differ for good, or drop in silence what
#: they accepted. The rest are promises: who needs no invariant kept, or no writes that commute, loses nothing.
MANDATORY: Final = frozenset(
    {
        Obligation.DETERMINISTIC,
        Obligation.IDEMPOTENT,
        Obligation.CONSERVED,
        Obligation.CONVERGES,
        Obligation.CAUSAL,
        Obligation.REPLAYS,
    }
)


class Step(NamedTuple):
    """What a policy holds after a write, and what follows from it."""

    held: Any
    outputs: tuple[Output, ...]


class Policy(Protocol):
    """A merge policy for a domain; its options and the domain come through its constructor."""

    @property
    def name(self) -> str:
        """Part of every compensation's key, so that two policies never share one."""
        ...

    @property
    def promises(self) -> frozenset[Obligation]:
        """The obligations that it takes on beyond those that are `MANDATORY`; to list these too changes nothing."""
        ...

    def begin(self) -> Any:
        """What it holds of an aggregate without writes; a value."""
        ...

    def step(self, held: Any, write: Write) -> Step:
        """Fold one write in; every write that precedes it has been."""
        ...

    def state(self, held: Any) -> State:
        """The aggregate's state, to decide on and to show."""
        ...

    def forget(self, held: Any, floor: Sequence[tuple[int, int]]) -> Any:
        """The same without what no write to come can be concurrent with.

        Args:
            held: What it holds.
            floor: By sub-domain, the position that everybody has seen.
        """
        ...

    def refusals(self) -> Iterable[str]:
        """Why it cannot merge its domain, a sentence for each event that it has no rule for."""
        ...


@runtime_checkable
class LocalRule(Protocol):
    """What a policy adds where a sub-domain may not decide by the domain's rules alone.

    It is asked of one sub-domain, when that one decides, and is no part of the fold: what was written stays written.
    """

    def decide(self, held: Any, origin: int, command: Command) -> Event | None:
        """The event that a command leads to at a sub-domain; None if others must be heard first.

        Args:
            held: What the policy holds of the aggregate in that sub-domain's view. All that the sub-domain itself
                has written must be in it: after a restart, nobody is to be asked before that.
            origin: Number of the sub-domain.
            command: What was asked for.

        Returns:
            What to write, `Denied` included; None is no denial but a refusal to be repeated later: the
            sub-domain is not available for it.
        """
        ...

    def asks(self, origin: int) -> tuple[Command, ...]:
        """Commands of its own that a sub-domain may be asked, beside the domain's; some of them, for trying."""
        ...


@runtime_checkable
class RightsRule(LocalRule, Protocol):
    """A local rule by which sub-domains use up rights, and may pass them on to each other (`Grant`)."""

    @property
    def frees(self) -> bool:
        """Whether the rights of a sub-domain that was declared lost may be taken over; else they are stranded."""
        ...

    def rights(self, held: Any, origin: int) -> int:
        """What a sub-domain may still use up or grant, in the view that this is held in."""
        ...

    def wanted(self, held: Any, origin: int, command: Command) -> int:
        """How many more rights a sub-domain needs for a command; 0 if it needs none, or no number of them helps."""
        ...

    def offered(self, held: Any, origin: int, wanted: int) -> int:
        """What a sub-domain gives to one that wants so much, at most what it has."""
        ...

    def stranded(self, held: Any, lost: Collection[int]) -> int:
        """Rights that nobody can use, since the sub-domains that hold them are lost."""
        ...


@runtime_checkable
class OwnReading(Protocol):
    """What a policy adds where writes come to something else than their events, one after the other."""

    def comes_to(self, writes: Sequence[Write], counting: Collection[int]) -> State:
        """The state that those writes of an aggregate that count come to, by definition.

        Read all at once and from the first on, without a look at what `step` held on the way, so that one can be held
        against the other.

        Args:
            writes: All of them, in canonical order.
            counting: Addresses of those that count.
        """
        ...


class UnfitPolicy(Refused):
    """A policy has no rule for something that its domain does; every reason, told before anything runs."""


def fit(policy: Policy, domain: Domain[Any], *, asked: bool = False) -> Policy:
    """The policy, if it can merge the domain.

    Args:
        policy: Made for the domain.
        domain: Whose writes it is to merge.
        asked: Whether sub-domains ask a policy's `LocalRule`, where it has one, before they accept anything. Merged by
            such a policy and decided by the domain's rules alone, writes break what it promises.

    Raises:
        UnfitPolicy: it cannot; every reason at once.
    """
    refusals = refused_by(policy)
    if isinstance(policy, LocalRule) and not asked:
        refusals += ("it has a rule for what a sub-domain may accept, and these sub-domains do not ask it",)
    if refusals:
        raise UnfitPolicy([f"policy {policy.name} cannot merge domain {domain.name!r}: {one}" for one in refusals])
    return policy


def refused_by(policy: Policy) -> tuple[str, ...]:
    """Why a policy cannot merge its domain, a sentence each; what is no list of sentences is itself a reason."""
    told: Any = policy.refusals()
    # A text would be read as a list of its letters.
    sentences = tuple(told) if isinstance(told, Iterable) and not isinstance(told, str) else (None,)
    if not all(isinstance(one, str) for one in sentences):
        return (f"its refusals() gave {told!r}; give a list of sentences, empty where it refuses nothing",)
    return sentences
