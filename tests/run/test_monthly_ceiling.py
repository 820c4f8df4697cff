"""Before a month's hosting passes its ceiling, candidates and then idle models are to sleep; and
where that is not enough it is said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.cloud.deployments import Deployment
from shared.model.history import Decision
from shared.model.hosting import Removal, Rules, Situation, Why
from shared.model.registry import Model
from shared.run import monthly_ceiling
from tests.support.limits import limited, with_settings
from tests.support.receiver import Receiver, delivered, there, told
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY
from tests.support.tended import Tended
from tests.support.versions import version

__all__ = ["there"]

HOUR = timedelta(hours=1)
LEFT = 28.5 * 24  # hours of the November that a harness begins in
EACH = 1.7 * LEFT  # USD that one deployment costs until its end
RULES = Rules(warm=24 * HOUR, undecided=24 * 7 * HOUR, spare=1)


class Account:
    """Models whose versions are all deployed."""

    def __init__(self, harness: RunHarness) -> None:
        self.harness = harness
        self.used: dict[tuple[str, int], timedelta] = {}  # ago

    async def add(self, name: str, versions: int = 1, sku: str = "Standard", **known: str) -> None:
        """The first version is the champion; those after it are candidates."""
        registry, at = self.harness.ctx.registry, self.harness.ctx.now()
        for number in range(1, versions + 1):
            made = version(f"{name}-{number}", number).replace(sku=sku, created_at=at, **known)
            await registry.add_version(name, made)
            await registry.note_hosted(name, number, at)
            if number == 1:
                await registry.promote(name, 1, Decision(at))

    async def models(self) -> list[Model]:
        return await self.harness.ctx.registry.all()

    async def situation(self) -> Situation:
        now = self.harness.ctx.now()
        there = {
            version.deployment: Deployment(
                version.deployment, version.fine_tuned_model, "Succeeded"
            )
            for model in await self.models()
            for version in model.versions
            if version.is_hosted
        }
        used = {name: now - ago for name, ago in self.used.items()}
        return Situation(now, RULES, used, there)

    async def due(self) -> list[Removal]:
        models, at = await self.models(), await self.situation()
        return await monthly_ceiling.due(models, at, (), self.harness.ctx)

    async def names(self) -> list[str]:
        return [f"{removal.model}@{removal.version.version}" for removal in await self.due()]


def account(ceiling: float) -> Account:
    return Account(limited(monthly_hosting_ceiling=ceiling, location="swedencentral"))


async def test_without_a_ceiling_nothing_is_asked() -> None:
    one = account(0.0)
    await one.add("a", versions=3)
    assert await one.names() == []
    assert await one.harness.ctx.clients.runs.info(monthly_ceiling.NAME) is None


async def test_candidates_go_first_then_idle_models_and_no_more_than_needed() -> None:
    one = account(0.0)
    await one.add("a", versions=2)
    await one.add("b", keep="on-demand")
    await one.add("c", keep="on-demand")
    await one.harness.pause((3 * HOUR).total_seconds())
    one.used = {("c", 1): HOUR / 2, ("a", 2): 2 * HOUR}
    for ceiling, expected in (
        (4 * EACH, []),
        (4 * EACH - 1, ["a@2"]),
        (3 * EACH + 5.2, ["a@2"]),  # three hours of it are spent
        (3 * EACH + 5.0, ["a@2", "b@1"]),
        (1.0, ["a@2", "b@1"]),  # of the others one is used, the other kept always
    ):
        with_settings(one.harness, monthly_hosting_ceiling=ceiling)
        assert await one.names() == expected, ceiling
    assert {removal.why for removal in await one.due()} == {Why.CEILING}


async def test_what_sleeps_by_now_is_not_chosen_once_more() -> None:
    one = account(2 * EACH)
    await one.add("a", versions=2)
    await one.add("b", keep="on-demand")
    await one.harness.pause((3 * HOUR).total_seconds())
    models, at, (first, *_) = await one.models(), await one.situation(), await one.due()
    assert (first.model, first.version.version) == ("a", 2)
    await one.harness.ctx.registry.note_unhosted("a", 2, at.now)
    (other,) = await monthly_ceiling.due(models, at, [first], one.harness.ctx)
    assert other.model == "b"


async def test_what_costs_nothing_by_the_hour_or_nobody_knows_what_does_not_sleep_for_it() -> None:
    one = account(1.0)
    await one.add("a", sku="DeveloperTier", keep="on-demand")
    await one.add("b", base_model="Qwen3-32B", keep="on-demand")
    await one.harness.pause((3 * HOUR).total_seconds())
    assert await one.names() == []


async def test_where_that_is_not_enough_it_is_said_once_a_month(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = account(EACH / 2)
    await one.add("a")
    for _ in range(3):
        assert await one.names() == []
        await one.harness.pause((3 * HOUR).total_seconds())
    (said,) = warnings(caplog)
    assert f"allows ${EACH / 2:,.2f}, which is passed at 2026-11-16" in said
    assert "What stays deployed is used, kept always or busy" in said
    await one.harness.pause((15 * 24 * HOUR).total_seconds())
    assert await one.names() == []
    assert "more than the" in warnings(caplog)[1], "it is passed"
    await one.harness.pause((20 * 24 * HOUR).total_seconds())
    assert await one.names() == []
    assert "in 2026-12 (UTC)" in warnings(caplog)[2]
    assert len(warnings(caplog)) == 3


async def test_it_is_said_anew_where_it_was_within_the_ceiling_meanwhile(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = account(EACH / 2)
    await one.add("a")
    for ceiling in (EACH / 2, 3 * EACH, EACH / 2):
        with_settings(one.harness, monthly_hosting_ceiling=ceiling)
        await one.names()
    assert len(warnings(caplog)) == 2


async def test_others_are_told_each_time_that_it_has_come_to_more_again(there: Receiver) -> None:
    """The second time of a month had the first one's id, which was told by then."""
    async with told(there) as harness:
        one = Account(harness)
        await one.add("a")
        for ceiling in (EACH / 2, 3 * EACH, EACH / 2, EACH / 2, 3 * EACH, EACH / 2):
            with_settings(one.harness, monthly_hosting_ceiling=ceiling, location="swedencentral")
            await one.names()
            await delivered(one.harness)
    assert there.kinds() == ["budget"] * 3


