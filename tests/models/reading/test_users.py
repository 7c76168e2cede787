"""What a session of users tells the read side that it knows of."""

from __future__ import annotations

import pytest

from models import Workload
from models.reading.users import User, UserOptions
from models.reading.words import Query, Rows
from models.store.requests import Accepted, Submit
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

HERE = at_service(pack_location(1, 1, 1), "asked")
WORKLOAD = Workload(rate_per_s=100, accounts=40, zipf_exponent=0.0, ends_us=4_000_000)


def longest_token(pairs: int) -> int:
    """The most aggregates that one session named in a query, after some hundred commands."""
    ctx = FakeContext()
    options = UserOptions(gateways=(HERE,), reads=0.0, selects=0.1, sessions=1, pairs=pairs)
    ctx.start(User(ctx, WORKLOAD, options, lambda key: (HERE,)))
    tokens = [0]
    for _ in range(4_000):
        ctx.advance(1_000)
        while ctx.calls:
            message = ctx.calls[0][1]
            if isinstance(message, Query):
                tokens.append(len(message.token))
                ctx.answer(Rows(rows=(), places=(), heard_us=0, fresh=True))
            else:
                assert isinstance(message, Submit)
                ctx.answer(Accepted(command_id=message.command_id, version=1, told=0))
    return max(tokens)


def test_a_token_names_every_aggregate_that_its_session_wrote_if_it_has_room() -> None:
    assert longest_token(pairs=64) == WORKLOAD.accounts


def test_a_token_without_room_for_all_names_the_latest() -> None:
    assert longest_token(pairs=16) == 16


def test_a_token_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs=0 is none; give at least 1"):
        UserOptions(gateways=(HERE,), pairs=0)
