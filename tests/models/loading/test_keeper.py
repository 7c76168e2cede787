"""A keeper of snapshots: the newest durable image of each aggregate, across lives."""

from __future__ import annotations

from models.domains.counter import Count, Counter
from models.loading import Image, SnapshotKeeper
from models.loading.words import Fetch, Fetched, Keep, Recall, Recalled
from sim.testing import FakeContext


def image(version: int) -> Image:
    return Image(version=version, tip=version * 11, state=Count(total=version), recent=((version, version),))


def keeper(ctx: FakeContext) -> SnapshotKeeper:
    made = SnapshotKeeper(ctx, Counter())
    ctx.start(made)
    ctx.advance(5_000)
    return made


def keep(ctx: FakeContext, made: SnapshotKeeper, version: int) -> None:
    ctx.deliver(made, Keep(tenant=0, aggregate=5, image=image(version)))


def fetched(ctx: FakeContext, made: SnapshotKeeper, aggregate: int = 5) -> Image | None:
    answer = ctx.deliver(made, Fetch(tenant=0, aggregate=aggregate)).value
    assert isinstance(answer, Fetched)
    return answer.image


def test_what_is_kept_is_told_once_it_is_durable() -> None:
    ctx = FakeContext()
    made = keeper(ctx)
    keep(ctx, made, 3)
    assert fetched(ctx, made) is None
    ctx.advance(2_000)
    assert fetched(ctx, made) == image(3)
    assert fetched(ctx, made, 6) is None


def test_an_older_one_is_not_taken() -> None:
    ctx = FakeContext()
    made = keeper(ctx)
    for version in (4, 3, 4):
        keep(ctx, made, version)
    ctx.advance(5_000)
    assert (fetched(ctx, made), made.kept) == (image(4), 1)


def test_it_is_there_after_the_power_was_lost_and_a_torn_one_is_not() -> None:
    ctx = FakeContext()
    made = keeper(ctx)
    keep(ctx, made, 3)
    ctx.advance(2_000)
    keep(ctx, made, 6)
    born = ctx.power_loss(torn=True)
    again = keeper(born)
    assert fetched(born, again) == image(3)


def test_how_old_an_image_is_is_told_to_who_asks() -> None:
    ctx = FakeContext()
    made = keeper(ctx)
    keep(ctx, made, 3)
    ctx.advance(2_000)
    ctx.advance(30_000)
    answer = ctx.deliver(made, Recall(tenant=0, aggregate=5)).value
    assert answer == Recalled(image=image(3), age_us=32_000)
    assert ctx.deliver(made, Recall(tenant=0, aggregate=6)).value == Recalled(image=None)
