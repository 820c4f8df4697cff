"""A person promotes a version or rolls back: one swap against what was seen, with who and why."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import NotFound, NotNow, Unavailable
from shared.model import orders
from shared.model.orders import Order, Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model
from shared.model.states import Cause, State
from shared.run import promotions, redeployments
from shared.run.promotions import Asked
from shared.run.stages import Stage
from tests.support.decided import BY_RUN
from tests.support.served import Versions


async def promote(made: Versions, number: int, **asked: Any) -> Order | None:
    _, order = await promotions.give(Asked("captain", number, "Ada", "kinder", **asked), made.ctx)
    return order


async def roll_back(made: Versions, **asked: Any) -> Order | None:
    _, order = await promotions.give(Asked("captain", None, "Ada", "rude", **asked), made.ctx)
    return order


async def swap(made: Versions, order: Order) -> Model:
    decision = orders.decision_of(order, made.clock.now())
    return await orders.promote(made.ctx.registry, order, decision)


async def ticks(made: Versions, count: int = 3) -> None:
    for _ in range(count):
        made.clock.advance(30)
        await redeployments.process(made.ctx)
        await promotions.process(made.ctx)


def order(version: int, expected: int, at: datetime) -> Order:
    given = {"model": "captain", "version": version, "expected": expected, "at": at}
    return Order.model_validate({**given, "id": f"{version}", "cause": "promoted", "who": "Ada"})


async def test_a_promotion_is_kept_with_who_why_and_when() -> None:
    made = await Versions.serving(2)
    at = made.clock.now()
    assert await promote(made, 1) is None
    model = await made.model()
    assert (model.champion, model.previous) == (1, 2)
    assert [(c.before, c.version, c.cause, c.who, c.why) for c in model.history] == [
        (None, 1, Cause.RELEASED, "tunedrop", ""),
        (1, 2, Cause.RELEASED, "tunedrop", ""),
        (2, 1, Cause.PROMOTED, "Ada", "kinder"),
    ]
    assert (model.history[-1].at, len(model.history[-1].id)) == (at, 32)
    assert model.state_of(2) is State.RETIRED
    said = await made.said(1)
    assert ("Ada", "promote: captain@1 is to be the champion, in the place of captain@2") in said
    assert ("Ada", "captain@1 is the champion, in the place of captain@2") in said
    assert await Orders(made.ctx.clients.models).all() == []


async def test_a_rollback_goes_to_who_answered_before_and_another_back_again() -> None:
    """Not to the number below, which may be the one that was turned away from (attn#858)."""
    made = await Versions.serving(3)
    await promote(made, 1)  # 3 → 1
    await roll_back(made)
    assert (await made.model()).champion == 3
    assert (await made.model()).history[-1].cause is Cause.ROLLED_BACK
    await roll_back(made)
    assert (await made.model()).champion == 1


async def test_a_rollback_passes_over_what_was_withdrawn_and_what_never_served() -> None:
    """An experiment that nobody chatted with is not who answered before (agri#3058)."""
    made = await Versions.serving(2)
    await made.train(b"promote: manual\n")
    await made.train(b"promote: auto\n")  # 4 serves; 3 is held
    await made.ctx.registry.withdraw("captain", 2, BY_RUN)
    await roll_back(made)
    assert (await made.model()).champion == 1


async def test_there_may_be_none_to_roll_back_to() -> None:
    made = await Versions.serving(1)
    with pytest.raises(NotNow, match="No version of captain has answered before captain@1") as none:
        await roll_back(made)
    assert "captain@1" in none.value.fix


async def test_who_has_seen_another_champion_is_told_and_changes_nothing() -> None:
    made = await Versions.serving(3)
    await promote(made, 2, expected=3)
    with pytest.raises(NotNow, match="The champion is captain@2 by now") as late:
        await promote(made, 1, expected=3)
    assert "promoted by Ada" in late.value.message
    assert "when it was captain@3" in late.value.message
    assert (await made.model()).champion == 2
    assert await promote(made, 2, expected=3) is None  # what is wanted is so already
    assert len((await made.model()).history) == 4


async def test_two_people_at_once_do_not_overwrite_each_other() -> None:
    """The swap itself finds it, not only the look before (gravitino#12348)."""
    made = await Versions.serving(3)
    first, second = (order(number, 3, made.clock.now()) for number in (1, 2))
    await swap(made, first)
    with pytest.raises(NotNow, match="captain@1 by now"):
        await swap(made, second)
    assert (await made.model()).champion == 1
    await swap(made, first)  # once more, by a second worker
    assert len((await made.model()).history) == 4


async def test_an_order_that_was_carried_out_is_not_repeated_after_a_later_one() -> None:
    made = await Versions.serving(2)
    store = Orders(made.ctx.clients.models)
    await promote(made, 1)
    first = (await made.model()).history[-1]
    await roll_back(made)
    stale = order(1, 2, first.at).replace(id=first.id)
    assert (await swap(made, stale)).champion == 2
    await store.put(stale)  # as if its worker had died before it was taken away
    await promotions.process(made.ctx)
    assert (await made.model()).champion == 2
    assert await store.all() == []


async def test_what_is_not_there_or_on_its_way_out_is_refused_with_words() -> None:
    made = await Versions.serving(2)
    with pytest.raises(NotFound, match=r"captain has no version 9\."):
        await promote(made, 9)
    with pytest.raises(NotFound, match="There is no model other"):
        await promotions.give(Asked("other", 1, "Ada"), made.ctx)
    await made.ctx.registry.withdraw("captain", 1, BY_RUN)
    with pytest.raises(NotNow, match="captain@1 was withdrawn") as gone:
        await promote(made, 1)
    assert f"tunedrop deploy {made.runs[1].id}" in gone.value.fix
    assert (await made.model()).champion == 2


async def test_a_run_that_is_held_serves_once_a_person_promotes_its_version() -> None:
    made = await Versions.serving(1)
    held = await made.train(b"promote: manual\n")
    assert held.stage is Stage.HELD
    await promote(made, 2)
    run = await made.known(2)
    assert (run.stage, run.held, run.command) == (Stage.SERVING, "", None)
    assert ("Ada", "serving: promote command") in await made.said(2)
    assert (await made.model()).champion == 2


async def test_a_run_is_told_by_a_tick_where_the_app_died_right_after_the_swap() -> None:
    made = await Versions.serving(1)
    await made.train(b"promote: manual\n")
    ordered = order(2, 1, made.clock.now())
    await Orders(made.ctx.clients.models).put(ordered)
    await swap(made, ordered)
    assert (await made.known(2)).stage is Stage.HELD
    await promotions.process(made.ctx)
    assert (await made.known(2)).stage is Stage.SERVING
    assert ("Ada", "serving: promote command") in await made.said(2)


async def test_a_promotion_keeps_which_verdict_it_went_by_or_against() -> None:
    made = await Versions.serving(2)
    keep = made.ctx.ledger.keep
    await keep(made.runs[1].id, "verdict.json", b'{"digest": "d1"}', "application/json")
    await keep(made.runs[2].id, "verdict.json", b"torn", "application/json")
    await promote(made, 1)
    await promote(made, 2)
    assert [change.verdict for change in (await made.model()).history[-2:]] == ["d1", ""]


async def test_a_version_whose_run_still_goes_is_left_to_its_run() -> None:
    made = await Versions.serving(1)
    run = await made.train()
    await made.harness.rewrite(run, stage=Stage.COMPARING)
    await promote(made, 1)
    with pytest.raises(NotNow, match="of that version is comparing"):
        await promote(made, 2)


async def test_a_version_without_a_deployment_is_deployed_first_and_the_champion_stays() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    waiting = await roll_back(made)
    assert waiting
    assert "captain@1 has no deployment that answers: it is being deployed" in waiting.waits
    assert "captain@2 serves" in waiting.waits
    assert (await made.model()).champion == 2
    await ticks(made)
    model = await made.model()
    assert model.champion == 1
    assert model.history[-1].who == "Ada"
    between = waiting.at + timedelta(seconds=1)
    served = model.served_at(between)
    assert served
    assert served.version == 2, "it had changed only once the other answered"
    assert "captain-v1" in made.service.deployments()
    assert await Orders(made.ctx.clients.models).all() == []


async def test_one_that_was_about_to_sleep_stays_awake() -> None:
    """The registry has it asleep, and its deployment answers still, but may go in this moment: so
    it is no champion before it is awake again."""
    made = await Versions.serving(2)
    await made.ctx.registry.put_to_sleep("captain", 1, made.clock.now(), lambda known: True)
    waiting = await promote(made, 1)
    assert waiting
    assert "captain@1 sleeps: it is being deployed" in waiting.waits
    await made.ctx.registry.put_to_sleep("captain", 1, made.clock.now(), lambda known: True)
    with pytest.raises(Unavailable, match="captain@1 was put to sleep in this moment"):
        await swap(made, waiting)
    await ticks(made, 1)
    assert (await made.model()).champion == 1
    version = (await made.model()).version(1)
    assert (version.asleep_since, version.is_hosted) == (None, True)


async def test_a_newer_order_takes_the_place_of_one_that_waits() -> None:
    made = await Versions.serving(3)
    made.loses(1)
    assert await promote(made, 1)
    assert await roll_back(made) is None  # to 2
    await ticks(made)
    assert (await made.model()).champion == 2


async def test_an_order_that_waits_is_given_up_where_another_champion_came_meanwhile() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    assert await roll_back(made)
    await made.train()
    await promotions.process(made.ctx)
    assert (await made.model()).champion == 3
    assert any("could not be carried out" in message for _, message in await made.said(1))
    assert await Orders(made.ctx.clients.models).all() == []


async def test_one_that_cannot_be_deployed_is_refused_with_azures_sentence() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    made.service.quota_left = 0
    with pytest.raises(NotNow, match="captain@1 has no deployment, and cannot be deployed") as full:
        await roll_back(made)
    assert "captain@2 serves" in full.value.message
    assert await Orders(made.ctx.clients.models).all() == []
    assert (await made.model()).champion == 2


async def test_an_order_that_never_comes_to_answer_is_given_up_after_a_day() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    made.service.arm("not-ready", "deployments.put", count=None)
    assert await roll_back(made)
    made.clock.advance(23 * 3600)
    await promotions.process(made.ctx)
    assert await Orders(made.ctx.clients.models).all() == ["captain"]
    made.clock.advance(2 * 3600)
    await promotions.process(made.ctx)
    assert await Orders(made.ctx.clients.models).all() == []
    assert (await made.model()).champion == 2
    _, told = (await made.said(1))[-1]
    assert "for a day. captain@2 serves as before." in told, "nothing goes on"
    assert "then order it again" in told
    assert await RedeployRequests(made.ctx.clients.models).requested() == []


async def test_a_service_that_is_down_keeps_the_order_and_a_busy_one_does_not() -> None:
    made = await Versions.serving(2)
    made.service.arm("unavailable", "chat.create")
    waiting = await roll_back(made)
    assert waiting
    assert waiting.waits
    await promotions.process(made.ctx)
    assert (await made.model()).champion == 1
    made.service.arm("throttled", "chat.create")
    assert await roll_back(made) is None
    assert (await made.model()).champion == 2


async def test_an_order_of_another_is_not_taken_away() -> None:
    made = await Versions.serving(2)
    store, now = Orders(made.ctx.clients.models), made.clock.now()
    older, newer = order(1, 2, now), order(2, 2, now)
    await store.put(newer)
    await store.done(older)
    await store.note(older, "words")
    assert await store.of("captain") == newer
