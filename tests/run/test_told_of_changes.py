"""Changes of a champion, refused drops, ceilings that are reached and ends of base models that come
near: each is told once, and what did not happen never."""

from dataclasses import replace

import pytest

from shared.model.history import Decision
from shared.model.states import Cause
from shared.run import notify, promotions, retirements
from shared.run.outbox import Outbox
from shared.run.promotions import Asked
from shared.run.record import Action
from shared.run.stages import Stage
from tests.support.drops import storage, taken
from tests.support.limits import dropped, ticked, with_settings
from tests.support.placed import PlacedRun
from tests.support.receiver import Receiver, delivered, model_of, waiting
from tests.support.runs import RunHarness

# ---- changes of a champion


async def test_a_change_that_does_not_come_is_never_told(
    telling: RunHarness, there: Receiver
) -> None:
    async def dies(decision: Decision) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await notify.of_change("captain", Decision(telling.ctx.now()), dies, telling.ctx)
    await delivered(telling)
    assert len(await waiting(telling)) == 1, "it may be made yet"
    await telling.pause(11 * 60)
    await delivered(telling)
    assert (there.requests, await waiting(telling)) == ([], [])


async def test_a_change_is_told_although_its_process_died_right_after_it(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop()
    await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    await delivered(telling)
    there.requests.clear()

    async def dies(decision: Decision) -> None:
        await telling.ctx.registry.models.update(
            "captain.json", type(model), lambda known: known and known.with_champion(1, decision)
        )
        raise KeyboardInterrupt

    model = await model_of(telling)
    decision = Decision(telling.ctx.now(), Cause.ROLLED_BACK, "Ada", "it was better", id="c-1")
    with pytest.raises(KeyboardInterrupt):
        await notify.of_change("captain", decision, dies, telling.ctx)
    await delivered(telling)
    (event,) = there.events
    assert event["type"] == "dev.tunedrop.model.rolled-back"
    assert (event["data"]["who"], event["data"]["why"]) == ("Ada", "it was better")


async def test_a_change_that_took_long_is_told_although_nobody_waited_for_it(
    telling: RunHarness, there: Receiver
) -> None:
    """Its process was suspended between the two writes, for longer than the first is kept."""
    await telling.drop()
    await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    await delivered(telling)
    there.requests.clear()
    uptime = 0.0

    async def suspended(decision: Decision) -> None:
        nonlocal uptime
        uptime = 3600.0
        await telling.pause(3600)
        await delivered(telling)
        model = await model_of(telling)
        await telling.ctx.registry.models.update(
            "captain.json", type(model), lambda known: known and known.with_champion(1, decision)
        )

    ctx = replace(telling.ctx, uptime=lambda: uptime)
    await notify.of_change("captain", Decision(telling.ctx.now(), id="c-1"), suspended, ctx)
    await delivered(telling)
    assert there.kinds() == ["model.promoted"]


async def test_a_held_version_that_a_person_promotes_is_told_as_promoted_and_its_run_as_serving(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop(b"promote: manual\n", "run.yaml")
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.HELD)
    await telling.until_inactive()
    await promotions.give(Asked("captain", 1, "Ada", "kinder"), telling.ctx)
    await delivered(telling)
    assert sorted(there.kinds()) == ["model.promoted", "run.held", "run.serving"]
    by_kind = dict(zip(there.kinds(), there.events, strict=True))
    assert by_kind["model.promoted"]["data"]["who"] == "Ada"
    assert by_kind["run.serving"]["data"]["version"] == 1
    run = await telling.known(run.id)
    assert by_kind["run.serving"]["id"] == f"{run.id}-1-{len(run.timeline)}-serving"


# ---- drops, ceilings, ends of base models


async def test_a_refused_drop_is_told_once_for_each_content(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.drop()
    for content in (b"epochs: 3\n", b"epochs: 3\n", b"epochs: 4\n"):
        await telling.drop(content, "run.yaml")
        for _ in range(3):
            await taken(telling, telling.path("run.yaml"))
            await telling.pause(60)
        await delivered(telling)
    assert there.kinds() == ["drop.refused"] * 3
    event = there.events[0]
    assert event["subject"] == event["data"]["name"] == "captain/run.yaml"
    assert (event["data"]["model"], event["data"]["waits"]) == ("captain", False)
    assert "epochs" in event["data"]["message"]


async def test_of_many_names_that_say_nothing_one_an_hour_is_told(
    telling: RunHarness, there: Receiver
) -> None:
    for number in range(30):
        await storage(telling).put(f"notes-{number}.txt", b"x", "")
        await taken(telling, f"notes-{number}.txt")
    await delivered(telling)
    await telling.pause(3600)
    await storage(telling).put("notes-99.txt", b"x", "")
    await taken(telling, "notes-99.txt")
    await delivered(telling)
    assert [event["subject"] for event in there.events] == ["notes-0.txt", "notes-99.txt"]


async def test_a_name_that_steers_a_terminal_is_written_out(
    telling: RunHarness, there: Receiver
) -> None:
    await storage(telling).put("m/a\x1b[2J\nb.txt", b"x", "")
    await taken(telling, "m/a\x1b[2J\nb.txt")
    await delivered(telling)
    assert there.events[0]["subject"] == r"m/a\u001b[2J\u000ab.txt"


async def test_a_ceiling_is_told_once_a_day_however_many_runs_wait(
    telling: RunHarness, there: Receiver
) -> None:
    with_settings(telling, daily_runs=1)
    await telling.until(await dropped(telling), Stage.SERVING)
    for name in ("two", "three"):
        other = RunHarness(telling.ctx, name, telling.service, telling.clock)
        await ticked(other, await dropped(other))
    await delivered(telling)
    budgets = [event for event in there.events if event["type"] == "dev.tunedrop.budget"]
    assert [event["subject"] for event in budgets] == ["TUNEDROP_DAILY_RUNS"]
    assert budgets[0]["data"]["model"] == "two"


async def test_an_end_of_a_base_model_is_told_when_it_comes_closer(there: Receiver) -> None:
    placed = PlacedRun()
    placed.clients.settings = replace(placed.clients.settings, webhook_url=there.url)
    await placed.version(base_model="gpt-4.1-nano-2025-04-14")
    for days in (340, 7, 1, 1):
        placed.wait(days=days)
        await retirements.sweep(placed.ctx)
    outbox = Outbox(placed.clients.runs)
    found = [one[0] for b in await outbox.waiting() if (one := await outbox.read(b.name))]
    levels = [(one.data["what"], one.data["level"]) for one in found]
    assert len(levels) == len(set(levels))
    assert ("deployments", "urgent") in levels
    assert ("deployments", "ended") in levels


async def test_a_champion_that_is_withdrawn_is_told_as_rolled_back(
    telling: RunHarness, there: Receiver
) -> None:
    """Its run was ended between its promotion and the record that says that it serves."""
    await telling.drop()
    await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    (run,) = await telling.runs()
    await delivered(telling)
    await telling.rewrite(run, stage=Stage.COMPARING)
    await telling.ledger.mark(run.id)
    await telling.until(await telling.command(run, Action.CANCEL), Stage.CANCELLED)
    await telling.until_inactive()
    await delivered(telling)
    by_kind = dict(zip(there.kinds(), there.events, strict=True))
    data = by_kind["model.rolled-back"]["data"]
    assert (data["version"], data["before"], data["cause"]) == (None, 1, "withdrawn")
