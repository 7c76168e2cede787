"""A server never serves by a list that its table contradicts, and a client's routes come right again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import Ring, Route, RouteCache, StaleRoute, judge, route_of
from models.keyspace.routing import Behind, Served
from tests.models.keyspace.spaces import node, nodes, tablets_of

BEFORE = Ring(nodes(8), vnodes=8)
AFTER = BEFORE.join(node(8))


@given(st.integers(0, 2**64 - 1))
def test_a_route_under_the_servers_own_version_is_served(key: int) -> None:
    route = route_of(BEFORE, key, 3)
    assert [judge(BEFORE, server, key, route) for server in route.owners] == [Served()] * 3


@given(st.integers(0, 2**64 - 1), st.integers(0, 8))
def test_old_routes_are_served_where_nothing_changed_and_refused_where_something_did(key: int, server: int) -> None:
    route = route_of(BEFORE, key, 3)
    answer = judge(AFTER, server, key, route)
    if server in route.owners and AFTER.owners(key, 3) == route.owners:
        assert answer == Served()
    else:
        assert answer == StaleRoute(2)


@given(st.integers(0, 2**64 - 1))
def test_a_server_that_missed_the_change_does_not_serve_what_it_lost(key: int) -> None:
    route = route_of(AFTER, key, 3)
    answers = {judge(BEFORE, server, key, route) for server in (*route.owners, *BEFORE.owners(key, 3))}
    if BEFORE.owners(key, 3) == route.owners:
        assert answers == {Served()}
    else:
        assert answers == {Behind(1)}


def test_whom_a_route_does_not_name_does_not_serve() -> None:
    route = route_of(BEFORE, 5, 2)
    (other, *_) = set(BEFORE.nodes) - set(route.owners)
    assert judge(BEFORE, other, 5, route) == StaleRoute(1)
    assert judge(BEFORE, other, 5, Route(1, (), 0, 1)) == StaleRoute(1)


def test_a_route_holds_all_over_its_stretch() -> None:
    tablets = tablets_of(4, nodes(4))
    cache = RouteCache(10)
    cache.learn(route_of(tablets, 7, 1))
    begin, end = tablets.span(7)
    assert cache.find(begin) == cache.find(end - 1) == route_of(tablets, 7, 1)
    assert cache.find(end) is None
    assert (cache.hits, cache.misses) == (2, 1)


routes = st.tuples(st.integers(1, 6), st.integers(0, 40), st.integers(1, 15)).map(
    lambda r: Route(r[0], (r[0],), r[1], r[1] + r[2])
)


@given(st.lists(routes, max_size=40), st.integers(1, 6))
def test_kept_routes_never_overlap_and_are_no_more_than_allowed(several: list[Route], limit: int) -> None:
    cache = RouteCache(limit)
    for route in several:
        rivals = [one for one in cache.routes() if one.begin < route.end and route.begin < one.end]
        cache.learn(route)
        kept = list(cache.routes())
        assert (route in kept) == all(one.version <= route.version for one in rivals)
        assert len(kept) <= limit
        assert all(left.end <= right.begin for left, right in itertools.pairwise(kept))
        assert all(cache.find(one.begin) == one for one in kept)


def test_the_longest_unused_route_goes_first() -> None:
    cache = RouteCache(2)
    cache.learn(Route(1, (0,), 0, 10))
    cache.learn(Route(1, (1,), 10, 20))
    assert cache.find(3) is not None
    cache.learn(Route(1, (2,), 20, 30))
    assert [route.begin for route in cache.routes()] == [0, 20]


def test_a_refused_route_is_dropped_and_no_other() -> None:
    cache = RouteCache(5)
    cache.learn(Route(1, (0,), 0, 10))
    cache.learn(Route(1, (1,), 10, 20))
    cache.refused(4, StaleRoute(3))
    assert [route.begin for route in cache.routes()] == [10]
    assert (cache.version, cache.stale) == (3, 1)
    cache.learn(Route(4, (2,), 0, 10))
    cache.refused(4, StaleRoute(3))  # an answer to what was asked before
    assert cache.find(4) == Route(4, (2,), 0, 10)


def test_a_client_comes_right_after_any_number_of_changes() -> None:
    tables = [BEFORE]
    for number in range(9, 14):
        tables.append(tables[-1].join(node(number)))
    cache = RouteCache(1000)
    for key in range(200):
        cache.learn(route_of(BEFORE, key, 3))
    latest, refused, missed = tables[-1], 0, 0
    for key in range(200):
        route = cache.find(latest.point(key))
        if route is None:  # the stretch was wider before, and went with another key's refusal
            missed += 1
            cache.learn(route_of(latest, key, 3))
        elif judge(latest, latest.owners(key, 3)[0], key, route) == StaleRoute(latest.version):
            refused += 1
            cache.refused(latest.point(key), StaleRoute(latest.version))
            cache.learn(route_of(latest, key, 3))
        found = cache.find(latest.point(key))
        assert found is not None
        assert found.owners == latest.owners(key, 3)
    assert cache.stale == refused > 0
    assert refused + missed < 200


def test_a_cache_keeps_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RouteCache(0)
    with pytest.raises(ValueError, match="holds no point"):
        RouteCache(1).learn(Route(1, (0,), 5, 5))
