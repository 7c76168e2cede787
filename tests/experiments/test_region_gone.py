"""A region of a split is destroyed for good: what the others have heard of it is not lost, the rest is."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from experiments.measures import Observation, Outcome, fates, observe
from experiments.measures.fates import Fate
from experiments.properties import PROPERTIES
from experiments.scenario import parse

S = 1_000_000


@cache
def gone(rate_per_s: int = 30, at_s: int = 6, cut_s: int = 0) -> Observation:
    """Stock in three regions of one host; Virginia is destroyed, for so long already cut off, and declared lost."""
    faults = [{"id": "gone", "kind": "region-destroyed", "targets": ["us-east-1"], "at": f"{at_s}s"}]
    if cut_s:
        cut = {"kind": "partition-full", "targets": ["us-east-1"], "at": f"{at_s - cut_s}s", "for": f"{cut_s}s"}
        faults.append({"id": "cut"} | cut)
    document: dict[str, Any] = {
        "question": "What does a region take along that is destroyed?",
        "topology": {
            "regions": ["us-east-1", "us-west-2", "eu-west-1"],
            "clusters": 1,
            "hosts": 1,
            "clients": 1,
        },
        "latency": {"table": "public-cloud"},
        "run": {"until": f"{at_s + 18}s"},
        "system": {"factory": "models.deployment:region_split", "domain": "inventory", "merge": "canonical-replay"},
        "workload": {
            "rate": f"{rate_per_s}/s",
            "accounts": 8,
            "opening_balance": 100,
            "ends": f"{at_s + 4}s",
        },
        "fault": faults,
        "operation": [
            {
                "id": "lost",
                "action": "declare-lost",
                "targets": ["us-east-1/c1/h1"],
                "at": f"{at_s + 3}s",
                "operator": "us-west-2",
            }
        ],
    }
    return observe(parse(document, name="gone", file="gone.toml", text=""), 0)


def told_yes(seen: Observation) -> set[int]:
    """Commands that Virginia accepted."""
    return {a.command_id for a in seen.answers if a.region == "us-east-1" and a.outcome is Outcome.ACCEPTED}


def test_what_others_have_heard_of_a_destroyed_region_is_not_lost() -> None:
    seen = gone()
    became = fates(seen)
    assert len(told_yes(seen)) > 10
    assert Counter(became[command] for command in told_yes(seen))[Fate.LOST] == 0
    verdicts = {name: PROPERTIES[name].holds(seen).valid for name in ("no_acknowledged_loss", "one_event_a_command")}
    assert verdicts == {"no_acknowledged_loss": True, "one_event_a_command": True}


def test_the_survivors_are_held_against_all_that_counts() -> None:
    seen = gone()
    assert seen.ledger.merging is not None
    assert seen.ledger.merging.compared > 0
    assert PROPERTIES["merged_alike"].holds(seen).valid


def test_what_it_never_shipped_is_lost_and_nothing_else() -> None:
    """Cut off for two seconds and then destroyed: what it said yes to in these is gone."""
    seen = gone(cut_s=2)
    lost = {command for command, fate in fates(seen).items() if fate is Fate.LOST}
    began_us = {a.command_id: a.invoked_us for a in seen.answers}
    assert lost
    assert lost <= told_yes(seen)
    # What is accepted is shipped at once and crosses in less than 0.2 s.
    assert {command for command in told_yes(seen) if began_us[command] >= 4 * S} <= lost
    assert min(began_us[command] for command in lost) > 4 * S - 200_000
    assert not PROPERTIES["no_acknowledged_loss"].holds(seen).valid


def test_what_was_settled_so_long_ago_that_nobody_keeps_it_is_not_lost() -> None:
    seen = gone(rate_per_s=120, at_s=16)
    kept = {event.command_id for event in seen.events()}
    forgotten = told_yes(seen) - kept
    assert forgotten
    assert {fates(seen)[command] for command in forgotten} <= {Fate.KEPT, Fate.COMPENSATED}
    assert PROPERTIES["no_acknowledged_loss"].holds(seen).valid
    assert PROPERTIES["one_event_a_command"].holds(seen).valid
