"""A scheme in a few words: what each part means, and what makes no sense."""

from __future__ import annotations

import pytest

from models.store.schemes import SCHEMES, Scheme, Spread, Tier
from models.store.words import scheme_of


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_a_name_alone_is_the_scheme_with_its_usual_numbers(scheme: Scheme) -> None:
    assert scheme_of(scheme.name) == scheme


@pytest.mark.parametrize(
    ("words", "scheme"),
    [
        ("multi-persist:2/3", Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)),
        ("multi-persist:5", Scheme(name="multi-persist", tier=Tier.DEVICE, holders=5)),
        (
            "multi-mem:2/3@cluster",
            Scheme(name="multi-mem", tier=Tier.HEAP, holders=2, copies=3, spread=Spread.CLUSTER),
        ),
        (
            "local-persist-periodic+200ms",
            Scheme(name="local-persist-periodic", tier=Tier.PAGE_CACHE, flush_every_us=200_000),
        ),
        ("local-mem+10s", Scheme(name="local-mem", tier=Tier.HEAP, flush_every_us=10_000_000)),
        (
            "delayed-ship:1/3@host+0ms",
            Scheme(name="delayed-ship", tier=Tier.DEVICE, copies=3, spread=Spread.HOST, ship_every_us=0),
        ),
    ],
)
def test_parts_change_one_thing_each(words: str, scheme: Scheme) -> None:
    assert scheme_of(words) == scheme


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("multi-persit", "'multi-persit' is no persistence scheme"),
        ("", "'' is no persistence scheme"),
        ("multi-persist:", "'' is no number of holders"),
        ("multi-persist:two", "'two' is no number of holders"),
        ("multi-persist:2/", "'2/' is no number of holders"),
        ("multi-persist:-1", "'-1' is no number of holders"),
        ("multi-persist:0", "acknowledge nothing"),
        ("multi-persist:3/2", "cannot hold what"),
        ("multi-persist@planet", "'planet' is no level to spread over"),
        ("multi-persist@", "'' is no level to spread over"),
        ("local-mem+soon", "soon"),
        ("local-mem+0ms", "flush_every_us=0 is no period"),
        ("local-persist+1s", "those on the device are flushed at once"),
        ("delayed-ship:2/3", "ships behind the acknowledgement, and 2 holders come before it"),
    ],
)
def test_words_that_make_no_sense_are_refused_with_the_place(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        scheme_of(words)
