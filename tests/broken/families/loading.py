"""Handlers that contend for aggregates as a family: a variant overrides a handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.loading import Handler, loaded_store
from models.system import Site, System


def handlers_of(wrong: type[Handler]) -> Callable[[Site, Any], System]:
    """A small store behind handlers of a kind, which work on what they remember and see whether it stands."""

    def system(site: Site, workload: Any) -> System:
        return loaded_store(
            site, workload, wrong, strategy="optimistic", cache=8, snapshot_every=2, scheme="local-persist"
        )

    return system


optimistic = handlers_of(Handler)
