"""The closed form of k silent hosts in one region against the belief, without a world and without chance."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.confidence import Belief, Grid, Hearing, Level, Priors, Prompt, Subject, Tree, explaining_away
from sim.topology import pack_location

__all__ = ["FormRow", "forms"]

#: (region, host) priors: the published pair, and others.
_PRIORS: Final = ((1e-4, 1e-3), (1e-6, 1e-4), (1e-2, 1e-2), (0.1, 0.2))
_MOST: Final = 6
_SECOND_US: Final = 1_000_000


class FormRow(NamedTuple):
    """One case: priors, k, and P(region down) and P(host 1 itself down) by closed form, belief, and product."""

    region_prior: float
    host_prior: float
    silent: int
    region: float
    host: float
    region_believed: float
    host_believed: float
    region_multiplied: float

    @property
    def gap(self) -> float:
        """The larger of the two relative differences between closed form and belief."""
        return max(abs(self.region_believed / self.region - 1), abs(self.host_believed / self.host - 1))


def forms() -> list[FormRow]:
    """Every case."""
    return [_row(region, host, k) for region, host in _PRIORS for k in range(1, _MOST + 1)]


def _row(region: float, host: float, silent: int) -> FormRow:
    hearing = Hearing(every_us=_SECOND_US, loss=0.0, delay=Prompt())
    top = Subject(name=pack_location(1, 0, 0), level="region")
    hosts = tuple(
        Subject(name=pack_location(1, 1, number), level="host", within=top.name, hearing=hearing)
        for number in range(1, silent + 1)
    )
    belief = Belief(
        observer=pack_location(2, 1, 1),
        tree=Tree(subjects=(top, *hosts)),
        priors=Priors(levels={"region": Level(cut=region), "host": Level(dead=host)}),
        grid=Grid(slot_us=_SECOND_US),
    )
    belief.look(3 * _SECOND_US)
    answer = belief.answer(hosts[0].name, 3 * _SECOND_US)
    wanted = explaining_away(region, host, silent)
    # Alone, a host that must be silent for one of two reasons is down for sure; what is multiplied is the blame.
    alone = explaining_away(region, host, 1).host
    return FormRow(
        region_prior=region,
        host_prior=host,
        silent=silent,
        region=wanted.region,
        host=wanted.host,
        region_believed=answer.blamed(top.name),
        host_believed=answer.blamed(hosts[0].name),
        region_multiplied=(1 - alone) ** silent,
    )
