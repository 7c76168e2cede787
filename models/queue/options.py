"""What a queue is told: how often a message may come, in which order, for how long it is held, when it is given up.

The modes are promises about one message of a producer, whatever befalls the broker as far as its persistence
scheme goes:

| mode | the producer | the broker | the receiver |
|---|---|---|---|
| at most once | asks once | lets go before it hands out | takes whatever is handed out |
| at least once | asks until it is answered | hands out until it is settled | takes whatever is handed out |
| deduplicated | the same, under one id | knows the last `window` ids | knows the last `window` messages |

Only the last is exactly once in effect, and only within the windows: a retry that comes later is done again.

Copies that the network makes are no retries. The receiver takes a receipt once, a broker hears a request for letters
once, and at most once it knows the last `COPIES` ids again: its producers ask once, so what comes twice is a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.factories import Refused
from models.keyspace.hotkeys import SpaceSaving
from models.queue.lanes import Parking

__all__ = ["COPIES", "Mode", "Overflow", "QueueOptions", "queue_mistakes"]

#: Ids that a broker knows again of messages that are sent once.
COPIES: Final = 256


class Mode(StrEnum):
    """How often a message may have its effect."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    DEDUPLICATED = "deduplicated"


class Overflow(StrEnum):
    """What becomes of a message for which there is no room."""

    REFUSE = "refuse"  # its producer is told, and may come again
    WAIT = "wait"  # its producer hears nothing until there is: back-pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """How a queue behaves.

    Attributes:
        mode: How often a message may have its effect.
        ordered: Whether no two letters of a key are with different consumers at once, and they go in order.
        visibility_us: How long a consumer may hold letters before they come back.
        attempts: Failures after which a letter parks; 0 for never.
        parking: How it parks.
        depth: Letters that a shard holds at most, parked ones too; 0 for any number.
        overflow: What becomes of more.
        waiting: Of producers' requests, how many may wait for room.
        window: Ids of messages that are remembered.
        counted: Keys of which the load is counted, so that a hot one is seen.

    Raises:
        Refused: whatever of it does not go together, all at once.
    """

    mode: Mode = Mode.AT_LEAST_ONCE
    ordered: bool = True
    visibility_us: int = 1_000_000
    attempts: int = 0
    parking: Parking = Parking.NONE
    depth: int = 0
    overflow: Overflow = Overflow.REFUSE
    waiting: int = 64
    window: int = 0
    counted: int = 64

    def __post_init__(self) -> None:
        mistakes = queue_mistakes(self)
        if mistakes:
            raise Refused(mistakes)

    def counters(self) -> SpaceSaving:
        """What counts keys."""
        return SpaceSaving(self.counted)


def queue_mistakes(queue: QueueOptions) -> list[str]:
    """What does not go together, each with the way out."""
    return [*_of_coming(queue), *_of_parking(queue), *_of_room(queue)]


def _of_coming(queue: QueueOptions) -> list[str]:
    found = []
    if queue.visibility_us < 1:
        why = "while it is held nothing behind it in its key may go" if queue.ordered else "it comes back at once"
        found.append(f"visibility_us={queue.visibility_us} holds no letter, and {why}; give at least 1")
    if queue.mode is Mode.DEDUPLICATED and queue.window < 1:
        found.append(f"window={queue.window} remembers no message, so mode 'deduplicated' knows none; give at least 1")
    if queue.mode is not Mode.DEDUPLICATED and queue.window:
        found.append(
            f"window={queue.window} is for mode 'deduplicated', and mode is {str(queue.mode)!r}; leave it out, or "
            "deduplicate"
        )
    return found


def _of_parking(queue: QueueOptions) -> list[str]:
    found = []
    once, parks = queue.mode is Mode.AT_MOST_ONCE, queue.parking is not Parking.NONE
    if queue.attempts < 0:
        found.append(f"attempts={queue.attempts} is negative; give at least 1, or 0 for ever")
    if parks and queue.attempts == 0:
        found.append(f"parking={str(queue.parking)!r} without a number of attempts parks nothing; give `attempts`")
    if queue.attempts > 0 and not parks and not once:
        found.append(f"attempts={queue.attempts} end in no parking; set parking to 'sequenced' or 'alone', or leave it")
    if once and (parks or queue.attempts > 0):
        found.append("at most once nothing is tried again, so nothing can park; leave `attempts` and `parking` out")
    if queue.parking is Parking.SEQUENCED and not queue.ordered:
        found.append("parking='sequenced' keeps an order that ordered=False does not have; order, or park 'alone'")
    return found


def _of_room(queue: QueueOptions) -> list[str]:
    found = []
    if queue.depth < 0:
        found.append(f"depth={queue.depth} is negative; give at least 1, or 0 for any number")
    if queue.overflow is Overflow.WAIT and queue.depth == 0:
        found.append("overflow='wait' waits for room that never lacks; give a `depth`")
    if queue.waiting < 1:
        found.append(f"waiting={queue.waiting} lets nobody wait; give at least 1, or refuse")
    if queue.counted < 1:
        found.append(f"counted={queue.counted} sees no hot key; give at least 1")
    return found
