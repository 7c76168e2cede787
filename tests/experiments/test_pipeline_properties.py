"""What judges make of stages that are left, of answers and of images: a sound end passes, and another does not.

That they convict whole broken systems is shown by the broken catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from experiments.measures import Observation, observe
from experiments.properties import PROPERTIES
from experiments.scenario import load, parse
from models.domains.counter import Count, Counter
from models.loading_end import loading_end
from models.pipeline_end import PipelineEnd, ServerEnd
from sim.checkers import Outcome
from sim.history import History, Kind, Operation


def seen(name: str) -> Observation:
    """A short run."""
    document: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in load(name).document.items()}
    document["run"]["until"] = "6s"
    document["workload"]["ends"] = "2500ms"
    return observe(parse(document, name=name, file=f"{name}.toml", text=""), 1)


@pytest.fixture(scope="module")
def loaded() -> Observation:
    return seen("loading_hot")


@pytest.fixture(scope="module")
def piped() -> Observation:
    return seen("pipeline_calm")


def judged(claim: str, run: Observation, **params: Any) -> Outcome:
    return PROPERTIES[claim].holds(run, **params).outcome


def ended(run: Observation, **changes: Any) -> Observation:
    """The run with one API server that ended otherwise."""
    pipeline = run.ledger.pipeline
    assert pipeline is not None
    first = replace(pipeline.servers[0], **changes)
    return replace(run, ledger=replace(run.ledger, pipeline=replace(pipeline, servers=(first,))))


def answered(run: Observation, change: Callable[[Operation], Operation]) -> Observation:
    """The run as if its first denial or acceptance had been another."""
    history, changed = History(), False
    for row in run.history:
        told = Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
        if row.kind is Kind.OK and not changed:
            told, changed = change(told), True
        history.append(row.t_us, row.client, told)
    return replace(run, history=history)


def test_a_stage_that_is_left_is_found_and_one_that_is_at_work_for_a_moment_is_not(piped: Observation) -> None:
    assert judged("no_stage_blocked", piped) is Outcome.VALID
    busy = ended(piped, held=(("execute at work", 300_000),))
    left = ended(piped, held=(("reply at work", 9_000_000),))
    assert [judged("no_stage_blocked", run) for run in (busy, left)] == [Outcome.VALID, Outcome.INVALID]
    assert [judged("stage_left_blocked", run) for run in (busy, left)] == [Outcome.INVALID, Outcome.VALID]


def test_queues_are_held_to_their_bound(piped: Observation) -> None:
    long = ended(piped, longest=40)
    assert [judged("queues_bounded", run, most=16) for run in (piped, long)] == [Outcome.VALID, Outcome.INVALID]
    assert [judged("queue_grew", run, beyond=16) for run in (piped, long)] == [Outcome.INVALID, Outcome.VALID]


def test_an_answer_is_held_to_the_commands_own_event(loaded: Observation) -> None:
    claim = "nothing_before_confirmation"
    assert judged(claim, loaded) is Outcome.VALID
    for wrong in (
        lambda told: told._replace(version=(told.version or 0) + 1),
        lambda told: told._replace(value=-1),
        lambda told: told._replace(kind=Kind.FAIL, value="denied:as I remember it"),
    ):
        assert judged(claim, answered(loaded, wrong)) is Outcome.INVALID


def test_who_was_refused_and_has_an_event_is_found(loaded: Observation) -> None:
    refused = answered(loaded, lambda told: told._replace(kind=Kind.FAIL, value="refused:execute: gone"))
    assert judged("refused_without_effect", loaded) is Outcome.VALID
    assert judged("refused_without_effect", refused) is Outcome.INVALID


def test_an_image_is_held_against_the_log(loaded: Observation) -> None:
    assert judged("images_true", loaded) is Outcome.VALID
    assert loaded.ledger.loading is not None
    wrong = replace(loaded.ledger.loading, wrong=("a/h1 has aggregate 3 at version 2 as Count(total=9)",))
    assert judged("images_true", replace(loaded, ledger=replace(loaded.ledger, loading=wrong))) is Outcome.INVALID


def test_what_was_done_is_counted(loaded: Observation, piped: Observation) -> None:
    assert judged("loading_did", loaded, what="equal") is Outcome.VALID
    assert judged("loading_did", loaded, what="optimistic") is Outcome.INVALID
    assert judged("pipeline_did", piped, what="answered", times=20) is Outcome.VALID
    assert judged("told_where", piped, stage="accept") is Outcome.INVALID


def test_of_a_store_without_them_nothing_is_known(loaded: Observation, piped: Observation) -> None:
    for claim, params in (
        ("no_stage_blocked", {}),
        ("told_where", {"stage": "accept"}),
        ("queues_bounded", {"most": 1}),
    ):
        assert judged(claim, loaded, **params) is Outcome.UNKNOWN
    assert judged("images_true", piped) is Outcome.UNKNOWN


def test_counts_are_summed_over_servers() -> None:
    server = ServerEnd(host="a", far=False, counts={"waited": 2}, held=(), longest=0, dropped=0)
    assert PipelineEnd(servers=(server, server), told={}).count("waited") == 4


def test_an_image_of_a_lineage_that_was_given_up_is_not_held_against_the_log() -> None:
    end = loading_end([], [("a", 5, 0, 0, Count(total=0)), ("a", 5, 3, 1, Count(total=9))], {5: ()}, Counter())
    assert (end.images, end.wrong) == (1, ())
    wrong = loading_end([], [("a", 5, 0, 0, Count(total=1))], {}, Counter())
    assert wrong.wrong == ("a has aggregate 5 at version 0 as Count(total=1)",)
