"""How likely what was heard, and not heard, is, by when the way to a subject broke: the likelihood at one node.

The trouble that silences a subject has an onset, in a slot of time. Heartbeats sent before it came, were lost or are
late; those after it were not sent, or met the cut. So the likelihood of silence is 1 for an onset just after the last
heartbeat that came, and falls by a factor for each that should have come: P(lost) + P(not lost) P(later than now).
Within a slot the onset is uniform, and the likelihood its mean. Likelihoods are logarithms in whole units, so that one
taken out of a product leaves exactly what was there before it was put in, in whatever order that happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final, NamedTuple

from models.confidence.delays import Delay
from models.confidence.priors import Hearing

__all__ = ["LEAST", "UNIT", "Event", "Function", "Grid", "Settled", "Voice", "constant", "in_units", "likelihood"]

#: Of natural logarithms; a rounding is 3e-14.
UNIT: Final = 1 << 44
#: The smallest likelihood that is told from none: a thing thought impossible is merely this unlikely.
LEAST: Final = 1e-300
#: Of the chance of a loss: a tail that is so much less changes nothing.
_SETTLED: Final = 1e-7
_LONGEST_US: Final = 1e15
_WIDER: Final = 1.25
_CLOSE: Final = 0.01
#: Missing heartbeats that are weighed however seldom they come.
_FEWEST: Final = 6


class Event(NamedTuple):
    """Something that should have been heard by now, and was not.

    Attributes:
        sent_us: When it was sent, if the way was whole.
        normal: Chance that it is not here yet though it was sent, where nothing is slow.
        slow: The same where something is.
        normal_units: The logarithm of the first.
        slow_units: Of the second.
    """

    sent_us: float
    normal: float
    slow: float
    normal_units: int
    slow_units: int


class Function(NamedTuple):
    """Log-likelihood by onset: of slots from `base`, then of all later onsets and of none; in units.

    Attributes:
        base: The first slot.
        normal: Where nothing is slow.
        slow: Where something is; as long.
    """

    base: int
    normal: list[int]
    slow: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Slots of time.

    Attributes:
        slot_us: Length of one; onsets within one are not told apart but by what one subject sent.
        window: Slots of silence that are weighed, or six heartbeats where they take longer; what is silent for longer
            stays as it is believed then.
    """

    slot_us: int
    window: int = 12

    def slot(self, at_us: float) -> int:
        """The slot of an instant."""
        return int(at_us // self.slot_us)


def _settled(delay: Delay, loss: float) -> float:
    """The age from which on a delay's tail is nothing beside a loss."""
    settled_us = 1.0
    least = _SETTLED * loss or LEAST
    while delay.beyond(settled_us) > least and settled_us < _LONGEST_US:
        settled_us *= _WIDER
    # Not much later than it is: what is not settled is weighed again with every look.
    low_us = settled_us / _WIDER
    while settled_us - low_us > _CLOSE * settled_us:
        middle_us = (low_us + settled_us) / 2
        low_us, settled_us = (middle_us, settled_us) if delay.beyond(middle_us) > least else (low_us, middle_us)
    return settled_us


def in_units(value: float) -> int:
    """The logarithm of a likelihood, in units."""
    return round(log(value if value > LEAST else LEAST) * UNIT)


def constant(base: int) -> Function:
    """Nothing was heard, and nothing was due."""
    return Function(base, [0], [0])


class Voice:
    """How a subject is heard, with what is computed once.

    Args:
        hearing: How.
        grid: The slots.
    """

    __slots__ = ("_in_time_us", "_lost", "_lost_units", "_settled_us", "_slow_delay", "_span_us", "hearing")

    def __init__(self, hearing: Hearing, grid: Grid) -> None:
        self.hearing = hearing
        self._slow_delay = hearing.slow_delay
        self._span_us = max(grid.window * grid.slot_us, _FEWEST * hearing.every_us)
        self._lost, self._lost_units = hearing.loss, in_units(hearing.loss)
        #: From this age on, what has not come never will; the first where nothing is slow.
        self._in_time_us = _settled(hearing.delay, hearing.loss)
        self._settled_us = _settled(self._slow_delay, hearing.loss)

    def due(self, after_us: int, until_us: float, settled: int = 0) -> tuple[list[Event], int]:
        """Heartbeats that should have come by `until_us`, after one that was sent at `after_us`.

        Args:
            after_us: When the last that came was sent.
            until_us: Up to when nothing came.
            settled: Of so many of the first nothing has to be said any more.

        Returns:
            The others, in order, and how many of all are settled now.
        """
        every_us = self.hearing.every_us
        sent_us = after_us + every_us * (settled + 1)
        last_us = min(until_us, after_us + self._span_us)
        settled_us, lost, units = until_us - self._settled_us, self._lost, self._lost_units
        found = []
        while sent_us <= last_us:
            if sent_us <= settled_us:
                settled += 1
                found.append(Event(sent_us, lost, lost, units, units))
            else:
                found.append(self._missing(sent_us, until_us - sent_us))
            sent_us += every_us
        return found, settled

    def over(self, settled: int) -> bool:
        """Whether all heartbeats that are ever weighed are among the first so many."""
        return self.hearing.every_us * (settled + 1) > self._span_us

    def _missing(self, sent_us: float, late_us: float) -> Event:
        lost = self._lost
        slow = lost + (1 - lost) * self._slow_delay.beyond(late_us)
        if late_us >= self._in_time_us:
            return Event(sent_us, lost, slow, self._lost_units, in_units(slow))
        normal = lost + (1 - lost) * self.hearing.delay.beyond(late_us)
        return Event(sent_us, normal, slow, in_units(normal), in_units(slow))

    def unanswered(self, asked_us: Iterable[int], until_us: int) -> list[Event]:
        """Requests whose replies are due: either way may have lost them."""
        hearing = self.hearing
        assert hearing.round_trip is not None, "only then is a request remembered"
        both = (1 - hearing.loss) ** 2
        found = []
        for sent_us in asked_us:
            late_us = until_us - sent_us
            if late_us > 0:
                normal = 1 - both + both * hearing.round_trip.beyond(late_us)
                slow = 1 - both + both * hearing.round_trip.beyond(late_us / hearing.slowdown)
                found.append(Event(sent_us, normal, slow, in_units(normal), in_units(slow)))
        return found

    def timeliness(self, delay_us: float) -> tuple[int, int]:
        """How likely the delay of something that came is: where nothing is slow, and where something is; in units."""
        return in_units(self.hearing.delay.density(delay_us)), in_units(self._slow_delay.density(delay_us))


class Settled:
    """The first slots of a likelihood, of which nothing will change while the silence goes on.

    Attributes:
        base: The first of them.
        until_us: Up to when nothing came.
        events: How many heartbeats lie in them.
        slot: The slot behind.
        normal: The sum of the logarithms of those.
        slow: The same where something is slow.
        normals: The values of the slots.
        slows: The same where something is slow.
    """

    __slots__ = ("base", "events", "normal", "normals", "slot", "slow", "slows", "until_us")

    def __init__(self, base: int, timely: tuple[int, int]) -> None:
        self.base = self.slot = base
        self.until_us = 0
        self.events = 0
        self.normal, self.slow = timely
        self.normals: list[int] = []
        self.slows: list[int] = []


def likelihood(
    events: list[Event],
    base: int,
    *,
    begin_us: float,
    end_us: float,
    grid: Grid,
    timely: tuple[int, int],
    settled: Settled | None = None,
    settles: int = 0,
) -> Function:
    """The likelihood of silence, by slot of the onset.

    Args:
        events: What should have come, by time of sending; without those that lie in `settled`.
        base: The first slot.
        begin_us: Earliest onset in it.
        end_us: Latest onset that counts as one in its slot; later ones have not happened yet.
        grid: The slots.
        timely: How likely what did come is.
        settled: From where to go on, with the same base, begin and `timely`; grows by the slots in which nothing lies
            but the first `settles` events.
        settles: As above.
    """
    normal, slow = timely
    if not events and settled is None:
        return Function(base, [normal], [slow])
    slot_us = grid.slot_us
    normals: list[int] = []
    slows: list[int] = []
    done, count, slot = 0, len(events), base
    if settled is not None:
        normal, slow, slot = settled.normal, settled.slow, settled.slot
        normals, slows = list(settled.normals), list(settled.slows)
    had = 0 if settled is None else settled.events
    while done < count:
        from_us: float = slot * slot_us
        until_us: float = from_us + slot_us
        if from_us >= end_us:  # what is left was sent at the very end, with no onset before it
            normal += sum(event.normal_units for event in events[done:])
            slow += sum(event.slow_units for event in events[done:])
            break
        if from_us < begin_us:
            from_us = begin_us
        if until_us > end_us:
            until_us = end_us
        first = done
        while done < count and events[done].sent_us < until_us:
            done += 1
        if first == done or until_us <= from_us:
            normals.append(normal)
            slows.append(slow)
        else:
            inside = events[first:done]
            mean, slow_mean = _mean_units(inside, from_us, until_us)
            normals.append(normal + mean)
            slows.append(slow + slow_mean)
            for event in inside:
                normal += event.normal_units
                slow += event.slow_units
        slot += 1
        if settled is not None and first < done <= settles and slot * slot_us <= settled.until_us:
            settled.events = had + done
            settled.normal, settled.slow, settled.slot = normal, slow, slot
            settled.normals, settled.slows = list(normals), list(slows)
    while normals and normals[-1] == normal and slows[-1] == slow:  # a slot at whose very begin the last was sent
        normals.pop()
        slows.pop()
    normals.append(normal)
    slows.append(slow)
    return Function(base, normals, slows)


def _mean_units(inside: list[Event], from_us: float, until_us: float) -> tuple[int, int]:
    """The logarithm of the mean likelihood of an onset in between."""
    if len(inside) == 1:
        (event,) = inside
        sent_us = event.sent_us if event.sent_us > from_us else from_us
        before_us, after_us, span_us = sent_us - from_us, until_us - sent_us, until_us - from_us
        units = in_units((before_us + event.normal * after_us) / span_us)
        # Where nothing that was sent is still on its way, slow or not is all the same.
        if event.normal == event.slow:
            return units, units
        return units, in_units((before_us + event.slow * after_us) / span_us)
    normal, slow = _means(inside, from_us, until_us)
    return in_units(normal), in_units(slow)


def _means(inside: list[Event], from_us: float, until_us: float) -> tuple[float, float]:
    """The mean likelihood of an onset that is uniform in between, of events that were sent in between."""
    at_us, normal, slow, total, slow_total = from_us, 1.0, 1.0, 0.0, 0.0
    for event in inside:
        sent_us = max(event.sent_us, from_us)
        total += normal * (sent_us - at_us)
        slow_total += slow * (sent_us - at_us)
        at_us, normal, slow = sent_us, normal * event.normal, slow * event.slow
    total += normal * (until_us - at_us)
    slow_total += slow * (until_us - at_us)
    span_us = until_us - from_us
    return total / span_us, slow_total / span_us
