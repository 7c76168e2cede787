"""API servers on two hosts before a store: a variant overrides a server, its pipes, or its end of the link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.pipeline import ApiServer, Generation, Near, api_store
from models.system import Site, System


def servers_of(wrong: type[Any]) -> Callable[[Site, Any], System]:
    """A small store behind a pipe in which something is wrong."""
    near: type[ApiServer] = ApiServer
    pipe: type[Generation] = Generation
    if issubclass(wrong, Generation):
        pipe = wrong
    elif issubclass(wrong, Near):
        near = type(wrong.__name__, (ApiServer,), {"LINK": wrong})
    else:
        near = wrong

    def system(site: Site, workload: Any) -> System:
        return api_store(
            site,
            workload,
            near,
            pipe=pipe,
            # One worker after the other on the second host, so that answers come back in the order of requests.
            stages="accept:8 authenticate:4 validate:4 route:4 execute:4 reply:4",
            away="route",
            scheme="local-persist",
            lease_us=600_000,
            beat_us=200_000,
        )

    return system


two_hosts = servers_of(ApiServer)
