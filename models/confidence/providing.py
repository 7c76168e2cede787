"""Who makes a boolean of a belief, and where: the provider of a decision, chosen by the scenario beside its costs.

`bool` is a detector's: silent for so long, whatever anything costs. `source` thresholds the belief where it is held, at
a level that is the same for all who ask. `consumer` thresholds it where the costs are known. `spectrum` takes the
choice that costs least on average, by all conditions that the belief tells apart; where there are two choices and one
chance, that is the consumer's threshold, and no more is to be had.

Every decision reads the same words (`rule_of`, or `believed` where they stand beside others): whom clients ask
(`routing`), when a lead moves (`leading`), what a minority refuses (`visible.sharing`), whether to read here or wait
(`models.reading.telling`), and how a handler loads (`models.loading.believing`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from models.confidence.answer import Answer, Threshold
from models.confidence.deciding import Choice, Decision
from models.confidence.reach import OutOfReach
from models.detection.refusals import at_least, refuse
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["Provider", "Rule", "believed", "rule_of", "warn_if_never_acts"]

#: Before the words of a rule, where other words would mean something that believes nothing.
_BELIEF: Final = "belief:"


class Provider(StrEnum):
    """Of what a decision is made."""

    BOOL = "bool"
    SOURCE = "source"
    CONSUMER = "consumer"
    SPECTRUM = "spectrum"


#: What each looks at, as scenario files call it.
_LOOKS_AT: Final[Mapping[Provider, tuple[str, ...]]] = MappingProxyType(
    {
        Provider.BOOL: ("silent",),
        Provider.SOURCE: ("level",),
        Provider.CONSUMER: ("miss", "alarm"),
        Provider.SPECTRUM: ("miss", "alarm"),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How something is decided.

    Attributes:
        provider: Of what.
        miss: Cost of not acting where one should have.
        alarm: Cost of acting where one should not have.
        level: Where a source says yes.
        silent_us: When a detector does.

    Raises:
        ValueError: whatever makes no sense, all at once.
    """

    provider: Provider
    miss: float = 1.0
    alarm: float = 1.0
    level: float = 0.5
    silent_us: int = 1_000_000

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("miss", self.miss, 0),
                at_least("alarm", self.alarm, 0),
                "miss and alarm are both 0, so nothing is to be decided; make one positive"
                if self.miss == 0 == self.alarm
                else None,
                None if 0 < self.level <= 1 else f"level={self.level!r} is no chance to wait for; give one in (0, 1]",
                at_least("silent_us", self.silent_us, 1),
            )
        )

    @property
    def acts_from(self) -> float:
        """The chance from which on it acts; what a detector asks for is no chance, and then it is 0."""
        if self.provider is Provider.BOOL:
            return 0.0
        return self.level if self.provider is Provider.SOURCE else Threshold(miss=self.miss, alarm=self.alarm).level

    def acts(self, chance: float, silent_us: int) -> bool:
        """Whether to act on a trouble of this chance, behind a silence of so long."""
        if self.provider is Provider.BOOL:
            return silent_us >= self.silent_us
        return chance >= self.acts_from

    def waits(self, stale: float, silent_us: int, wait_us: int) -> bool:
        """Whether to wait so long and look again rather than to take what may be stale; a wait costs `alarm`.

        A wait helps if the silence ends meanwhile. One that has lasted for t lasts for w more with chance t / (t + w),
        if nothing is known of how long silences are; so the spectrum waits while a silence is young, and no more when
        it is old, though what it has is surely stale. A threshold on the chance cannot say that.
        """
        if self.provider is Provider.SPECTRUM:
            return self.miss * stale * wait_us > self.alarm * (silent_us + wait_us)
        return self.acts(stale, silent_us)

    def moves(self, gone: float, won: float, silent_us: int) -> bool:
        """Whether to stand for election in the place of a leader that may be gone, which has been silent for so long.

        What is missed is time without a leader, the alarm an election that was not needed: of a leader that still
        leads, however slowly, or one that nobody could win. So the spectrum weighs both at once. All of

            stand:  (1 - won) alarm + (gone - won) miss        wait:  gone miss

        comes to standing where `won` is at least alarm / (miss + alarm).

        Args:
            gone: The chance that the leader is dead or cut off.
            won: The chance of that *and* that as many others answer as an election takes: at most `gone`, and far from
                it where a silent leader shares its region with those others, or nobody answers at all.
            silent_us: As above.
        """
        return self.acts(won if self.provider is Provider.SPECTRUM else gone, silent_us)

    def asking(self) -> Decision:
        """Whether to ask a peer, or to pass it over, by its condition."""
        # Who is slow answers in the end, which costs a part of what silence does; who is gone costs all of it.
        ask = Choice(name="ask", up=0.0, slow=self.miss / 4, unreachable=self.miss, dead=self.miss)
        pass_over = Choice(name="pass", up=self.alarm, slow=self.alarm / 2, unreachable=0.0, dead=0.0)
        return Decision(name="ask", choices=(ask, pass_over))

    def passes_over(self, answer: Answer, silent_us: int) -> bool:
        """Whether to ask somebody else than the subject of an answer."""
        if self.provider is Provider.SPECTRUM:
            return self.asking().by_answer(answer).name == "pass"
        return self.acts(answer.down, silent_us)


