"""An order that waits is taken back by one for the champion of now, and by nothing else."""

import pytest

from shared.errors import NotNow
from shared.model.orders import Order, Orders
from shared.model.redeploy import RedeployRequests
from shared.run import promotions, redeployments, sleep_orders
from shared.run.promotions import Asked
from tests.support.served import Versions


async def waiting() -> tuple[Versions, Order]:
    """Ada has ordered to roll back to a version that has no deployment."""
    made = await Versions.serving(2)
    made.loses(1)
    _, order = await promotions.give(Asked("captain", None, "Ada", "rude"), made.ctx)
    assert order
    return made, order


async def test_an_order_for_the_champion_of_now_takes_back_one_that_waits() -> None:
    made, _ = await waiting()
    _, other = await promotions.give(Asked("captain", 2, "Bob", "no"), made.ctx)
    assert other is None
    assert await Orders(made.ctx.clients.models).all() == []
    assert await RedeployRequests(made.ctx.clients.models).requested() == []
    said = "roll back was taken back: captain@2 is to be the champion"
    assert ("Bob", said) in await made.said(1)
    for _ in range(3):
        made.clock.advance(30)
        await redeployments.process(made.ctx)
        await promotions.process(made.ctx)
    assert (await made.model()).champion == 2


async def test_a_worker_that_read_an_order_before_it_was_taken_back_does_nothing() -> None:
    made, order = await waiting()
    await redeployments.process(made.ctx)
    made.clock.advance(60)
    taken_back = await Orders(made.ctx.clients.models).of("captain")
    await promotions.give(Asked("captain", 2, "Bob"), made.ctx)
    assert taken_back == order
    with pytest.raises(NotNow, match="The order to roll back captain@1 was taken back"):
        await promotions.carry_out(order, made.ctx)
    assert (await made.model()).champion == 2


async def test_what_is_to_become_the_champion_is_not_put_to_sleep_by_a_person() -> None:
    made, _ = await waiting()
    with pytest.raises(NotNow, match="to be the champion, by order of Ada") as refused:
        await sleep_orders.sleep(sleep_orders.Asked("captain", 1, "Bob"), made.ctx)
    assert "`tunedrop promote captain@2` takes that order back" in refused.value.fix
