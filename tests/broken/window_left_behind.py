"""A snapshot that is handed to a peer comes without the commands that it stands for.

The peer has the states and not the ids; when it leads, a client that tries again has its command done twice.

Modelled on curvine#676: ids of requests are cached by the master that served them; the next one carries out a
repeated request again:
https://github.com/CurvineIO/curvine/issues/676
"""

from __future__ import annotations

from dataclasses import replace

from models.store.log.image import Image
from models.store.log.keeping import Keeper
from tests.broken.families.store import store_of


class Bare(Keeper):
    """Hands over states alone."""

    def image(self) -> Image:
        return replace(super().image(), window=())


system = store_of(Bare, "short_log")
