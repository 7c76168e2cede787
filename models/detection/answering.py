"""Who answers: for whoever hears from peers only when it asks them.

Nobody is suspected for having nothing to say, so silence alone tells nothing here: a peer counts as
silent once a question to it was left unanswered, nothing came from it since, *and* its detector,
which is fed with its answers, suspects it. It is given another chance when that question is old.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.detection.detector import Detector, MakeDetector

__all__ = ["Answering"]


class Answering:
    """The peers that were asked, each with a detector.

    Args:
        make: Makes what watches a peer; suspicion of 1 is its threshold.
        again_us: Age from which a question that was left unanswered says nothing any more, microseconds.
    """

    __slots__ = ("_again_us", "_answers", "_detectors", "_make", "_vain_us")

    def __init__(self, make: MakeDetector, again_us: int) -> None:
        self._make = make
        self._again_us = again_us
        self._detectors: dict[int, Detector] = {}
        self._answers: dict[int, int] = {}
        self._vain_us: dict[int, int] = {}

    def answered(self, peer: int, now_us: int) -> None:
        """It lives. Its answers are numbered here, so that a detector learns their rhythm."""
        self._vain_us.pop(peer, None)
        number = self._answers[peer] = self._answers.get(peer, 0) + 1
        self._watch(peer).observe(number, now_us)

    def lapsed(self, peer: int, asked_us: int, now_us: int) -> None:
        """What it was asked at an instant was not answered."""
        detector = self._detectors.get(peer)
        if detector is None:
            # Of one that has never answered it is known that it has been silent since it was asked.
            self._watch(peer).observe(None, asked_us)
        self._vain_us[peer] = now_us

    def is_silent(self, peer: int, now_us: int) -> bool:
        """Whether one had better not wait for it."""
        since_us = self._vain_us.get(peer)
        if since_us is None or now_us - since_us >= self._again_us:
            return False
        return self._detectors[peer].suspicion(now_us) >= 1

    def choose(self, peers: Sequence[int], turn: int, now_us: int) -> int:
        """The place of the first of some peers that is not silent, from `turn` on and round; `turn`'s if all are."""
        count = len(peers)
        for place in range(turn, turn + count):
            if not self.is_silent(peers[place % count], now_us):
                return place % count
        return turn % count

    def _watch(self, peer: int) -> Detector:
        if peer not in self._detectors:
            self._detectors[peer] = self._make()
        return self._detectors[peer]
