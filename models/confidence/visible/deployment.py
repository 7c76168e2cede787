"""What a scenario says of chances that clients are told: whether they are, and what is believed before evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any, Final, TypedDict, get_type_hints

from models.confidence.delays import Erlang
from models.confidence.unanswered import Request
from models.confidence.visible.outcomes import Line
from models.detection.refusals import at_least, refuse
from models.system import System
from models.visible_end import Told, together
from sim.topology import Location, Topology, at_service
from sim.wording import way_to

__all__ = ["VisibleOptions", "clients_of", "line_of", "stating", "told_to"]

#: As `models.layout` places them.
CLIENT: Final = "client"
_DAY_US: Final = 86_400_000_000


class VisibleOptions(TypedDict, total=False):
    """What is believed where chances are told.

    Attributes:
        states: Whether they are, false.
        cuts_every_us: Mean time between cuts of the way to who executes, 30 days.
        cuts_last_us: Mean length of one, a minute.
        dies_every_us: Mean time between deaths of who executes, 30 days.
        round_trip_us: Mean, where nothing is broken, 40 ms.
        loss: Chance that a request, or an answer, is lost where nothing is broken, 0.001.
        queued: Whether requests go on a connection, which keeps what a cut does not let through; false. Which messages
            do is a matter of the network (`[connections] messages`).
        give_up_us: Where they do, how long one waits before it is given up, half a minute.
        sent_again_us: How long after a heal a connection may take to send again, 400 ms.
        decides: In a split, when a command is refused since what it leads to would hardly survive, in the words of
            `models.confidence.providing`; never.
        conflict: In a split, chance that an acceptance is taken back before which concurrent writes came, 0.05.
        contests: The same where the first of them was decided on the same state, so that they likely want the same;
            as `conflict`.
    """

    states: bool
    cuts_every_us: int
    cuts_last_us: int
    dies_every_us: int
    round_trip_us: int
    loss: float
    queued: bool
    give_up_us: int
    sent_again_us: int
    conflict: float
    contests: float
    decides: str


def stating(options: VisibleOptions) -> bool:
    """Whether chances are told.

    Raises:
        TypeError: there is no such option.
    """
    known = get_type_hints(VisibleOptions)
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        raise TypeError(f"{unknown[0]!r} is no option; {way_to(unknown[0], known)}")
    return options.get("states", False)


def prior(name: str, value: float) -> str | None:
    """A mistake unless evidence moves the value."""
    if 0 < value < 1:
        return None
    return f"{name}={value!r} is a prior outside (0, 1), which no evidence moves; give one between"


def line_of(options: VisibleOptions) -> Line | None:
    """What clients believe of the way to who executes; None where no chances are told.

    Raises:
        ValueError: a belief that is none, or one where nothing is told.
    """
    if not stating(options):
        told = sorted(options.keys() - {"states"})
        if told:
            raise ValueError(f"{', '.join(told)} is believed by nobody; give states = true, or leave it out")
        return None
    round_trip_us, loss = options.get("round_trip_us", 40_000), options.get("loss", 0.001)
    times = {
        "cuts_every_us": options.get("cuts_every_us", 30 * _DAY_US),
        "cuts_last_us": options.get("cuts_last_us", 60_000_000),
        "dies_every_us": options.get("dies_every_us", 30 * _DAY_US),
        "round_trip_us": round_trip_us,
    }
    queued, give_up_us = options.get("queued", False), options.get("give_up_us", 30_000_000)
    sent_again_us = options.get("sent_again_us", 400_000)
    refuse(
        (
            *(at_least(name, us, 1) for name, us in times.items()),
            at_least("give_up_us", give_up_us, 1),
            at_least("sent_again_us", sent_again_us, 0),
            *(
                f"{name.removesuffix('_us')} says something of connections; give queued = true, or leave it out"
                for name in ("give_up_us", "sent_again_us")
                if name in options and not queued
            ),
            prior("loss", loss),
            prior("conflict", options.get("conflict", 0.05)),
            prior("contests", options.get("contests", 0.05)),
        )
    )
    # Half of the round trip is the way there; stages make it as steady as links are.
    return Line(
        request=Request(request_loss=loss, reply_loss=loss, round_trip=Erlang(mean_us=round_trip_us, stages=16)),
        arrival=Erlang(mean_us=round_trip_us / 2, stages=8),
        mtbc_us=times["cuts_every_us"],
        cut_us=times["cuts_last_us"],
        mtbf_us=times["dies_every_us"],
        down_us=times["cuts_last_us"],
        queued=queued,
        give_up_us=give_up_us if queued else inf,
        resend_us=sent_again_us if queued else 0,
    )


def clients_of(topology: Topology) -> tuple[Location, ...]:
    """Where the clients of a store are."""
    hosts = [host for region in topology.regions for host in topology.clients(region)]
    return tuple(at_service(host.location, CLIENT) for host in hosts)


def told_to(system: System, clients: Sequence[Location]) -> System:
    """The same system, whose ledger also has what these clients were told."""
    before = system.ledger
    assert before is not None, "chances are told of stores that keep a ledger"

    def ledger(service_of: Callable[[Location], Any]) -> Any:
        found = [service_of(client) for client in clients]
        return replace(before(service_of), visible=together([one.told for one in found if isinstance(one, Told)]))

    return replace(system, ledger=ledger)
