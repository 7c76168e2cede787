"""Effects by risk over a whole store: performers with an intent, an act and a result, and a ladder about silence."""

from __future__ import annotations

from typing import Final

from models.clients import Workload
from models.confidence import Costs, Erlang, Request
from models.detection.refusals import at_least
from models.effects.deployment import lay_out
from models.effects.outside import receiver_of
from models.effects.performing import Performer
from models.effects.risk.climbing import Climber
from models.effects.risk.posterior import Route
from models.effects.risk.rules import RiskRule, Rung, on_time, warn_if_never
from models.stores import noted
from models.system import Site, System
from sim.wording import Refused, way_to

__all__ = ["effects_by_risk", "ladder_of", "rule_of"]

#: What a performer believes of its connection to the receiver: a request is given up, a reply too.
_LOSS: Final = 0.001
_ROUND_TRIP_US: Final = 20_000.0


def effects_by_risk(
    site: Site,
    workload: Workload,
    *,
    ladder: str = "fence",
    cost_of_duplicate: float = 10.0,
    cost_of_loss: float = 1.0,
    give_up_us: int = 5_000_000,
    rung_us: int = 0,
    receiver: str = "printer",
    dedup: int = -1,
    fences: bool = True,
    owners: int = 2,
    scheme: str = "multi-persist:2/3",
    shards: int = 1,
    home: str = "",
    suspect_us: int = 600_000,
    act_us: int = 1_000_000,
    promote_after_us: int = 0,
) -> System:
    """Effects whose performers go up a ladder where nobody answers, rungs joined by `+`.

    Requests go on connections, so silence is no evidence: rung `risk` alone parks, unless a duplicate costs next to
    nothing; that is warned of. With a time for each rung (`rung_us`, 0 for none) they are an escalation, and performers
    tell which of them settled what.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    can = noted(problems, lambda: receiver_of(receiver, dedup=dedup, fences=None if fences else False))
    rule = noted(
        problems,
        lambda: rule_of(
            ladder,
            cost_of_duplicate=cost_of_duplicate,
            cost_of_loss=cost_of_loss,
            give_up_us=give_up_us,
            rung_us=rung_us,
        ),
    )
    if rule is not None and can is not None:
        problems += rule.problems(can)
    if problems:
        raise Refused(problems)
    assert rule is not None
    warn_if_never(rule)
    return lay_out(
        site,
        workload,
        Climber if rung_us else Performer,
        receiver=receiver,
        dedup=dedup,
        fences=fences,
        owners=owners,
        scheme=scheme,
        shards=shards,
        home=home,
        suspect_us=suspect_us,
        act_us=act_us,
        promote_after_us=promote_after_us,
        policy=rule,
    )


def ladder_of(words: str) -> tuple[Rung, ...]:
    """The rungs of a text, such as `same-key` or `fence+risk`; "" is none, which parks.

    Raises:
        ValueError: there is no such rung.
    """
    names = words.split("+") if words else []
    for name in names:
        if name not in list(Rung):
            raise ValueError(f"ladder={words!r} has a rung {name!r}; {way_to(name, Rung)}")
    return tuple(Rung(name) for name in names)


def rule_of(
    ladder: str,
    *,
    cost_of_duplicate: float,
    cost_of_loss: float,
    give_up_us: int,
    rung_us: int = 0,
    kind: type[RiskRule] = RiskRule,
) -> RiskRule:
    """The rule of a performer, whose requests go on connections.

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """
    problems: list[str] = []
    rungs = noted(problems, lambda: ladder_of(ladder))
    wrong = (at_least("cost_of_duplicate", cost_of_duplicate, 0), at_least("cost_of_loss", cost_of_loss, 0))
    costs = None
    if any(wrong):
        problems += [one for one in wrong if one]
    else:
        costs = noted(problems, lambda: Costs(lost=cost_of_loss, duplicate=cost_of_duplicate))
    if give_up_us < 1:
        problems.append(f"{give_up_us=} gives up at once; give at least 1")
    elif rungs is not None and rung_us * len(rungs) > give_up_us:
        problems.append(
            f"{rung_us=} for each of {len(rungs)} rungs is more than {give_up_us=}, so the last would not stand as "
            "long; lower it"
        )
    if problems:
        raise Refused(problems)
    assert rungs is not None
    assert costs is not None
    request = Request(request_loss=_LOSS, reply_loss=_LOSS, round_trip=Erlang(mean_us=_ROUND_TRIP_US, stages=2))
    route = Route(request=request, arrival=Erlang(mean_us=_ROUND_TRIP_US / 2), queued=True)
    return on_time(kind(costs=costs, route=route, ladder=rungs, heeds=False, give_up_us=give_up_us, rung_us=rung_us))
