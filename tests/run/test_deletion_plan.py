"""The plan of a deletion: what goes with its price, what stays; only what was confirmed goes."""

import pytest

from shared.errors import NotNow
from shared.model.deletion import Deletions
from shared.model.month import Month
from shared.run import costing, deletion_plan, deletions
from shared.run.deletion_plan import Target
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.deleting import items, left, order, planned, until_gone
from tests.support.limits import with_settings
from tests.support.served import Versions
from tests.support.service_parts import StoredDeployment


async def test_the_plan_names_all_that_goes_with_its_price_and_all_that_stays() -> None:
    made = await Versions.serving(2, b"deployment: {sku: Standard}\n")
    plan = await planned(made, Target("captain"))
    assert items(plan, "version") == ["captain@1", "captain@2"]
    assert sorted(items(plan, "run")) == sorted(run.id for run in made.runs.values())
    assert items(plan, "deployment") == ["captain-v1", "captain-v2"]
    prices = [item.usd for item in plan.goes if item.what == "deployment"]
    assert all(price and price > 1_000 for price in prices)
    assert "$1,2" in next(item.note for item in plan.goes if item.name == "captain-v1")
    assert len(items(plan, "fine-tuned model")) == 2
    assert items(plan, "dataset") == []
    stays = {(item.what, item.name) for item in plan.stays}
    assert ("dataset", "captain/training.jsonl") in stays
    assert ("job", str(made.runs[1].job_id)) in stays
    assert any("trained and paid for again" in said for said in plan.then)
    assert await left(made) != []  # a plan deletes nothing
    assert (await made.model()).deleting is None


async def test_what_has_changed_since_the_plan_is_looked_at_again() -> None:
    made = await Versions.serving(1)
    plan = await planned(made, Target("captain"))
    await made.train()
    with pytest.raises(NotNow, match="is not as in the plan"):
        await deletions.give(Target("captain"), False, plan.digest, "Ada", "", made.ctx)
    assert (await made.model()).deleting is None
    assert await Deletions(made.ctx.clients.models).all() == []
    plan = await planned(made, Target("captain"))
    await made.remembers("chatcmpl-2")  # what comes by itself changes no plan
    _, entered = await deletions.give(Target("captain"), False, plan.digest, "Ada", "", made.ctx)
    assert entered


async def test_the_plan_names_who_trains_on_what_goes_and_no_table_that_is_gone() -> None:
    made = await Versions.serving(1)
    assert "results.csv" not in items(await planned(made, Target("captain")), "file at the service")
    tuned = str(made.runs[1].fine_tuned_model)
    with_settings(made.harness, continue_from=("*",))
    made.service.configure(step_seconds=600)
    await made.harness.drop(f"base_model: {tuned}\n".encode(), "run.yaml")
    await made.harness.drop(dataset(10, voice="another"))
    run = await made.harness.until(await made.harness.received(), Stage.TRAINING)
    plan = await planned(made, await deletion_plan.target_of_model("captain", 1, made.ctx))
    assert f"The run {run.id} trains on {tuned}, which goes: it may fail." in plan.then
    whole = await planned(made, Target("captain"))
    assert not any("may fail" in said for said in whole.then), "it goes as well"


async def test_what_is_not_ours_stays_and_keeps_its_model() -> None:
    made = await Versions.serving(1)
    now = made.clock.now()
    tuned = str(made.runs[1].fine_tuned_model)
    made.service.deployed["theirs"] = StoredDeployment("theirs", tuned, now, now, None)
    plan = await planned(made, Target("captain"))
    assert items(plan, "fine-tuned model") == []
    assert {("deployment", "theirs"), ("fine-tuned model", tuned)} <= {
        (item.what, item.name) for item in plan.stays
    }
    await order(made, Target("captain"))
    await until_gone(made)
    assert await left(made) == ["theirs", tuned]


async def test_what_was_paid_for_counts_in_its_month_whatever_is_deleted() -> None:
    made = await Versions.serving(2, b"deployment: {sku: Standard}\n")
    month = Month.of(made.clock.now())
    made.clock.advance(3 * 3600)
    before = await costing.costs(month, made.ctx)
    assert before.hosted.usd > 5
    assert before.trained.usd > 0
    await order(made, await deletion_plan.target_of_model("captain", 1, made.ctx))
    await until_gone(made)
    after = await costing.costs(month, made.ctx)
    assert after.trained == before.trained
    assert after.hosted.usd >= before.hosted.usd
    await order(made, Target("captain"))
    await until_gone(made)
    gone = await costing.costs(month, made.ctx, "captain")
    assert gone.trained == before.trained
    assert gone.hosted.usd >= after.hosted.usd
    assert gone.per_hour.usd == 0
    made.clock.advance(24 * 3600)
    assert (await costing.costs(month, made.ctx, "captain")).hosted == gone.hosted