async def test_as_long_as_something_is_put_to_sleep_nothing_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = account(EACH / 2)
    await one.add("a", versions=2)
    assert await one.names() == ["a@2"]
    assert warnings(caplog) == []
    registry = one.harness.ctx.registry
    await registry.note_unhosted("a", 2, one.harness.ctx.now())
    assert await one.names() == []
    (said,) = warnings(caplog)
    assert f"comes to ${EACH:,.2f} by its end" in said, "of what stays"


async def test_a_record_of_what_was_said_that_cannot_be_read_is_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = account(EACH / 2)
    await one.add("a")
    await one.harness.ctx.clients.runs.put(monthly_ceiling.NAME, b"{", "application/json")
    for _ in range(2):
        await one.names()
    assert len([said for said in warnings(caplog) if "allows" in said]) == 1


async def test_others_are_told_once_however_often_the_app_dies(there: Receiver) -> None:
    async with told(there, monthly_hosting_ceiling=1.0) as harness:
        one = Account(harness)
        await one.add("a")
        for _ in range(2):
            await one.names()
            await harness.ctx.clients.runs.delete(monthly_ceiling.NAME)  # it died before that
            await harness.pause(60)
        await delivered(harness)
        assert there.kinds() == ["budget"]
        (event,) = there.events
        assert event["subject"] == "TUNEDROP_MONTHLY_HOSTING_CEILING"
        assert "allows $1.00" in event["data"]["message"]


async def test_a_held_version_sleeps_before_the_month_passes_its_ceiling() -> None:
    settings = replace(IN_MEMORY, monthly_hosting_ceiling=1.5 * EACH, promote="manual")
    tended = Tended.in_memory(settings)
    await tended.look()
    first = await tended.dropped(10)
    await tended.harness.ctx.registry.promote("captain", 1, Decision(tended.harness.ctx.now()))
    await tended.look(7)
    assert tended.deployed() == ["captain-v1"]
    held = await tended.dropped(11)
    assert (first.version, held.version) == (1, 2)
    await tended.look(7)
    assert tended.deployed() == ["captain-v1"], "the champion is kept"
    (told,) = [m for m in await tended.harness.messages(held, "deployment") if "sleeps" in m]
    assert "the month would pass TUNEDROP_MONTHLY_HOSTING_CEILING" in told


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