def believed(words: str) -> Rule | None:
    """The rule of words that begin with `belief:`; None where others are meant, which believe nothing.

    Raises:
        ValueError: as for `rule_of`.
    """
    told = words.removeprefix(_BELIEF)
    return None if told == words else _read(told, words)


def rule_of(words: str) -> Rule:
    """The rule that some words mean: a provider and what it needs, as in `spectrum:miss=4:alarm=1`, `bool:silent=1s`.

    Raises:
        ValueError: no such provider, a number that is none, or one that the provider does not look at.
    """
    return _read(words, words)


def _read(words: str, written: str) -> Rule:
    """The same; a mistake is told with the words as somebody has written them."""
    named, *told = words.split(":")
    if named not in list(Provider):
        raise ValueError(f"{written!r}: {named!r} is no provider; {way_to(named, Provider)}")
    provider = Provider(named)
    problems: list[str] = []
    found: dict[str, float] = {}
    for one in told:
        name, _, value = one.partition("=")
        if name not in _LOOKS_AT[provider]:
            looks = ", ".join(_LOOKS_AT[provider])
            problems.append(f"{written!r}: {provider} does not look at {name!r}; it does at {looks}")
            continue
        try:
            found["silent_us" if name == "silent" else name] = duration_us(value) if name == "silent" else float(value)
        except ValueError:
            wants = "a duration, such as 800ms" if name == "silent" else "a number"
            problems.append(f"{written!r}: {name}={value!r} is not {wants}; write one")
    refuse(problems)
    try:
        return Rule(provider, **found)  # type: ignore[arg-type]
    except ValueError as refused:
        raise ValueError(f"{written!r}: {refused}") from None


def warn_if_never_acts(rule: Rule, most: float, why: str) -> None:
    """Warn where no evidence takes a chance up to where a rule acts; says why, and the nearest that can be.

    Args:
        rule: How is decided.
        most: The highest chance that evidence leads to.
        why: What keeps it there.
    """
    if rule.provider is not Provider.BOOL and rule.acts_from > most:
        level = "its level" if rule.provider is Provider.SOURCE else f"miss={rule.miss:g} and alarm={rule.alarm:g}"
        warnings.warn(
            f"{rule.provider} acts from {rule.acts_from:.4g} on by {level}, which is out of reach, as {why}; the "
            f"nearest that can be reached is {most:.4g}, so nothing is ever done: lower it, or take other evidence",
            OutOfReach,
            stacklevel=3,
        )
