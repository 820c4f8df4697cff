"""Several versions that serve are deployed in another way at once: the ceiling holds for all."""

import asyncio
from datetime import date

import pytest

from shared.errors import NotNow
from shared.run.record import Run
from shared.run.spending import CHANGE, Hosted, Reservation, Spending, as_of, too_many_deployments
from shared.run.stages import Stage
from tests.support.deploying import DEVELOPER, asked, deployed, memory
from tests.support.limits import dropped, limited, spending
from tests.support.runs import RunHarness

HOSTING = 1224.0  # USD a month of one deployment
RESERVED = Reservation(
    run_id="m-1",
    attempt=CHANGE,
    model="m",
    day=date(2026, 11, 27),
    usd=0.0,
    hosting=30.0,
    job=False,
)


async def two_that_serve(harness: RunHarness) -> list[Run]:
    first = await harness.until(await dropped(harness, DEVELOPER, 10), Stage.SERVING)
    second = await harness.until(await dropped(harness, DEVELOPER, 11), Stage.SERVING)
    await harness.until_inactive()
    return [first, second]


async def changes(harness: RunHarness) -> list[Reservation]:
    return [r for r in (await spending(harness)).reservations if r.attempt == CHANGE]


async def test_two_changes_at_the_same_moment_do_not_share_the_last_deployment() -> None:
    harness = limited(hosting_budget=HOSTING)
    runs = await two_that_serve(harness)
    said = await asyncio.gather(
        *(asked(harness, run, sku="GlobalStandard") for run in runs), return_exceptions=True
    )
    refused = [one for one in said if isinstance(one, NotNow)]
    assert len(refused) == 1
    assert "TUNEDROP_HOSTING_BUDGET allows $1,224.00" in str(refused[0])
    skus = sorted(deployed(harness, run)[0] for run in runs)
    assert skus == ["DeveloperTier", "GlobalStandard"]
    assert await changes(harness) == []


async def test_a_change_that_azure_refuses_gives_its_place_back() -> None:
    harness = limited(hosting_budget=HOSTING)
    first, second = await two_that_serve(harness)
    memory(harness).unsupported_skus = ("Standard",)
    with pytest.raises(NotNow):
        await asked(harness, first, sku="Standard")
    assert await changes(harness) == []
    await asked(harness, second, sku="GlobalStandard")
    assert deployed(harness, second)[0] == "GlobalStandard"


def test_a_change_under_way_counts_once_and_as_the_dearer_of_both() -> None:
    today = RESERVED.day
    known = Spending(month=today.replace(day=1)).including(RESERVED)
    wanted = RESERVED.replace(run_id="m-2", attempt=1, hosting=10.0)
    for there, ceiling in (({}, 40.0), ({"m-1": 5.0}, 40.0), ({"m-1": 50.0}, 60.0)):
        for hosting_budget, fits in ((ceiling, True), (ceiling - 1, False)):
            limits = limited(hosting_budget=hosting_budget).ctx.settings
            failure = too_many_deployments(known, wanted, Hosted(there), limits)
            assert (failure is None) is fits


def test_a_change_that_a_crash_has_left_is_over_after_a_day() -> None:
    known = Spending(month=RESERVED.day.replace(day=1)).including(RESERVED)
    for days, kept in ((1, 1), (2, 0)):
        later = RESERVED.day.fromordinal(RESERVED.day.toordinal() + days)
        assert len(as_of(known, later).reservations) == kept
