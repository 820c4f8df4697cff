"""A price that is not known: who says what becomes of a run then, and what it is part of."""

from dataclasses import replace

import pytest

from shared.errors import DropError
from shared.run import ceilings
from shared.run.spec import Spec, effective
from shared.run.stages import Stage
from tests.support.limits import dropped, limited, spending, ticked, with_settings
from tests.support.settings import SETTINGS

ACCEPTING = replace(SETTINGS, unknown_price="accept")
QWEN = b"base_model: Qwen3-32B\n"  # no meter has its price


def test_the_apps_setting_counts_unless_run_yaml_says_otherwise() -> None:
    assert effective(None, SETTINGS).unknown_price == "refuse"
    assert effective(None, ACCEPTING).unknown_price == "accept"
    assert effective(b"unknown_price: accept", SETTINGS).unknown_price == "accept"
    assert effective(b"unknown_price: refuse", ACCEPTING).unknown_price == "refuse"
    with pytest.raises(DropError, match="unknown_price is 'ask'"):
        effective(b"unknown_price: ask", SETTINGS)


def test_a_run_as_there_always_was_has_the_digest_that_it_always_had() -> None:
    """It stands in the record only where it is not what it was before there was a choice."""
    always = effective(None, SETTINGS).model_dump_json()
    assert "unknown_price" not in always
    assert Spec.model_validate_json(always).unknown_price == "refuse"
    accepting = effective(b"unknown_price: accept", SETTINGS).model_dump_json()
    assert Spec.model_validate_json(accepting).unknown_price == "accept"


async def test_a_run_of_unknown_price_is_rejected_under_its_own_budget_unless_it_accepts() -> None:
    harness = limited()
    run = await ticked(harness, await dropped(harness, QWEN + b"budget: 5"))
    assert run.stage is Stage.REJECTED
    assert run.failure
    assert "budget-unknown" in run.failure.message
    accepted = await dropped(harness, QWEN + b"budget: 5\nunknown_price: accept")
    assert accepted.id == run.id  # it was not paid for, and takes the new limits
    accepted = await ticked(harness, accepted)
    assert accepted.stage is not Stage.REJECTED
    assert accepted.predicted
    assert accepted.predicted.usd is None


async def test_run_yaml_lifts_no_ceiling_of_the_app() -> None:
    harness = limited(budget=5.0)
    run = await ticked(harness, await dropped(harness, QWEN + b"unknown_price: accept"))
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "TUNEDROP_BUDGET allows $5.00" in run.failure.message
    assert not harness.service.uploads(0)


@pytest.mark.parametrize("ceiling", ["hosting_budget", "monthly_hosting_ceiling"])
async def test_hosting_of_unknown_price_is_refused_before_anything_is_sent(ceiling: str) -> None:
    harness = limited(**{ceiling: 10_000.0})
    run = await ticked(harness, await dropped(harness, QWEN))
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "No price is known for hosting" in run.failure.message
    assert f"TUNEDROP_{ceiling.upper()} allows $10,000.00" in run.failure.message
    assert not harness.service.uploads(0)
    accepting = limited(**{ceiling: 10_000.0, "unknown_price": "accept"})
    await ticked(accepting, await dropped(accepting, QWEN))
    assert accepting.service.uploads(0)


async def test_what_serves_is_not_changed_to_a_sku_of_unknown_price_under_the_months_ceiling() -> (
    None
):
    harness = limited(monthly_hosting_ceiling=10_000.0)
    run = await harness.until(await dropped(harness), Stage.SERVING)
    with_settings(harness, unknown_price="refuse")
    assert await ceilings.reserve_change(run, harness.ctx) is None
    await ceilings.give_back_change(run, harness.ctx)
    unknown = run.replace(spec=run.spec.model_copy(update={"base_model": "Qwen3-32B"}))
    failure = await ceilings.reserve_change(unknown, harness.ctx)
    assert failure
    assert "No price is known" in failure.message
    assert [(r.run_id, r.attempt) for r in (await spending(harness)).reservations if r.open] == []


@pytest.mark.parametrize(
    ("run_yaml", "month"), [(b"base_model: gpt-oss-20b", 216.0), (b"", 1224.0)]
)
async def test_hosting_counts_by_model(run_yaml: bytes, month: float) -> None:
    for ceiling, refused in ((month, False), (month - 1, True)):
        harness = limited(hosting_budget=ceiling)
        run = await ticked(harness, await dropped(harness, run_yaml))
        told = run.failure.message if run.failure else ""
        assert ("TUNEDROP_HOSTING_BUDGET" in told) is refused
        assert (f"would cost ${month:,.2f} a month" in told) is refused
