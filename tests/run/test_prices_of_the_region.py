"""Ceilings, bills and orphans count the prices of the region that the account tells."""

from shared.run import jobs
from shared.run.stages import Stage
from tests.support.deploying import memory
from tests.support.limits import dropped, limited, spending, ticked
from tests.support.offered import offers

MINI = b"base_model: gpt-4o-mini-2024-07-18\ndeployment: {sku: Standard}\n"


async def test_the_ceiling_of_hosting_counts_the_price_of_the_accounts_region() -> None:
    """1,224 USD a month in Sweden, 1,468.80 in the dearest region; no setting names it."""
    harness = limited(hosting_budget=1300.0)
    memory(harness).offers = offers(location="swedencentral")
    run = await harness.until(await dropped(harness, MINI), Stage.SERVING)
    assert [r.hosting for r in (await spending(harness)).reservations] == [1224.0]
    assert harness.ctx.region == "swedencentral"
    assert jobs.cost(run, harness.ctx) > 0


async def test_the_setting_comes_first_and_without_any_region_the_dearest_price_counts() -> None:
    harness = limited(hosting_budget=1300.0)
    run = await ticked(harness, await dropped(harness, MINI))
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "$1,468.80" in run.failure.message
    other = limited(location="northcentralus")
    memory(other).offers = offers(location="swedencentral")
    await other.ctx.clients.account.offers()
    assert other.ctx.region == "northcentralus"
