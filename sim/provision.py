"""Starting services while the world runs: templates, delays, and what the asker learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.chance import Chance
from sim.host import Placement, Template
from sim.kernel import Environment
from sim.message import check_value
from sim.network import Network
from sim.topology import Location, Topology, at_service
from sim.trace import Trace
from sim.wording import way_to

if TYPE_CHECKING:
    from sim.machine import Machine

__all__ = ["Provisioner", "Tell"]

#: Tells the asker the location of its instance, or None.
Tell = Callable[[Location | None], object]


class Provisioner:
    """The provisioning service of one world, reached from every host; itself it never fails.

    Args:
        env: The kernel.
        topology: Where hosts are.
        network: Says who is cut off from whom.
        chance: Delays are drawn by host and template.
        machines: All hosts, by index.
        trace: Told what was provisioned, because of whoever asked for it.
    """

    def __init__(
        self,
        env: Environment,
        topology: Topology,
        network: Network,
        chance: Chance,
        machines: Sequence[Machine],
        trace: Trace,
    ) -> None:
        self._env = env
        self._topology = topology
        self._network = network
        self._chance = chance
        self._machines = machines
        self._trace = trace
        self._templates: dict[str, Template] = {}
        self._values: set[type] = set()
        self._instances: dict[tuple[int, str], int] = {}

    @property
    def templates(self) -> tuple[Template, ...]:
        """What can be provisioned, in order of registration."""
        return tuple(self._templates.values())

    def offer(self, template: Template) -> None:
        """Register a template.

        Raises:
            ValueError: there is one of that name.
        """
        if template.name in self._templates:
            raise ValueError(f"a template {template.name!r} is offered already; name it otherwise")
        self._templates[template.name] = template

    def request(self, asker: int, location: Location, service: str, config: Any, tell: Tell) -> None:
        """Start `service` on the host at `location` after its delay, and `tell` where it is, or None.

        Raises:
            ValueError: no such template or host.
            TypeError: the config is no value: two hosts would share it.
        """
        template = self._templates.get(service)
        if template is None:
            raise ValueError(f"{service!r} is no service template; {way_to(service, self._templates)}")
        check_value(config, self._values)
        host = self._topology.index_of(location)
        draws = self._chance.draws(f"provision/{self._topology.hosts[host].path}/{service}")
        delay_us = draws.between(template.delay_us_min, template.delay_us_max)
        heard = not self._network.blocked(asker, host)
        begin = (self._machines[host].when_awake, self._begin, asker, host, template, config, heard, tell)
        self._env.call_later(delay_us, self._trace.because, self._trace.cause, *begin)

    def _begin(self, asker: int, host: int, template: Template, config: Any, heard: bool, tell: Tell) -> None:
        machine = self._machines[host]
        if not (heard and machine.up):
            tell(None)
            return
        told = not self._network.blocked(host, asker)
        name = self._next_name(host, template) if template.named is None else template.named(config)
        where = at_service(machine.spec.location, name) if told else None
        if template.named is not None and any(placed.name == name for placed in machine.placements):
            tell(where)
            return
        make = partial(_make, template, config)
        placement = Placement(host=machine.spec.location, name=name, make=make, kind=template.kind)
        row = self._trace.event("provision", host, name)
        self._trace.because(row, machine.add, placement)
        self._trace.because(row, tell, where)

    def _next_name(self, host: int, template: Template) -> str:
        """The name of one more instance; a placed service may bear the next one, and keeps it."""
        taken = {placed.name for placed in self._machines[host].placements}
        number = self._instances.get((host, template.name), 0) + 1
        while f"{template.name}@{number}" in taken:
            number += 1
        self._instances[host, template.name] = number
        return f"{template.name}@{number}"


def _make(template: Template, config: Any, ctx: Any) -> Any:
    return template.make(ctx, config)
