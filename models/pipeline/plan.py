"""The stages of an API server: which there are, in what order, how much each holds, and on which host each runs.

    stages  "accept:32 authenticate:16 validate:16 route:16 execute:16*8 reply:16"    name:capacity*workers
    flow    "accept > authenticate > validate > route > execute > reply"
    away    "route": from there to `execute` on the second host, these two always together; "" for all on one

A pipe is a chain: each stage has one before it and one after it. `accept` comes first, since only it is given
requests, `reply` last, and `route` right before `execute`, which asks where it says. The other two may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.wording import Refused, way_to

__all__ = ["KINDS", "LINK", "UNBOUNDED", "Plan", "StagePlan", "plan_of"]

#: What stages do; `models.pipeline.stages` says how.
KINDS: Final = ("accept", "authenticate", "validate", "route", "execute", "reply")
#: What carries requests to the second host, a stage as well.
LINK: Final = "link"
#: The capacity of a channel that never fills up.
UNBOUNDED: Final = 1 << 40
_NEEDED: Final = ("accept", "route", "execute", "reply")
_FORM: Final = "write name:capacity, or name:capacity*workers, as in execute:16*8"


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage.

    Attributes:
        name: What it does, of `KINDS`, or `LINK`.
        capacity: Requests that may wait before it.
        workers: Requests that it works on at once.
    """

    name: str
    capacity: int
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole pipe.

    Attributes:
        near: The stages of the first host, in order, up to the last before the second host; `reply` apart.
        far: Those of the second host; none if there is none.
        reply: The last one, on the first host.
    """

    near: tuple[StagePlan, ...]
    far: tuple[StagePlan, ...]
    reply: StagePlan

    def unbounded(self) -> Plan:
        """The same without an end to what may wait."""

        def endless(stages: tuple[StagePlan, ...]) -> tuple[StagePlan, ...]:
            return tuple(StagePlan(stage.name, UNBOUNDED, stage.workers) for stage in stages)

        (reply,) = endless((self.reply,))
        return Plan(near=endless(self.near), far=endless(self.far), reply=reply)


def plan_of(stages: str, flow: str, away: str = "") -> Plan:
    """The plan that some words mean.

    Raises:
        ValueError: every mistake at once: a stage without capacity, one that is unknown or used twice, a flow that
            turns back on itself, branches, or leaves a stage out, an `away` that is no stage between.
    """
    problems: list[str] = []
    known = _stages(stages, problems)
    order = _order(flow, known, problems)
    if not problems:
        problems += _misplaced(order)
        if away and (away not in order or not 0 < order.index(away) <= order.index("route")):
            between = order[1 : order.index("execute")]
            problems.append(f"{away=} begins nothing that another host could do; {way_to(away, between)}")
    if problems:
        raise Refused(problems)
    chain = [known[name] for name in order]
    cut = order.index(away) if away else len(chain) - 1
    return Plan(near=tuple(chain[:cut]), far=tuple(chain[cut:-1]), reply=chain[-1])


def _stages(words: str, problems: list[str]) -> dict[str, StagePlan]:
    found: dict[str, StagePlan] = {}
    for word in words.split():
        name, colon, rest = word.partition(":")
        capacity, star, workers = rest.partition("*")
        if name not in KINDS:
            problems.append(f"{name!r} is no stage; {way_to(name, KINDS)}")
        elif not colon or not capacity.isdecimal() or int(capacity) < 1:
            problems.append(f"stage {word!r} has no capacity, so what waits before it would have no end; {_FORM}")
        elif star and (not workers.isdecimal() or int(workers) < 1):
            problems.append(f"stage {word!r} has nobody to work; {_FORM}")
        elif name in found:
            problems.append(f"stage {name!r} is given twice; give it once, with more workers if need be")
        else:
            found[name] = StagePlan(name, int(capacity), int(workers) if star else 1)
    return found


def _order(flow: str, known: dict[str, StagePlan], problems: list[str]) -> list[str]:
    """The chain that pairs of neighbours make."""
    names = [name.strip() for name in flow.split(">")]
    unknown = [name for name in names if name not in KINDS]
    problems += [f"flow names {name!r}, which is no stage; {way_to(name, KINDS)}" for name in unknown]
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        told = ", ".join(again)
        problems.append(f"flow comes back to {told}: a request would go round for ever; pass each stage once")
    absent = [name for name in dict.fromkeys(names) if name in KINDS and name not in known]
    problems += [f"flow passes {name!r}, of which `stages` says nothing; {_FORM}" for name in absent]
    left = [name for name in known if name not in names]
    problems += [f"stage {name!r} is in no flow, so nothing would ever reach it; leave it out" for name in left]
    return names


def _misplaced(order: list[str]) -> list[str]:
    missing = [name for name in _NEEDED if name not in order]
    if missing:
        return [f"flow goes without {', '.join(missing)}; a request needs {', '.join(_NEEDED)}"]
    problems = []
    if order[0] != "accept" or order[-1] != "reply":
        problems.append(f"flow goes from {order[0]} to {order[-1]}; let it go from accept to reply")
    if order.index("execute") - order.index("route") != 1:
        problems.append("execute asks where route says; put the one right before the other")
    return problems
